/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_REDIS_H
#define STORE_REDIS_H

#include <stdint.h>

#include "util/slice.h"

/*
 * The connection to Redis, and the only user of hiredis.  Only lib/store may
 * include this file: the daemons see records (block_store.h, limit_store.h,
 * ...), never commands.
 *
 * One thread, the one that runs the event base; other threads go through
 * store/wait.h.  Commands queued in one turn of the loop leave in one write.
 * Reconnects by itself with back-off; while it is away commands fail at once
 * with ERR_UNAVAIL.
 */
struct event_base;
struct store;       /* store/store.h */
struct redis_reply; /* opaque; valid inside the callback only */

/*
 * Exactly one call for each command, never from inside redis_command itself:
 * rc 0: reply is there (never an error reply);
 * ERR_TIMEOUT    the deadline passed: the command may still have been done
 * ERR_UNAVAIL    not connected, or the connection broke (may have been done),
 *                or Redis answers LOADING, READONLY, CLUSTERDOWN, OOM, ...
 * ERR_SYNTAX     Redis refused the command: our bug; the text is logged
 */
typedef void redis_done(int rc, const struct redis_reply *reply, void *ctx);

/* argv: the command and its arguments, binary safe, copied at once. */
void redis_command(struct store *s, const struct slice *argv, size_t argc,
    int64_t deadline_us, redis_done *done, void *ctx);

/*
 * Sends now what else would leave at the end of this turn of the loop: for who
 * works on meanwhile.
 */
void redis_flush(struct store *s);

/* Ends with rc, but as the others do: later.  For what can not be sent. */
void redis_refuse(struct store *s, int rc, redis_done *done, void *ctx);

/* The Lua scripts of lib/store/script/, by EVALSHA; loaded when unknown. */
enum script {
#define X(name) SCRIPT_##name,
#include "store/script/list.h"
#undef X
	SCRIPT_COUNT
};
/* argv: nkeys keys, then the arguments.  All keys in one slot. */
void redis_script(struct store *s, enum script script, size_t nkeys,
    const struct slice *argv, size_t argc, int64_t deadline_us,
    redis_done *done, void *ctx);

/* Calls back for each message until the store closes. */
typedef void redis_message(struct slice payload, void *ctx);
int redis_subscribe(struct store *s, struct slice channel,
    redis_message *message, void *ctx);

/* Reading replies; out of range or another type: nil, 0, absent. */
bool redis_is_nil(const struct redis_reply *r);
bool redis_is_array(const struct redis_reply *r);
int64_t redis_integer(const struct redis_reply *r); /* also digits as text */
struct slice redis_string(const struct redis_reply *r); /* also status */
size_t redis_count(const struct redis_reply *r);
const struct redis_reply *redis_at(const struct redis_reply *r, size_t i);

#endif /* STORE_REDIS_H */
