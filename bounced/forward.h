/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_FORWARD_H
#define BOUNCED_FORWARD_H

#include <stdbool.h>

#include "proto/settings.h"
#include "util/crypto.h"
#include "util/slice.h"

/*
 * The receiving side of forwarding: mail for applications, and bounces, that
 * match a rule of the tenant's inbound.forwarding go to another address as
 * well, or only there.  They go as they came, with a Delivered-To of the
 * address that they were for (RFC 9228), which also ends loops: mail that has
 * been there is not forwarded again.  The envelope sender is null, as for all
 * mail that this daemon sends.
 */
struct forward;
struct submit;

/* copy_key is copied.  NULL: no memory. */
struct forward *forward_new(struct submit *submit,
    const uint8_t copy_key[CRYPTO_SHA256_LEN]);
void forward_free(struct forward *f); /* takes NULL; nothing is under way */

/*
 * Where one mail for one recipient goes; *ret_forwarding NULL: nowhere.
 * s          of the tenant; counted while the forwarding lives
 * t          whose address it is; NULL: that of a return path, which is the
 *            tenant's who has that domain
 * recipient  canonical
 * 0, ERR_LIMIT (an expression gave up: the sender must keep the mail),
 * ERR_NOMEM.
 */
struct forwarding;
int forward_decide(struct forward *f, struct settings *s,
    const struct tenant *t, struct slice recipient, struct slice message,
    struct forwarding **ret_forwarding);
/* Nobody else gets it. */
bool forwarding_redirects(const struct forwarding *w);
void forwarding_free(struct forwarding *w); /* takes NULL; not run */

/*
 * Sends it there, and frees the forwarding.  message must live until done():
 * 0: the MTA has it for each address, or refuses it for good; < 0: the sender
 * must keep the mail, some may have it already.
 */
typedef void forward_done(int rc, void *ctx);
void forwarding_run(struct forwarding *w, struct slice message,
    forward_done *done, void *ctx);

struct forward_counters {
	uint64_t sent, refused, trouble;
};
const struct forward_counters *forward_counters(const struct forward *f);

#endif /* BOUNCED_FORWARD_H */
