/* SPDX-License-Identifier: BSD-2-Clause */
/* When a DKIM key may move on.  RFC 6376, 3.1 and 6.1.2; M3AAWG's practice. */
#include "proto/dkim_rotation.h"

#include "proto/dkim_record.h"
#include "util/err.h"

static const char *const words[] = {
	[DKIM_PREPARED] = "prepared",
	[DKIM_PUBLISHED] = "published",
	[DKIM_ACTIVE] = "active",
	[DKIM_RETIRING] = "retiring",
	[DKIM_REMOVED] = "removed",
};
#define STATES (sizeof(words) / sizeof(words[0]))

const char *
dkim_state_word(enum dkim_state state)
{
	return (size_t)state < STATES ? words[state] : "";
}

int
dkim_state_parse(struct slice word, enum dkim_state *ret_state)
{
	for (size_t i = 0; i < STATES; i++)
		if (slice_eq(word, slice_of(words[i]))) {
			*ret_state = (enum dkim_state)i;
			return 0;
		}
	return ERR_SYNTAX;
}

static bool
is_due(const struct rotation_key *k, int64_t after_s, int64_t now_s)
{
	return k->since_s > 0 && now_s - k->since_s >= after_s;
}

/* Its record is not there any more: it may be forgotten. */
static bool
is_gone(const struct rotation_key *k)
{
	return k->match == DKIM_MATCH_NONE || k->match == DKIM_MATCH_REVOKED ||
	       k->match == DKIM_MATCH_OTHER;
}

static void
plan_one(const struct rotation_rules *rules, struct rotation_key *k,
    int64_t now_s)
{
	k->next = k->state;
	k->drop = false;
	switch (k->state) {
	case DKIM_PREPARED:
		if (k->match == DKIM_MATCH_OK)
			k->next = DKIM_PUBLISHED;
		break;
	case DKIM_PUBLISHED:
		if (k->match == DKIM_MATCH_OK &&
		    is_due(k, rules->publish_s, now_s))
			k->next = DKIM_ACTIVE;
		break;
	case DKIM_ACTIVE:
		break;
	case DKIM_RETIRING:
		if (is_due(k, rules->retire_s, now_s))
			k->next = DKIM_REMOVED;
		break;
	case DKIM_REMOVED:
		k->drop = is_gone(k);
		break;
	}
}

/* The one before gives way at the same moment. */
static void
retire_others(struct rotation_key *keys, size_t count, bool ed25519)
{
	bool begins = false;

	for (size_t i = 0; i < count; i++)
		begins = begins || (keys[i].ed25519 == ed25519 &&
				       keys[i].state == DKIM_PUBLISHED &&
				       keys[i].next == DKIM_ACTIVE);
	for (size_t i = 0; begins && i < count; i++)
		if (keys[i].ed25519 == ed25519 && keys[i].state == DKIM_ACTIVE)
			keys[i].next = DKIM_RETIRING;
}

/* All active keys are old, and none is on its way. */
static bool
wants_new(const struct rotation_rules *rules, const struct rotation_key *keys,
    size_t count, bool ed25519, int64_t now_s)
{
	bool old = false;

	for (size_t i = 0; i < count && rules->every_s > 0; i++) {
		const struct rotation_key *k = &keys[i];

		if (k->ed25519 != ed25519)
			continue;
		if (k->state == DKIM_PREPARED || k->state == DKIM_PUBLISHED)
			return false;
		if (k->state != DKIM_ACTIVE)
			continue;
		if (!is_due(k, rules->every_s, now_s))
			return false;
		old = true;
	}
	return old;
}

void
dkim_rotation_plan(const struct rotation_rules *rules,
    struct rotation_key *keys, size_t count, int64_t now_s,
    struct rotation_new *ret_new)
{
	for (size_t i = 0; i < count; i++)
		plan_one(rules, &keys[i], now_s);
	retire_others(keys, count, false);
	retire_others(keys, count, true);
	ret_new->rsa = wants_new(rules, keys, count, false, now_s);
	ret_new->ed25519 = wants_new(rules, keys, count, true, now_s);
}

/* Another key signs, and receivers find it. */
static bool
another_signs(const struct rotation_key *keys, size_t count, size_t i)
{
	for (size_t k = 0; k < count; k++)
		if (k != i && keys[k].state == DKIM_ACTIVE &&
		    keys[k].match == DKIM_MATCH_OK)
			return true;
	return false;
}

const char *
dkim_rotation_refusal(const struct rotation_key *keys, size_t count, size_t i,
    enum dkim_state to)
{
	const struct rotation_key *k = &keys[i];
	bool signs = k->state == DKIM_ACTIVE;

	switch (to) {
	case DKIM_PREPARED:
	case DKIM_RETIRING:
		if (signs && !another_signs(keys, count, i))
			return "no other key signs that is in the DNS";
		return NULL;
	case DKIM_PUBLISHED:
		if (signs && !another_signs(keys, count, i))
			return "no other key signs that is in the DNS";
		/* fall through */
	case DKIM_ACTIVE:
		if (k->match < 0)
			return "the DNS does not answer";
		return k->match == DKIM_MATCH_OK
			   ? NULL
			   : dkim_match_text((enum dkim_match)k->match);
	case DKIM_REMOVED:
		if (signs)
			return "it signs: retire it first, so that the mail it "
			       "signed can be verified";
		return NULL;
	}
	return "no such state";
}
