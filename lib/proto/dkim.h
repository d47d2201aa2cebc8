/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_DKIM_H
#define PROTO_DKIM_H

#include <stdint.h>

#include "proto/header.h"
#include "util/buf.h"
#include "util/crypto.h"
#include "util/slice.h"

/*
 * The text that a DKIM signature covers.  RFC 6376, 3.4 and 3.7.  Pure: what
 * is to be hashed goes to a function of the caller's.
 */
enum dkim_canon { DKIM_SIMPLE, DKIM_RELAXED };

/* < 0 stops, and is handed on. */
typedef int dkim_sink(void *ctx, const void *octets, size_t len);

/*
 * The body, as it streams by in any pieces.  A bare LF is a line end, as the
 * SMTP client sends it; a bare CR is data.
 */
struct dkim_body {
	enum dkim_canon canon;
	dkim_sink *sink;
	void *ctx;
	size_t line_ends; /* held back: the last ones are not signed */
	bool cr;          /* held back: is there a LF behind it? */
	bool blank;       /* held back: blanks at the end of a line go */
	bool any;         /* something was written */
	bool in_line;     /* and it was not a line end */
};
void dkim_body_begin(struct dkim_body *b, enum dkim_canon canon,
    dkim_sink *sink, void *ctx);
int dkim_body_add(struct dkim_body *b, const char *octets, size_t len);
int dkim_body_end(struct dkim_body *b);

/*
 * One field in canonical form.  Its value may be folded with CRLF or LF.
 * last: the signature itself, which has no line end (RFC 6376, 3.7).
 * In simple form name and value are joined by the colon alone: the value is
 * as it leaves, with the blank that stands before it.
 */
enum dkim_place { DKIM_FIELD, DKIM_LAST };
int dkim_field(enum dkim_canon canon, const struct header_field *field,
    enum dkim_place place, struct buf *out);

/*
 * Which fields are signed: those of RFC 6376, 5.4.1, what else says who wrote
 * what to whom, and what the reader's host acts on (List-Unsubscribe,
 * List-Unsubscribe-Post, Feedback-ID, CFBL-*).  Of several with the same name
 * the lowest comes first (RFC 6376, 5.4.2).  From, Subject, Date, To and
 * Reply-To are listed once more than they occur, so that none can be added
 * (RFC 6376, 8.15).
 */
#define DKIM_INSTANCES_MAX 20 /* of one name; those above stay unsigned */
struct dkim_pick {
	const char *name; /* as listed in h= */
	size_t field;     /* index, or DKIM_NO_FIELD */
};
#define DKIM_NO_FIELD ((size_t)-1)
#define DKIM_PICKS_MAX 200
/* Returns how many of ret_picks it filled. */
size_t dkim_pick(const struct header_field *fields, size_t count,
    struct dkim_pick ret_picks[DKIM_PICKS_MAX]);

struct dkim_signature {
	enum dkim_canon header, body;
	const char *algorithm; /* "rsa-sha256", "ed25519-sha256" */
	struct slice domain, selector;
	struct slice identity; /* i=, "@sub.example.com"; or empty */
	int64_t time_s;        /* wall clock */
	const struct dkim_pick *picks;
	size_t pick_count;
	const uint8_t *body_hash; /* CRYPTO_SHA256_LEN of them */
};
/*
 * The value of the signature field up to and with "b=", folded by LF and tab
 * at 76 columns.  Its hash is signed, and then dkim_signature_end adds the
 * signature.  ERR_LIMIT, ERR_NOMEM.
 */
int dkim_signature_begin(const struct dkim_signature *s, struct buf *out);
int dkim_signature_end(struct slice signature, struct buf *out);

#endif /* PROTO_DKIM_H */
