/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON Pointer: the examples of RFC 6901, and changing what it names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/json.h"
#include "proto/json_pointer.h"
#include "util/err.h"

static struct json *
parse(const char *text)
{
	struct json *v = NULL;
	char error[200];

	assert_int_equal(json_parse(slice_of(text), 65536, &v, error,
			     sizeof(error)),
	    0);
	return v;
}

/* What happens to doc by pointer; op: get, set (to 9) or remove. */
static const struct {
	const char *doc;
	char op;
	const char *pointer;
	int rc;
	const char *result;
} cases[] = {
	{ "{\"a\":1}", 'g', "", 0, "{\"a\":1}" },
	{ "{\"foo\":[\"bar\",2]}", 'g', "/foo/0", 0, "\"bar\"" },
	{ "{\"\":0}", 'g', "/", 0, "0" },
	{ "{\"a/b\":1,\"m~n\":8}", 'g', "/a~1b", 0, "1" },
	{ "{\"a/b\":1,\"m~n\":8}", 'g', "/m~0n", 0, "8" },
	{ "{\"~1\":5}", 'g', "/~01", 0, "5" },
	{ "{\"a\":1}", 'g', "a", ERR_SYNTAX, NULL },
	{ "{\"a\":1}", 'g', "/~2", ERR_SYNTAX, NULL },
	{ "{\"a\":1}", 'g', "/~", ERR_SYNTAX, NULL },
	{ "{\"a\":[1]}", 'g', "/a/1", ERR_NOTFOUND, NULL },
	{ "{\"a\":[1,2]}", 'g', "/a/01", ERR_NOTFOUND, NULL },
	{ "{\"a\":[1]}", 'g', "/a/-", ERR_NOTFOUND, NULL },
	{ "{\"a\":1}", 'g', "/a/b", ERR_NOTFOUND, NULL },
	{ "{}", 's', "/a", 0, "{\"a\":9}" },
	{ "{}", 's', "/a/b", 0, "{\"a\":{\"b\":9}}" },
	{ "{\"a\":[1]}", 's', "/a/0", 0, "{\"a\":[9]}" },
	{ "{\"a\":[1]}", 's', "/a/1", 0, "{\"a\":[1,9]}" },
	{ "{\"a\":[1]}", 's', "/a/-", 0, "{\"a\":[1,9]}" },
	{ "{\"a\":[]}", 's', "/a/-/b", 0, "{\"a\":[{\"b\":9}]}" },
	{ "{\"a\":[1]}", 's', "/a/3", ERR_NOTFOUND, "{\"a\":[1]}" },
	{ "{\"a\":1}", 's', "/a/b", ERR_NOTFOUND, "{\"a\":1}" },
	{ "{\"a\":1}", 's', "", ERR_SYNTAX, "{\"a\":1}" },
	{ "{\"a\":1,\"b\":2}", 'r', "/a", 0, "{\"b\":2}" },
	{ "{\"a\":[1,2]}", 'r', "/a/0", 0, "{\"a\":[2]}" },
	{ "{\"a\":[1,2]}", 'r', "/a/2", ERR_NOTFOUND, "{\"a\":[1,2]}" },
	{ "{\"a\":1}", 'r', "/b/c", ERR_NOTFOUND, "{\"a\":1}" },
};

static void
test_pointer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct slice pointer = slice_of(cases[i].pointer);
		struct json *doc = parse(cases[i].doc), *found = doc;
		struct buf out;
		int rc;

		print_message("# %s %c %s\n", cases[i].doc, cases[i].op,
		    cases[i].pointer);
		if (cases[i].op == 'g')
			rc = json_pointer_get(doc, pointer, &found);
		else if (cases[i].op == 's')
			rc =
			    json_pointer_set(doc, pointer, json_new_integer(9));
		else
			rc = json_pointer_remove(doc, pointer);
		assert_int_equal(rc, cases[i].rc);
		buf_init(&out, 1000);
		assert_int_equal(json_print(found, JSON_COMPACT, &out), 0);
		if (cases[i].result != NULL)
			assert_string_equal(buf_text(&out), cases[i].result);
		buf_done(&out);
		json_free(doc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pointer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
