/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages, log batches, DSNs, events and positions on a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/copies_store.h"
#include "store/delivery_store.h"
#include "store/event_store.h"
#include "store/keys.h"
#include "store/message_store.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"
#include "util/err.h"

static struct store_fixture f;
static int64_t now_ms;

/* What was read: one line of text for each event. */
struct seen {
	bool done;
	int rc, result;
	char text[20000];
	char next[300];
	unsigned rows;
};

static void
row(const struct event *e, void *ctx)
{
	struct seen *v = ctx;
	size_t n = strlen(v->text);

	(void)snprintf(v->text + n, sizeof(v->text) - n,
	    "%s %.*s %d%s subject=%.*s rp=%.*s %s%s%.*s\n",
	    event_type_word(e->type), SLICE_F(e->recipient), e->status,
	    e->repeated ? "r" : "", SLICE_F(e->subject),
	    SLICE_F(e->return_path),
	    slice_eq(e->message, e->id) ? "own" : "other",
	    e->origin.len > 0 ? " " : "", SLICE_F(e->origin));
	v->rows++;
}

static void
end(int rc, struct slice next, void *ctx)
{
	struct seen *v = ctx;

	v->rc = rc;
	(void)snprintf(v->next, sizeof(v->next), "%.*s", SLICE_F(next));
	v->done = true;
}

/* Everything that host has written since the position in v. */
static void
read_host(const char *host, struct seen *v)
{
	v->text[0] = '\0';
	v->rows = 0;
	v->done = false;
	event_read(f.store, slice_of(host), slice_of(v->next), 1000,
	    store_deadline(f.store), row, end, v);
	assert_false(v->done);
	store_fixture_run(&f, &v->done);
	assert_int_equal(v->rc, 0);
}

static void
got(int rc, struct slice current, void *ctx)
{
	end(rc, current, ctx);
}

static int
commit(const char *host, const char *expected, const char *next,
    const struct delivery_op *ops, size_t count)
{
	static struct seen v;

	v.done = false;
	delivery_commit(f.store, slice_of(host), SLICE("log"),
	    slice_of(expected), slice_of(next), ops, count,
	    store_deadline(f.store), got, &v);
	store_fixture_run(&f, &v.done);
	return v.rc;
}

static void
done(int rc, void *ctx)
{
	end(rc, SLICE(""), ctx);
}

static void
stored(int rc, bool held, void *ctx)
{
	assert_false(held);
	done(rc, ctx);
}

static struct message_facts
facts_of(const char *host, const char *queue_id, const struct slice *recipients,
    size_t count)
{
	return (struct message_facts){ .host = slice_of(host),
		.queue_id = slice_of(queue_id),
		.facts = { .tenant = SLICE("shop"),
		    .sender = SLICE("app@example.com"),
		    .return_path = SLICE("b-1@bounce.example.com"),
		    .subject = SLICE("Your\torder"),
		    .created_ms = now_ms },
		.recipients = recipients,
		.recipient_count = count };
}

static void
put(const struct message_facts *m)
{
	static struct seen v;

	v.done = false;
	message_put(f.store, m, store_deadline(f.store), stored, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
}

static void
got_bounce(int rc, enum bounce_result result, void *ctx)
{
	struct seen *v = ctx;

	v->rc = rc;
	v->result = (int)result;
	v->done = true;
}

static int
bounce(const char *host, const char *queue_id, const char *original,
    const char *final)
{
	static struct seen v;
	const struct delivery_bounce b = { .host = slice_of(host),
		.queue_id = slice_of(queue_id),
		.sent_s = now_ms / 1000,
		.original = slice_of(original),
		.final = slice_of(final),
		.at_ms = now_ms,
		.status = 2,
		.reason = SLICE("550 gone") };

	v.done = false;
	delivery_bounce(f.store, &b, store_deadline(f.store), got_bounce, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
	return v.result;
}

#define QUEUED(id) \
	{ \
		.kind = DELIVERY_QUEUED, .at_ms = now_ms, \
		.queue_id = SLICE(id), .sender = SLICE("log@example.com") \
	}
#define RESULT(id, to, what, why, text) \
	{ \
		.kind = DELIVERY_RESULT, .at_ms = now_ms, \
		.queue_id = SLICE(id), .recipient = SLICE(to), .type = what, \
		.status = why, .reason = SLICE(text), \
		.relay = SLICE("mx[192.0.2.1]:25") \
	}
#define GONE(id, what) \
	{ \
		.kind = what, .at_ms = now_ms, .queue_id = SLICE(id) \
	}
#define F " subject=Your order rp=b-1@bounce.example.com "

static void
assert_no_message(const char *host, const char *queue_id)
{
	char words[200], out[100];

	(void)snprintf(words, sizeof(words), "EXISTS 'pn:m:{h:%s}:%s'", host,
	    queue_id);
	redis_server_cli(&f.server, words, out, sizeof(out));
	assert_string_equal(out, "0");
}

static void
test_life_of_a_message(void **state)
{
	static struct seen v;
	const struct slice to[] = { SLICE("a@x"), SLICE("b@x") };
	const struct message_facts m = facts_of("h1", "Q1", to, 2);
	const struct delivery_op first[] = {
		QUEUED("Q1"),
		RESULT("Q1", "a@x", EVENT_SUCCEEDED, 0, "250 ok"),
		RESULT("Q1", "b@x", EVENT_DEFERRED, 5, "452 full"),
	};
	const struct delivery_op second[] = {
		RESULT("Q1", "a@x", EVENT_FAILED, 2, "never"),
		RESULT("Q1", "b@x", EVENT_DEFERRED, 5, "452 full"),
		RESULT("Q1", "b@x", EVENT_SUCCEEDED, 0, "250 ok"),
		GONE("Q1", DELIVERY_REMOVED),
	};

	(void)state;
	put(&m);
	assert_int_equal(commit("h1", "", "1", first, 3), 0);
	/* The same batch again: nothing is written. */
	assert_int_equal(commit("h1", "", "1", first, 3), ERR_CONFLICT);
	v.next[0] = '\0';
	read_host("h1", &v);
	assert_string_equal(v.text, "queued a@x 0" F "own\n"
				    "queued b@x 0" F "other\n"
				    "succeeded a@x 0" F "other\n"
				    "deferred b@x 5" F "other\n");
	assert_int_equal(commit("h1", "1", "2", second, 4), 0);
	read_host("h1", &v);
	assert_string_equal(v.text, "deferred b@x 5" F "other\n"
				    "succeeded b@x 0" F "other\n");
	assert_no_message("h1", "Q1");
	read_host("h1", &v);
	assert_int_equal(v.rows, 0);
	/* The checkpoint as stored. */
	v.done = false;
	delivery_checkpoint(f.store, SLICE("h1"), SLICE("log"),
	    store_deadline(f.store), got, &v);
	store_fixture_run(&f, &v.done);
	assert_string_equal(v.next, "2");
}

static void
test_without_facts(void **state)
{
	static struct seen v;
	const struct delivery_op ops[] = {
		QUEUED("Q2"),
		RESULT("Q2", "a@x", EVENT_DEFERRED, 4, "450 later"),
		RESULT("Q2", "b@x", EVENT_DEFERRED, 5, "452 full"),
		GONE("Q2", DELIVERY_EXPIRED),
		GONE("Q2", DELIVERY_REMOVED),
	};

	(void)state;
	assert_int_equal(commit("h2", "", "1", ops, 5), 0);
	read_host("h2", &v);
	assert_string_equal(v.text,
	    "queued a@x 0 subject= rp=log@example.com own\n"
	    "deferred a@x 4 subject= rp=log@example.com other\n"
	    "queued b@x 0 subject= rp=log@example.com other\n"
	    "deferred b@x 5 subject= rp=log@example.com other\n"
	    "failed a@x 3 subject= rp=log@example.com other\n"
	    "failed b@x 5 subject= rp=log@example.com other\n");
	/* Kept, so that a DSN of theirs is known to be told. */
	assert_int_equal(bounce("h2", "Q2", "a@x", ""), BOUNCE_DUPLICATE);
}

static void
test_deleted_by_hand(void **state)
{
	static struct seen v;
	const struct slice to[] = { SLICE("a@x") };
	const struct message_facts m = facts_of("h3", "Q3", to, 1);
	const struct delivery_op ops[] = { GONE("Q3", DELIVERY_REMOVED),
		GONE("Q3b", DELIVERY_REMOVED) };

	(void)state;
	put(&m);
	assert_int_equal(commit("h3", "", "1", ops, 2), 0);
	read_host("h3", &v);
	assert_string_equal(v.text, "queued a@x 0" F "own\n"
				    "failed a@x 99" F "other\n");
	assert_no_message("h3", "Q3b");
}

static void
noted(int rc, void *ctx)
{
	end(rc, SLICE(""), ctx);
}

static void
note_origin(const char *host, const char *queue_id, const char *origin)
{
	static struct seen v;

	v.done = false;
	delivery_origin(f.store, slice_of(host), slice_of(queue_id),
	    slice_of(origin), store_deadline(f.store), noted, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
}

static void
known(int rc, bool is_known, bool tried, void *ctx)
{
	struct seen *v = ctx;

	v->result = is_known + tried;
	end(rc, SLICE(""), v);
}

static int
look(const char *host, const char *queue_id)
{
	static struct seen v;

	v.done = false;
	message_look(f.store, slice_of(host), slice_of(queue_id),
	    store_deadline(f.store), known, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
	return v.result;
}

static void
test_dropped(void **state)
{
	static struct seen v;
	const struct slice to[] = { SLICE("a@x"), SLICE("b@x") };
	const struct message_facts m = facts_of("h88", "Q8", to, 2);
	const struct delivery_op ops[] = {
		RESULT("Q8", "a@x", EVENT_SUCCEEDED, 0, "250 ok"),
		GONE("Q8", DELIVERY_REMOVED),
	};

	(void)state;
	assert_int_equal(look("h88", "Q8"), 0);
	put(&m);
	assert_int_equal(look("h88", "Q8"), 1);
	note_origin("h88", "Q8", "api");
	note_origin("h88", "nosuch", "api");
	assert_no_message("h88", "nosuch");
	assert_int_equal(commit("h88", "", "1", ops, 1), 0);
	assert_int_equal(look("h88", "Q8"), 2);
	assert_int_equal(commit("h88", "1", "2", ops + 1, 1), 0);
	read_host("h88", &v);
	assert_string_equal(v.text, "queued a@x 0" F "own\n"
				    "queued b@x 0" F "other\n"
				    "succeeded a@x 0" F "other\n"
				    "failed b@x 99" F "other api\n");
}

static void
test_bounces(void **state)
{
	static struct seen v;
	const struct slice to[] = { SLICE("a@x"), SLICE("b@x") };
	const struct message_facts m = facts_of("h4", "Q4", to, 2);
	const struct message_facts n = facts_of("h4", "Q5", to, 1);
	const struct message_facts o = facts_of("h4", "Q7", to, 1);
	const struct delivery_op ops[] = {
		QUEUED("Q7"),
		QUEUED("Q4"),
		RESULT("Q4", "a@x", EVENT_SUCCEEDED, 0, "250 ok"),
		RESULT("Q4", "b@x", EVENT_SUCCEEDED, 0, "250 ok"),
		GONE("Q4", DELIVERY_REMOVED),
		QUEUED("Q5"),
	};
	const struct delivery_op late[] = {
		RESULT("Q5", "a@x", EVENT_FAILED, 2, "550 no"),
		GONE("Q5", DELIVERY_REMOVED),
	};

	(void)state;
	put(&m);
	put(&n);
	put(&o);
	assert_int_equal(commit("h4", "", "1", ops, 6), 0);
	assert_no_message("h4", "Q4");
	read_host("h4", &v);
	/* Found in the stream, as the hash is gone; then by its mark. */
	assert_int_equal(bounce("h4", "Q4", "other@x", "b@x"), BOUNCE_RECORDED);
	assert_int_equal(bounce("h4", "Q4", "b@x", ""), BOUNCE_DUPLICATE);
	assert_int_equal(bounce("h4", "Q4", "c@x", "d@x"), BOUNCE_UNKNOWN);
	assert_int_equal(bounce("h4", "Q4", "a@x", ""), BOUNCE_RECORDED);
	assert_int_equal(bounce("h4", "nosuch", "a@x", ""), BOUNCE_UNKNOWN);
	/* One recipient only: then it was forwarded. */
	assert_int_equal(bounce("h4", "Q5", "", "elsewhere@y"),
	    BOUNCE_RECORDED);
	/* Nobody is named: nothing says that it was forwarded. */
	assert_int_equal(bounce("h4", "Q7", "", ""), BOUNCE_RECORDED);
	assert_int_equal(bounce("h4", "Q4", "", ""), BOUNCE_UNKNOWN);
	assert_int_equal(commit("h4", "1", "2", late, 2), 0);
	read_host("h4", &v);
	assert_string_equal(v.text, "bounced b@x 2" F "other\n"
				    "bounced a@x 2" F "other\n"
				    "bounced a@x 6" F "other\n"
				    "bounced a@x 2" F "other\n"
				    "failed a@x 2r" F "other\n");
}

static void
test_suppressed(void **state)
{
	static struct seen v;
	const struct slice to[] = { SLICE("s1@x"), SLICE("s2@x") };
	const struct slice why[] = { SLICE("user_unknown"), SLICE("x") };
	struct message_facts m = facts_of("h5", "Q6", NULL, 0);
	struct buf line;

	(void)state;
	m.suppressed = to;
	m.suppressed_reason = why;
	m.suppressed_count = 2;
	put(&m);
	/* Once more, by way of the spool. */
	buf_init(&line, 10000);
	assert_int_equal(message_facts_print(&m, &line), 0);
	v.done = false;
	message_put_line(f.store, buf_slice(&line), store_deadline(f.store),
	    stored, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
	buf_done(&line);
	v.next[0] = '\0';
	read_host("h5", &v);
	assert_string_equal(v.text, "failed s1@x 10" F "own\n"
				    "failed s2@x 10" F "other\n");
	v.done = false;
	message_put_line(f.store, SLICE("1\tno line"), store_deadline(f.store),
	    stored, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, ERR_SYNTAX);
}

static void
test_refused(void **state)
{
	static struct seen v;
	const struct slice to[] = { SLICE("r1@x"), SLICE("r2@x") };
	const struct slice why[] = { SLICE("550 5.7.1 x"),
		SLICE("550 5.7.1 x") };
	struct message_facts m = facts_of("h9", "Q9", NULL, 0);
	struct buf line;

	(void)state;
	m.suppressed = to;
	m.suppressed_reason = why;
	m.suppressed_count = 2;
	m.suppressed_status = 99;
	m.suppressed_origin = SLICE("virus");
	buf_init(&line, 10000);
	assert_int_equal(message_facts_print(&m, &line), 0);
	for (int i = 0; i < 2; i++) {
		v.done = false;
		message_put_line(f.store, buf_slice(&line),
		    store_deadline(f.store), stored, &v);
		store_fixture_run(&f, &v.done);
		assert_int_equal(v.rc, 0);
	}
	buf_done(&line);
	v.next[0] = '\0';
	read_host("h9", &v);
	assert_string_equal(v.text, "failed r1@x 99" F "own virus\n"
				    "failed r2@x 99" F "other virus\n");
}

struct look {
	bool done, seen;
	int rc;
};

static void
looked(int rc, bool seen, void *ctx)
{
	struct look *l = ctx;

	*l = (struct look){ true, seen, rc };
}

static bool
is_seen(const char *host, const char *queue_id)
{
	struct look l = { .done = false };

	copies_look(f.store, slice_of(host), slice_of(queue_id),
	    store_deadline(f.store), looked, &l);
	store_fixture_run(&f, &l.done);
	assert_int_equal(l.rc, 0);
	return l.seen;
}

static void
test_archive(void **state)
{
	static struct seen v;
	const struct slice to[] = { SLICE("a@x"), SLICE("b@x"), SLICE("c@x") };
	struct message_facts m = facts_of("h10", "QA", to, 3);
	const struct delivery_op ops[] = {
		QUEUED("QA"),
		RESULT("QA", "a@x", EVENT_SUCCEEDED, 0, ""),
		RESULT("QA", "b@x", EVENT_DEFERRED, 7, "451 later"),
		RESULT("QA", "b@x", EVENT_FAILED, 2, "550 no"),
		RESULT("QA", "c@x", EVENT_FAILED, 2, "550 no"),
		GONE("QA", DELIVERY_REMOVED),
	};

	(void)state;
	m.archive = true;
	put(&m);
	put(&m);
	assert_false(is_seen("h10", "QA"));
	assert_int_equal(commit("h10", "", "1", ops, 1), 0);
	assert_true(is_seen("h10", "QA"));
	assert_int_equal(commit("h10", "1", "2", ops + 1, 5), 0);
	v.next[0] = '\0';
	read_host("h10", &v);
	assert_string_equal(v.text, "observed b@x 2" F "other bcc\n");
	/* Nobody asked for a report. */
	assert_int_equal(bounce("h10", "QA", "a@x", ""), BOUNCE_DUPLICATE);
	assert_int_equal(bounce("h10", "QA", "", ""), BOUNCE_DUPLICATE);
	read_host("h10", &v);
	assert_int_equal(v.rows, 0);
}

static void
test_seen_in_the_log(void **state)
{
	const struct slice to[] = { SLICE("a@x") };
	struct message_facts m = facts_of("h11", "QS", to, 1);
	const struct delivery_op ops[] = {
		QUEUED("QS"),
		RESULT("QS", "a@x", EVENT_SUCCEEDED, 0, ""),
		GONE("QS", DELIVERY_REMOVED),
	};

	(void)state;
	put(&m);
	assert_false(is_seen("h11", "QS"));
	assert_int_equal(commit("h11", "", "1", ops, 1), 0);
	assert_true(is_seen("h11", "QS"));
	/* All was delivered, its facts are gone. */
	assert_int_equal(commit("h11", "1", "2", ops + 1, 2), 0);
	assert_true(is_seen("h11", "QS"));
}

/* ---- for whom the MTA has copies ---- */

static void
got_copies(int rc, const struct copies_entry *entries, size_t count, void *ctx)
{
	struct seen *v = ctx;

	v->text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(v->text);

		(void)snprintf(v->text + n, sizeof(v->text) - n, "%.*s=%.*s\n",
		    SLICE_F(entries[i].recipient), SLICE_F(entries[i].state));
	}
	v->rows = (unsigned)count;
	end(rc, SLICE(""), v);
}

static void
check_copies(const char *want)
{
	static struct seen v;

	v.done = false;
	copies_get(f.store, SLICE("shop"), SLICE("id"), store_deadline(f.store),
	    got_copies, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
	assert_string_equal(v.text, want);
}

static void
test_copies(void **state)
{
	static struct seen v;
	const struct copies_entry first[] = { { SLICE("a@x"), SLICE("+") },
		{ SLICE("b@x"), SLICE("h Q 1") } };
	const struct copies_entry second[] = { { SLICE("a@x"), SLICE("") },
		{ SLICE("b@x"), SLICE("+") } };

	(void)state;
	check_copies("");
	v.done = false;
	copies_put(f.store, SLICE("shop"), SLICE("id"), first, 2,
	    store_deadline(f.store), done, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
	check_copies("a@x=+\nb@x=h Q 1\n");
	v.done = false;
	copies_put(f.store, SLICE("shop"), SLICE("id"), second, 2,
	    store_deadline(f.store), done, &v);
	store_fixture_run(&f, &v.done);
	check_copies("b@x=+\n");
	v.done = false;
	copies_forget(f.store, SLICE("shop"), SLICE("id"),
	    store_deadline(f.store), done, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
	check_copies("");
}

static void
test_queue_id_again(void **state)
{
	static struct seen v;
	const struct slice to[] = { SLICE("a@x") };
	struct message_facts m = facts_of("h6", "Q7", to, 1);
	const struct delivery_op ops[] = {
		QUEUED("Q7"),
		RESULT("Q7", "a@x", EVENT_FAILED, 2, "550 no"),
		GONE("Q7", DELIVERY_REMOVED),
	};

	(void)state;
	put(&m);
	assert_int_equal(commit("h6", "", "1", ops, 3), 0);
	m.facts.created_ms = ++now_ms;
	put(&m);
	assert_int_equal(commit("h6", "1", "2", ops, 3), 0);
	read_host("h6", &v);
	assert_string_equal(v.text,
	    "queued a@x 0" F "own\nfailed a@x 2" F "other\n"
	    "queued a@x 0" F "own\nfailed a@x 2" F "other\n");
}

static void
test_positions(void **state)
{
	static struct seen v;
	const struct event e = { .type = EVENT_BLOCKED,
		.tenant = SLICE("shop"),
		.recipient = SLICE("a@x"),
		.status = 2,
		.created_ms = now_ms };
	const char *const moves[][2] = { { "", "p1" }, { "", "p2" },
		{ "p1", "p2" } };
	const int want[] = { 0, ERR_CONFLICT, 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		v.done = false;
		position_move(f.store, SLICE("h7"), SLICE("count"),
		    slice_of(moves[i][0]), slice_of(moves[i][1]), &e, 1,
		    store_deadline(f.store), got, &v);
		store_fixture_run(&f, &v.done);
		assert_int_equal(v.rc, want[i]);
		if (want[i] != 0)
			assert_string_equal(v.next, "p1");
	}
	v.next[0] = '\0';
	read_host("h7", &v);
	assert_int_equal(v.rows, 2);
	v.done = false;
	position_get(f.store, SLICE("h7"), SLICE("count"),
	    store_deadline(f.store), got, &v);
	store_fixture_run(&f, &v.done);
	assert_string_equal(v.next, "p2");
}

/* ---- pages over hosts ---- */

static void
appended(int rc, struct slice id, void *ctx)
{
	end(rc, id, ctx);
}

static void
append(const char *host, const char *tenant, const char *recipient)
{
	static struct seen v;
	const struct event e = { .type = EVENT_FAILED,
		.tenant = slice_of(tenant),
		.recipient = slice_of(recipient),
		.status = 10,
		.created_ms = clock_wall_us() / 1000 };

	v.done = false;
	event_append(f.store, slice_of(host), &e, store_deadline(f.store),
	    appended, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
	assert_memory_equal(v.next, host, strlen(host));
}

static void
test_pages(void **state)
{
	static struct seen v, all;
	char name[40];
	unsigned total = 0, extra = 0;

	(void)state;
	host_register(f.store, SLICE("p1"));
	host_register(f.store, SLICE("p2"));
	host_register(f.store, SLICE("p3"));
	for (int i = 0; i < 600; i++) {
		(void)snprintf(name, sizeof(name), "%d@x", i);
		append(i % 3 == 0 ? "p1" : "p2", "pages", name);
	}
	v.next[0] = '\0';
	do {
		struct event_query q = { .tenant = SLICE("pages"),
			.cursor = slice_of(v.next),
			.limit = 37 };

		v.text[0] = '\0';
		v.done = false;
		v.rows = 0;
		event_page(f.store, &q, store_deadline(f.store), row, end, &v);
		store_fixture_run(&f, &v.done);
		assert_int_equal(v.rc, 0);
		total += v.rows;
		if (total < 100) { /* they come behind what is there */
			append("p1", "pages", "new@x");
			extra++;
		}
		char *to = all.text + strlen(all.text);
		for (char *p = v.text; *p != '\0' && to < all.text + 19000;) {
			char *nl = strchr(p, '\n');
			char *at = strchr(p, ' ');

			while (at < nl && *++at != '@')
				*to++ = *at;
			*to++ = ' ';
			*to = '\0';
			p = nl + 1;
		}
	} while (v.next[0] != '\0');
	assert_int_equal(total, 600 + extra);
	/* Each host's in the order written (of one ms: by host). */
	unsigned long next[2] = { 0, 1 };
	char *p = all.text;
	for (unsigned i = 0; i < 600; i++) {
		unsigned long n = strtoul(p, &p, 10);
		unsigned long *want = &next[n % 3 != 0];

		assert_int_equal(n, *want);
		*want += n % 3 == 1 ? 1 : n % 3 == 2 ? 2 : 3;
	}
}

static void
test_filters_and_scan_limit(void **state)
{
	static struct seen v;
	unsigned rows = 0, calls = 0;

	(void)state;
	v.next[0] = '\0';
	do {
		struct event_query q = { .tenant = SLICE("pages"),
			.to_part = SLICE("599@X"),
			.types = 1u << EVENT_FAILED,
			.status = 10,
			.from_ms = now_ms - 60000,
			.to_ms = now_ms + 3600000,
			.cursor = slice_of(v.next),
			.scan_max = 100,
			.limit = 10 };

		v.done = false;
		v.rows = 0;
		v.text[0] = '\0';
		event_page(f.store, &q, store_deadline(f.store), row, end, &v);
		store_fixture_run(&f, &v.done);
		assert_int_equal(v.rc, 0);
		rows += v.rows;
		assert_true(++calls < 50);
	} while (v.next[0] != '\0');
	assert_int_equal(rows, 1);
	assert_true(calls > 1);
}

/* Reading goes over to the next day by itself, also over days without mail. */
static void
test_days(void **state)
{
	static struct seen v;
	const int64_t ages[] = { 5, 1 };
	struct event_query q = { .tenant = SLICE("days"), .limit = 2 };
	char out[100], words[300];

	(void)state;
	host_register(f.store, SLICE("d1"));
	for (size_t i = 0; i < 2; i++) {
		int64_t ms = now_ms - ages[i] * 86400000;
		struct key key = key_events(SLICE("d1"), ms * 1000);

		(void)snprintf(words, sizeof(words),
		    "XADD '%.*s' %lld-0 t q n days r %zu@x w %lld",
		    SLICE_F(key_slice(&key)), (long long)ms, i, (long long)ms);
		redis_server_cli(&f.server, words, out, sizeof(out));
	}
	append("d1", "days", "2@x");
	v.next[0] = '\0';
	for (unsigned i = 0; i < 3; i++) { /* a day at a time */
		read_host("d1", &v);
		assert_int_equal(v.rows, 1);
		(void)snprintf(words, sizeof(words), " %u@x ", i);
		assert_non_null(strstr(v.text, words));
	}
	/* Pages, too. */
	v.text[0] = '\0';
	v.rows = 0;
	v.done = false;
	event_page(f.store, &q, store_deadline(f.store), row, end, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rows, 2);
	assert_memory_equal(v.text, "queued 0@x", 10);
	q.cursor = slice_of(v.next);
	v.rows = 0;
	v.done = false;
	event_page(f.store, &q, store_deadline(f.store), row, end, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rows, 1);
	assert_string_equal(v.next, "");
	/* A stream goes whole, 40 days after its day. */
	struct key key = key_events(SLICE("d1"), clock_wall_us());
	(void)snprintf(words, sizeof(words), "TTL '%.*s'",
	    SLICE_F(key_slice(&key)));
	redis_server_cli(&f.server, words, out, sizeof(out));
	long ttl = strtol(out, NULL, 10);
	assert_in_range(ttl, 40 * 86400, 41 * 86400);
}

static void
test_bad_cursors(void **state)
{
	static struct seen v;
	struct event_query q = { .cursor = SLICE("e1.1.2"), .limit = 1 };

	(void)state;
	v.done = false;
	event_page(f.store, &q, store_deadline(f.store), row, end, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, ERR_SYNTAX);
	v.done = false;
	event_read(f.store, SLICE("h"), SLICE("h/20260231/1-1"), 10,
	    store_deadline(f.store), row, end, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, ERR_SYNTAX);
}

/* Two followers of one log: one of them wins each batch. */
static void
test_race(void **state)
{
	static struct seen v[20];
	const struct delivery_op ops[] = { QUEUED("R1"),
		RESULT("R1", "a@x", EVENT_SUCCEEDED, 0, "250") };
	struct store_options options = { .address = f.server.address,
		.timeout_ms = 5000 };
	struct store *other;
	char error[200];
	unsigned won = 0;

	(void)state;
	assert_int_equal(store_open(f.base, &options, &other, error,
			     sizeof(error)),
	    0);
	for (int i = 0; i < 20; i++)
		delivery_commit(i % 2 ? other : f.store, SLICE("h8"),
		    SLICE("log"), SLICE(""), SLICE("1"), ops, 2,
		    store_deadline(f.store), got, &v[i]);
	for (int i = 0; i < 20; i++) {
		store_fixture_run(&f, &v[i].done);
		won += v[i].rc == 0;
		assert_string_equal(v[i].next, "1");
	}
	assert_int_equal(won, 1);
	v[0].next[0] = '\0';
	read_host("h8", &v[0]);
	assert_int_equal(v[0].rows, 2);
	store_close(other);
}

static int
set_up(void **state)
{
	(void)state;
	now_ms = clock_wall_us() / 1000;
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
		cmocka_unit_test(test_life_of_a_message),
		cmocka_unit_test(test_without_facts),
		cmocka_unit_test(test_deleted_by_hand),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_bounces),
		cmocka_unit_test(test_suppressed),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_archive),
		cmocka_unit_test(test_seen_in_the_log),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_queue_id_again),
		cmocka_unit_test(test_positions),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_filters_and_scan_limit),
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_bad_cursors),
		cmocka_unit_test(test_race),
	};

	if (!redis_server_available()) {
		printf("1..0 # SKIP redis-server is not installed\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
