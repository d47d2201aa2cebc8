/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_WEBHOOK_RETRY_H
#define APID_WEBHOOK_RETRY_H

#include <stdint.h>

#include "net/http_client.h"

/* What to do after an attempt to send.  Pure. */
enum webhook_outcome {
	WEBHOOK_DELIVERED,
	WEBHOOK_RETRY, /* at wait_ms */
	WEBHOOK_DEAD,  /* three days are over: to the dead letters */
	WEBHOOK_GONE,  /* 410: the endpoint wants nothing any more */
};
struct webhook_verdict {
	enum webhook_outcome outcome;
	int64_t wait_ms;  /* until this batch goes out again */
	int64_t pause_ms; /* until the endpoint gets any other; 0: no pause */
};

/*
 * attempts  made so far, this one included (>= 1)
 * failures  of this endpoint in a row, this one included, if it is one
 * random    any number, for the jitter
 * Only 2xx is success; 3xx is a failure like others.  429 and 503 with
 * Retry-After are obeyed.  An answer that speaks of this batch only (other
 * 4xx) does not pause the endpoint.
 */
struct webhook_verdict webhook_judge(int rc, const struct http_answer *answer,
    unsigned attempts, unsigned failures, uint32_t random);

/* The wait after so many attempts, without jitter; -1: no more.  */
int64_t webhook_retry_ms(unsigned attempts);

#endif /* APID_WEBHOOK_RETRY_H */
