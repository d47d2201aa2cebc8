/* SPDX-License-Identifier: BSD-2-Clause */
/* Headers: where they are cut does not matter; no octet is lost. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
collect(void *ctx, const struct header_field *field)
{
	struct buf *out = ctx;

	if (!header_name_ok(field->name))
		abort();
	if (memchr(field->value.at, '\n', field->value.len) != NULL &&
	    field->value.at[field->value.len - 1] == '\n' &&
	    field->value.len < 2)
		abort();
	(void)buf_add_slice(out, field->name);
	(void)buf_add_char(out, ':');
	(void)buf_add_slice(out, field->value);
	return buf_add_char(out, '\n');
}

static int
run(struct slice in, size_t piece, struct buf *out)
{
	struct header_parser p;
	int rc = 0;

	buf_clear(out);
	header_parser_init(&p, 2000, 50, collect, out);
	while (in.len > 0 && rc == 0 && !header_parser_ended(&p)) {
		ssize_t n = header_parser_feed(&p,
		    (struct slice){ in.at, piece < in.len ? piece : in.len });

		if (n < 0)
			rc = (int)n;
		else
			in = slice_skip(in, (size_t)n);
	}
	if (rc == 0)
		rc = header_parser_end(&p);
	if (rc == 0) {
		(void)buf_add_slice(out, header_parser_body(&p));
		(void)buf_add_slice(out, in);
	}
	header_parser_done(&p);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct buf one, two;

	buf_init(&one, 4 << 20);
	buf_init(&two, 4 << 20);
	int rc = run(in, SIZE_MAX, &one);
	for (size_t piece = 1; piece < 8; piece += 3)
		if (run(in, piece, &two) != rc ||
		    !slice_eq(buf_slice(&one), buf_slice(&two)))
			abort();
	if (rc == 0 && one.len > size + 1)
		abort();
	buf_clear(&two);
	if (header_unfold(in, &two) < 0 || two.len > size)
		abort();
	buf_done(&one);
	buf_done(&two);
	return 0;
}
