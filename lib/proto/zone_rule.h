/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_ZONE_RULE_H
#define PROTO_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * The last line of a TZif file: POSIX TZ with the extensions of RFC 9636,
 * 3.3.1, by which local time goes on behind the last listed change.
 */
struct zone_day {
	enum { ZONE_JULIAN, ZONE_DAY, ZONE_WEEKDAY } kind;
	unsigned month, week, day;
	int32_t at_s; /* local time of that day; also negative */
};
struct zone_rule {
	bool given;
	int32_t standard, daylight; /* seconds east */
	bool changes;               /* begin and end say when */
	struct zone_day begin, end; /* of daylight saving time */
};

/* Empty: not given.  ERR_SYNTAX. */
int zone_rule_parse(struct slice text, struct zone_rule *ret_rule);
/* Of a rule that is given. */
int32_t zone_rule_offset(const struct zone_rule *r, int64_t utc_s);
/* The next change after utc_s, of a rule that has some. */
int64_t zone_rule_next(const struct zone_rule *r, int64_t utc_s);

#endif /* PROTO_ZONE_RULE_H */
