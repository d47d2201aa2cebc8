/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_FILTER_H
#define PROTO_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/header.h"
#include "util/slice.h"

/*
 * A filter: a header field's name and an expression that must match the whole
 * of its decoded value (Java's Pattern.matches).  The one that forwarding,
 * unsubscribe lists and all other choices by message use.  PCRE2, UTF-8, with
 * JIT and limits: util/regex.h.  "To" stands for the envelope recipient; its
 * comparison is without case.  A compiled filter may be used by several
 * threads at once.
 *
 * Where Java and PCRE2 read the same text as two different expressions (sets
 * inside of a set, intersections), it is refused rather than guessed at.
 */
struct arena;
struct filter;

/*
 * ret_error  what is wrong and where, for a person; may be NULL
 * ERR_SYNTAX: not a field name, a field that occurs several times (Received),
 * or a bad expression; ERR_LIMIT, ERR_NOMEM.
 */
int filter_compile(struct slice header, struct slice pattern,
    struct filter **ret_filter, char *ret_error, size_t error_size);
/* What is wrong with a filter's field name, for a person; NULL: nothing. */
const char *filter_header_wrong(struct slice header);
void filter_free(struct filter *f); /* takes NULL */
/* Is it about the envelope recipient? */
bool filter_is_recipient(const struct filter *f);
struct slice filter_header(const struct filter *f);

/* Octets of a decoded value; what is behind them is not looked at. */
#define FILTER_VALUE_MAX 65536
/*
 * What a message's filters look at.  Decoded values are kept, so that each
 * field is decoded once for all filters of all modules.
 */
struct filter_values;
/*
 * fields: must not change, and live as long as the arena.  NULL: no memory.
 */
struct filter_values *filter_values_new(struct arena *arena,
    const struct header_field *fields, size_t count);

/*
 * recipient  canonical, for filters about it; absent: they do not match
 * 1: matches; 0: not (also: no such field, or the field several times);
 * ERR_LIMIT: the expression gave up; ERR_NOMEM.
 */
int filter_match(const struct filter *f, struct filter_values *values,
    struct slice recipient);
/*
 * The value that it is matched with: absent if there is no such field, or
 * several of them.  It lives as long as values.  0 or ERR_NOMEM.
 */
int filter_value(const struct filter *f, struct filter_values *values,
    struct slice recipient, struct slice *ret_value);

#endif /* PROTO_FILTER_H */
