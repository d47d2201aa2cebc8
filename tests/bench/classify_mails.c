/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How fast mails that came back are read: the files named on standard input, in
 * memory, over and over.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "proto/bounce_mail.h"
#include "util/clock.h"
#include "util/read_all.h"

#define MAILS_MAX 100000
#define MAIL_MAX (64UL << 20)
#define ARENA_MAX (64UL << 20)

struct mail {
	char *name;
	struct slice text;
	int64_t slowest_ns, fastest_ns;
};
static struct mail mails[MAILS_MAX];

static size_t
load(void)
{
	static struct buf b;
	char *line = NULL;
	size_t room = 0, count = 0;
	ssize_t n;

	buf_init(&b, MAIL_MAX);
	while (count < MAILS_MAX && (n = getline(&line, &room, stdin)) > 0) {
		line[n - (line[n - 1] == '\n')] = '\0';
		int fd = open(line, O_RDONLY | O_CLOEXEC);

		buf_clear(&b);
		if (fd < 0 || read_all(fd, &b) < 0) {
			(void)fprintf(stderr, "%s: can not be read\n", line);
			exit(EXIT_FAILURE);
		}
		(void)close(fd);
		char *copy = malloc(b.len + 1);
		mails[count].name = strdup(line);
		if (copy == NULL || mails[count].name == NULL)
			exit(EXIT_FAILURE);
		memcpy(copy, buf_slice(&b).at, b.len);
		mails[count].text = (struct slice){ copy, b.len };
		mails[count++].fastest_ns = INT64_MAX;
	}
	free(line);
	buf_done(&b);
	return count;
}

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static long
peak_kb(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

int
main(int argc, char *argv[])
{
	unsigned long rounds = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	struct arena *arena = arena_new(ARENA_MAX);
	size_t count = load(), reports = 0, octets = 0, slow = 0;
	struct bounce_mail m;
	long first_kb = 0;

	if (arena == NULL || count == 0 || rounds == 0) {
		(void)fprintf(stderr, "usage: classify_mails MAILS <FILES\n");
		return EXIT_FAILURE;
	}
	int64_t begin = now_ns(), last = begin;
	for (unsigned long i = 0; i < rounds; i++) {
		struct mail *one = &mails[i % count];

		arena_reset(arena);
		if (bounce_mail_read(one->text, NULL, arena, &m) < 0)
			return EXIT_FAILURE;
		reports += m.count;
		octets += one->text.len;
		int64_t now = now_ns(), took = now - last;
		last = now;
		/* The machine may be busy: the fastest of a mail is its own. */
		if (took < one->fastest_ns)
			one->fastest_ns = took;
		if (i == count)
			first_kb = peak_kb();
	}
	for (size_t i = 0; i < count; i++)
		if (mails[i].fastest_ns != INT64_MAX &&
		    mails[i].fastest_ns > mails[slow].fastest_ns)
			slow = i;
	double s = (double)(last - begin) / 1e9;
	(void)printf("mails %lu\nseconds %.3f\nmails_per_second %.0f\n"
		     "mean_octets %.0f\nreports %zu\nfirst_kb %ld\n"
		     "peak_kb %ld\nslowest_us %.1f\nslowest_octets %zu\n"
		     "slowest %s\n",
	    rounds, s, (double)rounds / s, (double)octets / (double)rounds,
	    reports, first_kb, peak_kb(), (double)mails[slow].fastest_ns / 1e3,
	    mails[slow].text.len, mails[slow].name);
	arena_free(arena);
	return EXIT_SUCCESS;
}
