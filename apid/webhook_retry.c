/* SPDX-License-Identifier: BSD-2-Clause */
/* What to do after an attempt to send a webhook. */
#include "apid/webhook_retry.h"

#include <stddef.h>

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

/* 21 attempts; 73 h 53 min from the first to the last, without jitter. */
static const int64_t waits_ms[] = { 5 * SECOND, 30 * SECOND, 2 * MINUTE,
	5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR,
	6 * HOUR, 6 * HOUR, 6 * HOUR, 6 * HOUR, 6 * HOUR, 6 * HOUR, 6 * HOUR,
	6 * HOUR, 6 * HOUR, 6 * HOUR, 6 * HOUR };
#define WAITS (sizeof(waits_ms) / sizeof(*waits_ms))

#define PAUSE_FIRST_MS (2 * SECOND)
#define PAUSE_MAX_MS MINUTE
#define RETRY_AFTER_MAX_MS (24 * HOUR)

int64_t
webhook_retry_ms(unsigned attempts)
{
	return attempts == 0      ? 0
	       : attempts > WAITS ? -1
				  : waits_ms[attempts - 1];
}

static int64_t
pause_ms(unsigned failures)
{
	int64_t ms = PAUSE_FIRST_MS;

	while (--failures > 0 && ms < PAUSE_MAX_MS)
		ms *= 2;
	return ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
}

struct webhook_verdict
webhook_judge(int rc, const struct http_answer *answer, unsigned attempts,
    unsigned failures, uint32_t random)
{
	struct webhook_verdict v = { .outcome = WEBHOOK_RETRY };
	unsigned status = rc == 0 ? answer->status : 0;
	bool told;

	if (status >= 200 && status <= 299) {
		v.outcome = WEBHOOK_DELIVERED;
		return v;
	}
	if (status == 410) {
		v.outcome = WEBHOOK_GONE;
		return v;
	}
	v.wait_ms = webhook_retry_ms(attempts);
	if (v.wait_ms < 0) {
		v.outcome = WEBHOOK_DEAD;
		v.wait_ms = 0;
	}
	v.wait_ms += v.wait_ms / 5 * (random & 0xffff) / 0xffff;

	told = (status == 429 || status == 503) && answer->retry_after_s >= 0;
	if (told) {
		int64_t after =
		    answer->retry_after_s > RETRY_AFTER_MAX_MS / SECOND
			? RETRY_AFTER_MAX_MS
			: answer->retry_after_s * SECOND;

		if (v.wait_ms < after)
			v.wait_ms = after;
		v.pause_ms = after;
	}
	if (v.pause_ms == 0 &&
	    (status < 400 || status > 499 || status == 408 || status == 429))
		v.pause_ms = pause_ms(failures > 0 ? failures : 1);
	return v;
}
