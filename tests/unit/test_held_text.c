/* SPDX-License-Identifier: BSD-2-Clause */
/* A message of the queue as text: envelope and header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policyd/held_text.h"
#include "util/arena.h"
#include "util/buf.h"
#include "util/err.h"

static const struct {
	const char *name;
	struct slice text;
	int rc;
	const char *sender;
	size_t recipients, fields;
	const char *held; /* field X-Postern-Held */
} cases[] = {
	{ "one of ours",
	    SLICE("S a@x\nR b@y\nR c@z\n\nSubject: hi\nX-Postern-Held: v\n"), 0,
	    "a@x", 2, 2, " v" },
	{ "no header", SLICE("S a@x\nR b@y\n\n"), 0, "a@x", 1, 0, NULL },
	{ "nothing behind the envelope", SLICE("S a@x\n\n"), 0, "a@x", 0, 0,
	    NULL },
	{ "the null sender", SLICE("S \nR b@y\n\nA: b\n"), 0, "", 1, 1, NULL },
	{ "recipients first", SLICE("R b@y\nS a@x\n\n"), 0, "a@x", 1, 0, NULL },
	{ "CRLF and folding, any case",
	    SLICE("S a\nR b\n\nx-postern-HELD: 1\r\n 2\r\nB: c\r\n"), 0, "a", 1,
	    2, " 1\r\n 2" },
	{ "a body behind it", SLICE("S a\nR b\n\nA: b\n\nX-Postern-Held: v\n"),
	    0, "a", 1, 1, NULL },
	{ "a header that is cut", SLICE("S a\nR b\n\nA: b\nX-Poste"), 0, "a", 1,
	    1, NULL },
	{ "the first of two",
	    SLICE("S a\nR b\n\nX-Postern-Held: 1\nX-Postern-Held: 2\n"), 0, "a",
	    1, 2, " 1" },
	{ "no sender", SLICE("R b@y\n\n"), ERR_SYNTAX, NULL, 0, 0, NULL },
	{ "two senders", SLICE("S a\nS b\nR c\n\n"), ERR_SYNTAX, NULL, 0, 0,
	    NULL },
	{ "an unknown letter", SLICE("S a\nX b\n\n"), ERR_SYNTAX, NULL, 0, 0,
	    NULL },
	{ "no blank", SLICE("S a\nRb\n\n"), ERR_SYNTAX, NULL, 0, 0, NULL },
	{ "a lone letter", SLICE("S"), ERR_SYNTAX, NULL, 0, 0, NULL },
	{ "no empty line", SLICE("S a\nR b\n"), 0, "a", 1, 0, NULL },
	{ "an envelope that is cut", SLICE("S a\nR b"), ERR_SYNTAX, NULL, 0, 0,
	    NULL },
	{ "nothing", SLICE(""), ERR_SYNTAX, NULL, 0, 0, NULL },
};

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct slice text = cases[i].text, held;
		char *heap = malloc(text.len + 1); /* +1: never malloc(0) */
		struct arena *arena = arena_new(1 << 20);
		struct held_text t;

		assert_true(heap != NULL && arena != NULL);
		/* At its end, so that one octet more is seen. */
		memcpy(heap + 1, text.at, text.len);
		if (held_text_parse((struct slice){ heap + 1, text.len }, arena,
			&t) != cases[i].rc)
			fail_msg("%s", cases[i].name);
		if (cases[i].rc == 0) {
			free(heap);
			heap = NULL; /* nothing of it is needed */
			if (!slice_eq(t.sender, slice_of(cases[i].sender)) ||
			    t.recipient_count != cases[i].recipients ||
			    t.field_count != cases[i].fields)
				fail_msg("%s", cases[i].name);
			held = held_text_field(&t, SLICE("X-Postern-Held"));
			if (!slice_eq(held, slice_of(cases[i].held)))
				fail_msg("%s: %.*s", cases[i].name,
				    SLICE_F(held));
		}
		free(heap);
		arena_free(arena);
	}
}

/* More than there may be: refused, or left out. */
static void
test_limits(void **state)
{
	struct buf text;
	struct arena *arena = arena_new(8 << 20);
	struct held_text t;

	(void)state;
	assert_non_null(arena);
	buf_init(&text, 8 << 20);
	(void)buf_add_text(&text, "S a\n");
	for (size_t i = 0; i < HELD_RECIPIENTS_MAX; i++)
		(void)buf_add_text(&text, "R b\n");
	size_t envelope = text.len;
	(void)buf_add_text(&text, "\n");
	for (size_t i = 0; i <= HELD_FIELDS_MAX; i++)
		(void)buf_add_text(&text, "A: b\n");
	assert_int_equal(held_text_parse(buf_slice(&text), arena, &t), 0);
	assert_int_equal(t.recipient_count, HELD_RECIPIENTS_MAX);
	assert_int_equal(t.field_count, HELD_FIELDS_MAX);
	text.len = envelope;
	(void)buf_add_text(&text, "R b\n\n");
	assert_int_equal(held_text_parse(buf_slice(&text), arena, &t),
	    ERR_LIMIT);
	buf_done(&text);
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
