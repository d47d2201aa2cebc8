/* SPDX-License-Identifier: BSD-2-Clause */
/* Any outcome has one temper, within its bounds, the same for the same text. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/reply_temper.h"
#include "proto/retry_after.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(struct slice key, const struct reply_temper *t, int rc)
{
	if (rc != 0 && rc != ERR_SYNTAX)
		abort();
	if (rc != 0 && (t->used || t->temper != TEMPER_NEUTRAL))
		abort();
	if (t->rule == NULL || temper_word(t->temper)[0] == '\0')
		abort();
	if (t->temper == TEMPER_SUSPEND
		? t->for_ms < REPLY_TEMPER_FOR_MIN_MS ||
		      t->for_ms > REPLY_TEMPER_FOR_MAX_MS
		: t->for_ms != 0)
		abort();
	/* Only what a server said is a complaint. */
	if (t->temper != TEMPER_NEUTRAL && t->reply.at == NULL)
		abort();
	if (t->reply.at != NULL &&
	    (t->reply.at < key.at ||
		t->reply.at + t->reply.len > key.at + key.len || !t->used))
		abort();
	if (t->temper == TEMPER_CLEAN && key.at[0] != '2')
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice key = { (const char *)data, size };
	struct reply_temper a, b;

	int rc = reply_temper(key, NULL, 0, &a);
	check(key, &a, rc);
	if (reply_temper(key, NULL, 0, &b) != rc || a.temper != b.temper ||
	    a.rule != b.rule || a.for_ms != b.for_ms || a.used != b.used)
		abort();
	if (retry_after_ms(key) < -1)
		abort();
	return 0;
}
