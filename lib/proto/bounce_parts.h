/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_BOUNCE_PARTS_H
#define PROTO_BOUNCE_PARTS_H

#include <stdbool.h>

#include "proto/bounce_mail.h"
#include "proto/dsn.h"
#include "util/arena.h"
#include "util/slice.h"

/*
 * What a mail that came back is made of: for the bounce_*.c beside, nobody
 * else.  Texts are decoded (RFC 2045) and in UTF-8 where their character set
 * is known; what is not there is absent.
 */
#define BOUNCE_TEXT_MAX (64 * 1024) /* octets of a part that are read */
#define BOUNCE_DEPTH_MAX 2 /* a bounce inside a bounce, and no deeper */

struct bounce_rules;

/* Fields of its header; of a name that occurs twice, the first. */
enum bounce_field {
	FIELD_FROM,
	FIELD_TO,
	FIELD_SUBJECT,
	FIELD_RETURN_PATH,
	FIELD_DELIVERED_TO,
	FIELD_AUTO_SUBMITTED,
	FIELD_PRECEDENCE,
	FIELD_FAILED, /* X-Failed-Recipients: Exim, Google */
	FIELD_AUTOREPLY,
	FIELD_ML_SERVER, /* X-MLServer: fml's notices */
	FIELD_LIST,      /* List-Unsubscribe: mail to many */
	FIELD_COUNT
};
struct bounce_parts {
	struct arena *arena;
	const struct bounce_rules *rules; /* NULL: those of the program */
	struct slice header;
	struct slice field[FIELD_COUNT]; /* folded, as they came */
	struct slice subject;            /* decoded */
	struct slice text;               /* what a person would read ... */
	struct slice copy;     /* ... and the message quoted behind it */
	struct slice report;   /* fields of RFC 3464, wherever they stood */
	struct slice feedback; /* message/feedback-report */
	struct slice receipt;  /* message/disposition-notification */
	struct slice returned; /* header of the message that came back */
	struct slice inner;    /* the whole of it where it was not encoded, or
				  of what is quoted */
	struct slice mine;     /* From and To of this mail, lower case */
	bool is_report;        /* multipart/report of delivery statuses */
	bool has_report;       /* report is a part of its own */
	bool delays;           /* the text speaks of a delay */
	struct classify_text from_words, subject_words, text_words;
};
/* 0, ERR_NOMEM. */
int bounce_parts_read(struct slice message, const struct bounce_rules *rules,
    struct arena *arena, struct bounce_parts *ret_parts);

/* HTML as it is shown: no tags, styles, scripts and comments; the common
 * entities decoded. */
struct slice bounce_html_text(struct slice html, struct arena *arena);

/* The text up to where a copy of the message begins, and that copy. */
void bounce_copy_split(struct slice text, struct slice *ret_text,
    struct slice *ret_copy);

/* ---- one line (bounce_line.c) ---- */

/* How surely a line names a failing recipient, by its layout: the address
 * stands at the beginning, or behind one of the words that systems put there.
 */
enum bounce_naming { NAMES_NOBODY, NAMES_PERHAPS, NAMES_SURELY };
/* ret_coded: behind a reply's code, "550 <a@b>... User unknown". */
enum bounce_naming bounce_line_names(struct slice line,
    struct slice *ret_address, bool *ret_coded);
bool bounce_is_atext(char c); /* of a local part, RFC 5322, 3.2.3, or a dot */
bool bounce_is_domain_octet(char c);

/* A text for classify_text_match(); room from the arena.  False: no memory. */
bool bounce_words_init(struct slice text, struct arena *arena,
    struct classify_text *ret_words);

/* Patterns as classify_match() takes them, in a text of any case. */
bool bounce_words_in(struct slice text, struct slice pattern);

/* What is this mail about, by sender, subject and words?  Anything but
 * BOUNCE_COMPLAINT. */
enum bounce_kind bounce_words_kind(const struct bounce_parts *m);

/* ---- who failed, without a report (bounce_text.c) ---- */

/*
 * Recipients and reasons in the text and X-Failed-Recipients; count 0: nobody
 * is named.
 */
int bounce_text_read(const struct bounce_parts *m,
    struct bounce_mail *ret_mail);
/* Does the text name anybody who may have failed? */
bool bounce_text_names(const struct bounce_parts *m);

/* ---- whom the message was mailed to (bounce_forward.c) ---- */

/* An address, not a route, a pipe, a file or a gateway's code. */
bool bounce_is_address(struct slice s);
/* Mail to a became mail to b: not the same, nor one with its host's name. */
bool bounce_is_forwarded(struct slice a, struct slice b);
/*
 * Where mail to final was forwarded from, as the text about it or the header
 * of the returned message tells; absent: not told.
 * near   what the text says behind the address
 */
struct slice bounce_forward_origin(const struct bounce_parts *m,
    struct slice near, struct slice final);

/* Amazon's SNS as a report; count 0: it is none.  0, ERR_NOMEM. */
int bounce_sns_read(const struct bounce_parts *m, struct dsn *ret_dsn);

#endif /* PROTO_BOUNCE_PARTS_H */
