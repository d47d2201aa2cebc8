/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_REPLY_TEMPER_H
#define PROTO_REPLY_TEMPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/shaping.h"
#include "util/slice.h"

/*
 * What the outcome of one delivery says about the pace.  smtp(8) asks for
 * "STATUS TEXT" (smtp_delivery_status_filter): "2.0.0 250 2.0.0 Ok ...",
 * "4.7.0 host mx[1.2.3.4] said: 421 4.7.0 ... (in reply to MAIL FROM
 * command)", "4.4.1 connect to mx[1.2.3.4]:25: Connection refused".
 * Pure; the built-in rules take time linear in the text, of which the first
 * REPLY_TEMPER_TEXT_MAX octets are looked at.
 */
#define REPLY_TEMPER_TEXT_MAX 2048
#define REPLY_TEMPER_FOR_MAX_MS (24 * INT64_C(3600000))
/* What a reply itself may ask for: it is a stranger's. */
#define REPLY_TEMPER_NAMED_MAX_MS (4 * INT64_C(3600000))
#define REPLY_TEMPER_FOR_MIN_MS INT64_C(1000)

enum temper {
	TEMPER_NEUTRAL, /* says nothing about the pace */
	TEMPER_CLEAN,   /* taken without complaint */
	TEMPER_SLOW,
	TEMPER_SUSPEND
};
/* "neutral", "clean", "slow", "suspend" */
const char *temper_word(enum temper temper);

struct reply_temper {
	enum temper temper;
	bool used;          /* the server spoke of a message: a slot */
	bool transcode;     /* a 5.x.x shall become 4.x.x */
	int64_t for_ms;     /* of suspend */
	const char *rule;   /* name of the built-in row; static; "" */
	struct slice reply; /* the server's words, in key; or empty */
};
/*
 * rules  of the filter: the first that matches goes, before the built-in
 *        ones; one that gives up (match limit) does not match.  transcode is
 *        looked for by itself, as it says nothing about the pace.
 * Returns 0; ERR_SYNTAX: not what smtp(8) asks (then ret is neutral, unused).
 */
int reply_temper(struct slice key, const struct shaping_rule *rules,
    size_t rule_count, struct reply_temper *ret_temper);

/* ---- the table: reply_temper_rules.c ---- */

enum temper_class {
	TEMPER_4XX = 1 << 0,
	TEMPER_5XX = 1 << 1,
	TEMPER_ANY = TEMPER_4XX | TEMPER_5XX
};
struct temper_rule {
	const char *name;
	enum temper temper;
	unsigned classes;     /* enum temper_class bits */
	unsigned for_s;       /* of suspend, where the reply names no time */
	struct slice pattern; /* as classify_match has it */
};
extern const struct temper_rule temper_rules[];
extern const size_t temper_rule_count;

#endif /* PROTO_REPLY_TEMPER_H */
