/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_REDIS_LINK_H
#define STORE_REDIS_LINK_H

#include <stddef.h>
#include <sys/types.h>

#include "store/redis.h"
#include "store/redis_address.h"
#include "util/buf.h"

/*
 * One connection to a server that speaks RESP: octets out, replies in.  It
 * knows no command and no time.  Here hiredis is used: for its reply reader,
 * as the rest of it (0.14 to 1.2) has neither the deadlines nor the single
 * write that we need.
 *
 * Events come from the loop, never from inside a function of this header.
 * The owner may close the link in any of them.
 */
struct link;
struct link_events {
	void (*opened)(void *ctx);
	void (*reply)(const struct redis_reply *reply, void *ctx);
	void (*writable)(void *ctx); /* link_send took less than it got */
	/* At most once; nothing comes after it.  Close the link. */
	void (*down)(const char *why, void *ctx);
};

/* ERR_UNAVAIL (error says why), ERR_NOMEM. */
int link_open(struct event_base *base, const struct redis_endpoint *to,
    const struct link_events *events, void *ctx, struct link **ret_link,
    char *error, size_t error_size);
void link_close(struct link *l); /* takes NULL */
/* Hand the link over to another owner. */
void link_set_events(struct link *l, const struct link_events *events,
    void *ctx);
/* One write(2); octets taken, perhaps 0.  Errors come as down(). */
size_t link_send(struct link *l, const char *at, size_t len);

/* The text of an error reply; absent: it is none. */
struct slice redis_error(const struct redis_reply *r);
/* A command in RESP, added to out. */
int redis_format(const struct slice *argv, size_t argc, struct buf *out);
/* command: EVALSHA or EVALSHA_RO; ret_sha_at: where in its octets the name
 * stands. */
int redis_format_script(struct slice command, struct slice sha, size_t nkeys,
    const struct slice *argv, size_t argc, struct buf *out,
    unsigned *ret_sha_at);

#endif /* STORE_REDIS_LINK_H */
