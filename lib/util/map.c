/* SPDX-License-Identifier: BSD-2-Clause */
/* A seeded hash map with open addressing (linear probing, tombstones). */
#include "util/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "util/err.h"

#define FIRST_ROOM 16

struct entry {
	char *key; /* NULL: never used; TOMBSTONE: removed */
	size_t len;
	uint64_t hash;
	void *value;
};

struct map {
	struct entry *at;
	size_t room;  /* a power of two */
	size_t count; /* live entries */
	size_t used;  /* live entries and tombstones */
	size_t max;
	uint64_t seed[2];
};

static char tombstone;
#define TOMBSTONE (&tombstone)

static bool
is_live(const struct entry *e)
{
	return e->key != NULL && e->key != TOMBSTONE;
}

static uint64_t
rotate(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson, Bernstein 2012), keyed so collisions stay unknown. */
static uint64_t
hash_key(const uint64_t seed[2], struct slice key)
{
	uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575,
		seed[1] ^ 0x646f72616e646f6d, seed[0] ^ 0x6c7967656e657261,
		seed[1] ^ 0x7465646279746573 };
	uint64_t last = (uint64_t)key.len << 56;
	size_t i = 0;

	for (; i + 8 <= key.len; i += 8) {
		uint64_t word;

		memcpy(&word, key.at + i, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	for (size_t shift = 0; i < key.len; i++, shift += 8)
		last |= (uint64_t)(unsigned char)key.at[i] << shift;
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct map *
map_new(size_t max)
{
	struct map *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->max = max;
	m->room = FIRST_ROOM;
	m->at = calloc(m->room, sizeof(*m->at));
	if (m->at == NULL ||
	    getrandom(m->seed, sizeof(m->seed), 0) != sizeof(m->seed)) {
		map_free(m, NULL);
		return NULL;
	}
	return m;
}

void
map_free(struct map *m, void (*drop)(void *value))
{
	if (m == NULL)
		return;
	for (size_t i = 0; m->at != NULL && i < m->room; i++) {
		if (!is_live(&m->at[i]))
			continue;
		if (drop != NULL)
			drop(m->at[i].value);
		free(m->at[i].key);
	}
	free(m->at);
	free(m);
}

static struct entry *
find(const struct map *m, struct slice key, uint64_t hash)
{
	size_t mask = m->room - 1;

	for (size_t i = hash & mask; m->at[i].key != NULL; i = (i + 1) & mask) {
		struct entry *e = &m->at[i];

		if (is_live(e) && e->hash == hash && e->len == key.len &&
		    (key.len == 0 || memcmp(e->key, key.at, key.len) == 0))
			return e;
	}
	return NULL;
}

/* Where a key that is not there may be put. */
static struct entry *
free_place(struct entry *at, size_t room, uint64_t hash)
{
	size_t i = hash & (room - 1);

	while (is_live(&at[i]))
		i = (i + 1) & (room - 1);
	return &at[i];
}

static int
make_room(struct map *m)
{
	size_t room = m->room;

	if (m->used + 1 <= m->room / 4 * 3)
		return 0;
	while (m->count + 1 > room / 2)
		room *= 2;
	struct entry *at = calloc(room, sizeof(*at));
	if (at == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < m->room; i++)
		if (is_live(&m->at[i]))
			*free_place(at, room, m->at[i].hash) = m->at[i];
	free(m->at);
	m->at = at;
	m->room = room;
	m->used = m->count;
	return 0;
}

void *
map_get(const struct map *m, struct slice key)
{
	struct entry *e = find(m, key, hash_key(m->seed, key));

	return e != NULL ? e->value : NULL;
}

int
map_set(struct map *m, struct slice key, void *value, void **ret_old)
{
	uint64_t hash = hash_key(m->seed, key);
	struct entry *e = find(m, key, hash);
	char *copy;
	int rc;

	if (ret_old != NULL)
		*ret_old = e != NULL ? e->value : NULL;
	if (e != NULL) {
		e->value = value;
		return 0;
	}
	if (m->count >= m->max)
		return ERR_LIMIT;
	if ((rc = make_room(m)) < 0)
		return rc;
	copy = malloc(key.len > 0 ? key.len : 1);
	if (copy == NULL)
		return ERR_NOMEM;
	if (key.len > 0)
		memcpy(copy, key.at, key.len);
	e = free_place(m->at, m->room, hash);
	if (e->key == NULL)
		m->used++;
	*e = (struct entry){ copy, key.len, hash, value };
	m->count++;
	return 0;
}

void *
map_remove(struct map *m, struct slice key)
{
	struct entry *e = find(m, key, hash_key(m->seed, key));

	if (e == NULL)
		return NULL;
	free(e->key);
	e->key = TOMBSTONE;
	m->count--;
	return e->value;
}

size_t
map_count(const struct map *m)
{
	return m->count;
}

bool
map_next(const struct map *m, size_t *pos, struct slice *ret_key,
    void **ret_value)
{
	for (; *pos < m->room; (*pos)++) {
		struct entry *e = &m->at[*pos];

		if (!is_live(e))
			continue;
		*ret_key = (struct slice){ e->key, e->len };
		*ret_value = e->value;
		(*pos)++;
		return true;
	}
	return false;
}
