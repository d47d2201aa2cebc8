/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_QUEUE_PROTOCOL_H
#define POLICYD_QUEUE_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policyd/queue_client.h"
#include "util/buf.h"
#include "util/slice.h"

/*
 * What goes between policyd and the queue helper: packets of a SOCK_SEQPACKET
 * socket pair, each whole or wrong; numbers with the highest octet first.  The
 * next request may be sent when the last packet of the answer is there.
 *
 * Request:
 *	0  4  "PHQ1"
 *	4  4  number: what the answer says again
 *	8  1  enum queue_request_kind
 *	9  3  0
 *	12    START    4 user id; 1 sandbox (0, 1); then three paths, each
 *	               2 length, octets: Postfix's configuration, the state
 *	               directory, the master key
 *	      RELEASE, HOLD, RETRY, EXPIRE, DELETE, READ
 *	               2 how many, then each: 1 length, queue id
 *	      APPLY    32 SHA-256
 *	      COUNT, LIST, MORE   nothing
 * Answer:
 *	0  4  "PHA1"
 *	4  4  number
 *	8  1  0, or an ERR_* without its sign
 *	9  1  1: another packet of this answer follows, or may be asked for
 *	10 2  0
 *	12 8  how many were changed; COUNT: incoming; LIST, MORE: rows here
 *	20 8  COUNT: active
 *	28    text; of LIST and MORE rows: 8 milliseconds since 1970, 1 length,
 *	      queue id
 */
#define QUEUE_PACKET_MAX 65536
#define QUEUE_REQUEST_HEAD 12
#define QUEUE_ANSWER_HEAD 28
#define QUEUE_ANSWER_TEXT_MAX (QUEUE_PACKET_MAX - QUEUE_ANSWER_HEAD)
#define QUEUE_ROWS_MAX 1000 /* of one packet */
#define QUEUE_PATH_MAX 1024
#define QUEUE_DIGEST_LEN 32

enum queue_request_kind {
	QUEUE_ASK_START = 'S', /* the first one, from root; no answer */
	QUEUE_ASK_RELEASE = 'R',
	QUEUE_ASK_HOLD = 'H',
	QUEUE_ASK_RETRY = 'I',
	QUEUE_ASK_EXPIRE = 'E',
	QUEUE_ASK_DELETE = 'D',
	QUEUE_ASK_COUNT = 'C',
	QUEUE_ASK_LIST = 'L', /* the hold queue from its beginning, */
	QUEUE_ASK_MORE = 'M', /* and what comes behind that */
	QUEUE_ASK_READ = 'T', /* of exactly one id */
	QUEUE_ASK_APPLY = 'A',
};

/* Slices borrow from the packet. */
struct queue_request {
	uint32_t number;
	enum queue_request_kind kind;
	/* START: whose requests are taken, whether system calls are limited. */
	uint32_t user;
	bool sandbox;
	struct slice config_directory, state_directory, key_file;
	const struct slice *ids; /* for queue_request_format */
	size_t count;
	struct slice packed_ids; /* from queue_request_parse: queue_id_next */
	uint8_t digest[QUEUE_DIGEST_LEN]; /* APPLY */
};

struct queue_answer {
	uint32_t number;
	int rc; /* 0 or ERR_* */
	bool more;
	uint64_t done, active;
	struct slice text;
};

/* Added to out.  ERR_SYNTAX: not queue ids, or not absolute paths; ERR_LIMIT;
 * ERR_NOMEM. */
int queue_request_format(const struct queue_request *r, struct buf *out);
/* Everything is checked, each id too.  ERR_SYNTAX. */
int queue_request_parse(struct slice packet, struct queue_request *ret_request);
/* The next of packed_ids; false: no more. */
bool queue_id_next(struct slice *rest, struct slice *ret_id);

int queue_answer_format(const struct queue_answer *a, struct buf *out);
int queue_answer_parse(struct slice packet, struct queue_answer *ret_answer);

/* A row of LIST, added to out; ERR_LIMIT, ERR_NOMEM. */
int queue_row_format(const struct queue_held *row, struct buf *out);
/* 1: a row; 0: there are no more; ERR_SYNTAX. */
int queue_row_next(struct slice *rest, struct queue_held *ret_row);

#endif /* POLICYD_QUEUE_PROTOCOL_H */
