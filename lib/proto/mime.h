/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_MIME_H
#define PROTO_MIME_H

#include <stdbool.h>

#include "util/arena.h"
#include "util/buf.h"
#include "util/slice.h"

/*
 * A whole message as a list of its parts, RFC 2045 and 2046, made to be fed
 * with bounces as they are: lines end in CR LF or LF, a boundary may be
 * missing, a part may be cut.  One walk over the lines; the boundaries that are
 * open stand on a stack of fixed depth, so nothing recurses.
 */
#define MIME_DEPTH_MAX 8  /* multiparts inside one another; deeper: one leaf */
#define MIME_PARTS_MAX 64 /* more: the rest is not looked at */
#define MIME_PARTS_MOST 2000 /* that mime_parse_all() may be asked for */

enum mime_encoding { MIME_IDENTITY, MIME_QUOTED_PRINTABLE, MIME_BASE64 };
struct mime_part {
	struct slice header;  /* its fields, without the empty line */
	struct slice body;    /* as it came, still encoded */
	struct slice type;    /* "text/plain"; any case */
	struct slice charset; /* absent: not said */
	struct slice report;  /* report-type= of a multipart/report */
	enum mime_encoding encoding;
	unsigned depth; /* 0: the message itself, which is parts[0] */
};
struct mime {
	struct mime_part *parts; /* multiparts stand before their children */
	size_t count;
	bool cut; /* there are more */
};
/* Slices point into message or the arena.  0, ERR_NOMEM. */
int mime_parse(struct slice message, struct arena *arena,
    struct mime *ret_mime);
/* The same with another maximum of parts. */
int mime_parse_all(struct slice message, size_t parts_max, struct arena *arena,
    struct mime *ret_mime);

/* The body of a part decoded; malformed code is taken as it stands.
 * 0, ERR_LIMIT, ERR_NOMEM of out; what fitted is in out all the same. */
int mime_decode(const struct mime_part *part, struct buf *out);

/* Of an escape ("=3D", "%E3"), in either case; -1: it is none. */
int mime_hex_digit(char c);

/* type is "message/delivery-status" or the like, without case. */
bool mime_is(const struct mime_part *part, const char *type);

/*
 * Fields of a header (or of a block of an RFC 3464 report), one after the
 * other off the head of *rest.  value is as it came, folded, trimmed.  A line
 * that is no field is skipped.  False: no more; *rest begins behind the empty
 * line, if there was one.
 */
bool mime_field_next(struct slice *rest, struct slice *ret_name,
    struct slice *ret_value);
/* The first field of that name, folded as it is; absent: none. */
struct slice mime_field(struct slice header, const char *name);
/* Folding (RFC 5322, 2.2.3) and runs of blanks become one blank. */
struct slice mime_unfold(struct slice value, struct arena *arena);
/* A parameter of Content-Type and its like; absent: none. */
struct slice mime_parameter(struct slice value, const char *name);

/*
 * Parameters one after the other off the head of *rest, which begins behind
 * the first ";" of the value.  value: with its quotes.  False: no more.
 */
bool mime_parameter_next(struct slice *rest, struct slice *ret_name,
    struct slice *ret_value);

/* One line off the head of *rest, without its line end; false: none left. */
bool mime_line(struct slice *rest, struct slice *ret_line);

#endif /* PROTO_MIME_H */
