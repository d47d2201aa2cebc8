/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_INTAKE_H
#define BOUNCED_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * Mail that comes back, bounces and complaints: finds the message by what is
 * signed (correlate.h), the recipients by what the mail says, and writes an
 * event for each.  What is signed by somebody else, or too old, is taken and
 * dropped: it counts for nothing, and is not answered, as the answer would go
 * to somebody who never wrote.  What is not signed at all, but names a message
 * of ours and its recipient (names_search.h), is written, and does not count.
 */
struct bounce_rules;
struct correlate_keys;
struct intake;
struct settings_watch;
struct store;

/* Where bounces of ours are passed on to who sent the message, once they are
 * recorded; never called: nowhere. */
struct returns;
void intake_set_returns(struct intake *in, struct returns *returns);

/*
 * host      name of this one in keys; must live as long as the intake
 * recorded  called when an event was written
 * NULL: no memory.
 */
struct intake *intake_new(struct store *s, struct settings_watch *settings,
    struct slice host, const struct correlate_keys *keys,
    void (*recorded)(void *ctx));
/* The rules that bounces are judged by from now on; takes a reference. */
void intake_use_rules(struct intake *in, struct bounce_rules *rules);
void intake_free(struct intake *in); /* takes NULL; nothing may be under way */

/*
 * One mail for one recipient.  done() exactly once, perhaps before this
 * returns.  rc 0: dealt with; < 0: Redis trouble, the sender must keep it.
 * message must live until then.
 */
typedef void intake_done(int rc, void *ctx);
void intake_mail(struct intake *in, struct slice recipient,
    struct slice message, intake_done *done, void *ctx);

struct intake_counters {
	uint64_t mails, bad_signature, expired, unsigned_mail, no_failure,
	    recorded, duplicate, unknown, trouble;
	/* Those recorded and counted; reports that are none: not-spam, and of
	 * failed authentication; of no known message. */
	uint64_t complaints, not_spam, no_complaint, unattributed;
	uint64_t not_counted; /* recorded, but not proven, or no reader's */
};
const struct intake_counters *intake_counters(const struct intake *in);

#endif /* BOUNCED_INTAKE_H */
