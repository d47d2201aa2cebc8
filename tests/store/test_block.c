/* SPDX-License-Identifier: BSD-2-Clause */
/* The suppression list on a real Redis: counting, blocking, pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/block_bulk.h"
#include "store/block_store.h"
#include "tests/store/redis_server.h"
#include "util/err.h"
#include "util/number.h"

static struct store_fixture f;

struct answer {
	bool done;
	int rc, result;
	struct block block;
	char reason[301], note[301];
};

static struct slice
copy(struct slice s, char *room, size_t size)
{
	(void)snprintf(room, size, "%.*s", SLICE_F(s));
	return slice_of(room);
}

static void
found(int rc, const struct block *block, void *ctx)
{
	struct answer *a = ctx;

	a->rc = rc;
	if (rc == 0) {
		a->block = *block;
		a->block.note = copy(block->note, a->note, sizeof(a->note));
		a->block.reason =
		    copy(block->reason, a->reason, sizeof(a->reason));
	}
	a->done = true;
}

static struct answer
get_of(const char *address, const char *stream)
{
	static struct answer a;

	a = (struct answer){ .done = false };
	block_get(f.store, SLICE("t"), slice_of(address), slice_of(stream),
	    store_deadline(f.store), found, &a);
	store_fixture_run(&f, &a.done);
	return a;
}

static struct answer
get(const char *address)
{
	return get_of(address, NULL);
}

/* 0: stopped; ERR_NOTFOUND: may be sent. */
static int
look(const char *address, const char *stream)
{
	static struct answer a;

	a = (struct answer){ .done = false };
	block_look(f.store, SLICE("t"), slice_of(address), slice_of(stream),
	    store_deadline(f.store), found, &a);
	store_fixture_run(&f, &a.done);
	return a.rc;
}

static void
counted(int rc, enum block_result result, void *ctx)
{
	struct answer *a = ctx;

	a->rc = rc;
	a->result = (int)result;
	a->done = true;
}

static int
count(const struct block_error *e)
{
	struct answer a = { .done = false };

	block_count(f.store, e, store_deadline(f.store), counted, &a);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.rc, 0);
	return a.result;
}

static void
changed(int rc, bool yes, void *ctx)
{
	counted(rc, (enum block_result)yes, ctx);
}

static int
put_block(const char *address, const struct block *b)
{
	struct answer a = { .done = false };

	block_put(f.store, SLICE("t"), slice_of(address), b,
	    store_deadline(f.store), changed, &a);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.rc, 0);
	return a.result;
}

static int
put(const char *address, enum block_state state)
{
	return put_block(address,
	    &(struct block){ .state = state, .origin = SLICE("api") });
}

static struct answer gone;

static int
take_off_of(const char *address, const char *stream, enum block_state state)
{
	gone = (struct answer){ .done = false };
	block_remove(f.store, SLICE("t"), slice_of(address), slice_of(stream),
	    state, store_deadline(f.store), found, &gone);
	store_fixture_run(&f, &gone.done);
	return gone.rc;
}

static int
take_off(const char *address, enum block_state state)
{
	return take_off_of(address, NULL, state);
}

/* An error number n of address, at a time. */
static struct block_error
error_of(const char *address, int n, int64_t at_s)
{
	static char ids[100][32];
	char *id = ids[n % 100];

	(void)snprintf(id, sizeof(ids[0]), "h/20260101/%d-0", n);
	return (struct block_error){ .tenant = SLICE("t"),
		.address = slice_of(address),
		.event_id = slice_of(id),
		.message = slice_of(id),
		.queue_id = SLICE("Q"),
		.reason = SLICE("550\tno such\nuser"),
		.status = 2,
		.at_s = at_s,
		.enabled = true,
		.threshold = 3 };
}

static void
test_counting(void **state)
{
	struct block_error e;
	struct answer a;

	(void)state;
	assert_int_equal(get("a@x").rc, ERR_NOTFOUND);
	e = error_of("a@x", 1, 1000);
	assert_int_equal(count(&e), BLOCK_RESULT_COUNTED);
	assert_int_equal(count(&e), BLOCK_RESULT_ALREADY);
	e = error_of("a@x", 2, 1001);
	assert_int_equal(count(&e), BLOCK_RESULT_COUNTED);
	a = get("a@x");
	assert_int_equal(a.block.state, BLOCK_COUNTING);
	assert_int_equal(a.block.count, 2);
	assert_int_equal(a.block.first_s, 1000);
	e = error_of("a@x", 3, 1002);
	assert_int_equal(count(&e), BLOCK_RESULT_REGISTERED);
	assert_int_equal(count(&e), BLOCK_RESULT_REGISTERED);
	a = get("a@x");
	assert_int_equal(a.block.state, BLOCK_BLOCKED);
	assert_int_equal(a.block.since_s, 1002);
	assert_int_equal(a.block.count, 3);
	assert_true(slice_eq(a.block.origin, SLICE("bounce")));
	assert_string_equal(a.reason, "550 no such user");
	assert_int_equal(look("a@x", NULL), 0);
	e = error_of("a@x", 4, 1003);
	assert_int_equal(count(&e), BLOCK_RESULT_ALREADY);
	/* Cancel: counting starts anew, but not with an old error. */
	assert_int_equal(take_off("a@x", BLOCK_EXEMPT), ERR_NOTFOUND);
	assert_int_equal(take_off("a@x", BLOCK_BLOCKED), 0);
	assert_int_equal(gone.block.status, 2);
	assert_int_equal(gone.block.count, 3);
	assert_int_equal(look("a@x", NULL), ERR_NOTFOUND);
	assert_int_equal(take_off("a@x", BLOCK_BLOCKED), ERR_NOTFOUND);
	e = error_of("a@x", 3, 1002);
	assert_int_equal(count(&e), BLOCK_RESULT_ALREADY);
	e = error_of("a@x", 5, 1004);
	assert_int_equal(count(&e), BLOCK_RESULT_COUNTED);
	assert_int_equal(get("a@x").block.count, 1);
}

static void
test_conditions(void **state)
{
	struct block_error e;
	struct answer a;

	(void)state;
	/* once a day */
	e = error_of("day@x", 10, 86400 * 10 + 5);
	e.once_per_day = true;
	assert_int_equal(count(&e), BLOCK_RESULT_COUNTED);
	e = error_of("day@x", 11, 86400 * 10 + 86399);
	e.once_per_day = true;
	assert_int_equal(count(&e), BLOCK_RESULT_ALREADY);
	e = error_of("day@x", 12, 86400 * 11);
	e.once_per_day = true;
	assert_int_equal(count(&e), BLOCK_RESULT_COUNTED);
	assert_int_equal(get("day@x").block.count, 2);
	/* forgetting */
	e = error_of("forget@x", 20, 1000);
	e.forget_s = 100;
	assert_int_equal(count(&e), BLOCK_RESULT_COUNTED);
	e = error_of("forget@x", 21, 1100);
	e.forget_s = 100;
	assert_int_equal(count(&e), BLOCK_RESULT_COUNTED);
	assert_int_equal(get("forget@x").block.count, 1);
	/* each status by itself */
	e = error_of("both@x", 30, 1000);
	assert_int_equal(count(&e), BLOCK_RESULT_COUNTED);
	e = error_of("both@x", 31, 1000);
	e.status = 5;
	e.threshold = 2;
	assert_int_equal(count(&e), BLOCK_RESULT_COUNTED);
	e = error_of("both@x", 32, 1000);
	assert_int_equal(count(&e), BLOCK_RESULT_COUNTED);
	e = error_of("both@x", 33, 1000);
	e.status = 5;
	e.threshold = 2;
	assert_int_equal(count(&e), BLOCK_RESULT_REGISTERED);
	/* observe */
	e = error_of("watch@x", 40, 1000);
	e.threshold = 1;
	e.observe = true;
	assert_int_equal(count(&e), BLOCK_RESULT_WOULD);
	assert_int_equal(get("watch@x").block.state, BLOCK_COUNTING);
	/* a block that lifts by itself counts anew */
	e = error_of("lift@x", 50, 1000);
	e.threshold = 1;
	e.watch_s = 100;
	assert_int_equal(count(&e), BLOCK_RESULT_REGISTERED);
	a = get("lift@x");
	assert_true(block_is_active(&a.block, 1099));
	assert_false(block_is_active(&a.block, 1100));
	e = error_of("lift@x", 51, 1100);
	assert_int_equal(count(&e), BLOCK_RESULT_COUNTED);
	assert_int_equal(get("lift@x").block.state, BLOCK_COUNTING);
	/* off: nothing is kept */
	e = error_of("off@x", 60, 1000);
	e.enabled = false;
	assert_int_equal(count(&e), BLOCK_RESULT_COUNTED);
	assert_int_equal(get("off@x").rc, ERR_NOTFOUND);
}

static void
test_by_hand(void **state)
{
	struct block_error e = error_of("hand@x", 70, 1000);

	(void)state;
	e.threshold = 1;
	assert_int_equal(put("hand@x", BLOCK_EXEMPT), 1);
	assert_int_equal(put("hand@x", BLOCK_EXEMPT), 0);
	assert_int_equal(count(&e), BLOCK_RESULT_EXEMPT);
	assert_int_equal(take_off("hand@x", BLOCK_EXEMPT), 0);
	assert_int_equal(put("hand@x", BLOCK_BLOCKED), 1);
	assert_int_equal(get("hand@x").block.state, BLOCK_BLOCKED);
}

static void
test_edits(void **state)
{
	struct block b = { .state = BLOCK_BLOCKED,
		.status = 2,
		.count = 7,
		.since_s = 500,
		.origin = SLICE("cli"),
		.reason = SLICE("550 x"),
		.note = SLICE("first") };
	struct answer a;

	(void)state;
	assert_int_equal(put_block("edit@x", &b), 1);
	/* What is not given stays; so does the rest of the evidence. */
	b = (struct block){ .state = BLOCK_BLOCKED, .expires_s = 5000000000 };
	assert_int_equal(put_block("edit@x", &b), 0);
	a = get("edit@x");
	assert_int_equal(a.block.expires_s, 5000000000);
	assert_int_equal(a.block.since_s, 500);
	assert_int_equal(a.block.count, 7);
	assert_true(slice_eq(a.block.origin, SLICE("cli")));
	assert_string_equal(a.reason, "550 x");
	assert_true(slice_eq(a.block.note, SLICE("first")));
	b = (struct block){ .state = BLOCK_BLOCKED,
		.note = SLICE(""),
		.expires_s = BLOCK_EXPIRES_NEVER };
	assert_int_equal(put_block("edit@x", &b), 0);
	a = get("edit@x");
	assert_int_equal(a.block.expires_s, 0);
	assert_int_equal(a.block.note.len, 0);
}

static void
test_streams(void **state)
{
	const struct block news = { .state = BLOCK_BLOCKED,
		.stream = SLICE("news"),
		.origin = SLICE("api") };
	struct block exempt = { .state = BLOCK_EXEMPT,
		.stream = SLICE("login"),
		.origin = SLICE("api") };
	struct block_error e;

	(void)state;
	assert_int_equal(put_block("s@x", &news), 1);
	assert_int_equal(look("s@x", "news"), 0);
	assert_int_equal(look("s@x", "login"), ERR_NOTFOUND);
	assert_int_equal(look("s@x", NULL), ERR_NOTFOUND);
	assert_int_equal(get("s@x").rc, ERR_NOTFOUND);
	assert_int_equal(get_of("s@x", "news").rc, 0);
	/* A block of all mail stops every stream, but for exempt ones. */
	assert_int_equal(put("s@x", BLOCK_BLOCKED), 1);
	assert_int_equal(look("s@x", "login"), 0);
	assert_int_equal(put_block("s@x", &exempt), 1);
	assert_int_equal(look("s@x", "login"), ERR_NOTFOUND);
	assert_int_equal(look("s@x", "news"), 0);
	assert_int_equal(take_off_of("s@x", "news", BLOCK_BLOCKED), 0);
	assert_int_equal(take_off_of("s@x", "news", BLOCK_BLOCKED),
	    ERR_NOTFOUND);
	assert_int_equal(take_off("s@x", BLOCK_BLOCKED), 0);
	assert_int_equal(look("s@x", "news"), ERR_NOTFOUND);
	/* Errors are counted for the stream alone. */
	for (int i = 0; i < 3; i++) {
		e = error_of("count@x", 80 + i, 1000);
		e.stream = SLICE("news");
		assert_int_equal(count(&e),
		    i < 2 ? BLOCK_RESULT_COUNTED : BLOCK_RESULT_REGISTERED);
	}
	assert_int_equal(get("count@x").rc, ERR_NOTFOUND);
	assert_int_equal(look("count@x", "news"), 0);
	/* Not where all mail is decided already. */
	e = error_of("all@x", 90, 1000);
	e.stream = SLICE("news");
	e.threshold = 1;
	assert_int_equal(put("all@x", BLOCK_EXEMPT), 1);
	assert_int_equal(count(&e), BLOCK_RESULT_EXEMPT);
	assert_int_equal(take_off("all@x", BLOCK_EXEMPT), 0);
	assert_int_equal(put("all@x", BLOCK_BLOCKED), 1);
	assert_int_equal(count(&e), BLOCK_RESULT_ALREADY);
}

/* ---- many at once ---- */

static unsigned added;

static void
was_added(struct slice address, struct slice stream, void *ctx)
{
	(void)address;
	(void)stream;
	(void)ctx;
	added++;
}

static void
idle(int rc, void *ctx)
{
	assert_int_equal(rc, 0);
	*(bool *)ctx = true;
}

static struct block_bulk_counts
put_bulk(unsigned count, enum block_state state)
{
	struct block_bulk *b =
	    block_bulk_new(f.store, SLICE("t"), 5000, was_added, NULL);
	struct block_bulk_counts counts;
	bool done;

	assert_non_null(b);
	for (unsigned i = 0; i < count; i++) {
		const struct block block = { .state = state,
			.status = 2,
			.since_s = 1000 + i,
			.stream = i % 3 == 0 ? SLICE("news") : SLICE(""),
			.origin = SLICE("import"),
			.reason = i % 2 == 0 ? SLICE("550 gone") : SLICE("") };
		char address[40];

		(void)snprintf(address, sizeof(address), "bulk%u@x", i);
		assert_int_equal(block_bulk_add(b, slice_of(address), &block),
		    0);
		if (!block_bulk_busy(b))
			continue;
		done = false;
		block_bulk_wait(b, idle, &done);
		store_fixture_run(&f, &done);
	}
	done = false;
	block_bulk_flush(b, idle, &done);
	store_fixture_run(&f, &done);
	counts = *block_bulk_counts(b);
	block_bulk_free(b);
	return counts;
}

static void
test_bulk(void **state)
{
	struct block_bulk_counts c;
	struct answer a;

	(void)state;
	assert_int_equal(put("bulk1@x", BLOCK_EXEMPT), 1);
	assert_int_equal(put("bulk2@x", BLOCK_BLOCKED), 1);
	added = 0;
	c = put_bulk(30000, BLOCK_BLOCKED);
	assert_int_equal(c.added, 29998);
	assert_int_equal(c.known, 1);
	assert_int_equal(c.kept, 1);
	assert_int_equal(added, c.added);
	/* Again: nothing changes. */
	c = put_bulk(30000, BLOCK_BLOCKED);
	assert_int_equal(c.added, 0);
	assert_int_equal(c.known, 29999);
	assert_int_equal(look("bulk1@x", NULL), ERR_NOTFOUND);
	assert_int_equal(look("bulk3@x", NULL), ERR_NOTFOUND);
	assert_int_equal(look("bulk3@x", "news"), 0);
	a = get("bulk4@x");
	assert_int_equal(a.block.since_s, 1004);
	assert_string_equal(a.reason, "550 gone");
	assert_true(slice_eq(a.block.origin, SLICE("import")));
	assert_string_equal(get("bulk5@x").reason, "");
	c = put_bulk(100, BLOCK_EXEMPT);
	assert_int_equal(c.added, 99);
	assert_int_equal(look("bulk4@x", NULL), ERR_NOTFOUND);
}

/* ---- pages ---- */

enum { MANY = 3000 };
struct pages {
	bool done;
	int rc;
	unsigned rows;
	char cursor[4000];
	bool more;
	unsigned char seen[2 * MANY];
};

static void
row(struct slice address, const struct block *block, void *ctx)
{
	struct pages *p = ctx;
	uint64_t n = 0;
	struct slice digits = slice_skip(address, 4);

	digits.len -= 2; /* "@x" */
	assert_int_equal(block->state, BLOCK_BLOCKED);
	assert_int_equal(number_parse(digits, 0, 2 * MANY - 1, &n), 0);
	p->seen[n]++;
	p->rows++;
}

static void
page_end(int rc, struct slice next, void *ctx)
{
	struct pages *p = ctx;

	p->rc = rc;
	p->more = next.at != NULL;
	(void)copy(next, p->cursor, sizeof(p->cursor));
	p->done = true;
}

static void
put_many(int from, int to)
{
	struct answer a[100];
	const struct block b = { .state = BLOCK_BLOCKED };
	char address[40];

	for (int i = from; i < to; i += 100) {
		for (int k = 0; k < 100; k++) {
			(void)snprintf(address, sizeof(address), "page%d@x",
			    i + k);
			a[k].done = false;
			block_put(f.store, SLICE("p"), slice_of(address), &b,
			    store_deadline(f.store), changed, &a[k]);
		}
		store_fixture_run(&f, &a[99].done);
	}
}

static void
test_pages(void **state)
{
	static struct pages p;
	unsigned rounds = 0;

	(void)state;
	put_many(0, MANY);
	do {
		struct block_query q = { .tenant = SLICE("p"),
			.state = BLOCK_BLOCKED,
			.cursor = slice_of(p.cursor),
			.limit = 97 };

		p.done = false;
		p.rows = 0;
		block_page(f.store, &q, store_deadline(f.store), row, page_end,
		    &p);
		store_fixture_run(&f, &p.done);
		assert_int_equal(p.rc, 0);
		assert_true(p.rows <= 97 && (!p.more || p.rows == 97));
		if (rounds++ == 5)
			put_many(MANY, 2 * MANY);
	} while (p.more);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(p.seen[i], 1);
	for (int i = MANY; i < 2 * MANY; i++)
		assert_true(p.seen[i] <= 1);
}

static void
test_bad_cursor(void **state)
{
	struct pages p = { .done = false };
	struct block_query q = { .tenant = SLICE("p"),
		.state = BLOCK_BLOCKED,
		.cursor = SLICE("b2.99999.x"),
		.limit = 10 };

	(void)state;
	block_page(f.store, &q, store_deadline(f.store), row, page_end, &p);
	assert_false(p.done);
	store_fixture_run(&f, &p.done);
	assert_int_equal(p.rc, ERR_SYNTAX);
}

static int
set_up(void **state)
{
	(void)state;
	store_fixture_open(&f, 5000);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	store_fixture_close(&f);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counting),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_bulk),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_bad_cursor),
	};

	if (!redis_server_available()) {
		printf("1..0 # SKIP redis-server is not installed\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
