/* SPDX-License-Identifier: BSD-2-Clause */
/* Searching events and reading their counters, on a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/delivery_store.h"
#include "store/event_store.h"
#include "store/keys.h"
#include "store/message_store.h"
#include "store/retention_store.h"
#include "store/series_store.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"
#include "util/err.h"

static struct store_fixture f;
static int64_t now_ms;

/* What was read: a line for each event. */
struct seen {
	bool done;
	int rc;
	char text[60000];
	char next[300];
	unsigned rows, calls;
};
static struct seen v;

static void
row(const struct event *e, void *ctx)
{
	size_t n = strlen(v.text);

	(void)ctx;
	(void)snprintf(v.text + n, sizeof(v.text) - n,
	    "%s %.*s %d.%s %.*s|%.*s\n", event_type_word(e->type),
	    SLICE_F(e->recipient), e->status, bounce_class_word(e->class),
	    SLICE_F(e->queue_id), SLICE_F(e->subject));
	v.rows++;
}

static void
end(int rc, struct slice next, void *ctx)
{
	(void)ctx;
	v.rc = rc;
	(void)snprintf(v.next, sizeof(v.next), "%.*s", SLICE_F(next));
	v.done = true;
}

/* All pages. */
static void
search(const struct event_query *query)
{
	struct event_query q = *query;
	char cursor[300];

	v.text[0] = v.next[0] = '\0';
	v.rows = v.calls = 0;
	do {
		memcpy(cursor, v.next, sizeof(cursor));
		q.cursor = slice_of(cursor);
		v.done = false;
		event_page(f.store, &q, store_long_deadline(f.store), row, end,
		    NULL);
		assert_false(v.done);
		store_fixture_run(&f, &v.done);
		assert_int_equal(v.rc, 0);
		assert_true(++v.calls < 2000);
	} while (v.next[0] != '\0');
}

static void
stored(int rc, bool held, void *ctx)
{
	(void)held;
	end(rc, SLICE(""), ctx);
}

static void
committed(int rc, struct slice current, void *ctx)
{
	end(rc, current, ctx);
}

static void
put(const char *host, const char *queue_id, const char *subject,
    const char *message_id, const struct slice *to, size_t count)
{
	const struct message_facts m = { .host = slice_of(host),
		.queue_id = slice_of(queue_id),
		.facts = { .tenant = SLICE("shop"),
		    .sender = SLICE("app@example.com"),
		    .return_path = SLICE("b-1@bounce.example.com"),
		    .from = SLICE("News Desk <news@example.com>"),
		    .subject = slice_of(subject),
		    .message_id = slice_of(message_id),
		    .api_data = SLICE("campaign=7"),
		    .created_ms = now_ms },
		.recipients = to,
		.recipient_count = count };

	v.done = false;
	message_put(f.store, &m, store_deadline(f.store), stored, NULL);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
}

static void
commit(const char *host, const char *from, const char *to,
    const struct delivery_op *ops, size_t count)
{
	v.done = false;
	delivery_commit(f.store, slice_of(host), SLICE("log"), slice_of(from),
	    slice_of(to), ops, count, store_deadline(f.store), committed, NULL);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
}

#define RESULT(id, to, what, why, cl, text) \
	{ \
		.kind = DELIVERY_RESULT, .at_ms = now_ms - 1500, \
		.queue_id = SLICE(id), .recipient = SLICE(to), .type = what, \
		.status = why, .class = cl, .reason = SLICE(text), \
		.relay = SLICE("mx[192.0.2.1]:25"), .provider = SLICE("big") \
	}
#define GONE(id) \
	{ \
		.kind = DELIVERY_REMOVED, .at_ms = now_ms, \
		.queue_id = SLICE(id) \
	}

/* The log tells of bert; the milter did not know of him. */
static void
make_story(void)
{
	const struct slice one[] = { SLICE("anna@one.test") };
	const struct delivery_op first[] = {
		RESULT("4Q1", "anna@one.test", EVENT_SUCCEEDED, 0, CLASS_NONE,
		    "250 ok"),
		RESULT("4Q1", "bert@two.test", EVENT_DEFERRED, 3,
		    CLASS_GREYLISTED, "451 \tlater\x01"),
	};
	const struct delivery_op second[] = {
		RESULT("4Q1", "bert@two.test", EVENT_FAILED, 2,
		    CLASS_USER_UNKNOWN, "550 no"),
		GONE("4Q1"),
		RESULT("4Q2", "anna@one.test", EVENT_SUCCEEDED, 0, CLASS_NONE,
		    "250 ok"),
		GONE("4Q2"),
	};

	host_register(f.store, SLICE("s1"));
	host_register(f.store, SLICE("s2"));
	put("s1", "4Q1", "Autumn Sale", "<1@x>", one, 1);
	commit("s1", "", "1", first, 2);
	put("s1", "4Q2", "Your order", "<2@x>", one, 1);
	commit("s1", "1", "2", second, 4);
}

#define Q1A "queued anna@one.test 0.none 4Q1|Autumn Sale\n"
#define Q1B "queued bert@two.test 0.none 4Q1|Autumn Sale\n"
#define S1A "succeeded anna@one.test 0.none 4Q1|Autumn Sale\n"
#define D1B "deferred bert@two.test 3.greylisted 4Q1|Autumn Sale\n"
#define F1B "failed bert@two.test 2.user-unknown 4Q1|Autumn Sale\n"
#define Q2A "queued anna@one.test 0.none 4Q2|Your order\n"
#define S2A "succeeded anna@one.test 0.none 4Q2|Your order\n"

static const struct {
	const char *name;
	struct event_query q;
	const char *want;
} searches[] = {
	{ "all", { .tenant = SLICE("shop") }, Q1A S1A Q1B D1B F1B Q2A S2A },
	{ "newest first", { .newest_first = true },
	    S2A Q2A F1B D1B Q1B S1A Q1A },
	{ "address", { .recipient = SLICE("anna@one.test") }, Q1A S1A Q2A S2A },
	{ "address, newest first",
	    { .recipient = SLICE("anna@one.test"), .newest_first = true },
	    S2A Q2A S1A Q1A },
	{ "address and type",
	    { .recipient = SLICE("bert@two.test"),
		.types = 1u << EVENT_FAILED },
	    F1B },
	{ "no such address", { .recipient = SLICE("anna@one") }, "" },
	{ "another tenant",
	    { .tenant = SLICE("x"), .recipient = SLICE("anna@one.test") }, "" },
	{ "queue id", { .queue_id = SLICE("4Q1") }, Q1A S1A Q1B D1B F1B },
	{ "queue id and address",
	    { .queue_id = SLICE("4Q1"), .recipient = SLICE("anna@one.test") },
	    Q1A S1A },
	{ "Message-ID", { .message_id = SLICE("<2@x>") }, Q2A S2A },
	{ "Message-ID, newest first",
	    { .message_id = SLICE("<1@x>"), .newest_first = true },
	    F1B D1B Q1B S1A Q1A },
	{ "no such Message-ID", { .message_id = SLICE("<3@x>") }, "" },
	{ "part of the recipient", { .to_part = SLICE("ERT@T") }, Q1B D1B F1B },
	{ "part of the subject", { .subject_part = SLICE("sale") },
	    Q1A S1A Q1B D1B F1B },
	{ "part of the subject, newest first",
	    { .subject_part = SLICE("ORDER"), .newest_first = true }, S2A Q2A },
	{ "part of the subject, later events only",
	    { .subject_part = SLICE("sale"),
		.types = 1u << EVENT_FAILED | 1u << EVENT_SUCCEEDED },
	    S1A F1B },
	{ "part of From",
	    { .from_part = SLICE("news desk"),
		.to_part = SLICE("bert"),
		.status = 2 },
	    F1B },
	{ "part of the return path",
	    { .from_part = SLICE("b-1@"), .types = 1u << EVENT_DEFERRED },
	    D1B },
	{ "part of X-Api-Data", { .api_data_part = SLICE("paign=8") }, "" },
	{ "two parts",
	    { .api_data_part = SLICE("CAMPAIGN"),
		.subject_part = SLICE("your") },
	    Q2A S2A },
};

static void
test_searches(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++) {
		struct event_query q = searches[i].q;

		/* Whole, an event at a time, and looking at little. */
		for (unsigned n = 0; n < 3; n++) {
			q.limit = n == 1 ? 1 : 100;
			q.scan_max = n == 2 ? 1 : 0;
			search(&q);
			if (strcmp(v.text, searches[i].want) != 0)
				fail_msg("%s (%u): %s", searches[i].name, n,
				    v.text);
		}
	}
}

/* What the script packs is what the library packs. */
static void
test_packed_alike(void **state)
{
	char words[200], out[3000], want[3000];
	struct key key = key_events(SLICE("s1"), clock_wall_us());
	struct event_query q = { .recipient = SLICE("bert@two.test"),
		.types = 1u << EVENT_DEFERRED,
		.limit = 1 };
	const struct event e = { .type = EVENT_DEFERRED,
		.status = 3,
		.class = CLASS_GREYLISTED,
		.tenant = SLICE("shop"),
		.recipient = SLICE("bert@two.test"),
		.created_ms = now_ms - 1500,
		.message = SLICE("0"), /* of the same ms, the first */
		.reason = SLICE("451 \tlater\x01"),
		.relay = SLICE("mx[192.0.2.1]:25") };
	unsigned long long ms = 0;
	struct buf packed;

	(void)state;
	search(&q);
	assert_int_equal(v.rows, 1);
	(void)snprintf(words, sizeof(words), "XRANGE '%.*s' - + COUNT 4",
	    SLICE_F(key_slice(&key)));
	redis_server_cli(&f.server, words, out, sizeof(out));
	/* The last one: its id, "e", its value. */
	char *at = out;
	for (char *nl; (nl = strstr(at, "\ne\n")) != NULL; at = nl + 3)
		ms = strtoull(at > out ? strchr(at, '\n') + 1 : at, NULL, 10);
	buf_init(&packed, EVENT_PACKED_MAX);
	assert_int_equal(event_pack(&e, (int64_t)ms, &packed), 0);
	(void)snprintf(want, sizeof(want), "%s", buf_text(&packed));
	at[strcspn(at, "\n")] = '\0';
	assert_string_equal(at, want);
	buf_done(&packed);
}

/* ---- many events of two hosts, written while they are read ---- */

static void
appended(int rc, struct slice id, void *ctx)
{
	end(rc, id, ctx);
}

static void
append(const char *host, const char *recipient)
{
	char next[300];
	const struct event e = { .type = EVENT_FAILED,
		.tenant = SLICE("many"),
		.recipient = slice_of(recipient),
		.status = 10,
		.created_ms = clock_wall_us() / 1000 };

	memcpy(next, v.next, sizeof(next));
	v.done = false;
	event_append(f.store, slice_of(host), &e, store_deadline(f.store),
	    appended, NULL);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
	memcpy(v.next, next, sizeof(next));
}

#define MANY 700
static void
read_many(bool newest_first, struct slice part, struct slice recipient,
    unsigned scan_max)
{
	static unsigned char told[MANY];
	char cursor[300] = "", name[40];
	unsigned extra = 0, last = newest_first ? MANY : 0;

	memset(told, 0, sizeof(told));
	do {
		struct event_query q = { .tenant = SLICE("many"),
			.to_part = part,
			.recipient = recipient,
			.newest_first = newest_first,
			.cursor = slice_of(cursor),
			.scan_max = scan_max,
			.limit = 31 };

		v.text[0] = '\0';
		v.done = false;
		event_page(f.store, &q, store_long_deadline(f.store), row, end,
		    NULL);
		store_fixture_run(&f, &v.done);
		assert_int_equal(v.rc, 0);
		for (char *p = v.text; *p != '\0'; p = strchr(p, '\n') + 1) {
			unsigned long n;

			if (strncmp(p, "failed n", 8) != 0)
				continue; /* new ones */
			n = strtoul(p + 8, NULL, 10);
			assert_true(n < MANY);
			assert_int_equal(told[n]++, 0);
			/* Of one host in the order written. */
			if (n % 2 == 0) {
				assert_true(
				    newest_first ? n <= last : n >= last);
				last = (unsigned)n;
			}
		}
		memcpy(cursor, v.next, sizeof(cursor));
		if (extra++ < 5) {
			(void)snprintf(name, sizeof(name), "x%u@x", extra);
			append(extra % 2 ? "s1" : "s2", name);
		}
	} while (cursor[0] != '\0');
	for (unsigned i = 0; i < MANY; i++)
		if (told[i] != (recipient.at == NULL || i == 8))
			fail_msg("%u was told %u times", i, told[i]);
}

static void
test_no_row_twice_or_never(void **state)
{
	char name[40];

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "n%u@x", i);
		append(i % 2 ? "s1" : "s2", name);
	}
	read_many(false, (struct slice){ NULL, 0 }, (struct slice){ NULL, 0 },
	    0);
	read_many(true, (struct slice){ NULL, 0 }, (struct slice){ NULL, 0 },
	    0);
	read_many(false, SLICE("@X"), (struct slice){ NULL, 0 }, 50);
	read_many(true, SLICE("@X"), (struct slice){ NULL, 0 }, 50);
	read_many(true, SLICE(""), SLICE("n8@x"), 50);
}

/* ---- counters ---- */

static struct series_count total;
static unsigned points, filled;
static char names[2000];

static void
summed(int rc, const struct series_count *at, size_t count, void *ctx)
{
	(void)ctx;
	v.rc = rc;
	points = (unsigned)count;
	filled = 0;
	memset(&total, 0, sizeof(total));
	for (size_t i = 0; i < count; i++) {
		total.queued += at[i].queued;
		total.succeeded += at[i].succeeded;
		total.deferred += at[i].deferred;
		total.failed += at[i].failed;
		total.suppressed += at[i].suppressed;
		total.by_status[2] += at[i].by_status[2];
		total.by_status[10] += at[i].by_status[10];
		filled += at[i].succeeded + at[i].queued > 0;
	}
	v.done = true;
}

static void
series(struct series_query q)
{
	q.tenant = q.tenant.at != NULL ? q.tenant : SLICE("shop");
	q.from_ms = (now_ms / 60000 - 60) * 60000;
	q.minutes = 120;
	v.done = false;
	series_read(f.store, &q, store_deadline(f.store), summed, NULL);
	assert_false(v.done);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
}

static void
shared(int rc, const struct series_share *rows, size_t count, void *ctx)
{
	size_t n = 0;

	(void)ctx;
	v.rc = rc;
	names[0] = '\0';
	for (size_t i = 0; i < count && n < sizeof(names) - 100; i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n,
		    "%.*s %llu %llu; ", SLICE_F(rows[i].name),
		    (unsigned long long)rows[i].count->queued,
		    (unsigned long long)rows[i].count->failed);
	points = (unsigned)count;
	v.done = true;
}

static void
shares(struct series_query q)
{
	q.tenant = q.tenant.at != NULL ? q.tenant : SLICE("shop");
	q.from_ms = (now_ms / 60000 - 60) * 60000;
	q.minutes = 120;
	q.step = 1;
	v.done = false;
	series_shares(f.store, &q, store_deadline(f.store), shared, NULL);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
}

static void
test_series(void **state)
{
	(void)state;
	series((struct series_query){ .step = 1 });
	assert_int_equal(points, 120);
	assert_in_range(filled, 1, 2);
	assert_int_equal(total.queued, 3);
	assert_int_equal(total.succeeded, 2);
	assert_int_equal(total.deferred, 1);
	assert_int_equal(total.failed, 1);
	assert_int_equal(total.by_status[2], 1);
	series((struct series_query){ .step = 50,
	    .unit = SERIES_DOMAIN,
	    .name = SLICE("two.test") });
	assert_int_equal(points, 3);
	assert_int_equal(total.queued, 1);
	assert_int_equal(total.failed, 1);
	assert_int_equal(total.succeeded, 0);
	series((struct series_query){ .step = 120,
	    .unit = SERIES_FILTER,
	    .name = SLICE("big") });
	assert_int_equal(total.succeeded, 2);
	assert_int_equal(total.failed, 1);
	shares((struct series_query){ .unit = SERIES_DOMAIN });
	assert_string_equal(names, "one.test 2 0; two.test 1 1; ");
	/* Suppressed ones did not fail by SMTP. */
	series((struct series_query){ .step = 1, .tenant = SLICE("many") });
	assert_int_equal(total.failed, 0);
	assert_true(total.suppressed >= MANY);
	assert_int_equal(total.by_status[10], total.suppressed);
	series((struct series_query){ .step = 1, .tenant = SLICE("none") });
	assert_int_equal(total.queued, 0);
}

static void
test_many_domains(void **state)
{
	char name[40];

	(void)state;
	for (unsigned i = 0; i < SERIES_DOMAINS_MAX + 50; i++) {
		(void)snprintf(name, sizeof(name), "a@d%u.test", i);
		const struct event e = { .type = EVENT_FAILED,
			.tenant = SLICE("wide"),
			.recipient = slice_of(name),
			.status = 2,
			.created_ms = now_ms };

		v.done = false;
		event_append(f.store, SLICE("s1"), &e, store_deadline(f.store),
		    appended, NULL);
		store_fixture_run(&f, &v.done);
	}
	shares((struct series_query){ .unit = SERIES_DOMAIN,
	    .tenant = SLICE("wide") });
	assert_int_equal(points, SERIES_DOMAINS_MAX + 1);
	series((struct series_query){ .step = 1,
	    .tenant = SLICE("wide"),
	    .unit = SERIES_DOMAIN,
	    .name = SLICE("other") });
	assert_int_equal(total.failed, 50);
	series((struct series_query){ .step = 1, .tenant = SLICE("wide") });
	assert_int_equal(total.failed, SERIES_DOMAINS_MAX + 50);
}

static void
swept(int rc, unsigned days, void *ctx)
{
	(void)ctx;
	v.rc = rc;
	points = days;
	v.done = true;
}

static void
sweep(unsigned days)
{
	const struct slice tenants[] = { SLICE("shop"), SLICE("many") };

	store_set_events_days(f.store, days);
	v.done = false;
	retention_sweep(f.store, SLICE("s1"), tenants, 2, swept, NULL);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
}

/* Seconds left of the longest and the shortest of these keys. */
static void
ttl_of(const char *pattern, long *ret_least, long *ret_most)
{
	char words[300], out[100];

	(void)snprintf(words, sizeof(words),
	    "EVAL \"local a, b = 1e9, -2; for _, k in ipairs(redis.call("
	    "'KEYS', '%s')) do local t = redis.call('TTL', k); "
	    "a = math.min(a, t); b = math.max(b, t) end "
	    "return a .. ' ' .. b\" 0",
	    pattern);
	redis_server_cli(&f.server, words, out, sizeof(out));
	char *end_of_first;
	*ret_least = strtol(out, &end_of_first, 10);
	*ret_most = strtol(end_of_first, NULL, 10);
}

/* Days that are there follow the setting, and go whole. */
static void
test_retention(void **state)
{
	static const char *const patterns[] = { "pn:ev:{h:s1}:*",
		"pn:c:{h:s1}:i:*", "pn:c:{h:s1}:shop:*" };
	char words[300], out[100];
	int64_t old_ms = now_ms - 5 * INT64_C(86400000);
	struct key old = key_events(SLICE("s1"), old_ms * 1000);
	struct event_query q = { .tenant = SLICE("shop"),
		.recipient = SLICE("anna@one.test") };
	long least, most;

	(void)state;
	(void)snprintf(words, sizeof(words), "XADD '%.*s' %lld-0 e q",
	    SLICE_F(key_slice(&old)), (long long)old_ms);
	redis_server_cli(&f.server, words, out, sizeof(out));
	sweep(7);
	assert_int_equal(points, 2);
	for (size_t i = 0; i < 3; i++) {
		ttl_of(patterns[i], &least, &most);
		assert_in_range(least, i == 0 ? 86400 : 7 * 86400, 8 * 86400);
		assert_in_range(most, 7 * 86400, 8 * 86400);
	}
	sweep(3);
	(void)snprintf(words, sizeof(words), "EXISTS '%.*s'",
	    SLICE_F(key_slice(&old)));
	redis_server_cli(&f.server, words, out, sizeof(out));
	assert_string_equal(out, "0");
	sweep(3);
	assert_int_equal(points, 1);
	ttl_of(patterns[1], &least, &most);
	assert_in_range(least, 3 * 86400, 4 * 86400);
	/* What is left is found as before. */
	search(&q);
	assert_string_equal(v.text, Q1A S1A Q2A S2A);
	store_set_events_days(f.store, 40);
}

static void
test_bad_series(void **state)
{
	struct series_query q = { .tenant = SLICE("shop"), .step = 1 };

	(void)state;
	v.done = false;
	series_read(f.store, &q, store_deadline(f.store), summed, NULL);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, ERR_LIMIT);
	v.done = false;
	series_shares(f.store, &q, store_deadline(f.store), shared, NULL);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, ERR_LIMIT);
}

static int
set_up(void **state)
{
	(void)state;
	now_ms = clock_wall_us() / 1000;
	store_fixture_open(&f, 5000);
	make_story();
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
		cmocka_unit_test(test_searches),
		cmocka_unit_test(test_packed_alike),
		cmocka_unit_test(test_no_row_twice_or_never),
		cmocka_unit_test(test_series),
		cmocka_unit_test(test_many_domains),
		cmocka_unit_test(test_bad_series),
		cmocka_unit_test(test_retention),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
