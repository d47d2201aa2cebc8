/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to the scanner, its answers, clamd's, and the line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "milter/clamd.h"
#include "milter/scan_protocol.h"
#include "milter/scan_queue.h"
#include "util/err.h"

/* In a block of its own, so that reading past the end is seen. */
static struct slice
exact(const void *octets, size_t len)
{
	char *p = malloc(len + !len);

	assert_non_null(p);
	memcpy(p, octets, len);
	return (struct slice){ p, len };
}

static void
drop(struct slice s)
{
	union {
		const char *in;
		void *out;
	} p = { s.at };

	free(p.out);
}

static void
test_request(void **state)
{
	const struct scan_request r = { .id = 0x01020304,
		.size = 0x1122334455667788,
		.timeout_ms = 60000 };
	static const char want[] =
	    "PSQ1\1\2\3\4\x11\x22\x33\x44\x55\x66\x77\x88"
	    "\0\0\xea\x60";
	uint8_t octets[SCAN_REQUEST_LEN];
	struct scan_request out = { 0 };

	(void)state;
	scan_request_format(&r, octets);
	assert_memory_equal(octets, want, sizeof(octets));
	for (size_t n = 0; n < sizeof(octets); n++) {
		struct slice in = exact(octets, n);

		assert_int_equal(scan_request_parse(in, &out), 0);
		assert_int_equal(out.id, 0);
		drop(in);
	}
	struct slice in = exact(octets, sizeof(octets));
	assert_int_equal(scan_request_parse(in, &out), SCAN_REQUEST_LEN);
	assert_int_equal(out.id, r.id);
	assert_true(out.size == r.size);
	assert_int_equal(out.timeout_ms, r.timeout_ms);
	drop(in);
}

static void
test_bad_requests(void **state)
{
	static const struct {
		const char *name, *octets;
		size_t len;
	} cases[] = {
		{ "another magic, seen at once", "P ", 2 },
		{ "an answer", "PSA1", 4 },
		{ "HTTP", "GET / HTTP/1.0\r\n\r\n....", 20 },
		{ "no time", "PSQ1\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0", 20 },
		{ "too much time",
		    "PSQ1\0\0\0\1\0\0\0\0\0\0\0\1\xff\xff\xff\xff", 20 },
		{ "a size that is none",
		    "PSQ1\0\0\0\1\x80\0\0\0\0\0\0\0\0\0\0\1", 20 },
	};
	struct scan_request out = { .id = 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice in = exact(cases[i].octets, cases[i].len);

		if (scan_request_parse(in, &out) != ERR_SYNTAX)
			fail_msg("%s", cases[i].name);
		assert_int_equal(out.id, 7);
		drop(in);
	}
}

static const struct {
	const char *name, *text;
	const char *want; /* the name as it comes out */
} names[] = {
	{ "none", "", "" },
	{ "a signature", "Eicar-Test-Signature", "Eicar-Test-Signature" },
	{ "blanks", "  no memory  ", "no memory" },
	{ "control octets and UTF-8", "a\r\nb\xc3\xa4", "a??b??" },
};

static void
test_answers(void **state)
{
	uint8_t octets[SCAN_ANSWER_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct scan_answer a = { .id = 9,
			.outcome = SCAN_OUT_INFECTED },
				   out = { .id = 0 };

		(void)snprintf(a.name, sizeof(a.name), "%s", names[i].text);
		size_t len = scan_answer_format(&a, octets);
		for (size_t n = 0; n < len; n++) {
			struct slice in = exact(octets, n);

			assert_int_equal(scan_answer_parse(in, &out), 0);
			drop(in);
		}
		struct slice in = exact(octets, len);
		assert_int_equal(scan_answer_parse(in, &out), (int)len);
		assert_int_equal(out.id, 9);
		assert_int_equal(out.outcome, SCAN_OUT_INFECTED);
		assert_string_equal(out.name, names[i].want);
		drop(in);
	}
}

static void
test_long_name(void **state)
{
	struct scan_answer a = { .id = 1, .outcome = SCAN_OUT_UNSCANNABLE },
			   out;
	uint8_t octets[SCAN_ANSWER_MAX];

	(void)state;
	memset(a.name, 'x', sizeof(a.name));
	size_t len = scan_answer_format(&a, octets);
	assert_int_equal(len, SCAN_ANSWER_MAX);
	assert_int_equal(scan_answer_parse((struct slice){ (char *)octets,
					       len },
			     &out),
	    (int)len);
	assert_int_equal(strlen(out.name), SCAN_NAME_MAX - 1);
}

static void
test_bad_answers(void **state)
{
	static const struct {
		const char *name, *octets;
		size_t len;
	} cases[] = {
		{ "another magic", "PSQ1", 4 },
		{ "no such outcome", "PSA1\0\0\0\1X", 9 },
		{ "no outcome", "PSA1\0\0\0\1\0", 9 },
		{ "a name too long", "PSA1\0\0\0\1I\xc8", 10 },
		{ "a name with a line end", "PSA1\0\0\0\1I\2a\n", 12 },
	};
	struct scan_answer out = { .id = 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice in = exact(cases[i].octets, cases[i].len);

		if (scan_answer_parse(in, &out) != ERR_SYNTAX)
			fail_msg("%s", cases[i].name);
		assert_int_equal(out.id, 7);
		drop(in);
	}
}

static const struct {
	const char *text;
	int rc; /* > 0: all of it is taken */
	enum scan_result result;
	const char *name;
} replies[] = {
	{ "stream: OK\n", 1, SCAN_CLEAN, "" },
	{ "fd[10]: OK\n", 1, SCAN_CLEAN, "" },
	{ "stream: Eicar-Test-Signature FOUND\n", 1, SCAN_INFECTED,
	    "Eicar-Test-Signature" },
	{ "fd[1]: A FOUND FOUND\n", 1, SCAN_INFECTED, "A FOUND" },
	{ "stream: Win.X(44d88612fea8a8f36de82e1278abb02f:68) FOUND\n", 1,
	    SCAN_INFECTED, "Win.X(44d88612fea8a8f36de82e1278abb02f:68)" },
	{ "stream: Heuristics.Limits.Exceeded.MaxFiles FOUND\n", 1,
	    SCAN_UNSCANNABLE, "Heuristics.Limits.Exceeded.MaxFiles" },
	{ "INSTREAM size limit exceeded. ERROR\n", 1, SCAN_UNSCANNABLE,
	    "INSTREAM size limit exceeded." },
	{ "fd[9]: Exceeded time limit ERROR\n", 1, SCAN_UNSCANNABLE,
	    "Exceeded time limit" },
	{ "fd[9]: Can't allocate memory ERROR\n", ERR_UNAVAIL, SCAN_CLEAN, "" },
	{ "COMMAND READ TIMED OUT ERROR\n", ERR_UNAVAIL, SCAN_CLEAN, "" },
	{ "UNKNOWN COMMAND\n", ERR_SYNTAX, SCAN_CLEAN, "" },
	{ "stream:  FOUND\n", ERR_SYNTAX, SCAN_CLEAN, "" },
	{ "stream: FOUND\n", ERR_SYNTAX, SCAN_CLEAN, "" },
	{ "OK\n", ERR_SYNTAX, SCAN_CLEAN, "" },
	{ "\n", ERR_SYNTAX, SCAN_CLEAN, "" },
};

static void
test_clamd(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		struct scan_verdict v = { .name = "" };
		size_t len = strlen(replies[i].text);

		for (size_t n = 0; n < len; n++) {
			struct slice in = exact(replies[i].text, n);

			assert_int_equal(clamd_reply_parse(in, &v), 0);
			drop(in);
		}
		struct slice in = exact(replies[i].text, len);
		int rc = clamd_reply_parse(in, &v);
		if (rc != (replies[i].rc > 0 ? (int)len : replies[i].rc) ||
		    v.result != replies[i].result ||
		    strcmp(v.name, replies[i].name) != 0)
			fail_msg("%s: %d, %d, %s", replies[i].text, rc,
			    v.result, v.name);
		drop(in);
	}
}

/* A NUL ends it, too; one without an end is none. */
static void
test_clamd_ends(void **state)
{
	static char endless[CLAMD_REPLY_MAX];
	struct scan_verdict v;

	(void)state;
	assert_int_equal(clamd_reply_parse(SLICE("stream: OK\0more"), &v), 11);
	memset(endless, 'x', sizeof(endless));
	assert_int_equal(clamd_reply_parse((struct slice){ endless,
					       sizeof(endless) - 1 },
			     &v),
	    0);
	assert_int_equal(clamd_reply_parse((struct slice){ endless,
					       sizeof(endless) },
			     &v),
	    ERR_SYNTAX);
}

static void
test_queue(void **state)
{
	struct scan_queue q = { 0 };
	struct scan_waiting w[4] = { 0 };

	(void)state;
	scan_queue_remove(&q, &w[0]);
	assert_int_equal(q.count, 0);
	for (int i = 0; i < 4; i++)
		scan_queue_add(&q, &w[i]);
	assert_ptr_equal(q.first, &w[0]);
	scan_queue_remove(&q, &w[1]); /* from the middle */
	scan_queue_remove(&q, &w[1]);
	assert_int_equal(q.count, 3);
	scan_queue_remove(&q, &w[3]); /* the last */
	scan_queue_add(&q, &w[1]);
	scan_queue_remove(&q, &w[0]); /* the first */
	assert_ptr_equal(q.first, &w[2]);
	scan_queue_remove(&q, &w[2]);
	assert_ptr_equal(q.first, &w[1]);
	assert_ptr_equal(q.last, &w[1]);
	scan_queue_remove(&q, &w[1]);
	assert_null(q.first);
	assert_null(q.last);
	assert_int_equal(q.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_clamd),
		cmocka_unit_test(test_clamd_ends),
		cmocka_unit_test(test_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
