/* SPDX-License-Identifier: BSD-2-Clause */
/* json_parse: what was read prints, and reads back as the same. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct json *v, enum json_format format)
{
	struct json *again = NULL;
	char error[200];
	struct buf out;

	buf_init(&out, 16 * 1024 * 1024);
	if (json_print(v, format, &out) < 0)
		abort();
	if (json_parse(buf_slice(&out), out.len, &again, error, sizeof(error)) <
	    0)
		abort();
	if (!json_equal(v, again))
		abort();
	json_free(again);
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct json *v = NULL, *copy;
	char error[200];

	if (json_parse(in, 65536, &v, error, sizeof(error)) < 0) {
		if (v != NULL || memchr(error, 0, sizeof(error)) == NULL)
			abort();
		return 0;
	}
	check(v, JSON_COMPACT);
	check(v, JSON_PRETTY);
	copy = json_copy(v);
	if (!json_equal(v, copy))
		abort();
	json_free(copy);
	json_free(v);
	return 0;
}
