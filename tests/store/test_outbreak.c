/* SPDX-License-Identifier: BSD-2-Clause */
/* Outbreaks on a real Redis: noticed, told once, released; and what a success
 * ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/block_counter.h"
#include "store/block_lift.h"
#include "store/block_store.h"
#include "store/outbreak_store.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"
#include "util/err.h"

#define NONE ((struct slice){ NULL, 0 })
#define MANY 200

static struct store_fixture f;
static const struct outbreak_settings guard = { .enabled = true,
	.recipients = 20,
	.share_percent = 50,
	.window_ms = 600000,
	.freeze_ms = 3600000 };

/* ---- a page of results ---- */

struct page {
	struct outbreak_result results[MANY];
	char text[MANY][64], hash[MANY][OUTBREAK_HASH_LEN], shapes[MANY][17];
	size_t count;
	/* the answer */
	bool done, frozen[MANY];
	int rc;
	size_t frozen_count, started;
	char id[32];
	uint64_t recipients, total;
};

/* n: number of the recipient; answer NULL: a success. */
static void
add(struct page *p, const char *provider, int n, const char *answer,
    int64_t at_ms)
{
	size_t i = p->count++;
	struct outbreak_result *r = &p->results[i];

	(void)snprintf(p->text[i], sizeof(p->text[i]), "h/20260101/%d-%d", n,
	    answer != NULL);
	assert_int_equal(outbreak_hash(slice_of(p->text[i]), p->hash[i]), 0);
	*r = (struct outbreak_result){ .provider = slice_of(provider),
		.at_ms = at_ms,
		.recipient = { p->hash[i], OUTBREAK_HASH_LEN },
		.event_id = slice_of(p->text[i]) };
	if (answer == NULL)
		return;
	r->class = SLICE("user-unknown");
	r->text = slice_of(answer);
	assert_int_equal(outbreak_shape(r->class, r->text, p->shapes[i]), 0);
	r->shape = (struct slice){ p->shapes[i], OUTBREAK_SHAPE_LEN };
}

static void
looked(int rc, const bool *frozen, size_t count, const struct outbreak *started,
    size_t started_count, void *ctx)
{
	struct page *p = ctx;

	p->rc = rc;
	p->frozen_count = 0;
	for (size_t i = 0; i < count; i++) {
		p->frozen[i] = frozen[i];
		p->frozen_count += frozen[i] ? 1 : 0;
	}
	p->started = started_count;
	if (started_count > 0) {
		(void)snprintf(p->id, sizeof(p->id), "%.*s",
		    SLICE_F(started[0].id));
		p->recipients = started[0].recipients;
		p->total = started[0].total;
	}
	p->done = true;
}

static void
look(struct page *p, const char *tenant, const char *host)
{
	p->done = false;
	outbreak_look(f.store, slice_of(tenant), &guard, slice_of(host),
	    p->results, p->count, store_deadline(f.store), looked, p);
	store_fixture_run(&f, &p->done);
	assert_int_equal(p->rc, 0);
}

/* ---- what is there ---- */

struct list {
	bool done;
	int rc;
	size_t count;
	unsigned going;
	struct outbreak first;
	char id[32], provider[64], shape[64], by[16];
};

static void
take(struct list *l, int rc, const struct outbreak *list, size_t count)
{
	l->rc = rc;
	l->count = count;
	if (count > 0) {
		l->first = list[0];
		(void)snprintf(l->id, sizeof(l->id), "%.*s",
		    SLICE_F(list[0].id));
		(void)snprintf(l->provider, sizeof(l->provider), "%.*s",
		    SLICE_F(list[0].provider));
		(void)snprintf(l->shape, sizeof(l->shape), "%.*s",
		    SLICE_F(list[0].shape));
		(void)snprintf(l->by, sizeof(l->by), "%.*s",
		    SLICE_F(list[0].by));
		l->first.id = slice_of(l->id);
		l->first.provider = slice_of(l->provider);
		l->first.shape = slice_of(l->shape);
	}
	l->done = true;
}

static void
listed(int rc, const struct outbreak *list, size_t count, void *ctx)
{
	take(ctx, rc, list, count);
}

static void
list(struct list *l, const char *tenant)
{
	l->done = false;
	outbreak_list(f.store, slice_of(tenant), store_deadline(f.store),
	    listed, l);
	store_fixture_run(&f, &l->done);
	assert_int_equal(l->rc, 0);
}

static void
swept(int rc, unsigned going, const struct outbreak *over, size_t count,
    void *ctx)
{
	struct list *l = ctx;

	l->going = going;
	take(l, rc, over, count);
}

static void
sweep(struct list *l, const char *tenant, const char *host)
{
	l->done = false;
	outbreak_sweep(f.store, slice_of(tenant), slice_of(host),
	    store_deadline(f.store), swept, l);
	store_fixture_run(&f, &l->done);
	assert_int_equal(l->rc, 0);
}

static void
ended(int rc, void *ctx)
{
	struct list *l = ctx;

	l->rc = rc;
	l->done = true;
}

static int
end(const char *tenant, const char *id)
{
	struct list l = { .done = false };

	outbreak_end(f.store, slice_of(tenant), slice_of(id), SLICE("cli"),
	    store_deadline(f.store), ended, &l);
	store_fixture_run(&f, &l.done);
	return l.rc;
}

static int64_t
now_ms(void)
{
	return clock_wall_us() / 1000;
}

/* ---- noticing ---- */

static void
test_starts(void **state)
{
	struct page p = { .count = 0 }, q = { .count = 0 };
	struct list l = { .done = false };
	int64_t at = now_ms();

	(void)state;
	for (int i = 0; i < 19; i++)
		add(&p, "google", i, "550 no", at);
	look(&p, "a", "h1");
	assert_int_equal(p.started, 0);
	assert_int_equal(p.frozen_count, 0);
	look(&p, "a", "h1"); /* the same recipients again */
	assert_int_equal(p.started, 0);
	/* Another host sees the twentieth. */
	add(&q, "google", 100, "550 no", at + 1);
	add(&q, "google", 101, "550 other", at + 1);
	add(&q, "yahoo", 102, "550 no", at + 1);
	look(&q, "a", "h2");
	assert_int_equal(q.started, 1);
	assert_true(q.frozen[0]);
	assert_int_equal(q.frozen_count, 1);
	assert_int_equal(q.recipients, 20);
	/* The page comes again: the same outbreak begins with it. */
	look(&q, "a", "h2");
	assert_int_equal(q.started, 1);
	/* The next ones do not begin one. */
	q.count = 0;
	add(&q, "google", 103, "550 no", at + 2);
	add(&q, "google", 104, NULL, at + 2);
	look(&q, "a", "h1");
	assert_int_equal(q.started, 0);
	assert_int_equal(q.frozen_count, 1);
	/* Long behind the last one: counted. */
	q.count = 0;
	add(&q, "google", 105, "550 no", at + 2 + guard.freeze_ms + 1);
	look(&q, "a", "h1");
	assert_int_equal(q.frozen_count, 0);
	/* Long before the first one, too. */
	q.count = 0;
	add(&q, "google", 106, "550 no", at - guard.window_ms - 1000);
	look(&q, "a", "h1");
	assert_int_equal(q.frozen_count, 0);
	list(&l, "a");
	assert_int_equal(l.count, 1);
	assert_int_equal(l.first.ended_ms, 0);
	assert_int_equal(l.first.last_ms, at + 2);
	list(&l, "b");
	assert_int_equal(l.count, 0);
}

/* Half of the provider's results is not reached. */
static void
test_share(void **state)
{
	struct page p = { .count = 0 };
	int64_t at = now_ms();

	(void)state;
	add(&p, "google", 1, "550 no", at);
	look(&p, "share", "h"); /* from now on, successes are counted */
	p.count = 0;
	for (int i = 0; i < 60; i++)
		add(&p, "google", 1000 + i, NULL, at);
	for (int i = 0; i < 40; i++)
		add(&p, "google", i, "550 no", at);
	look(&p, "share", "h");
	assert_int_equal(p.started, 0);
	p.count = 0;
	for (int i = 40; i < 70; i++)
		add(&p, "google", i, "550 no", at);
	look(&p, "share", "h");
	assert_int_equal(p.started, 1);
	assert_int_equal(p.frozen_count, 30);
}

/* Too slow: never so many in a window. */
static void
test_window(void **state)
{
	int64_t at = now_ms() - 40 * guard.window_ms;

	(void)state;
	for (int i = 0; i < 80; i++) {
		struct page p = { .count = 0 };

		add(&p, "google", i, "550 no", at);
		look(&p, "slow", "h");
		assert_int_equal(p.started, 0);
		at += guard.window_ms / 15;
	}
}

/* A provider of a new answer each time takes no more room. */
static void
test_bounded(void **state)
{
	struct page p = { .count = 0 };
	char answers[500][16], keys[32];
	int64_t at = now_ms();

	(void)state;
	for (int i = 0; i < 500; i++) {
		(void)snprintf(answers[i], sizeof(answers[i]), "550 %d", i);
		add(&p, "google", i, answers[i], at + i);
		if (p.count == 100) {
			look(&p, "bounded", "h");
			p.count = 0;
		}
	}
	redis_server_cli(&f.server, "zcard pn:og:{bounded}:google", keys,
	    sizeof(keys));
	assert_string_equal(keys, "64");
	redis_server_cli(&f.server,
	    "eval \"return #redis.call('keys','pn:og:{bounded}*')\" 0", keys,
	    sizeof(keys));
	/* ... each with one set, and the sets of all results. */
	assert_true(strlen(keys) == 2);
}

/* ---- ending ---- */

static void
test_ends(void **state)
{
	struct page p = { .count = 0 };
	struct list l = { .done = false };
	int64_t at = now_ms() - guard.freeze_ms - 1000;

	(void)state;
	for (int i = 0; i < 30; i++)
		add(&p, "google", i, "550 no", at);
	look(&p, "ends", "h1");
	assert_int_equal(p.started, 1);
	/* Its time is over: one host is to tell, until it has. */
	sweep(&l, "ends", "h1");
	assert_int_equal(l.count, 1);
	assert_string_equal(l.by, "time");
	assert_int_equal(l.going, 0);
	sweep(&l, "ends", "h2");
	assert_int_equal(l.count, 0);
	sweep(&l, "ends", "h1");
	assert_int_equal(l.count, 1);
	outbreak_told(f.store, SLICE("ends"), &l.first);
	sweep(&l, "ends", "h1");
	assert_int_equal(l.count, 0);
	list(&l, "ends");
	assert_int_equal(l.count, 1);
	/* An error of that time that is read late is still left out. */
	p.count = 0;
	add(&p, "google", 50, "550 no", at + 10);
	look(&p, "ends", "h1");
	assert_int_equal(p.frozen_count, 1);
	assert_int_equal(p.started, 0);
	/* It can begin again, as another one. */
	p.count = 0;
	for (int i = 0; i < 30; i++)
		add(&p, "google", 100 + i, "550 no", now_ms());
	look(&p, "ends", "h1");
	assert_int_equal(p.started, 1);
	assert_string_not_equal(p.id, l.id);
}

static void
test_by_hand(void **state)
{
	struct page p = { .count = 0 };
	struct list l = { .done = false };
	int64_t at = now_ms() - 1000;

	(void)state;
	for (int i = 0; i < 30; i++)
		add(&p, "google", i, "550 no", at);
	look(&p, "hand", "h1");
	assert_int_equal(p.started, 1);
	sweep(&l, "hand", "h1");
	assert_int_equal(l.going, 1);
	assert_int_equal(l.count, 0);
	assert_int_equal(end("hand", "nothing"), ERR_NOTFOUND);
	assert_int_equal(end("hand", p.id), 0);
	assert_int_equal(end("hand", p.id), ERR_NOTFOUND);
	sweep(&l, "hand", "h1");
	assert_int_equal(l.count, 1);
	assert_string_equal(l.by, "cli");
	/* The answer counts again, and what was seen is forgotten. */
	p.count = 0;
	add(&p, "google", 77, "550 no", now_ms() + 5000);
	look(&p, "hand", "h1");
	assert_int_equal(p.frozen_count, 0);
	assert_int_equal(p.started, 0);
}

/* ---- blocks ---- */

struct answer {
	bool done;
	int rc, result;
	size_t count;
	bool flags[4];
	char address[4][64];
};

static void
counted(int rc, enum block_result result, void *ctx)
{
	struct answer *a = ctx;

	a->rc = rc;
	a->result = (int)result;
	a->done = true;
}

static int
count_one(const char *address, const char *event, int status, int64_t at_s,
    unsigned threshold)
{
	struct answer a = { .done = false };
	const struct block_error e = { .tenant = SLICE("t"),
		.address = slice_of(address),
		.event_id = slice_of(event),
		.message = slice_of(event),
		.status = status,
		.at_s = at_s,
		.enabled = true,
		.threshold = threshold };

	block_count(f.store, &e, store_deadline(f.store), counted, &a);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.rc, 0);
	return a.result;
}

static void
lifted(int rc, bool yes, void *ctx)
{
	counted(rc, (enum block_result)yes, ctx);
}

static int
lift(const char *address, const char *event)
{
	struct answer a = { .done = false };

	block_lift(f.store, SLICE("t"), slice_of(address), slice_of(event),
	    store_deadline(f.store), lifted, &a);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.rc, 0);
	return a.result;
}

static void
test_lift(void **state)
{
	(void)state;
	assert_int_equal(lift("u@x", "h/1/1-0"), 0);
	assert_int_equal(count_one("u@x", "h/1/1-0", 2, 100, 1),
	    BLOCK_RESULT_REGISTERED);
	assert_int_equal(lift("u@x", "h/1/2-0"), 0); /* another error */
	assert_int_equal(lift("u@x", "h/1/1-0"), 1);
	assert_int_equal(lift("u@x", "h/1/1-0"), 1); /* again */
	/* The error that was taken back does not count again. */
	assert_int_equal(count_one("u@x", "h/1/1-0", 2, 100, 1),
	    BLOCK_RESULT_ALREADY);
	assert_int_equal(count_one("u@x", "h/1/3-0", 2, 101, 1),
	    BLOCK_RESULT_REGISTERED);
	assert_int_equal(lift("u@x", "h/1/1-0"), 0);
}

static void
noted(int rc, const bool *frozen, size_t count, void *ctx)
{
	struct answer *a = ctx;

	a->rc = rc;
	a->count = count;
	for (size_t i = 0; i < count && i < 4; i++)
		a->flags[i] = frozen[i];
	a->done = true;
}

static void
got_blocks(int rc, const struct outbreak_block *blocks, size_t count, void *ctx)
{
	struct answer *a = ctx;

	a->rc = rc;
	a->count = count;
	for (size_t i = 0; i < count && i < 4; i++)
		(void)snprintf(a->address[i], sizeof(a->address[i]),
		    "%.*s %.*s", SLICE_F(blocks[i].address),
		    SLICE_F(blocks[i].event_id));
	a->done = true;
}

static void
test_blocked(void **state)
{
	struct page p = { .count = 0 };
	struct answer a = { .done = false };
	struct list l = { .done = false };
	int64_t at = now_ms();
	struct outbreak_block b[2];

	(void)state;
	add(&p, "google", 0, "550 no", at);
	for (int i = 0; i < 2; i++)
		b[i] = (struct outbreak_block){ SLICE("google"),
			p.results[0].shape, SLICE("u@x"), SLICE("e"), at };
	b[1].address = SLICE("old@x");
	b[1].at_ms = at - guard.window_ms - 1;
	outbreak_note(f.store, SLICE("bl"), &guard, b, 2,
	    store_deadline(f.store), noted, &a);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.count, 2);
	assert_false(a.flags[0] || a.flags[1]);
	for (int i = 1; i < 30; i++)
		add(&p, "google", i, "550 no", at);
	look(&p, "bl", "h");
	assert_int_equal(p.started, 1);
	list(&l, "bl");
	a.done = false;
	outbreak_blocked(f.store, SLICE("bl"), &l.first,
	    store_deadline(f.store), got_blocks, &a);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.count, 1);
	assert_string_equal(a.address[0], "u@x e");
	/* Another host is late with one of them. */
	a.done = false;
	outbreak_note(f.store, SLICE("bl"), &guard, b, 1,
	    store_deadline(f.store), noted, &a);
	store_fixture_run(&f, &a.done);
	assert_true(a.flags[0]);
	outbreak_taken(f.store, SLICE("bl"), &l.first, 1);
	list(&l, "bl");
	assert_int_equal(l.first.released, 1);
	a.done = false;
	outbreak_blocked(f.store, SLICE("bl"), &l.first,
	    store_deadline(f.store), got_blocks, &a);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.count, 0);
}

/* ---- successes ---- */

static void
succeeded(int rc, enum success_result result, void *ctx)
{
	counted(rc, (enum block_result)result, ctx);
}

static int
success(const char *address, const char *event, int64_t at_s)
{
	struct answer a = { .done = false };
	const struct block_success s = { SLICE("t"), slice_of(address),
		slice_of(event), at_s, SLICE(",3,5,") };

	block_success(f.store, &s, store_deadline(f.store), succeeded, &a);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.rc, 0);
	return a.result;
}

static void
test_success(void **state)
{
	(void)state;
	assert_int_equal(success("s@x", "s1", 100), SUCCESS_CLEAN);
	/* a count */
	assert_int_equal(count_one("s@x", "f1", 5, 100, 2),
	    BLOCK_RESULT_COUNTED);
	assert_int_equal(count_one("s@x", "f2", 2, 100, 9),
	    BLOCK_RESULT_COUNTED);
	assert_int_equal(success("s@x", "s2", 99), SUCCESS_NOTHING);
	assert_int_equal(success("s@x", "s3", 101), SUCCESS_CLEAN);
	assert_int_equal(count_one("s@x", "f3", 5, 102, 2),
	    BLOCK_RESULT_COUNTED);
	assert_int_equal(count_one("s@x", "f4", 2, 102, 2),
	    BLOCK_RESULT_REGISTERED); /* that count has stayed */
	assert_int_equal(success("s@x", "s4", 200), SUCCESS_NOTHING);
	/* a block */
	assert_int_equal(count_one("b@x", "f1", 5, 100, 1),
	    BLOCK_RESULT_REGISTERED);
	assert_int_equal(success("b@x", "s0", 99), SUCCESS_NOTHING);
	assert_int_equal(success("b@x", "s1", 101), SUCCESS_LIFTED);
	assert_int_equal(success("b@x", "s1", 101), SUCCESS_LIFTED);
	assert_int_equal(success("b@x", "s2", 102), SUCCESS_CLEAN);
	assert_int_equal(count_one("b@x", "f1", 5, 100, 1),
	    BLOCK_RESULT_ALREADY);
}

static void
test_lift_look(void **state)
{
	const struct lift_address list[] = { { SLICE("aaaaaaaa"), false },
		{ SLICE("aaaaaaaa"), true }, { SLICE("aaaaaaaa"), false } };
	struct answer a = { .done = false };

	(void)state;
	lift_look(f.store, SLICE("t"), list, 3, store_deadline(f.store), noted,
	    &a);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.count, 3);
	assert_false(a.flags[0] || a.flags[1]);
	assert_true(a.flags[2]);
	lift_forget(f.store, SLICE("t"), SLICE("aaaaaaaa"));
	a.done = false;
	lift_look(f.store, SLICE("t"), list, 1, store_deadline(f.store), noted,
	    &a);
	store_fixture_run(&f, &a.done);
	assert_false(a.flags[0]);
}

/* ---- the same without Redis ---- */

static void
agree(const struct blocking_condition *c, struct block_counter *counter,
    const char *address, const char *message, int64_t at, bool ok)
{
	static const int as[] = { [COUNTER_COUNTED] = BLOCK_RESULT_COUNTED,
		[COUNTER_BLOCKED] = BLOCK_RESULT_REGISTERED,
		[COUNTER_ALREADY] = BLOCK_RESULT_ALREADY,
		[COUNTER_WOULD] = BLOCK_RESULT_WOULD };
	static int number;
	struct answer a = { .done = false };
	char id[32];

	(void)snprintf(id, sizeof(id), "r/20260101/%d-0", ++number);
	if (ok) {
		assert_int_equal(success(address, id, at) == SUCCESS_LIFTED,
		    block_counter_success(counter, at));
		return;
	}
	const struct block_error e = { .tenant = SLICE("t"),
		.address = slice_of(address),
		.event_id = slice_of(id),
		.message = slice_of(message),
		.status = 5,
		.at_s = at,
		.enabled = true,
		.observe = c->observe,
		.threshold = c->count,
		.once_per_day = c->once_per_day,
		.forget_s = (int64_t)c->forget_days * 86400,
		.watch_s = (int64_t)c->watch_days * 86400 };
	block_count(f.store, &e, store_deadline(f.store), counted, &a);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.rc, 0);
	assert_int_equal(a.result,
	    as[block_counter_error(counter, c, slice_of(message), at)]);
}

/* Random histories: what the scripts say, the pure counter says. */
static void
test_agreement(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int n = 0; n < 300; n++) {
		struct blocking_condition c = { .enabled = true,
			.count = 1 + (unsigned)rand_r(&seed) % 4,
			.once_per_day = rand_r(&seed) % 3 == 0,
			.observe = rand_r(&seed) % 5 == 0,
			.forget_days = (unsigned)rand_r(&seed) % 3,
			.watch_days = (unsigned)rand_r(&seed) % 3 };
		struct block_counter counter = { .count = 0 };
		int64_t at = 86400 * 100;
		char address[32];

		(void)snprintf(address, sizeof(address), "r%d@x", n);
		for (int i = 0; i < 25; i++) {
			char message[16];

			at += rand_r(&seed) % 40000;
			(void)snprintf(message, sizeof(message), "m%d",
			    rand_r(&seed) % 30);
			agree(&c, &counter, address, message, at,
			    rand_r(&seed) % 4 == 0);
		}
	}
}

static int
open_store(void **state)
{
	(void)state;
	store_fixture_open(&f, 0);
	return 0;
}

static int
close_store(void **state)
{
	(void)state;
	store_fixture_close(&f);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starts),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_lift),
		cmocka_unit_test(test_blocked),
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_lift_look),
		cmocka_unit_test(test_agreement),
	};

	if (!redis_server_available()) {
		printf("1..0 # SKIP redis-server is not installed\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, open_store, close_store);
}
