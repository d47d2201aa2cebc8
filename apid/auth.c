/* SPDX-License-Identifier: BSD-2-Clause */
/* Who asks?  Users and keys from the settings, checks at a bounded rate. */
#include "apid/auth.h"

#include <stdlib.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/crypto.h"
#include "util/map.h"

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
	uint8_t process_key[CRYPTO_SHA256_LEN];
	uint8_t known[KNOWN_SLOTS][CRYPTO_SHA256_LEN];
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
	crypto_random(a->process_key, sizeof(a->process_key));
	crypto_random(a->known, sizeof(a->known));
	crypto_random(room, sizeof(room));
	a->clients = map_new(CLIENTS_MAX);
	if (a->clients == NULL ||
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
	free(a->unknown_hash);
	crypto_wipe(a, sizeof(*a));
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

/* What is remembered: covers name, key and the hash as stored. */
static int
known_mac(struct auth *a, const struct credentials *c, struct slice hash,
    uint8_t ret_mac[CRYPTO_SHA256_LEN])
{
	struct buf text;
	int rc;

	buf_init(&text, 4096);
	(void)buf_addf(&text, "%zu:", c->name.len);
	(void)buf_add_slice(&text, c->name);
	(void)buf_addf(&text, "%zu:", c->key.len);
	(void)buf_add_slice(&text, c->key);
	rc = buf_add_slice(&text, hash);
	if (text.rc == 0)
		rc = crypto_hmac_sha256((struct slice){ (const char *)
							    a->process_key,
					    sizeof(a->process_key) },
		    buf_slice(&text), ret_mac);
	if (text.at != NULL)
		crypto_wipe(text.at, text.len);
	buf_done(&text);
	return text.rc < 0 ? text.rc : rc;
}

static uint8_t *
known_slot(struct auth *a, const uint8_t mac[CRYPTO_SHA256_LEN])
{
	return a->known[(mac[0] | (unsigned)mac[1] << 8) % KNOWN_SLOTS];
}

static enum auth_result
check_key(struct auth *a, const struct credentials *c,
    const struct api_user *user, struct slice client, int64_t *ret_wait_s)
{
	struct slice hash =
	    user != NULL ? user->key_hash : slice_of(a->unknown_hash);
	int64_t now = clock_mono_us(), wait, wait_all;
	uint8_t mac[CRYPTO_SHA256_LEN], *slot;
	const struct bucket *b;

	if (known_mac(a, c, hash, mac) < 0)
		return AUTH_BAD;
	slot = known_slot(a, mac);
	if (user != NULL &&
	    crypto_equal((struct slice){ (const char *)mac, sizeof(mac) },
		(struct slice){ (const char *)slot, sizeof(mac) }))
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
	memcpy(slot, mac, sizeof(mac));
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
