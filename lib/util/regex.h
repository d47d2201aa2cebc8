/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_REGEX_H
#define UTIL_REGEX_H

#include <stddef.h>

#include "util/slice.h"

/*
 * PCRE2 with JIT, match and depth limits: a pattern that would run away is an
 * error at match time, never a hang.  The only user of pcre2.
 * A compiled regex may be used by several threads at once.
 */
struct regex;

enum regex_flag {
	REGEX_NOCASE = 1 << 0,
	REGEX_FULL = 1 << 1, /* must match the whole value */
	REGEX_UTF = 1 << 2,  /* both are UTF-8; bad octets never match */
};

/*
 * ret_error gets a text with the position, for a person (may be NULL).
 * ERR_SYNTAX: bad pattern; ERR_LIMIT: too large; ERR_NOMEM.
 */
int regex_compile(struct slice pattern, unsigned flags, struct regex **ret_re,
    char *ret_error, size_t error_size);
void regex_free(struct regex *re); /* takes NULL */

#define REGEX_GROUPS_MAX 8
/*
 * 1: matches; groups (may be NULL; REGEX_GROUPS_MAX of them) are filled, the
 * whole match first; those that took no part are absent.  They point into
 * value.  0: no match.  ERR_LIMIT: gave up; ERR_NOMEM.
 */
int regex_match(const struct regex *re, struct slice value,
    struct slice *ret_groups);

#endif /* UTIL_REGEX_H */
