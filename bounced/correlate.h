/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_CORRELATE_H
#define BOUNCED_CORRELATE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bounce_mail.h"
#include "proto/trace_field.h"

/*
 * Which message a mail that came back is about, by what is signed: in order of
 * trust the address it came to, the envelope id of the report, X-Postern-Ref of
 * the returned message, and the address that message was sent with.  Pure.
 */
struct correlate_keys {
	uint8_t verp[CRYPTO_SHA256_LEN], trace[CRYPTO_SHA256_LEN];
};
struct correlated {
	struct verp_tag tag; /* its queue id lies in room */
	bool single; /* it had one recipient, with this hash (trace_field.h) */
	uint8_t recipient[TRACE_RECIPIENT_LEN];
	const char *by; /* "return-path", "envelope-id", "reference",
			   "returned-path": for the log */
	char room[VERP_QUEUE_ID_MAX];
};
/*
 * local    of the address it came to
 * mail     NULL: not read yet; then only that address is looked at
 * 0; ERR_NOTFOUND: nothing looks like ours; ERR_CRYPTO: what does was signed by
 * somebody else, or changed; ERR_DENIED: it is too old.  A good name of less
 * trust counts beside a bad one, but not beside a bad address.
 */
int correlate(const struct correlate_keys *keys, struct slice local,
    const struct bounce_mail *mail, int64_t now_s, int64_t max_age_s,
    struct correlated *ret_found);

#endif /* BOUNCED_CORRELATE_H */
