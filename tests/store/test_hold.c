/* SPDX-License-Identifier: BSD-2-Clause */
/* Held mail, the gate and day caps on a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/schedule.h"
#include "store/day_cap_store.h"
#include "store/hold_store.h"
#include "store/message_store.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"
#include "util/err.h"

static struct store_fixture f;
static int64_t now_ms;

#define NEVER INT64_MAX
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct {
	bool done;
	int rc;
	bool held, more;
	size_t count;
	int64_t next_ms;
	struct hold_turn turn; /* the first one; without its id */
	char text[4000], next[100];
} got;

static void
put_text(const char *text)
{
	size_t n = strlen(got.text);

	(void)snprintf(got.text + n, sizeof(got.text) - n, "%s", text);
}

static void
put_slice(struct slice s)
{
	size_t n = strlen(got.text);

	(void)snprintf(got.text + n, sizeof(got.text) - n, "%.*s ", SLICE_F(s));
}

static int
wait_done(void)
{
	assert_false(got.done); /* never from inside the call */
	store_fixture_run(&f, &got.done);
	got.done = false;
	return got.rc;
}

static void
on_done(int rc, void *ctx)
{
	(void)ctx;
	got.rc = rc;
	got.done = true;
}

static void
on_stored(int rc, bool held, void *ctx)
{
	got.held = held;
	on_done(rc, ctx);
}

static struct hold_request
request(unsigned priority, int64_t release_ms, bool gated)
{
	return (struct hold_request){ .rec = { .reason = HOLD_WINDOW,
					  .rule = SLICE("night"),
					  .priority = priority,
					  .arrived_ms = now_ms,
					  .release_ms = release_ms,
					  .sender = SLICE("app@shop.test"),
					  .recipient = SLICE("a@x"),
					  .subject = SLICE("One\ttwo"),
					  .recipients = 1 },
		.gated = gated };
}

/* As the milter does; whether it is held. */
static bool
put(const char *host, const char *id, const struct hold_request *h)
{
	const struct slice to[] = { SLICE("a@x") };
	const struct message_facts m = { .host = slice_of(host),
		.queue_id = slice_of(id),
		.facts = { .tenant = SLICE("shop"),
		    .sender = SLICE("app@shop.test"),
		    .created_ms = now_ms },
		.recipients = to,
		.recipient_count = 1,
		.hold = h };

	message_put(f.store, &m, store_deadline(f.store), on_stored, NULL);
	assert_int_equal(wait_done(), 0);
	return got.held;
}

static bool
put_plain(const char *host, const char *id, unsigned priority,
    int64_t release_ms, bool gated)
{
	const struct hold_request h = request(priority, release_ms, gated);

	return put(host, id, &h);
}

static void
gate(const char *host, size_t in_flight, size_t most)
{
	hold_gate_set(f.store, slice_of(host), in_flight, most,
	    store_deadline(f.store), on_done, NULL);
	assert_int_equal(wait_done(), 0);
}

static void
on_taken(int rc, const struct hold_turn *turns, size_t count, int64_t next_ms,
    void *ctx)
{
	got.text[0] = '\0';
	for (size_t i = 0; i < count && i < 100; i++)
		put_slice(turns[i].queue_id);
	got.turn = count > 0 ? turns[0] : (struct hold_turn){ .priority = 0 };
	got.count = count;
	got.next_ms = next_ms;
	on_done(rc, ctx);
}

/* The ids that come back. */
static const char *
take(const char *host, int64_t at_ms, size_t max)
{
	hold_take(f.store, slice_of(host), at_ms, max, store_deadline(f.store),
	    on_taken, NULL);
	assert_int_equal(wait_done(), 0);
	return got.text;
}

static void
forget(const char *host, const char *id)
{
	const struct slice ids[] = { slice_of(id), SLICE("unknown") };

	hold_forget(f.store, slice_of(host), ids, 2, store_deadline(f.store),
	    on_done, NULL);
	assert_int_equal(wait_done(), 0);
}

static int
move(const char *host, const char *id, int64_t release_ms)
{
	hold_move(f.store, slice_of(host), slice_of(id), release_ms,
	    store_deadline(f.store), on_done, NULL);
	return wait_done();
}

static void
on_row(const struct hold_record *r, void *ctx)
{
	char at[60];

	(void)ctx;
	put_slice(r->queue_id);
	(void)snprintf(at, sizeof(at), "%s %u %s%s",
	    hold_reason_word(r->reason), r->priority,
	    r->release_ms == 0       ? "turn"
	    : r->release_ms == NEVER ? "never"
				     : "later",
	    r->deferred ? " deferred\n" : "\n");
	put_text(at);
	got.count++;
}

static void
on_page(int rc, struct slice next, void *ctx)
{
	(void)snprintf(got.next, sizeof(got.next), "%.*s", SLICE_F(next));
	on_done(rc, ctx);
}

static int
page(const char *host, const char *tenant, const char *cursor, unsigned limit)
{
	const struct hold_query q = { slice_of(host), slice_of(tenant),
		slice_of(cursor), limit };

	got.text[0] = '\0';
	got.count = 0;
	hold_page(f.store, &q, store_deadline(f.store), on_row, on_page, NULL);
	return wait_done();
}

static void
cli_is(const char *words, const char *expected)
{
	char out[200];

	redis_server_cli(&f.server, words, out, sizeof(out));
	assert_string_equal(out, expected);
}

static void
test_held_until(void **state)
{
	(void)state;
	assert_true(put_plain("h1", "B", 50, now_ms + 60000, false));
	assert_true(put_plain("h1", "A", 50, now_ms + 30000, true));
	assert_true(put_plain("h1", "C", 90, now_ms + 60000, false));
	assert_true(put_plain("h1", "S", 50, NEVER, false));
	/* neither a time nor a gate: nobody asked for anything */
	assert_false(put_plain("h1", "N", 50, 0, false));
	assert_false(put("h1", "N", NULL));
	/* again, as after a time-out */
	assert_true(put_plain("h1", "A", 50, now_ms + 30000, true));
	cli_is("HLEN 'pn:h:{h:h1}:of'", "4");

	assert_string_equal(take("h1", now_ms, 10), "");
	assert_true(got.next_ms == now_ms + 30000);
	assert_string_equal(take("h1", now_ms + 30000, 10), "A ");
	assert_true(got.next_ms == now_ms + 60000);
	/* it comes back until it is forgotten */
	assert_string_equal(take("h1", now_ms + 30000, 10), "A ");
	forget("h1", "A");
	assert_string_equal(take("h1", now_ms + 60000, 1), "C ");
	assert_int_equal(got.turn.priority, 90);
	assert_true(got.turn.arrived_ms == now_ms);
	assert_string_equal(take("h1", now_ms + 60000, 10), "C B ");
	assert_true(got.next_ms == 0);
	assert_string_equal(take("h1", now_ms + 60000, 0), "");
	assert_string_equal(take("h2", now_ms + 60000, 10), "");
	forget("h1", "B");
	forget("h1", "C");
	forget("h1", "S");
	cli_is("EXISTS 'pn:h:{h:h1}:of' 'pn:h:{h:h1}:due' 'pn:h:{h:h1}:ready'",
	    "0");
}

static void
test_facts_live_as_long(void **state)
{
	char out[100];

	(void)state;
	assert_true(
	    put_plain("h3", "A", 50, now_ms + 100 * INT64_C(86400000), false));
	redis_server_cli(&f.server, "TTL 'pn:m:{h:h3}:A'", out, sizeof(out));
	assert_in_range(strtol(out, NULL, 10), 114 * 86400, 115 * 86400);
	assert_true(put_plain("h3", "B", 50, NEVER, false));
	redis_server_cli(&f.server, "TTL 'pn:m:{h:h3}:B'", out, sizeof(out));
	assert_in_range(strtol(out, NULL, 10), 400 * 86400, 420 * 86400);
}

static void
test_gate(void **state)
{
	(void)state;
	/* nobody releases: nothing is held */
	assert_false(put_plain("g1", "A", 50, 0, true));
	/* room for two, which are counted */
	gate("g1", 8, 10);
	assert_false(put_plain("g1", "B", 50, 0, true));
	assert_false(put_plain("g1", "C", 50, 0, true));
	assert_true(put_plain("g1", "D", 50, 0, true));
	assert_true(put_plain("g1", "E", 10, 0, true));
	assert_true(put_plain("g1", "F", 90, 0, true));
	assert_true(put_plain("g1", "G", 50, 0, true));
	now_ms++;
	assert_true(put_plain("g1", "B2", 50, 0, true));
	now_ms--;
	assert_string_equal(take("g1", now_ms, 10), "F D G B2 E ");
	/* room again: who is behind others waits, who is before them goes */
	gate("g1", 0, 10);
	assert_true(put_plain("g1", "H", 50, 0, true));
	assert_true(put_plain("g1", "I", 90, 0, true));
	assert_false(put_plain("g1", "J", 91, 0, true));
	forget("g1", "F");
	forget("g1", "I");
	assert_false(put_plain("g1", "K", 51, 0, true));
	assert_true(put_plain("g1", "L", 1, 0, true));
	/* what is held stays held, whatever the gate says now */
	assert_true(put_plain("g1", "H", 50, 0, true));
	/* mail that no rule concerns is not asked, and goes */
	assert_false(put("g1", "M", NULL));
	/* what the scheduler said is old */
	redis_server_cli(&f.server, "HINCRBY 'pn:h:{h:g1}:gate' t -5001",
	    got.text, sizeof(got.text));
	assert_false(put_plain("g1", "N", 1, 0, true));
}

static void
test_put_and_move(void **state)
{
	struct hold_record r[] = { request(50, now_ms + 1000, false).rec,
		request(60, 0, false).rec, request(50, NEVER, false).rec };

	(void)state;
	r[0].queue_id = SLICE("A");
	r[0].deferred = true;
	r[1].queue_id = SLICE("B");
	r[1].reason = HOLD_PRIORITY;
	r[2].queue_id = SLICE("C");
	r[2].reason = HOLD_SCAN;
	r[0].tenant = r[1].tenant = r[2].tenant = SLICE("shop");
	for (int i = 0; i < 2; i++) {
		hold_put(f.store, SLICE("p1"), r, 3, store_deadline(f.store),
		    on_done, NULL);
		assert_int_equal(wait_done(), 0);
	}
	assert_int_equal(page("p1", NULL, "", 10), 0);
	assert_string_equal(got.text, "B priority 60 turn\n"
				      "A window 50 later deferred\n"
				      "C scan 50 never\n");
	assert_int_equal(move("p1", "C", 0), 0);
	assert_int_equal(move("p1", "A", NEVER), 0);
	assert_int_equal(move("p1", "X", 0), ERR_NOTFOUND);
	assert_int_equal(page("p1", NULL, "", 10), 0);
	assert_string_equal(got.text, "B priority 60 turn\n"
				      "C scan 50 turn\n"
				      "A hand 50 never deferred\n");
	assert_string_equal(take("p1", now_ms + 100000, 10), "B C ");
	assert_int_equal(move("p1", "B", now_ms + 5), 0);
	assert_string_equal(take("p1", now_ms, 10), "C ");
	assert_true(got.next_ms == now_ms + 5);
}

static void
on_known(int rc, const bool *known, size_t count, void *ctx)
{
	got.count = count;
	got.text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		put_text(known[i] ? "+" : "-");
	on_done(rc, ctx);
}

static void
on_found(int rc, const struct hold_record *r, void *ctx)
{
	got.text[0] = '\0';
	if (r != NULL)
		(void)snprintf(got.text, sizeof(got.text),
		    "%.*s %.*s %s %.*s %u %+lld %+lld %.*s %.*s %.*s %zu",
		    SLICE_F(r->queue_id), SLICE_F(r->tenant),
		    hold_reason_word(r->reason), SLICE_F(r->rule), r->priority,
		    (long long)(r->arrived_ms - now_ms),
		    (long long)(r->release_ms != 0 ? r->release_ms - now_ms
						   : 0),
		    SLICE_F(r->sender), SLICE_F(r->recipient),
		    SLICE_F(r->subject), r->recipients);
	on_done(rc, ctx);
}

static int
find(const char *host, const char *id)
{
	hold_find(f.store, slice_of(host), slice_of(id),
	    store_deadline(f.store), on_found, NULL);
	return wait_done();
}

static void
test_find(void **state)
{
	(void)state;
	assert_int_equal(find("f1", "A"), ERR_NOTFOUND);
	assert_true(put_plain("f1", "A", 7, now_ms + 1000, false));
	assert_int_equal(find("f1", "A"), 0);
	assert_string_equal(got.text, "A shop window night 7 +0 +1000 "
				      "app@shop.test a@x One two 1");
	(void)take("f1", now_ms + 1000, 0);
	assert_int_equal(find("f1", "A"), 0);
	assert_string_equal(got.text, "A shop window night 7 +0 +0 "
				      "app@shop.test a@x One two 1");
}

static void
on_counted(int rc, const size_t counts[HOLD_REASONS], void *ctx)
{
	(void)snprintf(got.text, sizeof(got.text), "%zu %zu %zu %zu %zu",
	    counts[HOLD_WINDOW], counts[HOLD_DAY_CAP], counts[HOLD_PRIORITY],
	    counts[HOLD_SCAN], counts[HOLD_HAND]);
	on_done(rc, ctx);
}

static const char *
counts(const char *host)
{
	hold_count(f.store, slice_of(host), store_deadline(f.store), on_counted,
	    NULL);
	assert_int_equal(wait_done(), 0);
	return got.text;
}

static void
test_counts(void **state)
{
	struct hold_request h = request(50, NEVER, false);

	(void)state;
	assert_string_equal(counts("c1"), "0 0 0 0 0");
	assert_true(put_plain("c1", "A", 50, now_ms + 1, false));
	assert_true(put_plain("c1", "A", 50, now_ms + 1, false));
	assert_true(put_plain("c1", "B", 50, now_ms + 1, false));
	h.rec.reason = HOLD_SCAN;
	assert_true(put("c1", "C", &h));
	assert_string_equal(counts("c1"), "2 0 0 1 0");
	assert_int_equal(move("c1", "A", NEVER), 0);
	assert_string_equal(counts("c1"), "1 0 0 1 1");
	(void)take("c1", now_ms + 1, 10);
	assert_string_equal(counts("c1"), "1 0 0 1 1");
	forget("c1", "A");
	forget("c1", "A");
	forget("c1", "B");
	forget("c1", "C");
	assert_string_equal(counts("c1"), "0 0 0 0 0");
}

static void
test_look(void **state)
{
	const struct slice ids[] = { SLICE("A"), SLICE("B"), SLICE("C") };

	(void)state;
	assert_true(put_plain("l1", "A", 50, now_ms + 1, false));
	assert_true(put_plain("l1", "C", 50, NEVER, false));
	hold_look(f.store, SLICE("l1"), ids, 3, store_deadline(f.store),
	    on_known, NULL);
	assert_int_equal(wait_done(), 0);
	assert_string_equal(got.text, "+-+");
}

static void
fill(const char *host, unsigned count)
{
	struct hold_record r[100];
	char ids[100][16];

	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(ids[i % 100], 16, "Q%05u", i * 7919 % count);
		r[i % 100] = request(1 + i % 99, 0, false).rec;
		r[i % 100].tenant = i % 2 == 0 ? SLICE("shop") : SLICE("bank");
		r[i % 100].queue_id = slice_of(ids[i % 100]);
		/* a third each: ready, all at the same time, never */
		r[i % 100].release_ms = i % 3 == 0   ? 0
					: i % 3 == 1 ? now_ms + 1000
						     : NEVER;
		if (i % 100 != 99 && i + 1 < count)
			continue;
		hold_put(f.store, slice_of(host), r, i % 100 + 1,
		    store_deadline(f.store), on_done, NULL);
		assert_int_equal(wait_done(), 0);
	}
}

static void
on_counted_row(const struct hold_record *r, void *ctx)
{
	unsigned char *seen = ctx;
	unsigned long n = strtoul(r->queue_id.at + 1, NULL, 10);

	assert_int_equal(seen[n], 0);
	seen[n] = 1;
	got.count++;
}

static size_t
walk(const char *host, const char *tenant, unsigned limit, bool changing)
{
	unsigned char seen[5000] = { 0 };
	struct hold_query q = { slice_of(host), slice_of(tenant), SLICE(""),
		limit };
	char cursor[100] = "";

	got.count = 0;
	do {
		q.cursor = slice_of(cursor);
		hold_page(f.store, &q, store_deadline(f.store), on_counted_row,
		    on_page, seen);
		assert_int_equal(wait_done(), 0);
		(void)snprintf(cursor, sizeof(cursor), "%s", got.next);
		/* the row that the cursor names goes meanwhile */
		if (changing && cursor[0] != '\0')
			forget(host, strrchr(cursor, '.') + 1);
	} while (cursor[0] != '\0');
	return got.count;
}

static void
test_pages(void **state)
{
	(void)state;
	fill("w1", 3000);
	assert_int_equal(walk("w1", NULL, 7, false), 3000);
	assert_int_equal(walk("w1", NULL, 1000, false), 3000);
	assert_int_equal(walk("w1", "bank", 100, false), 1500);
	assert_int_equal(walk("w1", "none", 100, false), 0);
	assert_int_equal(walk("w1", NULL, 100, true), 3000);
	assert_int_equal(page("w1", NULL, "b1.1.a", 10), ERR_SYNTAX);
	assert_int_equal(page("none", NULL, "", 10), 0);
	assert_string_equal(got.next, "");
}

/* More than one tick moves: no ids before their order is known. */
static void
test_many_due(void **state)
{
	size_t calls = 0;

	(void)state;
	fill("m1", 17000);
	do {
		(void)take("m1", now_ms + 1000, 100);
		calls++;
	} while (got.next_ms != 0 && calls < 10);
	assert_int_equal(calls, 3);
	assert_int_equal(got.count, 100);
	cli_is("ZCARD 'pn:h:{h:m1}:ready'", "11334");
}

static void
on_asked(int rc, enum hold_ask verb, struct slice queue_id, struct slice actor,
    bool more, void *ctx)
{
	got.text[0] = '\0';
	if (queue_id.at != NULL) {
		put_text(verb == HOLD_ASK_DROP ? "drop " : "release ");
		put_slice(queue_id);
		put_slice(actor);
	}
	got.more = more;
	on_done(rc, ctx);
}

static const char *
asked(void)
{
	hold_ask_take(f.store, SLICE("a1"), store_deadline(f.store), on_asked,
	    NULL);
	assert_int_equal(wait_done(), 0);
	return got.text;
}

static void
test_asks(void **state)
{
	(void)state;
	assert_string_equal(asked(), "");
	hold_ask(f.store, SLICE("a1"), HOLD_ASK_RELEASE, SLICE("A"),
	    SLICE("cli:root"), store_deadline(f.store), on_done, NULL);
	assert_int_equal(wait_done(), 0);
	hold_ask(f.store, SLICE("a1"), HOLD_ASK_DROP, SLICE("B"),
	    SLICE("api:shop admin"), store_deadline(f.store), on_done, NULL);
	assert_int_equal(wait_done(), 0);
	assert_string_equal(asked(), "release A cli:root ");
	assert_true(got.more);
	assert_string_equal(asked(), "drop B api:shop admin ");
	assert_false(got.more);
	assert_string_equal(asked(), "");
	redis_server_cli(&f.server,
	    "EVAL \"for i=1,10000 do redis.call('RPUSH', KEYS[1], 'x') end\" 1 "
	    "'pn:h:{h:a1}:ask'",
	    got.text, sizeof(got.text));
	hold_ask(f.store, SLICE("a1"), HOLD_ASK_DROP, SLICE("B"), SLICE("x"),
	    store_deadline(f.store), on_done, NULL);
	assert_int_equal(wait_done(), ERR_LIMIT);
	/* what is none of ours is passed over */
	assert_string_equal(asked(), "");
	assert_true(got.more);
}

static void
on_booked(int rc, size_t day, void *ctx)
{
	got.count = day;
	on_done(rc, ctx);
}

static const struct slice cap_names[] = { SLICE("all"), SLICE("news") };
static const uint64_t cap_quantities[] = { 3, 1 };
static const unsigned days[] = { 20261123, 20261124, 20261126 };

static int
book(size_t caps)
{
	const struct day_cap_request r = { SLICE("shop"), cap_names,
		cap_quantities, caps, days, COUNT(days) };

	day_cap_take(f.store, &r, store_deadline(f.store), on_booked, NULL);
	return wait_done();
}

static void
test_day_caps(void **state)
{
	const struct day_cap_request r = { SLICE("shop"), cap_names,
		cap_quantities, 2, days, COUNT(days) };
	/* caps that a message has to do with, and its day; 9: none */
	static const size_t cases[][2] = { { 2, 0 }, { 1, 0 }, { 2, 1 },
		{ 1, 0 }, { 1, 1 }, { 2, 2 }, { 1, 1 }, { 2, 9 }, { 1, 2 },
		{ 1, 2 }, { 1, 9 } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int rc = book(cases[i][0]);

		assert_int_equal(rc, cases[i][1] == 9 ? ERR_LIMIT : 0);
		if (rc == 0)
			assert_int_equal(got.count, cases[i][1]);
	}
	day_cap_return(f.store, &r, 1, store_deadline(f.store), on_done, NULL);
	assert_int_equal(wait_done(), 0);
	assert_int_equal(book(2), 0);
	assert_int_equal(got.count, 1);
	/* never below nothing */
	for (int i = 0; i < 5; i++) {
		day_cap_return(f.store, &r, 0, store_deadline(f.store), on_done,
		    NULL);
		assert_int_equal(wait_done(), 0);
	}
	cli_is("HMGET 'pn:d:{shop}:20261123' all news", "0\n0");
}

static void
test_words(void **state)
{
	enum hold_reason reason;

	(void)state;
	for (int i = HOLD_WINDOW; i <= HOLD_HAND; i++) {
		const char *word = hold_reason_word((enum hold_reason)i);

		assert_int_equal(hold_reason_parse(slice_of(word), &reason), 0);
		assert_int_equal(reason, i);
	}
	assert_int_equal(hold_reason_parse(SLICE("x"), &reason), ERR_SYNTAX);
}

static int
setup(void **state)
{
	(void)state;
	store_fixture_open(&f, 0);
	now_ms = clock_wall_us() / 1000;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	store_fixture_close(&f);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_held_until),
		cmocka_unit_test(test_facts_live_as_long),
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_put_and_move),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_many_due),
		cmocka_unit_test(test_asks),
		cmocka_unit_test(test_day_caps),
		cmocka_unit_test(test_words),
	};

	if (!redis_server_available()) {
		puts("1..0 # SKIP no redis-server");
		return 0;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
