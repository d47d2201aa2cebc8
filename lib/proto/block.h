/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_BLOCK_H
#define PROTO_BLOCK_H

#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * The record of one address in the suppression hash.  Text of 14 fields with
 * tabs between, in this order, so that Lua and C read it alike; the first
 * letter alone decides at RCPT.
 */
enum block_state {
	BLOCK_COUNTING = 'c', /* errors seen, not enough yet */
	BLOCK_BLOCKED = 'b',
	BLOCK_EXEMPT = 'e' /* never blocked by rule */
};

struct block {
	enum block_state state;
	int status;            /* that blocked it, or counted last */
	uint64_t count;        /* errors of that status counted */
	int64_t first_s;       /* first error counted; wall clock seconds */
	int64_t last_s;        /* last one */
	int64_t since_s;       /* when it came into this state */
	int64_t expires_s;     /* block lifts by itself; 0: never */
	struct slice origin;   /* bounce, complaint, api, cli, import */
	struct slice ref;      /* short reference shown to SMTP clients */
	struct slice event_id; /* of the error that blocked it */
	struct slice queue_id; /* evidence */
	struct slice reason;   /* evidence: reply text, cut at 300 octets */
	struct slice note;     /* a person's, <= 300 octets */
	struct slice counts;   /* of the Lua script: per status, last ids */
};

/* Slices point into text.  ERR_SYNTAX. */
int block_parse(struct slice text, struct block *ret_block);
/* Tabs and control octets inside values become blanks. */
int block_format(const struct block *b, struct buf *out);
/* Blocked, and not expired at now_s? */
bool block_is_active(const struct block *b, int64_t now_s);

#endif /* PROTO_BLOCK_H */
