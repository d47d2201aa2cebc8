/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of bounce classes: words, and which status leads to which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/bounce_class.h"
#include "proto/status.h"

static void
test_words_go_both_ways(void **state)
{
	(void)state;
	for (unsigned i = 0; i < BOUNCE_CLASS_COUNT; i++) {
		enum bounce_class class = (enum bounce_class)i;

		assert_int_equal(bounce_class_parse(
				     slice_of(bounce_class_word(class))),
		    class);
		assert_true(status_known(bounce_class_status(class)));
	}
	assert_int_equal(bounce_class_parse(SLICE("no such")), CLASS_NONE);
	assert_string_equal(bounce_class_word((enum bounce_class)200), "other");
}

static void
test_each_status_has_a_class_of_its_own(void **state)
{
	(void)state;
	for (int status = 0; status < 100; status++)
		if (status_known(status))
			assert_int_equal(bounce_class_status(
					     bounce_class_of_status(status)),
			    status);
	assert_int_equal(bounce_class_of_status(STATUS_OTHER), CLASS_OTHER);
	assert_int_equal(bounce_class_of_status(12345), CLASS_OTHER);
}

/* Who sends, who receives: not the recipient's fault, so no block. */
static void
test_the_innocent_are_not_blocked(void **state)
{
	(void)state;
	assert_true(bounce_class_may_block(CLASS_NONE));
	for (unsigned i = 1; i < BOUNCE_CLASS_COUNT; i++) {
		enum bounce_class class = (enum bounce_class)i;

		if (bounce_class_fault(class) == FAULT_SENDER)
			assert_false(bounce_class_may_block(class));
		if (bounce_class_fault(class) == FAULT_RECIPIENT)
			assert_true(bounce_class_may_block(class));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_go_both_ways),
		cmocka_unit_test(test_each_status_has_a_class_of_its_own),
		cmocka_unit_test(test_the_innocent_are_not_blocked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
