/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_WEBHOOK_SIGN_H
#define APID_WEBHOOK_SIGN_H

#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * Signatures as in the Standard Webhooks specification 1.0.0: for each secret
 * "v1," base64(HMAC-SHA256(secret, id "." timestamp "." body)), blanks
 * between.  secrets: "whsec_" and base64.  ERR_SYNTAX: one is not.
 */
int webhook_sign(const struct slice *secrets, size_t count, struct slice id,
    int64_t timestamp_s, struct slice body, struct buf *out);

#endif /* APID_WEBHOOK_SIGN_H */
