/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_PHRASE_SET_H
#define PROTO_PHRASE_SET_H

#include <stdint.h>

#include "util/slice.h"

/*
 * Many phrases searched for in a text at once (Aho and Corasick, "Efficient
 * string matching", 1975): each octet of the text is looked at once, however
 * many phrases there are, and nothing is ever tried again.
 *
 * A phrase is one or more fragments with '*' between, which stands for up to
 * PHRASE_GAP octets of any kind.  Blanks at its ends do not count unless it
 * stands in double quotes.  The text has a blank added at both of its ends, so
 * that " word " is found there, too.
 *
 * Made by one thread; once sealed it never changes, and any thread may search.
 */
#define PHRASE_GAP 48
#define PHRASE_FRAGMENT_MAX 64 /* octets of one */
#define PHRASE_IDS_MAX 4096
#define PHRASE_ID_WORDS (PHRASE_IDS_MAX / 64)
#define PHRASE_JOINTS_MAX 4096 /* gaps of all phrases */

struct phrase_set;

struct phrase_set *phrase_set_new(void);    /* NULL: no memory */
void phrase_set_free(struct phrase_set *p); /* takes NULL */

/*
 * alternatives  phrases with '|' between; copied.  As the text will be: in
 *               lower case, where that does not count
 * id            below PHRASE_IDS_MAX; may be added to
 * 0; ERR_SYNTAX: a fragment is empty; ERR_LIMIT: one too long, or too many;
 * ERR_NOMEM.
 */
int phrase_set_add(struct phrase_set *p, struct slice alternatives,
    unsigned id);
/* No phrase is added from now on.  0, ERR_LIMIT, ERR_NOMEM. */
int phrase_set_seal(struct phrase_set *p);

/*
 * Sets the bit of each id that has a phrase in the text; leaves the others.
 * Returns the steps it took: no more than a constant of the set times the
 * octets of the text, which is what the tests look at.
 */
size_t phrase_set_find(const struct phrase_set *p, struct slice text,
    uint64_t ret_ids[PHRASE_ID_WORDS]);

/* Octets of memory of a sealed set. */
size_t phrase_set_size(const struct phrase_set *p);

static inline bool
phrase_id_in(const uint64_t ids[PHRASE_ID_WORDS], unsigned id)
{
	return (ids[id / 64] >> id % 64 & 1) != 0;
}

#endif /* PROTO_PHRASE_SET_H */
