/* SPDX-License-Identifier: BSD-2-Clause */
/* Who asks?  Users and keys from the settings, checks at a bounded rate. */
#include "apid/auth.h"

#include <stdlib.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/crypto.h"
#include "util/map.h"
#include "util/verified.h"

#define KNOWN_SLOTS 8192 /* users remembered */
#define CLIENTS_MAX 4096 /* client addresses with failures */

/*
 * A bucket of failures: one drains away every period.  10 wrong keys at once
 * from one client, then one in 6 s; 30 over all, then four a second, which is
 * a sixth of one CPU.
 */
struct bucket {
	int64_t level_us; /* point in time at which it is empty */
};
#define CLIENT_PERIOD_US (6 * 1000000LL)
#define CLIENT_BURST 10
#define ALL_PERIOD_US (250 * 1000LL)
#define ALL_BURST 30

struct auth {
	struct verified *known;
	struct bucket all;
	struct map *clients; /* address -> struct bucket */
	char *unknown_hash;  /* checked when there is no such user */
};

struct auth *
auth_new(void)
{
	struct auth *a = calloc(1, sizeof(*a));
	struct buf hash;
	char room[CRYPTO_SHA256_LEN];

	if (a == NULL)
		return NULL;
	buf_init(&hash, 1000);
	crypto_random(room, sizeof(room));
	a->known = verified_new(KNOWN_SLOTS, 0);
	a->clients = map_new(CLIENTS_MAX);
	if (a->clients == NULL || a->known == NULL ||
	    crypto_password_hash((struct slice){ room, sizeof(room) }, &hash) <
		0)
		goto fail;
	a->unknown_hash = strdup(buf_text(&hash));
	if (a->unknown_hash == NULL)
		goto fail;
	buf_done(&hash);
	return a;

fail:
	buf_done(&hash);
	auth_free(a);
	return NULL;
}

void
auth_free(struct auth *a)
{
	if (a == NULL)
		return;
	map_free(a->clients, free);
	verified_free(a->known);
	free(a->unknown_hash);
	free(a);
}

/* 0: there is room for one more failure; else microseconds until then. */
static int64_t
bucket_wait(const struct bucket *b, int64_t now, int64_t period, int64_t burst)
{
	int64_t wait = b->level_us - now - (burst - 1) * period;

	return wait > 0 ? wait : 0;
}

static void
bucket_add(struct bucket *b, int64_t now, int64_t period)
{
	b->level_us = (b->level_us > now ? b->level_us : now) + period;
}

/* Clients whose failures have drained away are forgotten. */
static void
clients_clean(struct auth *a, int64_t now)
{
	size_t pos = 0;
	struct slice key;
	void *value;

	while (map_next(a->clients, &pos, &key, &value)) {
		struct bucket *b = value;

		if (b->level_us > now)
			continue;
		(void)map_remove(a->clients, key);
		free(b);
	}
}

static void
failed(struct auth *a, struct slice client, int64_t now)
{
	struct bucket *b = map_get(a->clients, client);

	bucket_add(&a->all, now, ALL_PERIOD_US);
	if (b == NULL) {
		if (map_count(a->clients) == CLIENTS_MAX)
			clients_clean(a, now);
		b = calloc(1, sizeof(*b));
		if (b == NULL)
			return;
		/* A full map leaves the limit over all to hold the line. */
		if (map_set(a->clients, client, b, NULL) < 0) {
			free(b);
			return;
		}
	}
	bucket_add(b, now, CLIENT_PERIOD_US);
}

static enum auth_result
check_key(struct auth *a, const struct credentials *c,
    const struct api_user *user, struct slice client, int64_t *ret_wait_s)
{
	struct slice hash =
	    user != NULL ? user->key_hash : slice_of(a->unknown_hash);
	int64_t now = clock_mono_us(), wait, wait_all;
	struct verified_mark mark;
	const struct bucket *b;

	if (verified_mark(a->known, c->name, c->key, hash, &mark) < 0)
		return AUTH_BAD;
	if (user != NULL && verified_has(a->known, &mark))
		return AUTH_OK;

	b = map_get(a->clients, client);
	wait =
	    b != NULL ? bucket_wait(b, now, CLIENT_PERIOD_US, CLIENT_BURST) : 0;
	wait_all = bucket_wait(&a->all, now, ALL_PERIOD_US, ALL_BURST);
	if (wait_all > wait)
		wait = wait_all;
	if (wait > 0) {
		*ret_wait_s = wait / 1000000 + 1;
		return AUTH_TOO_MANY;
	}
	/* An unknown name costs the same time as a wrong key. */
	if (crypto_password_verify(c->key, hash) != 1 || user == NULL) {
		failed(a, client, now);
		return AUTH_BAD;
	}
	verified_add(a->known, &mark);
	return AUTH_OK;
}

enum auth_result
auth_check(struct auth *a, const struct settings *settings, struct slice header,
    struct slice client, const struct api_user **ret_user,
    const struct tenant **ret_tenant, int64_t *ret_wait_s)
{
	char room[AUTH_ROOM];
	struct credentials c;
	const struct api_user *user;
	const struct tenant *tenant = NULL;
	enum auth_result result = AUTH_BAD;

	if (header.at == NULL)
		return AUTH_NONE;
	if (auth_parse(header, room, &c) < 0)
		goto out;
	user = settings_user(settings, c.name, &tenant);
	if (user != NULL && (!user->enabled || !user->api))
		user = NULL;
	result = check_key(a, &c, user, client, ret_wait_s);
	if (result == AUTH_OK) {
		*ret_user = user;
		*ret_tenant = tenant;
	}
out:
	crypto_wipe(room, sizeof(room));
	return result;
}
