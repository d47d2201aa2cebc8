/* SPDX-License-Identifier: BSD-2-Clause */
/* Any line of a log: slices stay inside it, fields hold what they may. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/postfix_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
inside(struct slice s, const char *in, size_t size)
{
	if (s.at != NULL && (s.at < in || s.at + s.len > in + size))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *in = (const char *)data;
	struct postfix_log_clock clock;
	struct postfix_log l;
	struct slice stage;

	postfix_log_clock_init(&clock, 1795417200);
	inside(postfix_log_remote((struct slice){ in, size }, &stage), in,
	    size);
	inside(stage, in, size);
	if (!postfix_log_parse((struct slice){ in, size }, &clock, &l))
		return 0;
	inside(l.tag, in, size);
	inside(l.queue_id, in, size);
	inside(l.sender, in, size);
	inside(l.recipient, in, size);
	inside(l.original, in, size);
	inside(l.relay, in, size);
	inside(l.dsn, in, size);
	inside(l.text, in, size);
	if (l.queue_id.len < 6 || l.queue_id.len > 24)
		abort();
	if (memchr(l.relay.at != NULL ? l.relay.at : "", ',', l.relay.len))
		abort();
	return 0;
}
