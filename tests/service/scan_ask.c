/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_ask ADDRESS SECONDS THREADS COUNT FILE... - asks a scanner by the
 * milter's own client about files, and prints for each what came out.
 * THREADS ask at once, COUNT times each; with COUNT 1 and one thread the
 * answers stand in the order of the files.  A file "-" is none: a line from
 * standard input is waited for.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "milter/scan_client.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

static struct {
	struct scan_client *client;
	int64_t timeout_ms;
	uint64_t count;
	char **files;
	int file_count;
} ask;

static void
ask_file(const char *path)
{
	static const char *const names[] = { [SCAN_CLEAN] = "clean",
		[SCAN_INFECTED] = "infected",
		[SCAN_UNSCANNABLE] = "unscannable" };
	struct scan_verdict v = { .result = SCAN_CLEAN };
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = ERR_NOTFOUND;
	int64_t began_us = clock_mono_us();

	if (strcmp(path, "-") == 0) {
		while (getchar() != '\n' && !feof(stdin))
			;
		return;
	}
	if (fd >= 0 && fstat(fd, &st) == 0)
		rc = scan_client_scan(ask.client, fd, (size_t)st.st_size,
		    clock_deadline_ms(ask.timeout_ms), &v);
	printf("%s %.1f %s\n", rc < 0 ? "failed" : names[v.result],
	    (double)(clock_mono_us() - began_us) / 1000,
	    rc < 0 ? err_text(rc) : v.name);
	(void)fflush(stdout);
	if (fd >= 0)
		(void)close(fd);
}

static void *
run(void *ctx)
{
	(void)ctx;
	for (uint64_t i = 0; i < ask.count; i++)
		for (int n = 0; n < ask.file_count; n++)
			ask_file(ask.files[n]);
	return NULL;
}

int
main(int argc, char *argv[])
{
	pthread_t ids[256];
	uint64_t seconds, threads;

	if (argc < 6 ||
	    number_parse(slice_of(argv[2]), 1, 3600, &seconds) < 0 ||
	    number_parse(slice_of(argv[3]), 1, 256, &threads) < 0 ||
	    number_parse(slice_of(argv[4]), 1, 1000000, &ask.count) < 0 ||
	    scan_client_new(argv[1], &ask.client) < 0)
		return 64;
	ask.timeout_ms = (int64_t)seconds * 1000;
	ask.files = argv + 5;
	ask.file_count = argc - 5;
	for (uint64_t i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, run, NULL) != 0)
			return 71;
	for (uint64_t i = 0; i < threads; i++)
		(void)pthread_join(ids[i], NULL);
	scan_client_free(ask.client);
	return 0;
}
