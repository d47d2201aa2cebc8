/* SPDX-License-Identifier: BSD-2-Clause */
/* Exports of mail services, read as blocks: whose file it is, what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/block_import.h"
#include "proto/import_time.h"
#include "util/err.h"

#define NOW INT64_C(1764000000)

/* Rows as text: "LINE ADDRESS[/STREAM] STATE STATUS ORIGIN SINCE REASON|". */
static void
add_row(const struct import_row *row, struct buf *out)
{
	const struct block *b = &row->block;

	switch (row->kind) {
	case IMPORT_NOTHING:
		return;
	case IMPORT_SKIPPED:
		(void)buf_addf(out, "%d skipped|", (int)row->line);
		return;
	case IMPORT_WRONG:
		(void)buf_addf(out, "%d: %s|", (int)row->line, row->error);
		return;
	case IMPORT_ROW:
		break;
	}
	(void)buf_addf(out, "%d %.*s%s%.*s %c %d %.*s ", (int)row->line,
	    SLICE_F(row->address), b->stream.len > 0 ? "/" : "",
	    SLICE_F(b->stream), (char)b->state, b->status, SLICE_F(b->origin));
	(void)buf_addf(out, "%s%.*s|", b->since_s == NOW ? "now " : "",
	    SLICE_F(b->reason));
}

/* piece: octets more at each step. */
static int
read_all_of(struct block_import *im, struct slice text, size_t piece,
    struct buf *out)
{
	char *copy = malloc(text.len + !text.len);
	size_t at = 0, end = 0;
	int rc = 0;

	assert_non_null(copy);
	memcpy(copy, text.at, text.len);
	buf_clear(out);
	for (;;) {
		struct import_row row;

		rc = block_import_next(im, copy + at, end - at, end == text.len,
		    &row);
		if (rc < 0)
			break;
		at += (size_t)rc;
		add_row(&row, out);
		if (rc > 0)
			continue;
		if (end == text.len)
			break;
		end = end + piece < text.len ? end + piece : text.len;
	}
	free(copy);
	return rc;
}

#define GONE "550 5.1.1 no such user here"

static const struct {
	const char *name, *text, *want;
} files[] = {
	{ "SES without a header",
	    "a@x.example,BOUNCE\nB@X.example,COMPLAINT\r\n",
	    "1 a@x.example b 99 import now BOUNCE|"
	    "2 b@x.example b 0 complaint now |" },
	{ "SES, lines of JSON",
	    "{\"emailAddress\":\"a@x.example\",\"reason\":\"BOUNCE\"}\n"
	    "{\"emailAddress\":\"b@x.example\",\"reason\":\"COMPLAINT\"}\n",
	    "1 a@x.example b 99 import now BOUNCE|"
	    "2 b@x.example b 0 complaint now |" },
	{ "SES, the answer of its API",
	    "{\"SuppressedDestinationSummaries\": [\n {\"EmailAddress\": "
	    "\"a@x.example\", \"Reason\": \"BOUNCE\", \"LastUpdateTime\": "
	    "1586552585.077},\n {\"EmailAddress\": \"b@x.example\", "
	    "\"Reason\": \"COMPLAINT\", \"LastUpdateTime\": "
	    "\"2020-04-10T21:03:05.077000+00:00\"}],\n \"NextToken\": \"x\"}",
	    "2 a@x.example b 99 import BOUNCE|"
	    "3 b@x.example b 0 complaint |" },
	{ "Mailgun, bounces",
	    "address,code,error,created_at\n"
	    "a@x.example,550,\"5.1.1 no such user here\","
	    "\"Fri, 21 Oct 2011 11:02:55 GMT\"\n"
	    "b@x.example,552,Mailbox full,\n",
	    "2 a@x.example b 2 import 550 5.1.1 no such user here|"
	    "3 b@x.example b 5 import now 552 Mailbox full|" },
	{ "Mailgun, bounces of its API",
	    "{\"items\":[{\"address\":\"a@x.example\",\"code\":\"550\","
	    "\"error\":\"" GONE "\",\"created_at\":"
	    "\"Fri, 21 Oct 2011 11:02:55 UTC\"}],\"paging\":{\"first\":"
	    "\"https://a\",\"next\":\"https://b\"}}",
	    "1 a@x.example b 2 import " GONE "|" },
	{ "Mailgun, complaints and unsubscribes",
	    "created_at,address\n2020-01-02 03:04:05 UTC,a@x.example\n",
	    "2 a@x.example b 0 complaint |" },
	{ "Mailgun, unsubscribes",
	    "{\"items\":[{\"address\":\"a@x.example\",\"tags\":[\"*\"],"
	    "\"created_at\":\"Fri, 21 Oct 2011 11:02:55 UTC\"}]}",
	    "1 a@x.example b 11 unsubscribe |" },
	{ "SendGrid, bounces",
	    "status,reason,email,created\n5.1.1," GONE
	    ",a@x.example,1443651125\n",
	    "2 a@x.example b 2 import " GONE "|" },
	{ "SendGrid, blocks: the sender's fault",
	    "[{\"created\":1443651154,\"email\":\"a@x.example\",\"reason\":"
	    "\"550 5.7.1 Service unavailable; Client host [192.0.2.1] blocked "
	    "using zen.spamhaus.org\",\"status\":\"5.7.1\"}]",
	    "1 skipped|" },
	{ "SendGrid, invalid",
	    "[\n{\"created\":1449953655,\"email\":\"a@x.example\",\"reason\":"
	    "\"odd\"}]",
	    "2 a@x.example b 9 import odd|" },
	{ "SendGrid, spam reports",
	    "[{\"created\":1443651141,\"email\":\"a@x.example\",\"ip\":"
	    "\"192.0.2.1\"}]",
	    "1 a@x.example b 0 complaint |" },
	{ "SendGrid, unsubscribes", "email,created\na@x.example,1443651125\n",
	    "2 a@x.example b 11 unsubscribe |" },
	{ "Resend",
	    "{\"object\":\"list\",\"has_more\":false,\"data\":[{\"id\":\"1\","
	    "\"email\":\"a@x.example\",\"origin\":\"manual\",\"created_at\":"
	    "\"2026-01-06T23:47:56.678Z\"},{\"email\":\"b@x.example\","
	    "\"origin\":\"bounce\",\"created_at\":\"2025-10-07T08:12:03Z\"},"
	    "{\"email\":\"c@x.example\",\"origin\":\"complaint\","
	    "\"created_at\":\"2025-10-07T08:12:03Z\"}]}",
	    "1 a@x.example b 0 import now |1 b@x.example b 99 import |"
	    "1 c@x.example b 0 complaint |" },
	{ "our own",
	    "address,stream,state,status,since,origin,reason,note\r\n"
	    "\"'+a@x.example\",news,blocked,2,2025-01-01T00:00:00Z,bounce,"
	    "\"'=1\",\r\nb@x.example,,exempt,0,,api,,\r\n"
	    "c@x.example,,lost,0,,,,\r\n",
	    "2 +a@x.example/news b 2 bounce =1|"
	    "3 b@x.example e 0 api now |"
	    "4: state: neither \"blocked\" nor \"exempt\"|" },
	{ "our own, JSON",
	    "{\"address\":\"a@x.example\",\"stream\":\"news\",\"state\":"
	    "\"blocked\",\"status\":5,\"count\":3,\"since\":"
	    "\"2025-01-01T00:00:00Z\",\"origin\":\"bounce\"}\n",
	    "1 a@x.example/news b 5 bounce |" },
	{ "only addresses", "a@x.example\nb@x.example",
	    "1 a@x.example b 0 import now |2 b@x.example b 0 import now |" },
	{ "a byte order mark, semicolons, any order",
	    CSV_BOM "Reason;E-Mail\r\n" GONE ";a@x.example\r\n",
	    "2 a@x.example b 2 import now " GONE "|" },
	{ "bad lines",
	    "email,created\nnobody,1\n,1\n\n\"x\"y,1\na@x.example,soon\n"
	    "\"a\n@x\",1\nb@x.example,1443651125\n",
	    "2: not a mail address|3: no address|"
	    "5: quotes are not closed, or text stands behind them|"
	    "6: not a date|7: not a mail address|"
	    "9 b@x.example b 11 unsubscribe |" },
	{ "bad JSON",
	    "{\"email\":\"a@x.example\"}\nnonsense\n{\"email\":}\n"
	    "{\"email\":\"b@x.example\"}\n",
	    "1 a@x.example b 0 import now |2: not JSON|"
	    "3: line 1, column 10: expected a value|"
	    "4 b@x.example b 0 import now |" },
	{ "an empty page", "{\"items\":[],\"paging\":{}}", "" },
	{ "nothing", "", "" },
	{ "blank", " \r\n\n", "" },
};

static void
test_files(void **state)
{
	static struct block_import im;
	struct buf out;

	(void)state;
	buf_init(&out, 10000);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct slice text = slice_of(files[i].text);

		for (size_t piece = 1; piece <= text.len + 1;
		     piece = piece < 8 ? piece + 1 : piece * 3) {
			block_import_init(&im, NOW);
			if (read_all_of(&im, text, piece, &out) < 0)
				fail_msg("%s: %s", files[i].name, im.error);
			if (strcmp(buf_text(&out), files[i].want) != 0)
				fail_msg("%s by %zu:\n%s\n%s", files[i].name,
				    piece, buf_text(&out), files[i].want);
			block_import_done(&im);
		}
	}
	buf_done(&out);
}

static const struct {
	const char *name;
	struct slice text;
	const char *want;
} refused[] = {
	{ "UTF-16",
	    SLICE("\xff\xfe"
		  "a\0@\0"),
	    "UTF-16: save it as \"CSV UTF-8\" and import that" },
	{ "no addresses", SLICE("name,age\nx,1\n"),
	    "no column with addresses (\"address\" or \"email\") in the first "
	    "line" },
	{ "Windows-1252", SLICE("email,reason\na@x.example,caf\xe9\n"),
	    "line 2: not UTF-8, but another character set, such as that of a "
	    "Windows program: save it as \"CSV UTF-8\" and import that" },
	{ "the same in JSON", SLICE("{\"email\":\"a@x\",\"note\":\"\xe9\"}\n"),
	    "line 1: not UTF-8, but another character set, such as that of a "
	    "Windows program: save it as \"CSV UTF-8\" and import that" },
};

static void
test_refused(void **state)
{
	static struct block_import im;
	struct buf out;

	(void)state;
	buf_init(&out, 10000);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		block_import_init(&im, NOW);
		assert_int_equal(read_all_of(&im, refused[i].text, 5, &out),
		    ERR_SYNTAX);
		assert_string_equal(im.error, refused[i].want);
		block_import_done(&im);
	}
	buf_done(&out);
}

static void
test_options(void **state)
{
	static struct block_import im;
	struct import_row row;
	char text[] = "a@x.example,550 5.7.1 blocked using zen.spamhaus.org\n";

	(void)state;
	block_import_init(&im, NOW);
	im.exempt = true;
	im.note = SLICE("moved");
	im.stream = SLICE("news");
	im.expires_s = NOW + 5;
	assert_true(
	    block_import_next(&im, text, sizeof(text) - 1, true, &row) > 0);
	assert_int_equal(row.kind, IMPORT_ROW);
	assert_int_equal(row.block.state, BLOCK_EXEMPT);
	assert_int_equal(row.block.expires_s, NOW + 5);
	assert_true(slice_eq(row.block.note, SLICE("moved")));
	assert_true(slice_eq(row.block.stream, SLICE("news")));
	block_import_init(&im, NOW);
	im.any_fault = true;
	assert_true(
	    block_import_next(&im, text, sizeof(text) - 1, true, &row) > 0);
	assert_int_equal(row.kind, IMPORT_ROW);
	assert_int_equal(row.block.status, 4);
}

static void
test_round_trip(void **state)
{
	const struct block b = { .state = BLOCK_BLOCKED,
		.status = 5,
		.count = 7,
		.first_s = 1000,
		.last_s = 2000,
		.since_s = 3000,
		.expires_s = 4000,
		.stream = SLICE("news"),
		.origin = SLICE("bounce"),
		.reason = SLICE("=\"quoted\", \nand more"),
		.note = SLICE("'+x") };
	static struct block_import im;
	struct import_row row;
	struct buf out;
	struct csv_writer w = csv_writer(&out);
	size_t at = 0;

	(void)state;
	buf_init(&out, 10000);
	block_export_header(&w);
	block_export_row(&w, SLICE("-a@x.example"), &b);
	block_import_init(&im, NOW);
	do {
		int rc = block_import_next(&im, out.at + at, out.len - at, true,
		    &row);
		assert_true(rc > 0);
		at += (size_t)rc;
	} while (row.kind == IMPORT_NOTHING);
	assert_int_equal(row.kind, IMPORT_ROW);
	assert_true(slice_eq(row.address, SLICE("-a@x.example")));
	assert_int_equal(row.block.status, 5);
	assert_int_equal(row.block.count, 7);
	assert_int_equal(row.block.first_s, 1000);
	assert_int_equal(row.block.last_s, 2000);
	assert_int_equal(row.block.since_s, 3000);
	assert_int_equal(row.block.expires_s, 4000);
	assert_true(slice_eq(row.block.stream, b.stream));
	assert_true(slice_eq(row.block.origin, b.origin));
	assert_true(slice_eq(row.block.reason, b.reason));
	assert_true(slice_eq(row.block.note, b.note));
	block_import_done(&im);
	buf_done(&out);
}

static const struct {
	const char *text;
	int64_t want; /* -1: refused */
} times[] = {
	{ "2026-10-06T23:47:56.678Z", 1791330476 },
	{ "2026-10-06 23:47:56", 1791330476 },
	{ "2026-10-06 23:47:56 UTC", 1791330476 },
	{ "2026-10-06 23:47:56.5+00:00", 1791330476 },
	{ "2026-10-06", 1791244800 },
	{ "Tue, 06 Oct 2026 23:47:56 GMT", 1791330476 },
	{ "6 Oct 2026 23:47:56 +0900", 1791298076 },
	{ "Tue, 06 Oct 2026 23:47", 1791330420 },
	{ "1791330476", 1791330476 },
	{ "1791330476123", 1791330476 },
	{ " 1 ", 1 },
	{ "", -1 },
	{ "0", -1 },
	{ "soon", -1 },
	{ "10/06/2026", -1 },
	{ "31 Feb 2026 00:00:00 GMT", -1 },
	{ "Tue, 06 Oct 2026 25:47:56 GMT", -1 },
	{ "Tue, 06 Oct 2026 23:47:56 EST", -1 },
	{ "2026-10-06 23:47:56 JST", -1 },
};

static void
test_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t s = -1;
		int rc = import_time_parse(slice_of(times[i].text), &s);

		if ((rc < 0) != (times[i].want < 0) || s != times[i].want)
			fail_msg("%s: %d, %lld", times[i].text, rc,
			    (long long)s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
