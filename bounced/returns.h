/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_RETURNS_H
#define BOUNCED_RETURNS_H

#include <stdint.h>

#include "proto/bounce_mail.h"
#include "proto/verp.h"
#include "util/crypto.h"

/*
 * Bounces passed on to who sent the message: where its envelope sender was
 * made another address, and the settings say forward_bounces.  The facts of
 * the message, in its queued event, name who that is.  Failures and delays are
 * passed on, each mail once, or twice when something ends in between; a mail
 * that nothing could be read from is not.
 */
struct returns;
struct settings_watch;
struct store;
struct submit;

struct returns_options {
	struct slice host; /* that reports */
	const uint8_t *copy_key;
};
/* host must live as long; copy_key is copied.  NULL: no memory. */
struct returns *returns_new(struct store *s, struct settings_watch *settings,
    struct submit *submit, const struct returns_options *options);
void returns_free(struct returns *r); /* takes NULL; nothing is under way */

/*
 * One bounce, which names the message by a tag of ours.
 * host      whose message it is
 * All slices must live until done().  done() exactly once, perhaps before this
 * returns: rc 0: passed on, or there is nothing to; < 0: the sender must keep
 * the bounce, it will come again.
 */
struct returned_bounce {
	struct slice host;
	struct verp_tag tag;
	const struct bounce_mail *mail;
};
typedef void returns_done(int rc, void *ctx);
void returns_mail(struct returns *r, const struct returned_bounce *bounce,
    returns_done *done, void *ctx);

struct returns_counters {
	uint64_t passed_on, refused, trouble;
};
const struct returns_counters *returns_counters(const struct returns *r);

#endif /* BOUNCED_RETURNS_H */
