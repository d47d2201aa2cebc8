/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_HELD_TEXT_H
#define POLICYD_HELD_TEXT_H

#include <stddef.h>

#include "proto/header.h"
#include "util/slice.h"

/*
 * A message of the queue as queue_read() hands it out: "S sender", "R
 * recipient" for each, an empty line, and the header (RFC 5322, 2.2).
 */
struct arena;

#define HELD_RECIPIENTS_MAX 10000
#define HELD_FIELDS_MAX 2000 /* what is behind them is not looked at */

struct held_text {
	struct slice sender; /* empty: the null reverse-path */
	const struct slice *recipients;
	size_t recipient_count;
	const struct header_field *fields;
	size_t field_count;
};
/*
 * Pure.  Everything lies in the arena.  ERR_SYNTAX: no sender, two of them, or
 * a line that is neither; ERR_LIMIT: too many recipients; ERR_NOMEM.
 */
int held_text_parse(struct slice text, struct arena *arena,
    struct held_text *ret_text);
/* The first field of that name (without case), as it stands; or absent. */
struct slice held_text_field(const struct held_text *t, struct slice name);

#endif /* POLICYD_HELD_TEXT_H */
