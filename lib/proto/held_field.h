/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_HELD_FIELD_H
#define PROTO_HELD_FIELD_H

#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * The field that a message bears while the milter's word keeps it in the hold
 * queue; Postfix takes it off where the message leaves.  It tells our held mail
 * from what an administrator holds by hand, and says what is needed to list it
 * again where Redis has lost the list:
 *
 *	X-Postern-Held: window; tenant=shop; priority=50;
 *	    arrived=2026-11-23T21:00:00.000Z; until=2026-11-24T07:00:00.000Z;
 *	    rule=night
 *
 * on one line.  until may be "never", or not there: as soon as it is its turn.
 * rule is xtext (RFC 3461, 4), the last one, and may not be there.
 */
#define HELD_FIELD "X-Postern-Held"
#define HELD_FIELD_MAX 1000

enum hold_reason {
	HOLD_WINDOW, /* prohibited time */
	HOLD_DAY_CAP,
	HOLD_PRIORITY, /* its turn has not come */
	HOLD_SCAN,     /* by the scan's setting: never released by time */
	HOLD_HAND,     /* by API or command line: never released by time */
	HOLD_REASONS
};
/* "window", "day_cap", "priority", "scan", "hand". */
const char *hold_reason_word(enum hold_reason reason);
int hold_reason_parse(struct slice word, enum hold_reason *ret_reason);

struct held_field {
	enum hold_reason reason;
	struct slice tenant;
	unsigned priority;
	int64_t arrived_ms;
	int64_t release_ms; /* 0: as soon as it is its turn; INT64_MAX: never */
	struct slice rule;  /* absent: none */
};
/* The value.  ERR_LIMIT, ERR_NOMEM. */
int held_field_format(const struct held_field *f, struct buf *out);
/* tenant lies in value, rule in the arena.  ERR_SYNTAX, ERR_NOMEM. */
struct arena;
int held_field_parse(struct slice value, struct arena *arena,
    struct held_field *ret_field);

#endif /* PROTO_HELD_FIELD_H */
