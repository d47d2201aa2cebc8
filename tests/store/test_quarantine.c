/* SPDX-License-Identifier: BSD-2-Clause */
/* Refused messages kept in a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/quarantine_store.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/number.h"

static struct store_fixture f;
static const struct master_key key = { { 1, 2, 3 } };
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
	enum quarantine_content content;
	char next[100], text[200000];
	unsigned rows;
	struct buf plain;
	const struct quarantine_chunk *chunk;
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
on_begun(int rc, enum quarantine_content content, void *ctx)
{
	got.content = content;
	on_done(rc, ctx);
}

static struct quarantine_record
record(const char *id, uint64_t size)
{
	int64_t now_ms = clock_wall_us() / 1000;

	return (struct quarantine_record){ .id = slice_of(id),
		.tenant = SHOP,
		.created_ms = now_ms,
		.expires_ms = now_ms + 3600000,
		.host = SLICE("mta1"),
		.queue_id = SLICE("Q1"),
		.client = SLICE("192.0.2.1"),
		.sender = SLICE(""),
		.recipients = SLICE("a@x\nb@x"),
		.recipient_count = 2,
		.subject = SLICE("S\xc3\xbc\xc3\x9f"),
		.virus = SLICE("Eicar"),
		.size = size,
		.chunks = quarantine_chunks(size),
		.content = QUARANTINE_COMING };
}

static enum quarantine_content
begin(const struct quarantine_record *r)
{
	quarantine_begin(f.store, r, ROOM, store_deadline(f.store), on_begun,
	    NULL);
	assert_int_equal(wait_done(), 0);
	return got.content;
}

static int
put(const char *id, uint64_t number, uint64_t count, struct slice plain)
{
	const struct quarantine_chunk c = { SHOP, slice_of(id), number, count };
	struct buf box;

	buf_init(&box, QUARANTINE_CHUNK + CRYPTO_BOX_EXTRA);
	assert_int_equal(quarantine_seal(&key, &c, plain, &box), 0);
	quarantine_put(f.store, &c, buf_slice(&box), store_deadline(f.store),
	    on_done, NULL);
	buf_done(&box);
	return wait_done();
}

static void
on_box(int rc, struct slice box, void *ctx)
{
	if (rc == 0)
		rc = quarantine_open(&key, got.chunk, box, &got.plain);
	on_done(rc, ctx);
}

static int
get(const char *id, uint64_t number, uint64_t count)
{
	const struct quarantine_chunk c = { SHOP, slice_of(id), number, count };

	got.chunk = &c;
	quarantine_get(f.store, &c, store_deadline(f.store), on_box, NULL);
	return wait_done();
}

static void
on_found(int rc, const struct quarantine_record *r, void *ctx)
{
	got.text[0] = '\0';
	if (r != NULL)
		(void)snprintf(got.text, sizeof(got.text),
		    "%.*s %.*s %.*s %.*s <%.*s> %.*s %s %.*s %s %d %d %d",
		    SLICE_F(r->tenant), SLICE_F(r->host), SLICE_F(r->queue_id),
		    SLICE_F(r->client), SLICE_F(r->sender),
		    SLICE_F(r->recipients), r->from.at != NULL ? "?" : "-",
		    SLICE_F(r->virus), quarantine_content_word(r->content),
		    (int)r->size, (int)r->chunks,
		    (int)(r->expires_ms - r->created_ms));
	on_done(rc, ctx);
}

static int
find(const char *id)
{
	quarantine_find(f.store, SHOP, slice_of(id), store_deadline(f.store),
	    on_found, NULL);
	return wait_done();
}

static void
on_row(const struct quarantine_record *r, void *ctx)
{
	size_t n = strlen(got.text);

	(void)ctx;
	got.rows++;
	(void)snprintf(got.text + n, sizeof(got.text) - n, "%.*s ",
	    SLICE_F(r->id));
}

static void
on_end(int rc, struct slice next, void *ctx)
{
	(void)snprintf(got.next, sizeof(got.next), "%.*s", SLICE_F(next));
	on_done(rc, ctx);
}

static int
page(const char *cursor, unsigned limit)
{
	struct slice from = slice_of(cursor);

	got.text[0] = '\0';
	got.rows = 0;
	if (from.len == 0)
		from.at = NULL;
	quarantine_page(f.store, SHOP, from, limit, store_deadline(f.store),
	    on_row, on_end, NULL);
	return wait_done();
}

static int
remove_it(const char *id)
{
	quarantine_delete(f.store, SHOP, slice_of(id), store_deadline(f.store),
	    on_done, NULL);
	return wait_done();
}

static const char *
cli(const char *words)
{
	static char out[200];

	redis_server_cli(&f.server, words, out, sizeof(out));
	return out;
}

static uint64_t
number(const char *words)
{
	uint64_t n = 0;

	assert_int_equal(number_parse(slice_of(cli(words)), 0, UINT64_MAX, &n),
	    0);
	return n;
}

static void
test_ids(void **state)
{
	char a[QUARANTINE_ID_MAX], b[QUARANTINE_ID_MAX];

	(void)state;
	quarantine_id(0x123456789a, a);
	quarantine_id(0x123456789b, b);
	assert_true(quarantine_id_ok(slice_of(a)));
	assert_true(strcmp(a, b) < 0);
	assert_int_equal(strncmp(a, "00123456789a-", 13), 0);
	assert_false(quarantine_id_ok(slice_of("")));
	assert_false(quarantine_id_ok(slice_of("00123456789a-0000000")));
	assert_false(quarantine_id_ok(slice_of("00123456789A-00000000")));
	assert_false(quarantine_id_ok(slice_of("00123456789a00000000-")));
	assert_false(quarantine_id_ok(slice_of("00123456789a-00000000}")));
}

static void
test_a_message(void **state)
{
	static char octets[2 * QUARANTINE_CHUNK + 5];
	const char *id = "000000000001-00000001";
	struct quarantine_record r = record(id, sizeof(octets));

	(void)state;
	if (!redis_server_available())
		skip();
	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (char)(i * 7 + i / 256);
	assert_int_equal(find(id), ERR_NOTFOUND);
	assert_int_equal(put(id, 0, 3, SLICE("x")), ERR_NOTFOUND);
	assert_string_equal(cli("EXISTS pn:q:{shop}:000000000001-00000001"),
	    "0");
	assert_int_equal(begin(&r), QUARANTINE_COMING);
	assert_int_equal(begin(&r), QUARANTINE_COMING); /* once more */
	assert_string_equal(cli("HLEN pn:qr:{shop}"), "1");
	assert_int_equal(find(id), 0);
	assert_string_equal(got.text,
	    "shop mta1 Q1 192.0.2.1 <> a@x\nb@x - Eicar incomplete "
	    "524293 3 3600000");
	for (uint64_t i = 0; i < 3; i++) {
		struct slice rest = { octets, sizeof(octets) };

		rest = slice_skip(rest, i * QUARANTINE_CHUNK);
		if (rest.len > QUARANTINE_CHUNK)
			rest.len = QUARANTINE_CHUNK;
		assert_int_equal(put(id, i, 3, rest), 0);
	}
	quarantine_finish(f.store, SHOP, slice_of(id), store_deadline(f.store),
	    on_done, NULL);
	assert_int_equal(wait_done(), 0);
	assert_int_equal(find(id), 0);
	assert_non_null(strstr(got.text, " kept "));
	buf_init(&got.plain, sizeof(octets));
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(get(id, i, 3), 0);
	assert_int_equal(got.plain.len, sizeof(octets));
	assert_memory_equal(got.plain.at, octets, sizeof(octets));
	/* Not readable in Redis; not in another place. */
	assert_string_equal(cli("HSTRLEN pn:q:{shop}:000000000001-00000001 2"),
	    "33");
	buf_clear(&got.plain);
	assert_int_equal(get(id, 0, 2), ERR_CRYPTO);
	assert_int_equal(get(id, 3, 4), ERR_NOTFOUND);
	assert_int_equal(got.plain.len, 0);
	buf_done(&got.plain);
	assert_in_range(number("TTL pn:q:{shop}:000000000001-00000001"), 3500,
	    3600);
	assert_in_range(number("TTL pn:qi:{shop}"), 3500, 3600);
	assert_int_equal(remove_it(id), 0);
	assert_int_equal(remove_it(id), ERR_NOTFOUND);
	assert_int_equal(find(id), ERR_NOTFOUND);
	assert_string_equal(cli("EXISTS pn:qi:{shop} pn:qr:{shop}"), "0");
}

static void
test_room(void **state)
{
	struct quarantine_record a = record("000000000001-00000000", 600000);
	struct quarantine_record b = record("000000000002-00000000", 600000);
	struct quarantine_record c = record("000000000003-00000000", 400000);

	(void)state;
	if (!redis_server_available())
		skip();
	assert_int_equal(begin(&a), QUARANTINE_COMING);
	/* No room: the record says so. */
	assert_int_equal(begin(&b), QUARANTINE_FULL);
	assert_int_equal(begin(&c), QUARANTINE_COMING);
	assert_int_equal(find("000000000002-00000000"), 0);
	assert_non_null(strstr(got.text, " no_room "));
	/* What was deleted, and what is over, gives room. */
	assert_int_equal(remove_it("000000000001-00000000"), 0);
	struct quarantine_record d = record("000000000004-00000000", 600000);
	d.expires_ms = d.created_ms + 500;
	assert_int_equal(begin(&d), QUARANTINE_COMING);
	struct quarantine_record e = record("000000000005-00000000", 600000);
	assert_int_equal(begin(&e), QUARANTINE_FULL);
	e = record("000000000006-00000000", 600000);
	e.created_ms += 2000;
	e.expires_ms += 2000;
	assert_int_equal(begin(&e), QUARANTINE_COMING);
	e = record("000000000007-00000000", 5);
	e.content = QUARANTINE_LARGE;
	assert_int_equal(begin(&e), QUARANTINE_LARGE);
	for (unsigned i = 2; i <= 7; i++) {
		char id[40];

		(void)snprintf(id, sizeof(id), "00000000000%u-00000000", i);
		(void)remove_it(id);
	}
	assert_string_equal(cli("EXISTS pn:qi:{shop} pn:qr:{shop}"), "0");
}

static void
test_pages(void **state)
{
	char id[40], words[100];

	(void)state;
	if (!redis_server_available())
		skip();
	assert_int_equal(page("", 10), 0);
	assert_int_equal(got.rows, 0);
	for (unsigned i = 0; i < 5; i++) {
		(void)snprintf(id, sizeof(id), "00000000001%u-00000000", i);
		struct quarantine_record r = record(id, 10);
		assert_int_equal(begin(&r), QUARANTINE_COMING);
	}
	assert_int_equal(page("", 2), 0);
	assert_string_equal(got.text,
	    "000000000014-00000000 000000000013-00000000 ");
	assert_string_equal(got.next, "000000000013-00000000");
	/* One is over by itself: its row is missing, the page goes on. */
	(void)snprintf(words, sizeof(words),
	    "DEL pn:q:{shop}:000000000012-00000000");
	(void)cli(words);
	assert_int_equal(page("000000000013-00000000", 2), 0);
	assert_string_equal(got.text, "000000000011-00000000 ");
	assert_int_equal(page(got.next, 2), 0);
	assert_string_equal(got.text, "000000000010-00000000 ");
	assert_string_equal(got.next, "");
	assert_int_equal(page("(x", 2), ERR_SYNTAX);
	/* The next one that is kept takes it off the index. */
	struct quarantine_record r = record("000000000015-00000000", 10);
	assert_int_equal(begin(&r), QUARANTINE_COMING);
	assert_string_equal(cli("ZCARD pn:qi:{shop}"), "5");
	assert_string_equal(cli("HLEN pn:qr:{shop}"), "5");
}

static void
test_redis_is_away(void **state)
{
	struct quarantine_record r = record("000000000001-00000000", 10);

	(void)state;
	if (!redis_server_available())
		skip();
	redis_server_kill(&f.server);
	quarantine_begin(f.store, &r, ROOM, store_deadline(f.store), on_begun,
	    NULL);
	assert_true(err_is_temporary(wait_done()));
	assert_true(
	    err_is_temporary(put("000000000001-00000000", 0, 1, SLICE("x"))));
	assert_true(err_is_temporary(page("", 5)));
	assert_true(err_is_temporary(find("000000000001-00000000")));
	assert_true(err_is_temporary(remove_it("000000000001-00000000")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_a_message),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_redis_is_away),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
