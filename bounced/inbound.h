/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_INBOUND_H
#define BOUNCED_INBOUND_H

#include <stdint.h>

#include "proto/settings.h"
#include "util/crypto.h"
#include "util/slice.h"

/*
 * Mail for a domain that a tenant takes mail for: the first filter that matches
 * names it, and it is kept in Redis, sealed, until the tenant's webhooks have
 * it.  No filter: it is dropped.  What was refused for its sender's sake was
 * refused at SMTP time, by policyd and the milter: nothing is refused here that
 * would make Postfix send a bounce to somebody who never wrote.
 */
struct inbound;
struct store;

struct inbound_options {
	struct slice host; /* name of this one in keys; outlives the inbound */
	const struct master_key *master; /* so does this */
	uint64_t octets_max;             /* kept at once on this host */
};
struct inbound *inbound_new(struct store *s,
    const struct inbound_options *options); /* NULL: no memory */
void inbound_free(struct inbound *in);      /* takes NULL; nothing under way */
void inbound_limit(struct inbound *in, uint64_t octets_max);

struct inbound_envelope {
	struct settings *settings; /* of tenant; the inbound counts its own */
	const struct tenant *tenant;
	struct slice sender;    /* as written, without <>; empty: null sender */
	struct slice recipient; /* as written, without <> */
	struct slice address;   /* recipient, canonical */
};
/*
 * One mail for one recipient.  done() exactly once, perhaps before this
 * returns.  rc 0: it is kept, was kept before, or is dropped; < 0: not now,
 * the sender must keep it.  message must live until then; the envelope need
 * not.
 */
typedef void inbound_mail_done(int rc, void *ctx);
void inbound_mail(struct inbound *in, const struct inbound_envelope *envelope,
    struct slice message, inbound_mail_done *done, void *ctx);

struct inbound_counters {
	uint64_t kept, duplicate, dropped, full, trouble;
};
const struct inbound_counters *inbound_counters(const struct inbound *in);

#endif /* BOUNCED_INBOUND_H */
