/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_BOUNCE_PARTS_H
#define PROTO_BOUNCE_PARTS_H

#include <stdbool.h>

#include "util/arena.h"
#include "util/slice.h"

/*
 * What a mail that came back is made of: for the bounce_*.c beside, nobody
 * else.  Texts are decoded (RFC 2045) and in UTF-8 where their character set
 * is known; what is not there is absent.
 */
#define BOUNCE_TEXT_MAX (64 * 1024) /* octets of a part that are read */

struct bounce_rules;

struct bounce_parts {
	struct arena *arena;
	const struct bounce_rules *rules; /* NULL: those of the program */
	struct slice header;
	struct slice subject;  /* decoded */
	struct slice text;     /* what a person would read */
	struct slice report;   /* fields of RFC 3464, wherever they stood */
	struct slice feedback; /* message/feedback-report */
	struct slice returned; /* header of the message that came back */
	struct slice mine;     /* From and To of this mail */
	bool is_report;        /* multipart/report of delivery statuses */
	bool delays;           /* the text speaks of a delay */
};
/* 0, ERR_NOMEM. */
int bounce_parts_read(struct slice message, const struct bounce_rules *rules,
    struct arena *arena, struct bounce_parts *ret_parts);

/* Patterns as classify_match() takes them, in a text of any case. */
bool bounce_words_in(struct slice text, struct slice pattern);

/* Is this mail about a failure?  BOUNCE_FAILED, BOUNCE_DELAY,
 * BOUNCE_AUTO_REPLY or BOUNCE_OTHER; by sender, subject and words. */
int bounce_words_kind(const struct bounce_parts *m);

#endif /* PROTO_BOUNCE_PARTS_H */
