/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_NOTICE_H
#define MILTER_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * The mail that tells people of a message refused because of a virus: RFC
 * 5322, in ASCII whatever the facts hold, and nothing of the message's content.
 * Pure.
 */
struct notice {
	/* To whom, from whom; host: of the From address where it is absent,
	 * and of the Message-ID. */
	const struct slice *to;
	size_t to_count;
	struct slice from, host;
	int64_t sent_ms;
	struct slice id; /* unique; of the Message-ID */

	struct slice tenant, virus; /* printable ASCII */
	/* The message, or how many there were beside those told about. */
	unsigned long more; /* 0: this is about one message */
	int64_t at_ms;
	struct slice queue_id, client, sender, header_from, subject;
	struct slice recipients; /* one a line */
	uint64_t recipient_count;
	struct slice kept;  /* its id in the quarantine; absent: not kept */
	struct slice lacks; /* kept without content: why; absent: whole */
	int64_t kept_until_ms;
};
#define NOTICE_MAX (128 * 1024)
/* Lines in LF.  ERR_LIMIT, ERR_NOMEM. */
int notice_format(const struct notice *n, struct buf *out);

/*
 * How many may be sent: NOTICE_PER_MINUTE for each tenant in a minute, which
 * begins with the first one; those left out are counted for one mail at its
 * end.  One thread.
 */
#define NOTICE_PER_MINUTE 10
#define NOTICE_TENANTS_MAX 1000 /* with a minute running; more: none sent */
struct notice_limit;
struct notice_limit *notice_limit_new(void);
void notice_limit_free(struct notice_limit *l); /* takes NULL */
/* May this one be sent? */
bool notice_limit_ok(struct notice_limit *l, struct slice tenant,
    struct slice virus, int64_t now_us);
/*
 * A minute that is over and has left some out; the texts live until the next
 * call.  False: none; ret_next_us is when to ask again, 0: not of itself.
 */
struct notice_missed {
	struct slice tenant, virus; /* of the last one */
	unsigned long count;
};
bool notice_limit_over(struct notice_limit *l, int64_t now_us,
    struct notice_missed *ret_missed, int64_t *ret_next_us);

#endif /* MILTER_NOTICE_H */
