/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_store memory [EVENTS] | hget [COUNT] - what the store costs
 * memory: octets in Redis for each event, everything included, after EVENTS
 * (half of them queued, half succeeded) were written by the real functions
 * hget: CPU time of this process for one pipelined look-up of a block
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "store/block_store.h"
#include "store/delivery_store.h"
#include "store/message_store.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"
#include "util/number.h"

#define BATCH 100 /* messages */
#define WINDOW 64 /* look-ups under way */

static struct store_fixture f;

static double
cpu_s(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static uint64_t
redis_memory(void)
{
	char out[8000];
	uint64_t n = 0;

	redis_server_cli(&f.server, "INFO memory", out, sizeof(out));
	const char *p = strstr(out, "used_memory:");
	struct slice rest = slice_of(p != NULL ? p + 12 : ""), line;
	if (slice_split(&rest, '\r', &line))
		(void)number_parse(line, 0, UINT64_MAX, &n);
	return n;
}

/* ---- memory ---- */

struct texts {
	char queue_id[24], recipient[64], message_id[80], subject[80];
	char return_path[80];
};

static void
make_texts(struct texts *t, unsigned n)
{
	(void)snprintf(t->queue_id, sizeof(t->queue_id), "4f%07xz%04xXyZ",
	    n * 7919 % 0xfffffff, n % 0xffff);
	(void)snprintf(t->recipient, sizeof(t->recipient),
	    "customer%07u@mail%03u.test", n, n % 1000);
	(void)snprintf(t->message_id, sizeof(t->message_id),
	    "<20261123.%010u.%08x@app.example.com>", n, n * 2654435761u);
	(void)snprintf(t->subject, sizeof(t->subject),
	    "Your order %07u has been shipped today", n);
	(void)snprintf(t->return_path, sizeof(t->return_path),
	    "b-%08x%07uk4zq7xw3tn5v2c6@b.example.com", n * 40503u, n);
}

static struct delivery_op
op_of(const struct texts *t, enum delivery_op_kind kind)
{
	return (struct delivery_op){ .kind = kind,
		.at_ms = clock_wall_us() / 1000,
		.queue_id = slice_of(t->queue_id),
		.sender = slice_of(t->return_path),
		.recipient = slice_of(t->recipient),
		.type = EVENT_SUCCEEDED,
		.reason = SLICE("250 2.0.0 Ok: queued as 4gHk2m1x9Kz5Y7"),
		.relay = SLICE("mx1.mail.test[192.0.2.25]:25") };
}

static unsigned waiting;
static bool all_done;

static void
stored(int rc, void *ctx)
{
	(void)ctx;
	if (rc < 0)
		exit(EXIT_FAILURE);
	all_done = --waiting == 0;
}

static void
committed(int rc, struct slice current, void *ctx)
{
	(void)current;
	stored(rc, ctx);
}

static void
write_batch(unsigned batch)
{
	static struct texts texts[BATCH];
	static struct delivery_op ops[3 * BATCH];
	static char place[2][32];
	const struct slice host = SLICE("mx1.example.com");
	size_t n = 0;

	waiting = BATCH;
	all_done = false;
	for (unsigned i = 0; i < BATCH; i++) {
		struct texts *t = &texts[i];

		make_texts(t, batch * BATCH + i);
		const struct slice to = slice_of(t->recipient);
		const struct message_facts m = { .host = host,
			.queue_id = slice_of(t->queue_id),
			.facts = { .tenant = SLICE("default"),
			    .sender = SLICE("info@shop.example.com"),
			    .return_path = slice_of(t->return_path),
			    .from = SLICE("Shop <info@shop.example.com>"),
			    .subject = slice_of(t->subject),
			    .message_id = slice_of(t->message_id),
			    .source_ip = SLICE("192.0.2.117"),
			    .created_ms = clock_wall_us() / 1000 },
			.recipients = &to,
			.recipient_count = 1 };

		message_put(f.store, &m, store_deadline(f.store), stored, NULL);
		ops[n++] = op_of(t, DELIVERY_QUEUED);
		ops[n++] = op_of(t, DELIVERY_RESULT);
		ops[n++] = op_of(t, DELIVERY_REMOVED);
	}
	store_fixture_run(&f, &all_done);
	waiting = 1;
	all_done = false;
	(void)snprintf(place[batch % 2], sizeof(place[0]), "%u", batch + 1);
	delivery_commit(f.store, host, SLICE("/var/log/mail.log"),
	    batch > 0 ? slice_of(place[(batch + 1) % 2]) : SLICE(""),
	    slice_of(place[batch % 2]), ops, n, store_deadline(f.store),
	    committed, NULL);
	store_fixture_run(&f, &all_done);
}

static int
bench_memory(unsigned events)
{
	uint64_t before = redis_memory();
	int64_t start_us = clock_mono_us();
	unsigned batches = events / 2 / BATCH;

	for (unsigned i = 0; i < batches; i++)
		write_batch(i);
	double each =
	    (double)(redis_memory() - before) / (double)(batches * BATCH * 2);
	printf("%u events: %.1f octets each in Redis, %.0f events/s\n",
	    batches * BATCH * 2, each,
	    (double)(batches * BATCH * 2) /
		((double)(clock_mono_us() - start_us) / 1e6));
	return each <= 400 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- look-ups ---- */

static unsigned asked, answered, wanted;

static void found(int rc, const struct block *block, void *ctx);

static void
ask(void)
{
	asked++;
	block_get(f.store, SLICE("default"), SLICE("customer0012345@mail.test"),
	    store_deadline(f.store), found, NULL);
}

static void
found(int rc, const struct block *block, void *ctx)
{
	(void)rc;
	(void)block;
	(void)ctx;
	answered++;
	if (asked < wanted)
		ask();
	all_done = answered == wanted;
}

static void
changed(int rc, bool yes, void *ctx)
{
	(void)yes;
	waiting = 1;
	stored(rc, ctx);
}

static int
bench_hget(unsigned count)
{
	const struct block b = { .state = BLOCK_BLOCKED,
		.status = 2,
		.origin = SLICE("bounce"),
		.reason = SLICE("550 5.1.1 user unknown") };

	all_done = false;
	block_put(f.store, SLICE("default"), SLICE("customer0012345@mail.test"),
	    &b, store_deadline(f.store), changed, NULL);
	store_fixture_run(&f, &all_done);
	double start = cpu_s();
	wanted = count;
	all_done = false;
	for (unsigned i = 0; i < WINDOW && i < count; i++)
		ask();
	store_fixture_run(&f, &all_done);
	printf("%u look-ups, %d under way: %.2f us of own CPU each\n", count,
	    WINDOW, (cpu_s() - start) * 1e6 / count);
	return EXIT_SUCCESS;
}

int
main(int argc, char *argv[])
{
	uint64_t n = 0;
	int rc = EXIT_FAILURE;

	if (argc < 2 || (argc > 2 && number_parse(slice_of(argv[2]), 1,
					 1000000000, &n) < 0)) {
		fprintf(stderr,
		    "usage: bench_store memory [EVENTS] | hget [COUNT]\n");
		return EXIT_FAILURE;
	}
	store_fixture_open(&f, 10000);
	if (strcmp(argv[1], "memory") == 0)
		rc = bench_memory(n > 0 ? (unsigned)n : 1000000);
	else if (strcmp(argv[1], "hget") == 0)
		rc = bench_hget(n > 0 ? (unsigned)n : 300000);
	store_fixture_close(&f);
	return rc;
}
