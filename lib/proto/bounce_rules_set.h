/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_BOUNCE_RULES_SET_H
#define PROTO_BOUNCE_RULES_SET_H

#include <stdatomic.h>

#include "proto/bounce_rules.h"
#include "proto/phrase_set.h"
#include "util/arena.h"

/*
 * How a set of bounce rules lies in memory: for the bounce_rules*.c beside,
 * nobody else.  All of it is in its arena, but the phrases.
 */
#define RULES_MAX 1500
#define RULE_SECTIONS_MAX 250
#define RULE_LISTS_MAX 250
#define RULE_ALWAYS 0 /* section of the rules before any section */

/* The phrases that say who speaks, and of what: their ids come first. */
enum rule_cue {
	CUE_QUOTES, /* another host's words are behind */
	CUE_CONNECT,
	CUE_HELO,
	CUE_MAIL,
	CUE_RCPT,
	CUE_DATA,
	CUE_END,
	CUE_WAITS,
	CUE_COUNT
};
#define RULE_NO_ID UINT16_MAX

struct rule_words { /* a list of what a line has, or of texts */
	struct rule_words *next;
	struct slice text;
	unsigned line;
};
/* Codes from lo to hi, each part; a reply code is in the first. */
struct rule_code {
	struct rule_code *next;
	bool enhanced;
	uint16_t lo[3], hi[3];
};
struct rule_section {
	const char *name;
	unsigned line;
	bool local;
	struct rule_words *remote, *recipient;
	uint16_t mark; /* id of its phrases, or RULE_NO_ID */
};
struct rule {
	struct bounce_rule said;
	unsigned line;
	uint16_t section;
	uint16_t match, unless; /* ids, or RULE_NO_ID */
	uint8_t commands;       /* bits of enum rule_command; 0: any */
	struct rule_code *codes;
	struct rule_words *examples;
};
struct rule_list {
	struct slice name;
	unsigned line;
	uint16_t match;
	struct rule_words *examples;
};
struct bounce_rules {
	atomic_uint references;
	struct arena *arena;
	struct phrase_set *phrases;
	unsigned ids;
	struct rule *rules;
	size_t rule_count, site_rules;
	struct rule_section *sections;
	size_t section_count;
	struct rule_list *lists;
	size_t list_count, site_lists;
};

/*
 * Reads one text into the set, behind what it has; of_site: its errors are
 * told.  A rule that the set has by name is left out.
 */
int bounce_rules_read(struct bounce_rules *rules, struct slice text,
    bool of_site, bounce_rules_error *error, void *ctx);

#endif /* PROTO_BOUNCE_RULES_SET_H */
