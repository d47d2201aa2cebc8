/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mapload: load for a server of socketmap tables, as trivial-rewrite and smtp
 * processes make it: connections that stay, one look-up under way on each.
 *
 * usage: mapload [-c CONNECTIONS] [-n LOOKUPS] [-r RATE] [-d DOMAINS]
 *        [-w WARM] [-t TABLE] unix:PATH
 *
 * Keys are user@dN.load.test, with N below DOMAINS, in turn.  Without -r each
 * connection asks again as soon as it was answered.  With it look-ups are due
 * at a steady rate, whatever the server does, and a latency counts from when
 * the look-up was due.  Prints one line of JSON, with its own CPU seconds.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "util/number.h"

#define WORDS_MAX 16
#define NS_PER_S INT64_C(1000000000)

struct client {
	int fd;
	int64_t due_ns; /* of the request under way */
	size_t len;
	char answer[1024];
	struct client *next_free;
};

static struct {
	const char *address, *table;
	uint64_t connections, requests, rate, domains, warm;
} options = { .table = "transport",
	.connections = 10,
	.requests = 500000,
	.domains = 1000,
	.warm = 1000 };

static struct {
	struct client *clients, *free;
	int epoll;
	uint64_t sent, answered;
	int64_t start_ns, measured_ns;
	uint32_t *latency_us;
	struct {
		char word[24];
		uint64_t count;
	} words[WORDS_MAX];
} run;

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static int
dial_unix(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		fail(path);
	}
	memcpy(to.sun_path, path, strlen(path));
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail(path);
	return fd;
}

static int
dial(void)
{
	if (strncmp(options.address, "unix:", 5) == 0)
		return dial_unix(options.address + 5);
	errno = EINVAL;
	fail(options.address);
	return -1;
}

static void
ask(struct client *c, int64_t due_ns)
{
	char text[300], whole[320];
	unsigned long long i = run.sent++;
	int len = snprintf(text, sizeof(text), "%s user%llu@d%llu.load.test",
	    options.table, i, i * 7919 % options.domains);
	int n = snprintf(whole, sizeof(whole), "%d:%s,", len, text);

	c->due_ns = due_ns;
	c->len = 0;
	if (write(c->fd, whole, (size_t)n) != n)
		fail("write");
}

/* "LENGTH:WORD VALUE,": how many of each. */
static void
count_word(const struct client *c)
{
	const char *at = strchr(c->answer, ':');
	char word[24];
	size_t i = 0;

	if (at == NULL)
		return;
	at++;
	(void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(at, ",\""), at);
	while (i < WORDS_MAX - 1 && run.words[i].count > 0 &&
	       strcmp(run.words[i].word, word) != 0)
		i++;
	memcpy(run.words[i].word, word, sizeof(word));
	run.words[i].count++;
}

static void
measured(struct client *c)
{
	int64_t now = now_ns();

	if (++run.answered <= options.warm) {
		if (run.answered == options.warm)
			run.measured_ns = now;
		return;
	}
	run.latency_us[run.answered - options.warm - 1] =
	    (uint32_t)((now - c->due_ns) / 1000);
	count_word(c);
}

/* True when the answer is whole. */
static bool
read_answer(struct client *c)
{
	ssize_t n =
	    read(c->fd, c->answer + c->len, sizeof(c->answer) - 1 - c->len);

	if (n <= 0) {
		(void)fprintf(stderr, "connection closed after %llu answers\n",
		    (unsigned long long)run.answered);
		exit(1);
	}
	c->len += (size_t)n;
	c->answer[c->len] = '\0';
	return c->answer[c->len - 1] == ',';
}

/* When the next request is due, and whether one may leave now. */
static int64_t
next_due(void)
{
	if (options.rate == 0)
		return now_ns();
	return run.start_ns +
	       (int64_t)run.sent * NS_PER_S / (int64_t)options.rate;
}

static void
send_due(uint64_t total)
{
	while (run.free != NULL && run.sent < total) {
		struct client *c = run.free;
		int64_t due = next_due();

		if (due > now_ns())
			return;
		run.free = c->next_free;
		ask(c, due);
	}
}

static void
wait_answers(uint64_t total)
{
	struct epoll_event events[256];
	struct timespec wait = { 20, 0 };

	if (options.rate != 0 && run.free != NULL && run.sent < total) {
		int64_t left = next_due() - now_ns();

		wait = (struct timespec){ 0, left > 0 ? left : 0 };
	}
	int n = epoll_pwait2(run.epoll, events, 256, &wait, NULL);
	if (n < 0 && errno != EINTR)
		fail("epoll_pwait2");
	if (n == 0 && wait.tv_sec > 0) {
		(void)fprintf(stderr, "no answer in 20 s\n");
		exit(1);
	}
	for (int i = 0; i < n; i++) {
		struct client *c = events[i].data.ptr;

		if (!read_answer(c))
			continue;
		measured(c);
		c->next_free = run.free;
		run.free = c;
	}
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double
cpu_seconds(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
print(void)
{
	uint64_t n = options.requests;
	double seconds = (double)(now_ns() - run.measured_ns) / 1e9;

	qsort(run.latency_us, n, sizeof(run.latency_us[0]), compare);
	printf("{\"lookups\": %llu, \"seconds\": %.4f, \"rate\": %.0f, "
	       "\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"p999_ms\": %.3f, "
	       "\"max_ms\": %.3f, \"own_cpu\": %.3f, \"answers\": {",
	    (unsigned long long)n, seconds, (double)n / seconds,
	    run.latency_us[n / 2] / 1e3, run.latency_us[n * 99 / 100] / 1e3,
	    run.latency_us[n * 999 / 1000] / 1e3, run.latency_us[n - 1] / 1e3,
	    cpu_seconds());
	for (size_t i = 0; i < WORDS_MAX && run.words[i].count > 0; i++)
		printf("%s\"%s\": %llu", i > 0 ? ", " : "", run.words[i].word,
		    (unsigned long long)run.words[i].count);
	puts("}}");
}

static void
start(void)
{
	uint64_t n = options.connections;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}

	run.clients = calloc(n, sizeof(*run.clients));
	run.latency_us = calloc(options.requests, sizeof(*run.latency_us));
	run.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (run.clients == NULL || run.latency_us == NULL || run.epoll < 0)
		fail("start");
	for (uint64_t i = 0; i < n; i++) {
		struct client *c = &run.clients[i];
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

		c->fd = dial();
		if (epoll_ctl(run.epoll, EPOLL_CTL_ADD, c->fd, &e) < 0)
			fail("epoll_ctl");
		c->next_free = run.free;
		run.free = c;
	}
	run.start_ns = run.measured_ns = now_ns();
}

static void
parse_options(int argc, char *argv[])
{
	int letter;
	bool good = true;

	while ((letter = getopt(argc, argv, "c:d:n:r:t:w:")) != -1) {
		if (letter == 't') {
			options.table = optarg;
			continue;
		}
		uint64_t *to = letter == 'c'   ? &options.connections
			       : letter == 'n' ? &options.requests
			       : letter == 'r' ? &options.rate
			       : letter == 'd' ? &options.domains
			       : letter == 'w' ? &options.warm
					       : NULL;

		if (to == NULL || number_parse(slice_of(optarg),
				      letter == 'w' || letter == 'r' ? 0 : 1,
				      100000000, to) < 0)
			good = false;
	}
	if (!good || optind != argc - 1) {
		(void)fprintf(stderr, "usage: mapload [-c CONNECTIONS] "
				      "[-n LOOKUPS] [-r RATE] [-d DOMAINS] "
				      "[-w WARM] [-t TABLE] unix:PATH\n");
		exit(2);
	}
	options.address = argv[optind];
}

int
main(int argc, char *argv[])
{
	parse_options(argc, argv);
	start();
	uint64_t total = options.warm + options.requests;
	while (run.answered < total) {
		send_due(total);
		wait_answers(total);
	}
	print();
	return 0;
}
