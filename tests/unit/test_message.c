/* SPDX-License-Identifier: BSD-2-Clause */
/* The message model: what is asked for, and the calls that make it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "milter/message.h"
#include "util/buf.h"
#include "util/err.h"

static int
change_field(void *ctx, const char *name, int index, const char *value)
{
	return buf_addf(ctx, "%s %d=%s|", name, index,
	    value != NULL ? value : "(gone)");
}

static int
add_top(void *ctx, const char *name, const char *value)
{
	return buf_addf(ctx, "+%s: %s|", name, value);
}

static int
change_sender(void *ctx, const char *path, const char *args)
{
	return buf_addf(ctx, "from %s %s|", path, args != NULL ? args : "-");
}

static int
remove_rcpt(void *ctx, const char *raw)
{
	return buf_addf(ctx, "-%s|", raw);
}

static int
add_rcpt(void *ctx, const char *path, const char *args)
{
	return buf_addf(ctx, "rcpt %s %s|", path, args != NULL ? args : "-");
}

static int
replace_body(void *ctx, struct slice octets)
{
	return buf_addf(ctx, "body %zu|", octets.len);
}

static int
hold(void *ctx, const char *reason)
{
	return buf_addf(ctx, "hold %s|", reason);
}

static const struct message_editor editor = {
	.change_field = change_field,
	.add_top = add_top,
	.change_sender = change_sender,
	.remove_rcpt = remove_rcpt,
	.add_rcpt = add_rcpt,
	.replace_body = replace_body,
	.hold = hold,
};

static void
fields(struct message *msg, const char *const *names)
{
	assert_int_equal(message_init(msg), 0);
	for (; *names != NULL; names++)
		assert_int_equal(message_add_field(msg, slice_of(*names),
				     SLICE("v")),
		    0);
}

static void
test_edits(void **state)
{
	static const char *const names[] = { "A", "B", "a", "C", "A", NULL };
	struct message msg;
	struct buf calls;
	size_t count = 0;

	(void)state;
	buf_init(&calls, 1000);
	fields(&msg, names);
	assert_int_equal(message_apply(&msg, &editor, &calls), 0);
	assert_int_equal(calls.len, 0); /* nothing asked, nothing said */
	assert_int_equal(message_count(&msg, "a"), 3);
	message_delete_field(&msg, 2);
	assert_int_equal(message_change_field(&msg, 4, SLICE("w")), 0);
	message_delete_field(&msg, 1);
	assert_int_equal(message_add_top(&msg, "X", SLICE("1")), 0);
	assert_int_equal(message_add_top(&msg, "Y", SLICE("2")), 0);
	assert_int_equal(message_change_sender(&msg, SLICE("s@x"),
			     (struct slice){ NULL, 0 }),
	    0);
	assert_int_equal(message_add_rcpt(&msg, SLICE("<P@X>"), true), 0);
	assert_int_equal(message_add_rcpt(&msg, SLICE("<q@x>"), true), 0);
	assert_int_equal(message_add_rcpt(&msg, SLICE("<P@X>"), false), 0);
	message_remove_rcpt(&msg, 0, RCPT_SUPPRESSED, SLICE("why"));
	message_remove_rcpt(&msg, 2, RCPT_SUPPRESSED, SLICE("why"));
	assert_int_equal(message_rcpts_left(&msg), 1);
	assert_true(slice_eq(msg.rcpts[0].address, SLICE("p@x")));
	assert_int_equal(message_apply(&msg, &editor, &calls), 0);
	assert_string_equal(buf_text(&calls),
	    "A 3=w|a 2=(gone)|B 1=(gone)|+X: 1|+Y: 2|from <s@x> -|-<P@X>|");

	struct header_field *all = message_leaving(&msg, &count);
	assert_int_equal(count, 5);
	assert_true(slice_eq(all[0].name, SLICE("Y")));
	assert_true(slice_eq(all[1].name, SLICE("X")));
	assert_true(slice_eq(all[4].value, SLICE("w")));
	assert_int_equal(message_count(&msg, "A"), 2);
	assert_null(message_find(&msg, "B", 0));

	message_reset(&msg);
	assert_int_equal(msg.field_count + msg.rcpt_count, 0);
	message_done(&msg);
	buf_done(&calls);
}

/* The rest of what modules may ask for, in the order in which it is made. */
static void
test_more_edits(void **state)
{
	static const char *const names[] = { "A", NULL };
	struct message msg;
	struct buf calls, body;
	char long_id[101];

	(void)state;
	buf_init(&calls, 2000);
	buf_init(&body, 1000000);
	fields(&msg, names);
	assert_int_equal(message_add_rcpt(&msg, SLICE("<a@x>"), true), 0);
	assert_int_equal(message_add_rcpt(&msg, SLICE("<b@x>"), true), 0);
	/* There already; new; new, and then in a copy; back again. */
	assert_int_equal(message_new_rcpt(&msg, SLICE("a@x"), SLICE(""),
			     SLICE("r")),
	    0);
	assert_int_equal(message_new_rcpt(&msg, SLICE("n@x"), SLICE("b+@x"),
			     SLICE("r")),
	    0);
	assert_int_equal(message_new_rcpt(&msg, SLICE("c@x"),
			     (struct slice){ NULL, 0 }, SLICE("r")),
	    0);
	assert_int_equal(msg.rcpt_count, 4);
	assert_true(msg.rcpts[2].added);
	assert_true(slice_eq(msg.rcpts[2].reason, SLICE("r")));
	message_remove_rcpt(&msg, 1, RCPT_REDIRECTED, SLICE("r"));
	message_remove_rcpt(&msg, 3, RCPT_COPIED, SLICE(""));
	assert_int_equal(message_new_rcpt(&msg, SLICE("b@x"), SLICE(""),
			     SLICE("r")),
	    0);
	assert_int_equal(message_rcpts_left(&msg), 3);
	assert_int_equal(message_change_sender(&msg, SLICE("s@x"),
			     SLICE("id=1 2")),
	    0);
	message_hold(&msg, SLICE("virus"));
	for (int i = 0; i < 70000; i++)
		assert_int_equal(buf_add_char(&body, 'x'), 0);
	assert_int_equal(message_replace_body(&msg, &body), 0);
	assert_int_equal(body.len, 0);
	assert_int_equal(message_apply(&msg, &editor, &calls), 0);
	assert_string_equal(buf_text(&calls),
	    "from <s@x> ENVID=id+3D1+202|-<b@x>|"
	    "rcpt <n@x> ORCPT=rfc822;b+2B@x|rcpt <b@x> -|"
	    "body 65535|body 4465|hold virus|");

	/* Twice replaced, with nothing: an empty line. */
	buf_clear(&calls);
	assert_int_equal(message_replace_body(&msg, &body), 0);
	memset(long_id, 'x', sizeof(long_id));
	assert_int_equal(message_change_sender(&msg, SLICE(""),
			     (struct slice){ long_id, sizeof(long_id) }),
	    0);
	assert_int_equal(message_apply(&msg, &editor, &calls), 0);
	assert_non_null(strstr(buf_text(&calls), "from <> -|"));
	assert_non_null(strstr(buf_text(&calls), "|body 2|"));
	message_done(&msg);
	buf_done(&body);
	buf_done(&calls);
}

static void
test_notes(void **state)
{
	static char big[3000];
	struct message msg;

	(void)state;
	assert_int_equal(message_init(&msg), 0);
	message_note(&msg, "a", SLICE("1\0002"));
	message_note(&msg, "b", SLICE(""));
	memset(big, 'x', sizeof(big));
	message_note(&msg, "c", (struct slice){ big, sizeof(big) });
	message_note(&msg, "d", SLICE("2"));
	assert_true(
	    slice_eq(buf_slice(msg.notes), SLICE("a\0001\0b\0\0d\0002\0")));
	message_done(&msg);
}

static void
test_limits(void **state)
{
	static char big[1024 * 1024];
	struct message msg;

	(void)state;
	memset(big, 'x', sizeof(big));
	assert_int_equal(message_init(&msg), 0);
	for (size_t i = 0; i < MESSAGE_FIELDS_MAX; i++)
		assert_int_equal(message_add_field(&msg, SLICE("To"),
				     SLICE("v")),
		    0);
	assert_int_equal(message_add_field(&msg, SLICE("To"), SLICE("v")),
	    ERR_LIMIT);
	message_reset(&msg);
	for (int i = 0; i < 3; i++)
		assert_int_equal(message_add_field(&msg, SLICE("To"),
				     (struct slice){ big, sizeof(big) }),
		    0);
	assert_int_equal(message_add_field(&msg, SLICE("To"),
			     (struct slice){ big, sizeof(big) }),
	    ERR_LIMIT);
	message_reset(&msg);
	for (int i = 0; i < 50000; i++)
		assert_int_equal(message_add_rcpt(&msg,
				     SLICE("<someone@example.com>"), false),
		    0);
	message_done(&msg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_more_edits),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
