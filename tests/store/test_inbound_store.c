/* SPDX-License-Identifier: BSD-2-Clause */
/* Mails for applications kept in a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/event_store.h"
#include "store/inbound_store.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"
#include "util/crypto.h"
#include "util/err.h"

static struct store_fixture f;
static const struct master_key key = { { 1, 2, 3 } };
#define HOST SLICE("mta1")
#define SHOP SLICE("shop")
#define ROOM 1000000 /* octets of all contents */

static int
setup(void **state)
{
	(void)state;
	if (redis_server_available())
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
	enum inbound_begun begun;
	unsigned rows, looked, events;
	int64_t last_us;
	char text[2000];
	struct buf plain;
	const struct content_piece *piece;
} got;

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
on_begun(int rc, enum inbound_begun begun, void *ctx)
{
	got.begun = begun;
	on_done(rc, ctx);
}

static struct inbound_record
record(const char *id, uint64_t size)
{
	static int64_t last_us;
	int64_t now_us = clock_wall_us();

	last_us = now_us > last_us ? now_us : last_us + 1;
	return (struct inbound_record){ .id = slice_of(id),
		.tenant = SHOP,
		.created_us = last_us,
		.expires_ms = last_us / 1000 + 3600000,
		.recipient = SLICE("orders@in.example"),
		.sender = SLICE("a@customer.example"),
		.filter = SLICE("Orders"),
		.from = SLICE("A <a@customer.example>"),
		.subject = SLICE("S\xc3\xbc\xc3\x9f"),
		.message_id = SLICE("<1@customer.example>"),
		.webhooks = SLICE("app\ncrm"),
		.size = size,
		.pieces = content_pieces(size) };
}

static enum inbound_begun
begin(const struct inbound_record *r)
{
	inbound_begin(f.store, HOST, r, ROOM, store_deadline(f.store), on_begun,
	    NULL);
	assert_int_equal(wait_done(), 0);
	return got.begun;
}

static int
put(const char *id, uint64_t number, uint64_t count, struct slice plain)
{
	const struct content_piece piece = { INBOUND_PURPOSE, SHOP,
		slice_of(id), number, count };
	struct buf box;

	buf_init(&box, CONTENT_PIECE + CRYPTO_BOX_EXTRA);
	assert_int_equal(content_seal(&key, &piece, plain, &box), 0);
	inbound_put(f.store, HOST, slice_of(id), number, buf_slice(&box),
	    store_deadline(f.store), on_done, NULL);
	buf_done(&box);
	return wait_done();
}

static int
finish(const struct inbound_record *r)
{
	const struct event e = { .created_ms = r->created_us / 1000,
		.type = EVENT_INBOUND,
		.tenant = r->tenant,
		.recipient = r->recipient,
		.reason = r->id,
		.origin = r->filter,
		.sender = r->sender,
		.subject = r->subject };

	inbound_finish(f.store, HOST, r, &e, store_deadline(f.store), on_done,
	    NULL);
	return wait_done();
}

static void
on_found(int rc, const struct inbound_record *r, void *ctx)
{
	if (rc == 0)
		snprintf(got.text, sizeof(got.text),
		    "%.*s %.*s %.*s %.*s %.*s %.*s %llu %llu",
		    SLICE_F(r->tenant), SLICE_F(r->recipient),
		    SLICE_F(r->sender), SLICE_F(r->filter), SLICE_F(r->subject),
		    SLICE_F(r->webhooks), (unsigned long long)r->size,
		    (unsigned long long)r->pieces);
	on_done(rc, ctx);
}

static int
find(const char *id)
{
	inbound_find(f.store, HOST, slice_of(id), store_deadline(f.store),
	    on_found, NULL);
	return wait_done();
}

static void
on_box(int rc, struct slice box, void *ctx)
{
	if (rc == 0)
		rc = content_open(&key, got.piece, box, &got.plain);
	on_done(rc, ctx);
}

static int
get(const char *id, uint64_t number, uint64_t count)
{
	const struct content_piece piece = { INBOUND_PURPOSE, SHOP,
		slice_of(id), number, count };

	got.piece = &piece;
	inbound_get(f.store, HOST, slice_of(id), number,
	    store_deadline(f.store), on_box, NULL);
	return wait_done();
}

static int
taken(const char *id, struct slice webhook)
{
	inbound_taken(f.store, HOST, SHOP, slice_of(id), webhook,
	    store_deadline(f.store), on_done, NULL);
	return wait_done();
}

static void
on_event(const struct event *e, void *ctx)
{
	(void)ctx;
	if (e->type != EVENT_INBOUND)
		return;
	got.events++;
	assert_true(slice_eq(e->origin, SLICE("Orders")));
	assert_int_equal(e->reason.len, INBOUND_ID_LEN);
}

static void
on_events_end(int rc, struct slice next, void *ctx)
{
	(void)next;
	on_done(rc, ctx);
}

static unsigned
events(void)
{
	got.events = 0;
	event_read(f.store, HOST, SLICE(""), 1000, store_deadline(f.store),
	    on_event, on_events_end, NULL);
	assert_int_equal(wait_done(), 0);
	return got.events;
}

static void
on_row(const struct inbound_record *r, void *ctx)
{
	(void)ctx;
	snprintf(got.text + strlen(got.text),
	    sizeof(got.text) - strlen(got.text), "%.*s ", SLICE_F(r->id));
	got.rows++;
}

static void
on_page_end(int rc, unsigned looked, int64_t last_us, void *ctx)
{
	got.looked = looked;
	got.last_us = last_us;
	on_done(rc, ctx);
}

static unsigned
page(int64_t before_us, unsigned limit)
{
	got.rows = 0;
	got.text[0] = '\0';
	inbound_page(f.store, HOST, SHOP, before_us, limit,
	    store_deadline(f.store), on_row, on_page_end, NULL);
	assert_int_equal(wait_done(), 0);
	return got.rows;
}

#define ID1 "00000000000000000000000000000001"
#define ID2 "00000000000000000000000000000002"
#define ID3 "00000000000000000000000000000003"

static void
test_life_of_a_mail(void **state)
{
	size_t size = CONTENT_PIECE + 1000;
	char *mail = calloc(1, size);
	struct inbound_record r = record(ID1, size);

	(void)state;
	assert_non_null(mail);
	memset(mail, 'x', size);
	mail[CONTENT_PIECE] = 'y';
	if (!redis_server_available()) {
		free(mail);
		skip();
	}
	buf_init(&got.plain, 2 * CONTENT_PIECE);
	assert_int_equal(put(ID1, 0, 2, SLICE("x")), ERR_NOTFOUND);
	assert_int_equal(finish(&r), ERR_NOTFOUND);
	assert_int_equal(begin(&r), INBOUND_GO_ON);
	assert_int_equal(find(ID1), ERR_NOTFOUND); /* not all of it */
	assert_int_equal(put(ID1, 0, 2, (struct slice){ mail, CONTENT_PIECE }),
	    0);
	/* Killed here, and handed over again. */
	assert_int_equal(begin(&r), INBOUND_GO_ON);
	assert_int_equal(put(ID1, 0, 2, (struct slice){ mail, CONTENT_PIECE }),
	    0);
	assert_int_equal(put(ID1, 1, 2,
			     (struct slice){ mail + CONTENT_PIECE, 1000 }),
	    0);
	assert_int_equal(page(0, 10), 0);
	assert_int_equal(events(), 0);
	assert_int_equal(finish(&r), 0);
	/* Killed behind it: nothing twice. */
	assert_int_equal(begin(&r), INBOUND_KNOWN);
	assert_int_equal(finish(&r), 0);
	assert_int_equal(events(), 1);
	assert_int_equal(find(ID1), 0);
	assert_string_equal(got.text,
	    "shop orders@in.example a@customer.example Orders "
	    "S\xc3\xbc\xc3\x9f app\ncrm 263144 2");
	assert_int_equal(get(ID1, 0, 2), 0);
	assert_int_equal(get(ID1, 1, 2), 0);
	assert_int_equal(got.plain.len, size);
	assert_memory_equal(got.plain.at, mail, size);
	assert_int_equal(get(ID1, 1, 3), ERR_CRYPTO);
	assert_int_equal(get(ID1, 2, 2), ERR_NOTFOUND);

	/* One of two webhooks has it, then the other one. */
	assert_int_equal(taken(ID1, SLICE("app")), 0);
	assert_int_equal(taken(ID1, SLICE("app")), 0);
	assert_int_equal(taken(ID1, SLICE("other")), 0);
	assert_int_equal(find(ID1), 0);
	assert_int_equal(taken(ID1, SLICE("crm")), 0);
	assert_int_equal(find(ID1), ERR_NOTFOUND);
	assert_int_equal(get(ID1, 0, 2), ERR_NOTFOUND);
	assert_int_equal(taken(ID1, SLICE("crm")), ERR_NOTFOUND);
	assert_int_equal(page(0, 10), 0);
	/* Its sender may still come again. */
	assert_int_equal(begin(&r), INBOUND_KNOWN);
	assert_int_equal(events(), 1);
	buf_done(&got.plain);
	free(mail);
}

static void
test_room_is_bounded(void **state)
{
	struct inbound_record a = record(ID2, 900000), b = record(ID3, 200000);

	(void)state;
	if (!redis_server_available())
		skip();
	assert_int_equal(begin(&a), INBOUND_GO_ON);
	assert_int_equal(begin(&b), INBOUND_FULL);
	assert_int_equal(find(ID3), ERR_NOTFOUND);
	assert_int_equal(finish(&a), 0);
	assert_int_equal(begin(&b), INBOUND_FULL);
	/* Deleted by hand: there is room again. */
	assert_int_equal(taken(ID2, (struct slice){ NULL, 0 }), 0);
	assert_int_equal(begin(&b), INBOUND_GO_ON);
	assert_int_equal(finish(&b), 0);
	assert_int_equal(taken(ID3, (struct slice){ NULL, 0 }), 0);
}

static void
test_pages(void **state)
{
	char ids[5][INBOUND_ID_MAX], want[200];

	(void)state;
	if (!redis_server_available())
		skip();
	for (int i = 0; i < 5; i++) {
		snprintf(ids[i], sizeof(ids[i]), "%032x", 0x100 + i);
		struct inbound_record r = record(ids[i], 10);
		assert_int_equal(begin(&r), INBOUND_GO_ON);
		assert_int_equal(finish(&r), 0);
	}
	assert_int_equal(page(0, 2), 2);
	snprintf(want, sizeof(want), "%s %s ", ids[4], ids[3]);
	assert_string_equal(got.text, want);
	assert_int_equal(page(got.last_us, 2), 2);
	snprintf(want, sizeof(want), "%s %s ", ids[2], ids[1]);
	assert_string_equal(got.text, want);
	assert_int_equal(page(got.last_us, 2), 1);
	assert_int_equal(got.looked, 1);
	snprintf(want, sizeof(want), "%s ", ids[0]);
	assert_string_equal(got.text, want);
}

static void
test_ids(void **state)
{
	char a[INBOUND_ID_MAX], b[INBOUND_ID_MAX];
	struct slice s = SLICE("s@x"), r = SLICE("r@y"), mail = SLICE("mail");

	(void)state;
	assert_int_equal(inbound_id(HOST, SHOP, s, r, mail, a), 0);
	assert_int_equal(inbound_id(HOST, SHOP, s, r, mail, b), 0);
	assert_string_equal(a, b);
	assert_true(inbound_id_ok(slice_of(a)));
	assert_true(inbound_id_of_host(slice_of(a), HOST));
	assert_false(inbound_id_of_host(slice_of(a), SLICE("mta2")));
	assert_int_equal(inbound_id(HOST, SHOP, s, SLICE("r@z"), mail, b), 0);
	assert_string_not_equal(a, b);
	/* Where one ends and the next begins counts. */
	assert_int_equal(inbound_id(HOST, SHOP, SLICE("s@xr"), SLICE("@y"),
			     mail, b),
	    0);
	assert_string_not_equal(a, b);
	assert_false(inbound_id_ok(SLICE("")));
	assert_false(inbound_id_ok(SLICE(ID1 "0")));
	assert_false(inbound_id_ok(SLICE("0000000000000000000000000000000G")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life_of_a_mail),
		cmocka_unit_test(test_room_is_bounded),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
