/* SPDX-License-Identifier: BSD-2-Clause */
/* A session's octets: commands line by line, then as text in two pieces. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/lmtp_command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text must not depend on how the stream was cut. */
static void
text(struct slice in)
{
	struct lmtp_data whole, cut;
	struct buf a, b;
	bool end_a, end_b;
	size_t half = in.len / 2;

	buf_init(&a, 1 << 16);
	buf_init(&b, 1 << 16);
	lmtp_data_begin(&whole);
	lmtp_data_begin(&cut);
	size_t used = lmtp_data_feed(&whole, in, &a, &end_a);
	size_t n =
	    lmtp_data_feed(&cut, (struct slice){ in.at, half }, &b, &end_b);
	if (!end_b)
		n += lmtp_data_feed(&cut, slice_skip(in, half), &b, &end_b);
	if (used > in.len || used != n || end_a != end_b ||
	    (!whole.too_large && !slice_eq(buf_slice(&a), buf_slice(&b))))
		abort();
	buf_done(&a);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = { (const char *)data, size }, line;
	struct lmtp_command cmd;

	text(rest);
	if (size == 0)
		return 0;
	while (slice_split(&rest, '\n', &line)) {
		if (lmtp_command_parse(line, &cmd) < 0)
			continue;
		if (cmd.path.at != NULL &&
		    (cmd.path.at < line.at ||
			cmd.path.at + cmd.path.len > line.at + line.len))
			abort();
		if (memchr(line.at, '\0', line.len) != NULL)
			abort();
	}
	return 0;
}
