/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_READERS_H
#define BOUNCED_READERS_H

#include "bounced/route.h"

/*
 * Who reads what comes: one mail for one recipient goes to the reader that its
 * address leads to, and then on by forwarding rules; or only on by them.
 */
struct forward;
struct inbound;
struct intake;
struct settings_watch;

struct readers {
	struct settings_watch *settings; /* say whose a recipient is */
	struct intake *intake;
	struct inbound *inbound;
	struct forward *forward;
};
struct incoming {
	struct settings *settings; /* those that route and tenant are of */
	enum route route;          /* not ROUTE_NONE */
	const struct tenant *tenant;
	struct slice sender, recipient; /* as written, without <> */
	struct slice address;           /* recipient, canonical */
	struct slice message;
	bool cut;          /* message is the beginning of a longer one */
	size_t bounce_max; /* octets that are looked at of one */
};
/*
 * done() exactly once, perhaps before this returns; what mail points to must
 * live until then.  rc 0: dealt with; ERR_LIMIT: it is too large; others: the
 * sender must keep it.
 */
typedef void readers_done(int rc, void *ctx);
void readers_take(const struct readers *r, const struct incoming *mail,
    readers_done *done, void *ctx);

#endif /* BOUNCED_READERS_H */
