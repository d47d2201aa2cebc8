/* SPDX-License-Identifier: BSD-2-Clause */
/* What Postfix's commands print: no more comes out than went in, an envelope
 * is lines of S and R with an empty one at its end. */
#include <stdint.h>
#include <stdlib.h>

#include "policyd/queue_output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
envelope(struct slice in)
{
	struct slice rest, line;
	bool first = true;
	struct buf b;

	buf_init(&b, in.len + 16);
	if (queue_output_envelope(in, &b) == 0) {
		rest = buf_slice(&b);
		if (rest.len < 4 || memcmp(rest.at + rest.len - 2, "\n\n", 2))
			abort();
		rest.len -= 2;
		while (slice_split(&rest, '\n', &line)) {
			if (!slice_starts(line,
				first ? SLICE("S ") : SLICE("R ")))
				abort();
			first = false;
		}
	}
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct buf b;

	for (int verb = QUEUE_RELEASE; verb <= QUEUE_DELETE; verb++)
		if (queue_output_changed((enum queue_verb)verb, in) >
		    UINT32_MAX)
			abort();
	envelope(in);
	buf_init(&b, size + 16);
	queue_output_trouble(in, &b);
	if (b.rc != 0 || memchr(b.at != NULL ? b.at : "", '\n', b.len) != NULL)
		abort();
	buf_done(&b);
	return 0;
}
