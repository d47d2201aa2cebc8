/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_store memory|held|hget|blocks|limits|webhook|settings [COUNT]
 * What the store costs:
 * memory: octets in Redis for each event, everything included, after EVENTS
 * (half of them queued, half succeeded) were written by the real functions
 * held: octets in Redis for each message in the hold queue, its facts not
 * included, and Redis's time for one tick at which all of them become due
 * hget: CPU time of this process for one pipelined look-up of a block
 * blocks: octets in Redis for each address that one 550 has blocked
 * limits: octets in Redis for each value that a rate limit counts
 * webhook: octets in Redis for each event that waits for an endpoint
 * settings: time and memory of this process to compile COUNT tenants
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "proto/json.h"
#include "proto/schedule.h"
#include "proto/settings.h"
#include "store/block_store.h"
#include "store/delivery_store.h"
#include "store/hold_store.h"
#include "store/limit_store.h"
#include "store/message_store.h"
#include "store/webhook_store.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"
#include "util/number.h"

#define BATCH 100 /* messages */
#define WINDOW 64 /* look-ups under way */
#define STEP 5000

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
ended(int rc, void *ctx)
{
	(void)ctx;
	if (rc < 0)
		exit(EXIT_FAILURE);
	all_done = --waiting == 0;
}

static void
stored(int rc, bool held, void *ctx)
{
	(void)held;
	ended(rc, ctx);
}

static void
committed(int rc, struct slice current, void *ctx)
{
	(void)current;
	ended(rc, ctx);
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
	block_look(f.store, SLICE("default"),
	    SLICE("customer0012345@mail.test"), (struct slice){ NULL, 0 },
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
	ended(rc, ctx);
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

/* ---- many of one kind, WINDOW at a time ---- */

static void (*next_one)(unsigned n);

static void
one_more(int rc)
{
	if (rc < 0) {
		fprintf(stderr, "error %d\n", rc);
		exit(EXIT_FAILURE);
	}
	answered++;
	if (asked < wanted)
		next_one(asked++);
	all_done = answered == wanted;
}

static int
bench_many(void (*one)(unsigned n), unsigned count, const char *what)
{
	uint64_t before = redis_memory();
	int64_t start_us = clock_mono_us();

	next_one = one;
	/* In steps: the fixture waits for a callback for some seconds only. */
	while (answered < count) {
		wanted = count - answered > STEP ? answered + STEP : count;
		all_done = false;
		while (asked < wanted && asked - answered < WINDOW)
			one(asked++);
		store_fixture_run(&f, &all_done);
	}
	printf("%u %s: %.1f octets each in Redis, %.0f/s\n", count, what,
	    (double)(redis_memory() - before) / count,
	    count / ((double)(clock_mono_us() - start_us) / 1e6));
	return EXIT_SUCCESS;
}

static void
block_was_counted(int rc, enum block_result result, void *ctx)
{
	(void)ctx;
	one_more(rc < 0 ? rc : result == BLOCK_RESULT_REGISTERED ? 0 : -1);
}

static void
count_block(unsigned n)
{
	struct texts t;
	char id[60];

	make_texts(&t, n);
	(void)snprintf(id, sizeof(id), "mx1.example.com:17320000%05u-%u",
	    n % 100000, n / 100000);
	const struct block_error e = { .tenant = SLICE("default"),
		.address = slice_of(t.recipient),
		.event_id = slice_of(id),
		.message = slice_of(t.queue_id),
		.queue_id = slice_of(t.queue_id),
		.reason = SLICE("550 5.1.1 Recipient address rejected: "
				"User unknown in virtual mailbox table"),
		.status = 2,
		.at_s = clock_wall_us() / 1000000,
		.enabled = true,
		.threshold = 1 };

	block_count(f.store, &e, store_deadline(f.store), block_was_counted,
	    NULL);
}

static void
limit_was_taken(int rc, int64_t wait_us, void *ctx)
{
	(void)wait_us;
	(void)ctx;
	one_more(rc);
}

static void
take_limit(unsigned n)
{
	static const struct rate rate = { .quantity = 1000,
		.burst = 100,
		.period_us = (int64_t)86400 * 1000000 };
	struct texts t;

	make_texts(&t, n);
	const struct limit l = { .tenant = SLICE("default"),
		.rule = SLICE("per-recipient"),
		.value = slice_of(t.recipient),
		.rates = &rate,
		.rate_count = 1,
		.cost = 50 };

	limit_take(f.store, &l, store_deadline(f.store), limit_was_taken, NULL);
}

/* ---- webhooks ---- */

#define APPEND 100

static void
was_appended(int rc, struct slice current, void *ctx)
{
	(void)current;
	(void)ctx;
	ended(rc, NULL);
}

static void
was_opened(int rc, const struct webhook_state *state, void *ctx)
{
	(void)state;
	ended(rc, ctx);
}

static void
append_batch(unsigned batch, struct slice before, struct slice after)
{
	static const struct webhook_endpoint to = { SLICE("default"),
		SLICE("app") };
	struct webhook_entry entries[APPEND];
	struct buf packed[APPEND];
	struct texts t;

	for (unsigned i = 0; i < APPEND; i++) {
		make_texts(&t, batch * APPEND + i);
		const struct event e = { .id = after,
			.type = EVENT_SUCCEEDED,
			.created_ms = clock_wall_us() / 1000,
			.tenant = SLICE("default"),
			.queue_id = slice_of(t.queue_id),
			.recipient = slice_of(t.recipient),
			.sender = SLICE("info@shop.example.com"),
			.from = SLICE("Shop <info@shop.example.com>"),
			.subject = slice_of(t.subject),
			.message_id = slice_of(t.message_id),
			.reason = SLICE("250 2.0.0 Ok: queued as 4gHk2m1x9"),
			.relay = SLICE("mx1.mail.test[192.0.2.25]:25") };

		buf_init(&packed[i], 10000);
		if (webhook_event_pack(&e, &packed[i]) < 0)
			exit(EXIT_FAILURE);
		entries[i] = (struct webhook_entry){ 0, buf_slice(&packed[i]) };
	}
	waiting = 1;
	all_done = false;
	webhook_append(f.store, to, SLICE("mx1.example.com"), before, after,
	    entries, APPEND, 10000000, clock_wall_us() / 1000,
	    store_deadline(f.store), was_appended, NULL);
	store_fixture_run(&f, &all_done);
	for (unsigned i = 0; i < APPEND; i++)
		buf_done(&packed[i]);
}

static int
bench_webhook(unsigned count)
{
	static const struct webhook_endpoint to = { SLICE("default"),
		SLICE("app") };
	uint64_t before = redis_memory();
	char places[2][60] = { "", "" };

	waiting = 1;
	webhook_open(f.store, to, 1, clock_wall_us() / 1000,
	    store_deadline(f.store), was_opened, NULL);
	store_fixture_run(&f, &all_done);
	for (unsigned i = 0; i < count / APPEND; i++) {
		(void)snprintf(places[i % 2], sizeof(places[0]),
		    "mx1.example.com:20261123:1732000000000-%u", i + 1);
		append_batch(i, slice_of(places[(i + 1) % 2]),
		    slice_of(places[i % 2]));
	}
	printf("%u waiting events: %.1f octets each in Redis\n",
	    count / APPEND * APPEND,
	    (double)(redis_memory() - before) / (count / APPEND * APPEND));
	return EXIT_SUCCESS;
}

/* ---- settings ---- */

static long
own_memory_kb(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static int
bench_settings(unsigned count)
{
	static const char text[] =
	    "{\"title\":\"Shop\",\"domains\":[{\"name\":\"shop.example\"}],"
	    "\"return_path\":{\"domain\":\"b.shop.example\"},"
	    "\"limits\":[{\"name\":\"l\",\"key\":[\"sasl_user\"],\"rates\":"
	    "[{\"quantity\":100,\"period\":\"1h\"}]}],\"webhooks\":[{\"name\":"
	    "\"a\",\"url\":\"https://a.example/\",\"events\":[\"blocks\"]}]}";
	struct settings_input *in = calloc(count, sizeof(*in));
	char(*names)[24] = calloc(count, sizeof(*names)), error[200];
	struct json *doc = NULL;
	struct settings *s = NULL;

	if (in == NULL || names == NULL ||
	    json_parse(slice_of(text), 10000, &doc, error, sizeof(error)) < 0)
		return EXIT_FAILURE;
	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "t%u", i);
		in[i] = (struct settings_input){ slice_of(names[i]), 1, doc };
	}
	long before = own_memory_kb();
	double start = cpu_s();
	if (settings_compile(in, count, NULL, NULL, NULL, &s) < 0)
		return EXIT_FAILURE;
	printf("%u tenants compiled: %.0f ms, %.1f kB each\n", count,
	    (cpu_s() - start) * 1e3,
	    (double)(own_memory_kb() - before) / count);
	settings_unref(s);
	json_free(doc);
	free(names);
	free(in);
	return EXIT_SUCCESS;
}

/* ---- held mail ---- */

static int64_t tick_us;
static size_t ticks;

static void
on_taken(int rc, const struct hold_turn *turns, size_t count, int64_t next_ms,
    void *ctx)
{
	(void)turns;
	(void)ctx;
	ticks++;
	if (rc < 0)
		exit(EXIT_FAILURE);
	all_done = next_ms == 0;
	if (!all_done)
		hold_take(f.store, SLICE("mx1.example.com"), INT64_MAX / 2, 25,
		    store_deadline(f.store), on_taken, NULL);
	else if (count == 0)
		exit(EXIT_FAILURE);
}

static void
hold_batch(unsigned batch)
{
	static struct texts texts[BATCH];
	struct hold_record r[BATCH];
	int64_t now_ms = clock_wall_us() / 1000;

	for (unsigned i = 0; i < BATCH; i++) {
		struct texts *t = &texts[i];

		make_texts(t, batch * BATCH + i);
		r[i] = (struct hold_record){
			.queue_id = slice_of(t->queue_id),
			.tenant = SLICE("default"),
			.reason = HOLD_WINDOW,
			.rule = SLICE("night"),
			.priority = PRIORITY_DEFAULT,
			.arrived_ms = now_ms + i,
			.release_ms = now_ms + 3600000,
			.sender = SLICE("info@shop.example.com"),
			.recipient = slice_of(t->recipient),
			.subject = slice_of(t->subject),
			.recipients = 1,
		};
	}
	waiting = 1;
	all_done = false;
	hold_put(f.store, SLICE("mx1.example.com"), r, BATCH,
	    store_deadline(f.store), ended, NULL);
	store_fixture_run(&f, &all_done);
}

static int
bench_held(unsigned count)
{
	uint64_t before = redis_memory();

	for (unsigned i = 0; i < count / BATCH; i++)
		hold_batch(i);
	printf("%u held messages: %.1f octets each in Redis\n",
	    count / BATCH * BATCH,
	    (double)(redis_memory() - before) /
		(double)(count / BATCH * BATCH));
	tick_us = clock_mono_us();
	all_done = false;
	hold_take(f.store, SLICE("mx1.example.com"), INT64_MAX / 2, 25,
	    store_deadline(f.store), on_taken, NULL);
	store_fixture_run(&f, &all_done);
	tick_us = clock_mono_us() - tick_us;
	printf("all of them due: %zu calls, %.1f ms\n", ticks,
	    (double)tick_us / 1e3);
	return EXIT_SUCCESS;
}

static int
run(const char *what, unsigned n)
{
	if (strcmp(what, "memory") == 0)
		return bench_memory(n > 0 ? n : 1000000);
	if (strcmp(what, "held") == 0)
		return bench_held(n > 0 ? n : 20000);
	if (strcmp(what, "hget") == 0)
		return bench_hget(n > 0 ? n : 300000);
	if (strcmp(what, "blocks") == 0)
		return bench_many(count_block, n > 0 ? n : 1000000,
		    "blocked addresses");
	if (strcmp(what, "limits") == 0)
		return bench_many(take_limit, n > 0 ? n : 1000000,
		    "limited values");
	if (strcmp(what, "webhook") == 0)
		return bench_webhook(n > 0 ? n : 100000);
	if (strcmp(what, "settings") == 0)
		return bench_settings(n > 0 ? n : 1000);
	return EXIT_FAILURE;
}

int
main(int argc, char *argv[])
{
	uint64_t n = 0;
	int rc;

	if (argc < 2 || (argc > 2 && number_parse(slice_of(argv[2]), 1,
					 1000000000, &n) < 0)) {
		fprintf(stderr, "usage: bench_store memory|held|hget|blocks|"
				"limits|webhook|settings [COUNT]\n");
		return EXIT_FAILURE;
	}
	store_fixture_open(&f, 10000);
	rc = run(argv[1], (unsigned)n);
	store_fixture_close(&f);
	return rc;
}
