/* SPDX-License-Identifier: BSD-2-Clause */
/* The queues of webhooks in a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/webhook_store.h"
#include "tests/store/redis_server.h"
#include "util/err.h"

static struct store_fixture f;
static const struct webhook_endpoint shop = { { "shop", 4 }, { "app", 3 } };
static const struct slice host = { "mta1", 4 };

static int
setup(void **state)
{
	(void)state;
	if (!redis_server_available())
		return 0;
	store_fixture_open(&f, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (redis_server_available())
		store_fixture_close(&f);
	return 0;
}

/* What a callback left. */
static struct {
	bool done;
	int rc;
	int64_t number;
	char text[300], id[100], events[2000];
	unsigned kind, attempts, rows;
	bool disabled;
	struct webhook_status status;
} got;

static void
on_opened(int rc, const struct webhook_state *s, void *ctx)
{
	(void)ctx;
	got.rc = rc;
	got.number = rc == 0 ? s->created_ms : 0;
	got.disabled = rc == 0 && s->disabled.len > 0;
	got.text[0] = '\0';
	if (rc == 0 && s->position_count == 1)
		snprintf(got.text, sizeof(got.text), "%.*s=%.*s",
		    SLICE_F(s->positions[0].host),
		    SLICE_F(s->positions[0].position));
	got.done = true;
}

static void
open_it(int64_t revision, int64_t now_ms)
{
	got.done = false;
	webhook_open(f.store, shop, revision, now_ms, store_deadline(f.store),
	    on_opened, NULL);
	store_fixture_run(&f, &got.done);
	assert_int_equal(got.rc, 0);
}

static void
on_appended(int rc, struct slice current, void *ctx)
{
	(void)ctx;
	got.rc = rc;
	snprintf(got.text, sizeof(got.text), "%.*s", SLICE_F(current));
	got.done = true;
}

/* One event with this id, told as this kind. */
static int
append(const char *expected, const char *id, unsigned kind, unsigned max,
    int64_t now_ms)
{
	struct event e = { .id = slice_of(id),
		.type = EVENT_BLOCKED,
		.tenant = SLICE("shop"),
		.recipient = SLICE("a@b.test") };
	struct buf packed;
	struct webhook_entry entry = { kind, { NULL, 0 } };

	buf_init(&packed, 10000);
	assert_int_equal(webhook_event_pack(&e, &packed), 0);
	entry.packed = buf_slice(&packed);
	got.done = false;
	webhook_append(f.store, shop, host, slice_of(expected), slice_of(id),
	    &entry, 1, max, now_ms, store_deadline(f.store), on_appended, NULL);
	buf_done(&packed);
	store_fixture_run(&f, &got.done);
	return got.rc;
}

static void
on_taken(int rc, const struct webhook_batch *b, void *ctx)
{
	struct slice rest, packed;
	struct event e;

	(void)ctx;
	got.rc = rc;
	got.done = true;
	if (rc < 0)
		return;
	rest = b->events;
	snprintf(got.id, sizeof(got.id), "%.*s", SLICE_F(b->id));
	got.kind = b->kind;
	got.attempts = b->attempts;
	got.disabled = b->disabled;
	got.number = b->next_ms;
	got.events[0] = '\0';
	while (b->id.len > 0 && webhook_batch_next(&rest, &packed)) {
		size_t len = strlen(got.events);

		assert_int_equal(webhook_event_unpack(packed, &e), 0);
		assert_true(slice_eq(e.recipient, SLICE("a@b.test")));
		snprintf(got.events + len, sizeof(got.events) - len, "%.*s ",
		    SLICE_F(e.id));
	}
}

static void
take(int64_t now_ms, unsigned max)
{
	struct webhook_take t = { now_ms, 60000, 1000,
		{ max, max, max, max, max, 1 } };

	got.done = false;
	webhook_take(f.store, shop, &t, store_deadline(f.store), on_taken,
	    NULL);
	store_fixture_run(&f, &got.done);
	assert_int_equal(got.rc, 0);
}

static void
on_done(int rc, int64_t count, void *ctx)
{
	(void)ctx;
	got.rc = rc;
	got.number = count;
	got.done = true;
}

static int64_t
finish(const char *id, enum webhook_end end, int64_t due_ms, int64_t now_ms)
{
	got.done = false;
	webhook_finish(f.store, shop, slice_of(id), end, due_ms,
	    SLICE("HTTP status 500"), 7, now_ms, store_deadline(f.store),
	    on_done, NULL);
	store_fixture_run(&f, &got.done);
	assert_int_equal(got.rc, 0);
	return got.number;
}

static void
on_shown(int rc, const struct webhook_status *s, void *ctx)
{
	(void)ctx;
	got.rc = rc;
	if (rc == 0)
		got.status = *s;
	got.done = true;
}

static void
expect(uint64_t waiting, uint64_t dead)
{
	got.done = false;
	webhook_show(f.store, shop, store_deadline(f.store), on_shown, NULL);
	store_fixture_run(&f, &got.done);
	assert_int_equal(got.rc, 0);
	assert_int_equal(got.status.waiting, waiting);
	assert_int_equal(got.status.dead, dead);
}

#define E1 "mta1/20260101/1767225600000-0"
#define E2 "mta1/20260101/1767225600000-1"
#define E3 "mta1/20260101/1767225600001-0"
#define E4 "mta1/20260102/1767312000000-0"

static void
test_life_of_events(void **state)
{
	char first[100], second[100];

	(void)state;
	if (!redis_server_available())
		skip();
	open_it(1, 1000);
	assert_int_equal(got.number, 1000);
	open_it(1, 2000);
	assert_int_equal(got.number, 1000); /* for ever */

	/* A position and its events move together, once. */
	assert_int_equal(append("", E1, 0, 100, 5000), 0);
	assert_int_equal(append("", E1, 0, 100, 5000), ERR_CONFLICT);
	assert_string_equal(got.text, E1);
	assert_int_equal(append(E1, E2, 0, 100, 5100), 0);
	assert_int_equal(append(E2, E3, 2, 100, 5200), 0);
	assert_int_equal(append(E3, E4, 0, 3, 5300), ERR_LIMIT);
	open_it(1, 2000);
	assert_string_equal(got.text, "mta1=" E3);
	expect(3, 0);

	/* Not before its time, unless the batch is full. */
	take(5500, 100);
	assert_string_equal(got.id, "");
	assert_int_equal(got.number, 6000);
	take(5500, 2);
	assert_string_equal(got.events, E1 " " E2 " ");
	assert_int_equal(got.kind, 0);
	assert_int_equal(got.attempts, 0);
	snprintf(first, sizeof(first), "%s", got.id);
	take(6300, 100);
	assert_string_equal(got.events, E3 " ");
	assert_int_equal(got.kind, 2);
	snprintf(second, sizeof(second), "%s", got.id);
	assert_string_not_equal(first, second);
	take(6300, 100);
	assert_string_equal(got.id, "");
	assert_int_equal(got.number, 65500); /* the end of a lease */

	/* Its taker is dead: the same batch again. */
	take(65500, 100);
	assert_string_equal(got.id, first);
	assert_string_equal(got.events, E1 " " E2 " ");
	assert_int_equal(finish(first, WEBHOOK_END_RETRY, 70000, 65600), 1);
	take(70000, 100);
	assert_string_equal(got.id, second); /* its lease was over before */
	take(70000, 100);
	assert_string_equal(got.id, first);
	assert_int_equal(got.attempts, 1);

	/* Delivered; a slower sender can not bring it back. */
	assert_int_equal(finish(second, WEBHOOK_END_DELIVERED, 0, 70001), 1);
	assert_int_equal(finish(second, WEBHOOK_END_RETRY, 1, 70002), 0);
	expect(2, 0);

	/* Dead, and sent again under its old id. */
	assert_int_equal(finish(first, WEBHOOK_END_DEAD, 0, 70003), 1);
	expect(0, 1);
	take(999999, 100);
	assert_string_equal(got.id, "");
	assert_int_equal(got.number, 0);
	got.done = false;
	webhook_replay(f.store, shop, SLICE("msg_none"), 80000,
	    store_deadline(f.store), on_done, NULL);
	store_fixture_run(&f, &got.done);
	assert_int_equal(got.rc, ERR_NOTFOUND);
	got.done = false;
	webhook_replay(f.store, shop, (struct slice){ NULL, 0 }, 80000,
	    store_deadline(f.store), on_done, NULL);
	store_fixture_run(&f, &got.done);
	assert_int_equal(got.rc, 0);
	assert_int_equal(got.number, 1);
	expect(2, 0);
	take(80000, 100);
	assert_string_equal(got.id, first);
	assert_int_equal(got.attempts, 0);
	assert_string_equal(got.events, E1 " " E2 " ");

	/* Disabled until the settings are others. */
	assert_int_equal(finish(first, WEBHOOK_END_DISABLE, 80000, 80001), 1);
	take(999999, 100);
	assert_true(got.disabled);
	open_it(7, 80002);
	assert_true(got.disabled);
	open_it(8, 80002);
	assert_false(got.disabled);
	take(999999, 100);
	assert_string_equal(got.id, first);
	assert_int_equal(finish(first, WEBHOOK_END_DELIVERED, 0, 999999), 1);
	expect(0, 0);
}

static void
test_kinds_have_their_own_lists(void **state)
{
	char last[100] = E3, next[100];

	(void)state;
	if (!redis_server_available())
		skip();
	for (unsigned i = 0; i < 2 * WEBHOOK_STORE_KINDS; i++) {
		snprintf(next, sizeof(next), "mta1/20260102/1767312000001-%u",
		    i);
		assert_int_equal(append(last, next, i % WEBHOOK_STORE_KINDS,
				     100, 1000 + i),
		    0);
		memcpy(last, next, sizeof(last));
	}
	/* One at a time: its batch is full at once. */
	take(1000, 100);
	assert_int_equal(got.kind, 5);
	assert_string_equal(got.events, "mta1/20260102/1767312000001-5 ");
	assert_int_equal(finish(got.id, WEBHOOK_END_DELIVERED, 0, 1001), 1);
	for (unsigned kind = 0; kind < WEBHOOK_STORE_KINDS; kind++) {
		char want[100] = "";

		take(9000, 100);
		assert_int_equal(got.kind, kind);
		for (unsigned n = kind + (kind == 5 ? 6 : 0); n < 12; n += 6)
			snprintf(want + strlen(want),
			    sizeof(want) - strlen(want),
			    "mta1/20260102/1767312000001-%u ", n);
		assert_string_equal(got.events, want);
		assert_int_equal(finish(got.id, WEBHOOK_END_DELIVERED, 0, 9001),
		    1);
	}
	expect(0, 0);
}

static void
on_dead(const struct webhook_dead *d, void *ctx)
{
	(void)ctx;
	got.rows++;
	got.attempts = d->attempts;
	snprintf(got.id, sizeof(got.id), "%.*s", SLICE_F(d->id));
	assert_true(slice_eq(d->error, SLICE("HTTP status 500")));
	assert_int_equal(d->events, 1);
}

static void
on_dead_end(int rc, struct slice next, void *ctx)
{
	(void)ctx;
	got.rc = rc;
	snprintf(got.text, sizeof(got.text), "%.*s", SLICE_F(next));
	got.done = true;
}

static void
test_dead_letters_are_pages(void **state)
{
	char last[100] = "mta1/20260102/1767312000001-11", next[100];
	char cursor[300] = "";
	unsigned pages = 0;

	(void)state;
	if (!redis_server_available())
		skip();
	for (unsigned i = 0; i < 5; i++) {
		snprintf(next, sizeof(next), "mta1/20260103/%u-0", i + 1);
		assert_int_equal(append(last, next, 1, 100, 1000), 0);
		memcpy(last, next, sizeof(last));
		take(2000, 1);
		/* All in the same millisecond. */
		assert_int_equal(finish(got.id, WEBHOOK_END_DEAD, 0, 3000), 1);
	}
	expect(0, 5);
	got.rows = 0;
	do {
		got.done = false;
		webhook_dead_list(f.store, shop, slice_of(cursor), 2,
		    store_deadline(f.store), on_dead, on_dead_end, NULL);
		store_fixture_run(&f, &got.done);
		assert_int_equal(got.rc, 0);
		memcpy(cursor, got.text, sizeof(cursor));
		pages++;
	} while (cursor[0] != '\0');
	assert_int_equal(got.rows, 5);
	assert_int_equal(pages, 3);
	assert_int_equal(got.attempts, 1);
}

static void
test_order_of_ids(void **state)
{
	struct buf p;

	(void)state;
	assert_true(webhook_id_compare(slice_of(E1), slice_of(E2)) < 0);
	assert_true(webhook_id_compare(slice_of(E2), slice_of(E3)) < 0);
	assert_true(webhook_id_compare(slice_of(E4), slice_of(E3)) > 0);
	assert_true(webhook_id_compare(slice_of(E4), slice_of(E4)) == 0);
	assert_true(webhook_id_compare(SLICE(""), slice_of(E1)) < 0);
	assert_true(webhook_id_compare(SLICE(""), SLICE("")) == 0);
	assert_true(webhook_id_compare(SLICE("a/20260101/9-0"),
			SLICE("a/20260101/10-0")) < 0);
	buf_init(&p, 100);
	assert_int_equal(webhook_position_at(host, 1767225600000, &p), 0);
	assert_string_equal(buf_text(&p), E1);
	buf_done(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life_of_events),
		cmocka_unit_test(test_kinds_have_their_own_lists),
		cmocka_unit_test(test_dead_letters_are_pages),
		cmocka_unit_test(test_order_of_ids),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
