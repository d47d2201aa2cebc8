/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_INBOUND_LOAD_H
#define APID_INBOUND_LOAD_H

#include "proto/mail_view.h"
#include "store/inbound_store.h"
#include "util/arena.h"
#include "util/buf.h"
#include "util/crypto.h"
#include "util/slice.h"

/*
 * Mails for applications out of Redis: found, their pieces opened, put
 * together.  No more than INBOUND_LOAD_MAX octets of mails are in memory at
 * once; others wait for their turn.  On the loop's thread.
 */
struct store;

#define INBOUND_LOAD_MAX ((size_t)64 * 1024 * 1024)

void inbound_load_start(struct store *s, const struct master_key *master);

struct inbound_loaded {
	struct arena *arena; /* of the record, and for a view */
	struct inbound_record record;
	struct buf mail;
	size_t claimed; /* the loader's */
};
/*
 * host    absent: whichever the id names
 * tenant  whose it must be
 * Exactly one loaded(), perhaps before this returns.  rc 0: the mail is the
 * callee's: inbound_unload.  ERR_NOTFOUND: there is none (any more), or it is
 * another tenant's; ERR_CRYPTO: sealed under another master key.
 */
typedef void inbound_load_done(int rc, struct inbound_loaded *mail, void *ctx);
void inbound_load(struct slice host, struct slice tenant, struct slice id,
    inbound_load_done *loaded, void *ctx);
void inbound_unload(struct inbound_loaded *mail); /* takes NULL */
/* The host that an id names; host is absent where there is none. */
typedef void inbound_host_found(int rc, struct slice host, void *ctx);
void inbound_host(struct slice id, inbound_host_found *found, void *ctx);

#endif /* APID_INBOUND_LOAD_H */
