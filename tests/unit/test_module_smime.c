/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which messages are signed, what becomes of their header and body, and what
 * happens when it can not be.  Trips through real mail servers are in the
 * system tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "certificates.h"
#include "milter/body.h"
#include "milter/module.h"
#include "util/clock.h"
#include "util/cms.h"
#include "util/crypto.h"

static struct certificate good, expired, future;
static struct smime_certificate list[4];
static const struct slice excluded[] = { { "old.test", 8 }, { "zip.test", 8 } };
static struct tenant tenant;

/* Of the note "smime": key and value, each with a NUL behind it. */
static const char *
note(const struct message *msg)
{
	assert_true(msg->notes->len > 6);
	assert_string_equal(msg->notes->at, "smime");
	return msg->notes->at + 6;
}

static void
add(size_t i, struct slice address, const struct certificate_want *want,
    struct certificate *c)
{
	struct cms_signer *signer = NULL;

	certificate_make(want, c);
	assert_int_equal(cms_signer_parse(buf_slice(&c->chain),
			     buf_slice(&c->key), &signer),
	    0);
	list[i] = (struct smime_certificate){ address, true, signer };
}

/* Sorted, as settings are. */
static int
set_up(void **state)
{
	(void)state;
	add(0, SLICE("@dom.test"),
	    &(struct certificate_want){ .key = "EC",
		.names = "email:named@dom.test" },
	    &good);
	certificate_done(&good);
	add(1, SLICE("future@b.test"),
	    &(struct certificate_want){ .key = "EC",
		.names = "email:future@b.test",
		.from_s = 3600 },
	    &future);
	add(2, SLICE("news@shop.test"),
	    &(struct certificate_want){ .names = "email:news@shop.test" },
	    &good);
	add(3, SLICE("past@b.test"),
	    &(struct certificate_want){ .key = "EC",
		.names = "email:past@b.test",
		.from_s = -7200,
		.end_s = -3600 },
	    &expired);
	tenant.smime = (struct smime_settings){ list, 4, excluded, 2, 30 };
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	certificate_done(&good);
	certificate_done(&future);
	certificate_done(&expired);
	for (size_t i = 0; i < 4; i++)
		cms_signer_free((struct cms_signer *)(uintptr_t)list[i].signer);
	return 0;
}

struct row {
	const char *from;   /* fields, "|" between */
	const char *fields; /* "Name: value|..." */
	const char *rcpts;  /* "a b" */
	const char *body;
};

static void
add_fields(struct message *msg, const char *text)
{
	struct slice rest = slice_of(text), field, name;

	while (text[0] != '\0' && slice_split(&rest, '|', &field)) {
		assert_true(slice_split(&field, ':', &name));
		assert_int_equal(message_add_field(msg, name, field), 0);
	}
}

static enum verdict
run(struct message *msg, const struct row *row)
{
	struct slice rest = slice_of(row->from), one;
	enum verdict verdict;
	void *state;

	assert_int_equal(message_init(msg), 0);
	state = arena_alloc(msg->arena, module_smime.state_size);
	assert_non_null(state);
	msg->tenant = &tenant;
	msg->queue_id = SLICE("4ZxKq03");
	msg->arrived_ms = clock_wall_us() / 1000;
	while (row->from[0] != '\0' && slice_split(&rest, '|', &one))
		assert_int_equal(message_add_field(msg, SLICE("From"), one), 0);
	add_fields(msg, row->fields);
	rest = slice_of(row->rcpts);
	while (slice_split(&rest, ' ', &one))
		assert_int_equal(message_add_rcpt(msg, one, true), 0);
	if (module_smime.begin(msg, state) == BODY_BUFFER) {
		msg->body = body_new(msg);
		assert_non_null(msg->body);
		body_add(msg->body, slice_of(row->body));
	}
	verdict = module_smime.eom(msg, state);
	return verdict;
}

/* What is between the first and the second boundary, and the signature. */
static void
take_apart(const struct message *msg, struct slice *ret_entity,
    struct buf *ret_der)
{
	struct slice all = buf_slice(msg->new_body), type = { NULL, 0 };
	struct slice mark = SLICE("boundary=\"");
	char line[100];

	for (size_t i = 0; i < msg->field_count; i++)
		if (msg->fields[i].state == FIELD_CHANGED)
			type = msg->fields[i].field.value;
	if (type.at == NULL)
		type = message_find(msg, "Content-Type", 0) == NULL
			   ? msg->added[0].value
			   : type;
	const char *b = slice_find(type, mark);
	assert_non_null(b);
	b += mark.len;
	size_t len = (size_t)(strchr(b, '"') - b);
	assert_true(len < 71);
	memcpy(line, "\r\n--", 4);
	memcpy(line + 4, b, len);
	memcpy(line + 4 + len, "\r\n", 2);
	struct slice delimiter = { line, len + 6 };
	const char *first = slice_find(all, delimiter);
	assert_non_null(first);
	struct slice rest =
	    slice_skip(all, (size_t)(first - all.at) + delimiter.len);
	const char *second = slice_find(rest, delimiter);
	assert_non_null(second);
	*ret_entity = (struct slice){ rest.at, (size_t)(second - rest.at) };
	rest = slice_skip(rest, ret_entity->len + delimiter.len);
	const char *blank = slice_find(rest, SLICE("\r\n\r\n"));
	assert_non_null(blank);
	rest = slice_skip(rest, (size_t)(blank - rest.at) + 4);
	const char *end = slice_find(rest, SLICE("\r\n--"));
	assert_non_null(end);
	assert_int_equal(crypto_base64_decode((struct slice){ rest.at,
						  (size_t)(end - rest.at) },
			     ret_der),
	    0);
}

static void
test_signed(void **state)
{
	static const struct {
		struct row row;
		const char *entity;
		size_t deleted, added;
	} rows[] = {
		{ { "Shop <news@shop.test>", "Subject:x", "a@b.test",
		      "hi\r\n" },
		    "\r\nhi\r\n", 0, 2 },
		{ { "NEWS@Shop.Test",
		      "MIME-Version:1.0|Content-Type:text/plain; "
		      "charset=utf-8|Content-Transfer-Encoding:8bit",
		      "a@old.test b@new.test", "\xc3\xbc and plain text\r\n" },
		    "Content-Type: text/plain; charset=utf-8\r\n"
		    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		    "=C3=BC and plain text\r\n",
		    1, 0 },
		{ { "news@shop.test", "Content-Language:de|X-Content:y",
		      "a@b.test", "" },
		    "Content-Language: de\r\n\r\n", 1, 2 },
	};
	struct slice entity;
	struct message msg;
	struct buf der;

	(void)state;
	buf_init(&der, 100000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t deleted = 0;

		assert_int_equal(run(&msg, &rows[i].row), VERDICT_NEXT);
		assert_non_null(msg.new_body);
		assert_string_equal(note(&msg), "news@shop.test");
		buf_clear(&der);
		take_apart(&msg, &entity, &der);
		assert_true(slice_eq(entity, slice_of(rows[i].entity)));
		assert_true(
		    certificate_verifies(&good, buf_slice(&der), entity));
		for (size_t n = 0; n < msg.field_count; n++)
			deleted += msg.fields[n].state == FIELD_DELETED;
		assert_int_equal(deleted, rows[i].deleted);
		assert_int_equal(msg.added_count, rows[i].added);
		message_done(&msg);
	}
	buf_done(&der);
}

static void
test_unsigned(void **state)
{
	static const struct {
		struct row row;
		const char *note; /* NULL: none */
	} rows[] = {
		{ { "", "", "a@b.test", "x" }, NULL },
		{ { "a@shop.test", "", "a@b.test", "x" }, NULL },
		{ { "news@shop.test, a@shop.test", "", "a@b.test", "x" },
		    NULL },
		{ { "news@shop.test|news@shop.test", "", "a@b.test", "x" },
		    NULL },
		{ { "news@shop.test", "", "a@old.test b@zip.test", "x" },
		    "excluded" },
		{ { "past@b.test", "", "a@b.test", "x" }, "expired" },
		{ { "future@b.test", "", "a@b.test", "x" }, "not-yet-valid" },
		{ { "a@dom.test", "", "a@b.test", "x" }, "not-named" },
		{ { "news@shop.test",
		      "Content-Type:multipart/signed; boundary=a", "a@b.test",
		      "x" },
		    "protected" },
		{ { "news@shop.test", "Content-Type: Application/PKCS7-MIME",
		      "a@b.test", "x" },
		    "protected" },
		{ { "news@shop.test",
		      "Content-Type:multipart/mixed; boundary=b", "a@b.test",
		      "\xff" },
		    "unsafe" },
	};
	struct message msg;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(run(&msg, &rows[i].row), VERDICT_NEXT);
		assert_null(msg.new_body);
		assert_int_equal(msg.added_count, 0);
		for (size_t n = 0; n < msg.field_count; n++)
			assert_int_equal(msg.fields[n].state, FIELD_KEPT);
		if (rows[i].note == NULL)
			assert_true(msg.notes == NULL || msg.notes->len == 0);
		else
			assert_string_equal(note(&msg), rows[i].note);
		message_done(&msg);
	}
}

static void
test_domain(void **state)
{
	static const struct row row = { "Named@dom.test", "", "a@b.test",
		"x\r\n" };
	struct message msg;

	(void)state;
	assert_int_equal(run(&msg, &row), VERDICT_NEXT);
	assert_non_null(msg.new_body);
	assert_string_equal(note(&msg), "@dom.test");
	message_done(&msg);
}

/* Recipients of excluded domains get a copy of their own. */
static void
test_treatment(void **state)
{
	static const struct row row = { "news@shop.test", "",
		"a@b.test a@old.test a@sub.old.test", "x" };
	static const struct row other = { "a@shop.test", "",
		"a@b.test a@old.test", "x" };
	struct message msg;
	void *s;

	(void)state;
	assert_int_equal(run(&msg, &row), VERDICT_NEXT);
	s = arena_alloc(msg.arena, module_smime.state_size);
	(void)module_smime.begin(&msg, s);
	assert_int_equal(module_smime.treatment(&msg, s, &msg.rcpts[0]), 1);
	assert_int_equal(module_smime.treatment(&msg, s, &msg.rcpts[1]), 0);
	assert_int_equal(module_smime.treatment(&msg, s, &msg.rcpts[2]), 1);
	message_done(&msg);
	assert_int_equal(run(&msg, &other), VERDICT_NEXT);
	s = arena_alloc(msg.arena, module_smime.state_size);
	assert_int_equal(module_smime.begin(&msg, s), BODY_NOT);
	assert_int_equal(module_smime.treatment(&msg, s, &msg.rcpts[0]), 0);
	assert_int_equal(module_smime.treatment(&msg, s, &msg.rcpts[1]), 0);
	message_done(&msg);
}

static void
test_fails_closed(void **state)
{
	static const struct row row = { "news@shop.test", "", "a@b.test", "x" };
	const struct cms_signer *kept = list[2].signer;
	struct message msg;

	(void)state;
	list[2].signer = NULL;
	assert_int_equal(run(&msg, &row), VERDICT_TEMPFAIL);
	assert_string_equal(msg.reply_dsn, "4.7.0");
	assert_null(msg.new_body);
	message_done(&msg);
	list[2].signer = kept;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_domain),
		cmocka_unit_test(test_treatment),
		cmocka_unit_test(test_fails_closed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
