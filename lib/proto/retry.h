/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_RETRY_H
#define PROTO_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When deferred mail is tried again: the curves of the settings, and what
 * Postfix's own parameters can make of them.  Pure; no clock of its own.
 */
enum retry_mode { RETRY_NATIVE, RETRY_EXACT };
enum retry_method { RETRY_LINEAR, RETRY_GROWING };
struct retry_curve {
	bool given; /* false: another one goes */
	enum retry_mode mode;
	enum retry_method method;
	int64_t a_s, b_s;  /* b: growing only */
	int64_t period_ms; /* from queued */
};

/* What is wrong with it, for a person; NULL: nothing. */
const char *retry_wrong(const struct retry_curve *c);
/*
 * When the n-th retry (1: the first) is due after an attempt that ended at
 * last_ms.  False: it would be behind the period, the message is given up.
 */
bool retry_next(const struct retry_curve *c, int64_t queued_ms, int64_t last_ms,
    unsigned n, int64_t *ret_due_ms);

/* main.cf's, in seconds. */
struct retry_native {
	int64_t minimal_backoff_s, maximal_backoff_s, queue_lifetime_s;
	int64_t queue_run_delay_s;
};
/*
 * The parameters that follow the curve best.  safety: the scheduler makes the
 * tries, Postfix's own come later than any of them, for when it is away.
 */
void retry_native(const struct retry_curve *c, bool safety,
    struct retry_native *ret_native);

#endif /* PROTO_RETRY_H */
