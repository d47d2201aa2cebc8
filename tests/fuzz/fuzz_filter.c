/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters: any expression compiles or is refused with a reason; one that
 * compiles answers for any value, in bounded time (the fuzzer's -timeout),
 * and the same each time.  The first line is the expression, the second one
 * the recipient, the rest the field's value.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proto/filter.h"
#include "util/arena.h"
#include "util/err.h"
#include "util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try(struct slice header, struct slice pattern, struct slice recipient,
    struct slice value)
{
	struct header_field field = { header, value };
	struct arena *arena = arena_new(1 << 20);
	struct filter_values *values =
	    arena != NULL ? filter_values_new(arena, &field, 1) : NULL;
	struct filter *f = NULL;
	char error[200] = "";
	struct slice seen;

	if (values == NULL)
		abort();
	if (filter_compile(header, pattern, &f, error, sizeof(error)) < 0) {
		if (error[0] == '\0' || f != NULL)
			abort();
	} else {
		int rc = filter_match(f, values, recipient);

		if (rc != 0 && rc != 1 && rc != ERR_LIMIT)
			abort();
		if (filter_match(f, values, recipient) != rc)
			abort();
		if (filter_value(f, values, recipient, &seen) < 0)
			abort();
		if (!filter_is_recipient(f) &&
		    (seen.at == NULL || seen.len > FILTER_VALUE_MAX ||
			!utf8_ok(seen)))
			abort();
	}
	filter_free(f);
	arena_free(arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = { (const char *)data, size }, pattern = SLICE(""),
		     recipient = SLICE("");

	(void)slice_split(&rest, '\n', &pattern);
	(void)slice_split(&rest, '\n', &recipient);
	if (rest.at == NULL)
		rest = SLICE("");
	try(SLICE("X-Field"), pattern, recipient, rest);
	try(SLICE("To"), pattern, recipient, rest);
	/* As a name of a field, too. */
	try(recipient, pattern, recipient, rest);
	return 0;
}
