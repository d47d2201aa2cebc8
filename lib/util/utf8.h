/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_UTF8_H
#define UTIL_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/* UTF-8 as RFC 3629 has it: no surrogates, no overlong forms. */

/* Octets of the character at the head of s, 0 if it is none (or s is empty).
 */
size_t utf8_next(struct slice s, uint32_t *ret_char);
/* Writes one character; returns its octets (1..4). */
size_t utf8_put(uint32_t c, char room[4]);
bool utf8_ok(struct slice s);
/*
 * Appends s so that any terminal and any mail reader shows it as text: control
 * characters (C0, DEL, C1) and those that turn the direction of writing
 * become '?', octets that are no UTF-8 U+FFFD; cut between two characters at
 * the maximum of out.
 */
void utf8_safe(struct slice s, struct buf *out);
/* Characters in s; a bad octet counts as one. */
size_t utf8_count(struct slice s);

#endif /* UTIL_UTF8_H */
