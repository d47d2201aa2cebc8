/* SPDX-License-Identifier: BSD-2-Clause */
/* Many phrases in one text: an automaton of Aho and Corasick, and gaps. */
#include "proto/phrase_set.h"

#include <stdlib.h>

#include "util/err.h"

/*
 * While phrases are added, states form a trie of linked children.  Sealing
 * numbers them by their depth, so that the children of one lie side by side,
 * and a state's fall-back (the longest other state its text ends with) has a
 * lower number.
 *
 * The states near the root, where most texts are most of the time, have a row:
 * the next state for each octet of ASCII that phrases have.  For what is
 * deeper, and for other octets, the children are searched.
 */
#define STATES_MAX 65000
#define ROW 64
#define ROW_DEPTH 3
#define OTHER (ROW - 1) /* column of octets that no phrase has */
#define NO_COLUMN UINT8_MAX
#define NO_JOINT UINT16_MAX

struct state {
	uint16_t first;    /* child; 0: none.  Sealed: of children in a row */
	uint16_t next;     /* sibling.  Sealed: fall-back */
	uint16_t fragment; /* + 1; 0: none ends here */
	uint16_t children;
	uint8_t octet; /* that leads here */
	uint8_t depth;
};

/* What a fragment is part of. */
struct use {
	uint16_t fragment;
	uint16_t id;    /* that is found with it; meaningless with an after */
	uint16_t joint; /* the joint before it, or NO_JOINT */
	uint16_t after; /* the joint behind it, or NO_JOINT: the last one */
	uint32_t older; /* use of the same fragment, + 1; while adding */
};

struct fragment {
	uint32_t first; /* of its uses; while adding: the newest, + 1 */
	uint16_t uses;
	uint8_t len;
};

struct phrase_set {
	struct state *states;
	size_t state_count, state_room;
	struct use *uses;
	size_t use_count, use_room;
	struct fragment *fragments;
	size_t fragment_count, fragment_room;
	uint16_t (*rows)[ROW];
	size_t row_count;
	uint8_t *octets;   /* of each state, once more: searched side by side */
	uint16_t *reports; /* of each state: itself or the next fall-back where
			      a fragment ends; 0: none */
	uint8_t columns[256];
	uint16_t first[256]; /* children of the root */
	unsigned joints;
	bool sealed;
};

/* Room for one more; items are of size octets. */
static int
grow(void **items, size_t *room, size_t count, size_t size)
{
	if (count < *room)
		return 0;
	size_t wanted = *room > 0 ? *room * 2 : 64;
	void *more = reallocarray(*items, wanted, size);

	if (more == NULL)
		return ERR_NOMEM;
	*items = more;
	*room = wanted;
	return 0;
}

struct phrase_set *
phrase_set_new(void)
{
	struct phrase_set *p = calloc(1, sizeof(*p));

	if (p == NULL || grow((void **)&p->states, &p->state_room, 0,
			     sizeof(*p->states)) < 0) {
		free(p);
		return NULL;
	}
	p->states[0] = (struct state){ .first = 0 };
	p->state_count = 1;
	return p;
}

void
phrase_set_free(struct phrase_set *p)
{
	if (p == NULL)
		return;
	free(p->states);
	free(p->uses);
	free(p->fragments);
	free(p->rows);
	free(p->octets);
	free(p->reports);
	free(p);
}

size_t
phrase_set_size(const struct phrase_set *p)
{
	return sizeof(*p) + p->state_count * sizeof(*p->states) +
	       p->use_count * sizeof(*p->uses) +
	       p->fragment_count * sizeof(*p->fragments) +
	       p->row_count * sizeof(*p->rows) +
	       p->state_count * (sizeof(*p->reports) + sizeof(*p->octets));
}

/* ---- adding ---- */

static int
add_child(struct phrase_set *p, uint16_t parent, uint8_t octet,
    uint16_t *ret_state)
{
	uint16_t at;

	for (at = p->states[parent].first; at != 0; at = p->states[at].next)
		if (p->states[at].octet == octet) {
			*ret_state = at;
			return 0;
		}
	if (p->state_count == STATES_MAX)
		return ERR_LIMIT;
	int rc = grow((void **)&p->states, &p->state_room, p->state_count,
	    sizeof(*p->states));
	if (rc < 0)
		return rc;
	at = (uint16_t)p->state_count++;
	p->states[at] = (struct state){ .octet = octet,
		.depth = (uint8_t)(p->states[parent].depth + 1),
		.next = p->states[parent].first };
	p->states[parent].first = at;
	p->states[parent].children++;
	*ret_state = at;
	return 0;
}

static int
add_fragment(struct phrase_set *p, struct slice text, uint16_t *ret_fragment)
{
	uint16_t at = 0;
	int rc;

	if (text.len == 0)
		return ERR_SYNTAX;
	if (text.len > PHRASE_FRAGMENT_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < text.len; i++)
		if ((rc = add_child(p, at, (uint8_t)text.at[i], &at)) < 0)
			return rc;
	if (p->states[at].fragment == 0) {
		rc = grow((void **)&p->fragments, &p->fragment_room,
		    p->fragment_count, sizeof(*p->fragments));
		if (rc < 0)
			return rc;
		p->fragments[p->fragment_count++] =
		    (struct fragment){ .len = (uint8_t)text.len };
		p->states[at].fragment = (uint16_t)p->fragment_count;
	}
	*ret_fragment = (uint16_t)(p->states[at].fragment - 1);
	return 0;
}

/*
 * Phrases that begin alike share the joints: ends is whether nothing follows.
 * Returns 1 when there is such a use already.
 */
static int
add_use(struct phrase_set *p, struct use *use, bool ends)
{
	struct fragment *f = &p->fragments[use->fragment];

	for (uint32_t at = f->first; at != 0; at = p->uses[at - 1].older) {
		const struct use *other = &p->uses[at - 1];

		if (other->joint != use->joint ||
		    (other->after == NO_JOINT) != ends ||
		    (ends && other->id != use->id))
			continue;
		use->after = other->after;
		return 1;
	}
	if (!ends && p->joints == PHRASE_JOINTS_MAX)
		return ERR_LIMIT;
	int rc = grow((void **)&p->uses, &p->use_room, p->use_count,
	    sizeof(*p->uses));
	if (rc < 0)
		return rc;
	use->after = ends ? NO_JOINT : (uint16_t)p->joints++;
	use->older = f->first;
	p->uses[p->use_count++] = *use;
	f->first = (uint32_t)p->use_count;
	return 0;
}

static int
add_phrase(struct phrase_set *p, struct slice rest, uint16_t id)
{
	uint16_t joint = NO_JOINT;
	struct slice text;
	int rc;

	while (slice_split(&rest, '*', &text)) {
		struct use use = { .id = id, .joint = joint };

		if ((rc = add_fragment(p, text, &use.fragment)) < 0 ||
		    (rc = add_use(p, &use, rest.at == NULL)) < 0)
			return rc;
		joint = use.after;
	}
	return 0;
}

int
phrase_set_add(struct phrase_set *p, struct slice alternatives, unsigned id)
{
	struct slice phrase;
	int rc;

	if (p->sealed || id >= PHRASE_IDS_MAX)
		return ERR_LIMIT;
	while (slice_split(&alternatives, '|', &phrase)) {
		phrase = slice_trim(phrase);
		if (phrase.len > 2 && phrase.at[0] == '"' &&
		    phrase.at[phrase.len - 1] == '"')
			phrase =
			    (struct slice){ phrase.at + 1, phrase.len - 2 };
		if (phrase.len == 0)
			return ERR_SYNTAX;
		if ((rc = add_phrase(p, phrase, (uint16_t)id)) < 0)
			return rc;
	}
	return 0;
}

/* ---- sealing ---- */

/* The states in the order of their depth, siblings together. */
static struct state *
by_depth(const struct phrase_set *p)
{
	struct state *to = calloc(p->state_count, sizeof(*to));
	size_t count = 1;

	if (to == NULL)
		return NULL;
	to[0] = p->states[0];
	for (size_t at = 0; at < p->state_count; at++) {
		uint16_t child = to[at].first;

		to[at].first = child != 0 ? (uint16_t)count : 0;
		for (; child != 0; child = p->states[child].next)
			to[count++] = p->states[child];
	}
	return to;
}

static inline uint16_t
child_of(const struct phrase_set *p, uint16_t at, uint8_t octet)
{
	const struct state *s = &p->states[at];

	for (unsigned i = s->first; i < (unsigned)s->first + s->children; i++)
		if (p->octets[i] == octet)
			return (uint16_t)i;
	return 0;
}

/* At most as many falls as states were entered: linear in the text. */
static inline uint16_t
next_state(const struct phrase_set *p, uint16_t at, uint8_t octet,
    size_t *steps)
{
	uint8_t column = p->columns[octet];

	for (;;) {
		++*steps;
		if (at < p->row_count && column != NO_COLUMN)
			return p->rows[at][column];
		if (at == 0)
			return p->first[octet];
		uint16_t child = child_of(p, at, octet);
		if (child != 0)
			return child;
		at = p->states[at].next;
	}
}

/* The first octets that phrases have, and the rest of ASCII, get columns. */
static void
choose_columns(struct phrase_set *p)
{
	uint8_t next = 0;

	memset(p->columns, OTHER, sizeof(p->columns));
	for (size_t at = 1; at < p->state_count; at++) {
		uint8_t octet = p->states[at].octet;

		if (p->columns[octet] != OTHER)
			continue;
		p->columns[octet] =
		    octet < 128 && next < OTHER ? next++ : NO_COLUMN;
	}
}

static void
fill_row(struct phrase_set *p, uint16_t at)
{
	const struct state *s = &p->states[at];
	uint16_t *row = p->rows[at];
	size_t steps = 0;

	for (unsigned octet = 0; octet < 256; octet++) {
		uint8_t column = p->columns[octet];
		uint16_t child = child_of(p, at, (uint8_t)octet);

		if (column == NO_COLUMN)
			continue;
		if (child == 0 && at != 0)
			child = next_state(p, s->next, (uint8_t)octet, &steps);
		row[column] = child;
	}
}

static void
link_states(struct phrase_set *p)
{
	size_t steps = 0;

	for (unsigned i = 0; i < p->states[0].children; i++)
		p->first[p->states[1 + i].octet] = (uint16_t)(1 + i);
	for (size_t at = 0; at < p->state_count; at++) {
		struct state *s = &p->states[at];

		/* What is above has its row and fall-back already. */
		if (at < p->row_count)
			fill_row(p, (uint16_t)at);
		p->reports[at] =
		    s->fragment != 0 ? (uint16_t)at : p->reports[s->next];
		for (unsigned i = 0; i < s->children; i++) {
			struct state *c = &p->states[s->first + i];

			c->next =
			    at == 0 ? 0
				    : next_state(p, s->next, c->octet, &steps);
		}
	}
}

static int
compare_uses(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	return (int)x->fragment - (int)y->fragment;
}

static void
sort_uses(struct phrase_set *p)
{
	if (p->use_count > 0)
		qsort(p->uses, p->use_count, sizeof(*p->uses), compare_uses);
	for (size_t i = p->use_count; i-- > 0;) {
		struct fragment *f = &p->fragments[p->uses[i].fragment];

		f->first = (uint32_t)i;
		f->uses++;
	}
}

int
phrase_set_seal(struct phrase_set *p)
{
	struct state *states = by_depth(p);

	if (states == NULL)
		return ERR_NOMEM;
	free(p->states);
	p->states = states;
	choose_columns(p);
	while (p->row_count < p->state_count &&
	       states[p->row_count].depth <= ROW_DEPTH)
		p->row_count++;
	p->rows = calloc(p->row_count, sizeof(*p->rows));
	p->reports = calloc(p->state_count, sizeof(*p->reports));
	p->octets = calloc(p->state_count, sizeof(*p->octets));
	if (p->rows == NULL || p->reports == NULL || p->octets == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < p->state_count; i++)
		p->octets[i] = states[i].octet;
	link_states(p);
	sort_uses(p);
	p->sealed = true;
	return 0;
}

/* ---- searching ---- */

/*
 * Where the fragments before a joint ended lately: bit i of near stands for
 * the place i octets before the last one.  The next fragment has to begin up to
 * PHRASE_GAP octets behind one of them, and it ends PHRASE_FRAGMENT_MAX octets
 * later at most, so that 128 of them are enough.
 */
struct joint {
	uint64_t near[2];
	size_t last;
};
_Static_assert(PHRASE_GAP + PHRASE_FRAGMENT_MAX < 128, "near is too short");

static void
move_joint(struct joint *j, size_t to)
{
	size_t by = to - j->last;

	j->last = to;
	if (by == 0)
		return;
	if (by >= 128) {
		j->near[0] = j->near[1] = 0;
	} else if (by >= 64) {
		j->near[1] = j->near[0] << (by - 64);
		j->near[0] = 0;
	} else {
		j->near[1] = j->near[1] << by | j->near[0] >> (64 - by);
		j->near[0] <<= by;
	}
}

/* Did what is before the joint end within the gap before this fragment? */
static bool
is_near(struct joint *j, size_t end, unsigned len)
{
	move_joint(j, end);
	/* bits len .. len + PHRASE_GAP */
	uint64_t low = len < 64 ? j->near[0] >> len : 0;
	uint64_t high = len < 64 ? j->near[1] << (64 - len) : j->near[1];

	return ((low | high) & ((UINT64_C(1) << (PHRASE_GAP + 1)) - 1)) != 0;
}

struct search {
	const struct phrase_set *set;
	uint64_t *ids;
	size_t steps;
	struct joint joints[PHRASE_JOINTS_MAX];
};

static void
found(struct search *s, const struct fragment *f, size_t end)
{
	const struct use *use = &s->set->uses[f->first];

	s->steps += f->uses;
	for (unsigned i = 0; i < f->uses; i++, use++) {
		if (use->joint != NO_JOINT &&
		    !is_near(&s->joints[use->joint], end, f->len))
			continue;
		if (use->after == NO_JOINT) {
			s->ids[use->id / 64] |= UINT64_C(1) << use->id % 64;
			continue;
		}
		move_joint(&s->joints[use->after], end);
		s->joints[use->after].near[0] |= 1;
	}
}

size_t
phrase_set_find(const struct phrase_set *p, struct slice text,
    uint64_t ret_ids[PHRASE_ID_WORDS])
{
	struct search s;
	size_t steps = 0;
	uint16_t at = 0;

	s.set = p;
	s.ids = ret_ids;
	s.steps = 0;
	memset(s.joints, 0, p->joints * sizeof(s.joints[0]));
	for (size_t i = 0; i < text.len + 2; i++) {
		uint8_t octet = i > 0 && i <= text.len ? (uint8_t)text.at[i - 1]
						       : (uint8_t)' ';

		at = next_state(p, at, octet, &steps);
		for (uint16_t r = p->reports[at]; r != 0;
		     r = p->reports[p->states[r].next])
			found(&s, &p->fragments[p->states[r].fragment - 1],
			    i + 1);
	}
	return steps + s.steps;
}
