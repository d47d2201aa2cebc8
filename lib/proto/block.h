/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_BLOCK_H
#define PROTO_BLOCK_H

#include <stdint.h>

#include "proto/address.h"
#include "util/buf.h"
#include "util/slice.h"

/*
 * What is known of one address of the suppression list, for all mail or for
 * one stream.  It is kept in parts, so that the part which every RCPT TO reads
 * stays small:
 *
 *	entry     blocked or exempt ones: "bb2.6742a1c0.674bdc40": state, letter
 *	          of the origin, status, since, and expires if it does; times in
 *	          hexadecimal seconds
 *	counting  of addresses in neither state: "2.1.6742a1c0 COUNTS": status,
 *	          count, first error, and the Lua script's own state
 *	evidence  of an entry, for people; may be missing: texts with tabs
 *	          between: count, first, last, event id, queue id, reason, note,
 *	          COUNTS
 *
 * Lua (block_record.inc.lua) and C read and write them alike.
 */
enum block_state {
	BLOCK_COUNTING = 'c', /* errors seen, not enough yet */
	BLOCK_BLOCKED = 'b',
	BLOCK_EXEMPT = 'e' /* never blocked by rule */
};

struct block {
	enum block_state state;
	int status;            /* that blocked it, or counted last */
	uint64_t count;        /* errors of that status counted; 0: unknown */
	int64_t first_s;       /* first error counted; wall clock seconds */
	int64_t last_s;        /* last one */
	int64_t since_s;       /* when it came into this state */
	int64_t expires_s;     /* block lifts by itself; 0: never */
	struct slice stream;   /* it holds for; absent or empty: for all mail;
				  in none of the texts */
	struct slice origin;   /* bounce, complaint, api, cli, import,
				  unsubscribe; another one is not kept */
	struct slice event_id; /* of the error that blocked it */
	struct slice queue_id; /* evidence */
	struct slice reason;   /* evidence: reply text, cut at 300 octets */
	struct slice note;     /* a person's, <= 300 octets */
	struct slice counts;   /* of the Lua script: per status, last ids */
};
#define BLOCK_TEXT_MAX 300 /* of reason and note */

/*
 * Slices point into text.  ERR_SYNTAX.  The first two set all of *ret_block
 * (what they don't have: 0, absent), the third adds to it.
 */
int block_entry_parse(struct slice text, struct block *ret_block);
int block_counting_parse(struct slice text, struct block *ret_block);
int block_evidence_parse(struct slice text, struct block *ret_block);
/*
 * Appended.  Tabs and control octets inside values become blanks.  Evidence
 * of which nothing is known is nothing.
 */
#define BLOCK_ENTRY_MAX 48
int block_entry_format(const struct block *b, struct buf *out);
int block_evidence_format(const struct block *b, struct buf *out);

/* Blocked, and not expired at now_s? */
bool block_is_active(const struct block *b, int64_t now_s);
/*
 * Of an address's entries for all mail and for the stream of a message (NULL:
 * there is none) the one that stops it, or NULL.  An exemption is a person's
 * word, and beats a block, whichever of them has it.
 */
const struct block *block_in_force(const struct block *all,
    const struct block *own, int64_t now_s);

/*
 * The name of an entry in the hashes: the address, or the address and the
 * stream with a tab between.
 */
#define BLOCK_STREAM_MAX 64
#define BLOCK_FIELD_MAX (ADDRESS_MAX + 1 + BLOCK_STREAM_MAX)
struct slice block_field(struct slice address, struct slice stream,
    char room[BLOCK_FIELD_MAX]);
/* The inverse; *ret_stream is absent where there is none. */
void block_field_split(struct slice field, struct slice *ret_address,
    struct slice *ret_stream);

/*
 * Short reference of a block, which SMTP clients are told and people read out:
 * 40 bits of a hash in base32, the same for as long as the block stands.
 */
#define BLOCK_REFERENCE_LEN 8
struct slice block_reference(struct slice address, const struct block *b,
    char room[BLOCK_REFERENCE_LEN]);
/* Why it stops mail, for its sender: "user unknown, ref abcdefgh". */
#define BLOCK_WHY_MAX 80
struct slice block_why(struct slice address, const struct block *b,
    char room[BLOCK_WHY_MAX]);

#endif /* PROTO_BLOCK_H */
