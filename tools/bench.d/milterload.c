/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * milterload: load for a milter, as Postfix makes it (protocol version 6):
 * connections that stay, a message under way on each.
 *
 * usage: milterload [-c CONNECTIONS] [-n MESSAGES] [-s BODY_OCTETS]
 *        [-w WARM] [-f FROM] [-r] unix:PATH|inet:HOST:PORT
 *
 * -r: a new connection for each message, as Postfix makes them for clients
 * that send one message a session.  A latency counts from MAIL to the verdict.
 * Messages differ in queue id, Message-ID and body.  Prints one line of JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/number.h"

#define CHUNK 65535 /* of a body, as the protocol has it */
#define OUT_MAX (1024 * 1024)
#define REPLY_MAX (64 * 1024)
#define CLIENTS_MAX 1000

/* Protocol steps that the milter does without, or does not answer. */
enum {
	NO_CONNECT = 0x1,
	NO_HELO = 0x2,
	NO_MAIL = 0x4,
	NO_RCPT = 0x8,
	NO_BODY = 0x10,
	NO_HEADERS = 0x20,
	NO_EOH = 0x40,
	NO_DATA = 0x200,
	QUIET_HEADER = 0x80,
	QUIET_CONNECT = 0x1000,
	QUIET_HELO = 0x2000,
	QUIET_MAIL = 0x4000,
	QUIET_RCPT = 0x8000,
	QUIET_DATA = 0x10000,
	QUIET_EOH = 0x40000,
	QUIET_BODY = 0x80000,
	ALL_STEPS = 0x1fffff
};

static struct {
	const char *address, *from;
	uint64_t connections, messages, body, warm;
	bool reconnect;
} options = { .from = "news@shop.test",
	.connections = 4,
	.messages = 2000,
	.body = 4096,
	.warm = 50 };

struct client {
	pthread_t thread;
	unsigned number;
	int fd;
	uint32_t steps;
	struct buf out;
	char *body;
	uint64_t modified, accepted, refused;
};

static struct {
	struct client clients[CLIENTS_MAX];
	pthread_barrier_t ready;
	uint32_t *latency_us;
	uint64_t salt;
} run;

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t
now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
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

/* Without TCP_NODELAY, as Postfix has it: what waits, waits. */
static int
dial_inet(const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *colon = strrchr(address, ':');
	char host[INET_ADDRSTRLEN] = "";
	uint64_t port = 0;

	if (colon != NULL && (size_t)(colon - address) < sizeof(host))
		memcpy(host, address, (size_t)(colon - address));
	errno = EINVAL;
	if (colon == NULL || inet_pton(AF_INET, host, &to.sin_addr) != 1 ||
	    number_parse(slice_of(colon + 1), 1, 65535, &port) < 0)
		fail(address);
	to.sin_port = htons((uint16_t)port);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail(address);
	return fd;
}

static int
dial(const char *address)
{
	return strncmp(address, "unix:", 5) == 0 ? dial_unix(address + 5)
						 : dial_inet(address + 5);
}

static void
flush(struct client *c)
{
	struct slice left = buf_slice(&c->out);

	if (c->out.rc < 0) {
		(void)fprintf(stderr, "too much for one packet\n");
		exit(1);
	}
	while (left.len > 0) {
		ssize_t n = write(c->fd, left.at, left.len);

		if (n <= 0)
			fail("write");
		left = slice_skip(left, (size_t)n);
	}
	buf_clear(&c->out);
}

static void
receive(struct client *c, char *to, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = read(c->fd, to + got, len - got);

		if (n <= 0)
			fail("read");
		got += (size_t)n;
	}
}

/* The letter of the next reply; its text is put to room. */
static char
reply(struct client *c, char room[REPLY_MAX], size_t *ret_len)
{
	uint32_t len;

	receive(c, (char *)&len, sizeof(len));
	len = ntohl(len);
	if (len == 0 || len > REPLY_MAX) {
		(void)fprintf(stderr, "reply of %u octets\n", len);
		exit(1);
	}
	receive(c, room, len);
	*ret_len = len;
	return room[0];
}

static void
add_packet(struct client *c, char command, struct slice data)
{
	uint32_t len = htonl((uint32_t)data.len + 1);

	(void)buf_add(&c->out, &len, sizeof(len));
	(void)buf_add_char(&c->out, command);
	(void)buf_add_slice(&c->out, data);
}

/* One command: left out or not answered where the milter said so. */
static void
tell(struct client *c, uint32_t left_out, uint32_t quiet, char command,
    struct slice data)
{
	char room[REPLY_MAX];
	size_t len;

	if ((c->steps & left_out) != 0)
		return;
	add_packet(c, command, data);
	if ((c->steps & quiet) != 0)
		return;
	flush(c);
	(void)reply(c, room, &len);
}

static void
negotiate(struct client *c)
{
	uint32_t offer[3] = { htonl(6), htonl(0x1ff), htonl(ALL_STEPS) };
	char room[REPLY_MAX];
	size_t len;

	add_packet(c, 'O', (struct slice){ (char *)offer, sizeof(offer) });
	flush(c);
	if (reply(c, room, &len) != 'O' || len < 13) {
		(void)fprintf(stderr, "the milter does not negotiate\n");
		exit(1);
	}
	memcpy(&c->steps, room + 9, sizeof(c->steps));
	c->steps = ntohl(c->steps);
}

static void
open_session(struct client *c)
{
	static const char macros[] = "Cj\0mx.example.com\0{daemon_port}\0"
				     "25";
	static const char peer[] = "app.example.com\0004\x9c\x40"
				   "127.0.0.1";
	static const char helo[] = "app.example.com";

	c->fd = dial(options.address);
	negotiate(c);
	add_packet(c, 'D', (struct slice){ macros, sizeof(macros) });
	tell(c, NO_CONNECT, QUIET_CONNECT, 'C',
	    (struct slice){ peer, sizeof(peer) });
	tell(c, NO_HELO, QUIET_HELO, 'H', (struct slice){ helo, sizeof(helo) });
}

static void
tell_header(struct client *c, const char *id)
{
	const char *const fields[][2] = {
		{ "Received", " from web.internal (web.internal [10.0.2.14])\n"
			      "\tby app.example.com (x) with ESMTP id 1;\n"
			      "\tMon, 23 Nov 2026 05:00:00 +0000" },
		{ "From", options.from },
		{ "To", "user@example.org" },
		{ "Subject", "Your order has been sent" },
		{ "Date", "Mon, 23 Nov 2026 05:00:00 +0000" },
		{ "Message-ID", id },
		{ "MIME-Version", "1.0" },
		{ "Content-Type", "text/plain; charset=utf-8" },
		{ "X-Mailer", "milterload" },
	};
	char text[512];

	if ((c->steps & NO_HEADERS) != 0)
		return;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		int n = snprintf(text, sizeof(text), "%s%c%s", fields[i][0],
		    '\0', fields[i][1]);

		tell(c, 0, QUIET_HEADER, 'L',
		    (struct slice){ text, (size_t)n + 1 });
	}
}

static void
tell_message(struct client *c, uint64_t n)
{
	char id[32], text[300];
	int len = snprintf(id, sizeof(id), "%02x%010llx", c->number,
	    (unsigned long long)(run.salt + n));

	len = snprintf(text, sizeof(text), "Mi%c%s", '\0', id);
	add_packet(c, 'D', (struct slice){ text, (size_t)len + 1 });
	len = snprintf(text, sizeof(text), "<%s>", options.from);
	tell(c, NO_MAIL, QUIET_MAIL, 'M',
	    (struct slice){ text, (size_t)len + 1 });
	len = snprintf(text, sizeof(text), "R{rcpt_mailer}%csmtp", '\0');
	add_packet(c, 'D', (struct slice){ text, (size_t)len + 1 });
	len = snprintf(text, sizeof(text), "<user%s@example.org>", id);
	tell(c, NO_RCPT, QUIET_RCPT, 'R',
	    (struct slice){ text, (size_t)len + 1 });
	tell(c, NO_DATA, QUIET_DATA, 'T', (struct slice){ "", 0 });
	(void)snprintf(text, sizeof(text), "<%s@example.com>", id);
	tell_header(c, text);
	tell(c, NO_EOH, QUIET_EOH, 'N', (struct slice){ "", 0 });
	memcpy(c->body, id, 12);
	for (size_t at = 0; at < options.body; at += CHUNK) {
		size_t left = options.body - at;

		tell(c, NO_BODY, QUIET_BODY, 'B',
		    (struct slice){ c->body + at,
			left < CHUNK ? left : CHUNK });
		if (buf_slice(&c->out).len > OUT_MAX / 2)
			flush(c);
	}
}

/* The edits, and the verdict behind them. */
static void
take_verdict(struct client *c)
{
	char room[REPLY_MAX], letter;
	bool modified = false;
	size_t len;

	add_packet(c, 'E', (struct slice){ "", 0 });
	flush(c);
	while ((letter = reply(c, room, &len)) != '\0' &&
	       strchr("acrtdy", letter) == NULL)
		modified = modified || letter != 'p';
	c->modified += modified;
	if (letter == 'a' || letter == 'c')
		c->accepted++;
	else
		c->refused++;
	add_packet(c, 'A', (struct slice){ "", 0 });
}

static void
close_session(struct client *c)
{
	add_packet(c, 'Q', (struct slice){ "", 0 });
	flush(c);
	(void)close(c->fd);
}

static void *
client_run(void *ctx)
{
	struct client *c = ctx;
	uint64_t each = options.messages / options.connections;
	uint64_t first = c->number * each;

	open_session(c);
	for (uint64_t n = 0; n < options.warm + each; n++) {
		if (n == options.warm) {
			c->modified = c->accepted = c->refused = 0;
			(void)pthread_barrier_wait(&run.ready);
		}

		int64_t began = now_us();

		if (options.reconnect && n > 0) {
			close_session(c);
			open_session(c);
		}
		tell_message(c, n);
		take_verdict(c);
		if (n >= options.warm)
			run.latency_us[first + n - options.warm] =
			    (uint32_t)(now_us() - began);
	}
	close_session(c);
	return NULL;
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
print(int64_t took_us)
{
	uint64_t n = options.messages, modified = 0, accepted = 0, refused = 0;

	for (uint64_t i = 0; i < options.connections; i++) {
		modified += run.clients[i].modified;
		accepted += run.clients[i].accepted;
		refused += run.clients[i].refused;
	}
	qsort(run.latency_us, n, sizeof(run.latency_us[0]), compare);
	printf("{\"messages\": %llu, \"rate\": %.0f, \"p50_ms\": %.3f, "
	       "\"p99_ms\": %.3f, \"accepted\": %llu, \"modified\": %llu, "
	       "\"refused\": %llu}\n",
	    (unsigned long long)n, (double)n * 1e6 / (double)took_us,
	    run.latency_us[n / 2] / 1e3, run.latency_us[n * 99 / 100] / 1e3,
	    (unsigned long long)accepted, (unsigned long long)modified,
	    (unsigned long long)refused);
}

/* Lines of text; what is longer than asked for is cut. */
static char *
make_body(void)
{
	static const char line[] =
	    "The quick brown fox jumps over the lazy dog, as before.\r\n";
	size_t n = options.body;
	char *body = malloc(n + 1);

	if (body == NULL)
		fail("malloc");
	for (size_t i = 0; i < n; i++)
		body[i] = line[i % (sizeof(line) - 1)];
	memcpy(body + n - 2, "\r\n", 2);
	return body;
}

static void
start(void)
{
	options.messages -= options.messages % options.connections;
	run.latency_us = calloc(options.messages + 1, sizeof(*run.latency_us));
	run.salt = (uint64_t)now_us() << 8 & 0xffffffffff;
	if (run.latency_us == NULL ||
	    pthread_barrier_init(&run.ready, NULL,
		(unsigned)options.connections + 1) != 0)
		fail("start");
	for (unsigned i = 0; i < options.connections; i++) {
		struct client *c = &run.clients[i];

		c->number = i;
		c->body = make_body();
		buf_init(&c->out, OUT_MAX);
		if (pthread_create(&c->thread, NULL, client_run, c) != 0)
			fail("pthread_create");
	}
}

static void
parse_options(int argc, char *argv[])
{
	bool good = true;
	int letter;

	while ((letter = getopt(argc, argv, "c:f:n:rs:w:")) != -1) {
		uint64_t *to = letter == 'c'   ? &options.connections
			       : letter == 'n' ? &options.messages
			       : letter == 's' ? &options.body
			       : letter == 'w' ? &options.warm
					       : NULL;

		if (letter == 'r')
			options.reconnect = true;
		else if (letter == 'f')
			options.from = optarg;
		else if (to == NULL ||
			 number_parse(slice_of(optarg), letter == 'w' ? 0 : 1,
			     100000000, to) < 0)
			good = false;
	}
	if (!good || optind != argc - 1 ||
	    (strncmp(argv[optind], "unix:", 5) != 0 &&
		strncmp(argv[optind], "inet:", 5) != 0) ||
	    options.body < 64 || options.connections > CLIENTS_MAX ||
	    options.messages < options.connections) {
		(void)fprintf(stderr, "usage: milterload [-c CONNECTIONS] "
				      "[-n MESSAGES] [-s BODY_OCTETS] "
				      "[-w WARM] [-f FROM] [-r] "
				      "unix:PATH|inet:HOST:PORT\n");
		exit(2);
	}
	options.address = argv[optind];
}

int
main(int argc, char *argv[])
{
	parse_options(argc, argv);
	start();
	(void)pthread_barrier_wait(&run.ready);

	int64_t began = now_us();

	for (uint64_t i = 0; i < options.connections; i++)
		(void)pthread_join(run.clients[i].thread, NULL);
	print(now_us() - began);
	return 0;
}
