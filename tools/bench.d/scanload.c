/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scanload -c CONNECTIONS -n MESSAGES | -T SECONDS [-p] ADDRESS FILE... -
 * load on a scanner by the milter's own client: each thread takes the next
 * file, writes it into a memfd with "@@@@@@@@@@@@" replaced by a number of its
 * own, and asks.  Prints one line of JSON.
 * -p  a line "SECONDS MILLISECONDS RESULT" for each message before that
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "milter/scan_client.h"
#include "util/clock.h"
#include "util/number.h"

#define MARK "@@@@@@@@@@@@"
#define FILES_MAX 1000
#define SAMPLES_MAX 4000000
#define TIMEOUT_MS 60000

struct file {
	char *at;
	size_t len;
};
struct sample {
	float at_s, took_ms;
	int result; /* enum scan_result, or < 0 */
};

static struct {
	struct scan_client *client;
	struct file files[FILES_MAX];
	size_t file_count;
	uint64_t connections, messages, seconds;
	bool print;
	_Atomic uint64_t next;
	int64_t began_us;
	struct sample *samples;
} load;

static int
make_memfd(const struct file *f, uint64_t number)
{
	char *copy = malloc(f->len), *at = copy, text[sizeof(MARK)];
	int fd = memfd_create("load", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (copy == NULL || fd < 0)
		exit(71);
	memcpy(copy, f->at, f->len);
	(void)snprintf(text, sizeof(text), "%06llx%06llx",
	    (unsigned long long)(load.began_us & 0xffffff),
	    (unsigned long long)(number & 0xffffff));
	while ((at = memmem(at, f->len - (size_t)(at - copy), MARK,
		    sizeof(MARK) - 1)) != NULL)
		memcpy(at, text, sizeof(MARK) - 1);
	if (write(fd, copy, f->len) != (ssize_t)f->len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) <
		0)
		exit(71);
	free(copy);
	return fd;
}

static void
one(uint64_t number)
{
	const struct file *f = &load.files[number % load.file_count];
	struct sample *s = &load.samples[number];
	struct scan_verdict v;
	int fd = make_memfd(f, number);
	int64_t began_us = clock_mono_us();
	int rc = scan_client_scan(load.client, fd, f->len,
	    began_us + TIMEOUT_MS * 1000, &v);

	s->took_ms = (float)(clock_mono_us() - began_us) / 1000;
	s->at_s = (float)(began_us - load.began_us) / 1000000;
	s->result = rc < 0 ? rc : (int)v.result;
	(void)close(fd);
}

static void *
run(void *ctx)
{
	(void)ctx;
	for (;;) {
		uint64_t n = load.next++;

		if (n >= (load.messages > 0 ? load.messages : SAMPLES_MAX) ||
		    (load.seconds > 0 && clock_mono_us() - load.began_us >
					     (int64_t)load.seconds * 1000000)) {
			load.next--;
			return NULL;
		}
		one(n);
	}
}

static int
by_time(const void *a, const void *b)
{
	float x = ((const struct sample *)a)->took_ms,
	      y = ((const struct sample *)b)->took_ms;

	return (x > y) - (x < y);
}

static void
report(size_t n, double elapsed_s)
{
	unsigned long clean = 0, infected = 0, unscannable = 0, failed = 0;
	struct rusage own;

	for (size_t i = 0; i < n; i++) {
		const struct sample *s = &load.samples[i];

		if (load.print)
			printf("%.3f %.3f %d\n", (double)s->at_s,
			    (double)s->took_ms, s->result);
		clean += s->result == SCAN_CLEAN;
		infected += s->result == SCAN_INFECTED;
		unscannable += s->result == SCAN_UNSCANNABLE;
		failed += s->result < 0;
	}
	qsort(load.samples, n, sizeof(load.samples[0]), by_time);
	(void)getrusage(RUSAGE_SELF, &own);
	double cpu =
	    (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
	    (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1000000;
	printf("{\"messages\": %zu, \"rate\": %.1f, \"p50_ms\": %.3f, "
	       "\"p99_ms\": %.3f, \"max_ms\": %.3f, \"clean\": %lu, "
	       "\"infected\": %lu, \"unscannable\": %lu, \"failed\": %lu, "
	       "\"client_cpu\": %.3f}\n",
	    n, (double)n / elapsed_s, (double)load.samples[n / 2].took_ms,
	    (double)load.samples[n * 99 / 100].took_ms,
	    (double)load.samples[n - 1].took_ms, clean, infected, unscannable,
	    failed, cpu);
}

static void
read_file(const char *path)
{
	struct file *f = &load.files[load.file_count++];
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0) {
		perror(path);
		exit(66);
	}
	f->len = (size_t)st.st_size;
	f->at = malloc(f->len + 1);
	if (f->at == NULL || read(fd, f->at, f->len) != (ssize_t)f->len)
		exit(71);
	(void)close(fd);
}

static int
usage(void)
{
	fprintf(stderr, "usage: scanload -c CONNECTIONS -n MESSAGES | "
			"-T SECONDS [-p] ADDRESS FILE...\n");
	return 64;
}

int
main(int argc, char *argv[])
{
	pthread_t ids[256];
	int c;

	load.connections = 1;
	while ((c = getopt(argc, argv, "c:n:pT:")) != -1) {
		uint64_t *to = c == 'c'   ? &load.connections
			       : c == 'n' ? &load.messages
			       : c == 'T' ? &load.seconds
					  : NULL;

		if (c == 'p')
			load.print = true;
		else if (to == NULL ||
			 number_parse(slice_of(optarg), 1,
			     c == 'c' ? 256 : SAMPLES_MAX, to) < 0)
			return usage();
	}
	if (argc - optind < 2 || argc - optind > FILES_MAX ||
	    (load.messages == 0 && load.seconds == 0) ||
	    scan_client_new(argv[optind], &load.client) < 0)
		return usage();
	for (int i = optind + 1; i < argc; i++)
		read_file(argv[i]);
	load.samples = calloc(SAMPLES_MAX, sizeof(load.samples[0]));
	if (load.samples == NULL)
		return 71;
	load.began_us = clock_mono_us();
	for (uint64_t i = 0; i < load.connections; i++)
		if (pthread_create(&ids[i], NULL, run, NULL) != 0)
			return 71;
	for (uint64_t i = 0; i < load.connections; i++)
		(void)pthread_join(ids[i], NULL);
	report(load.next, (double)(clock_mono_us() - load.began_us) / 1000000);
	return 0;
}
