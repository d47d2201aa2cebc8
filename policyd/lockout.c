/* SPDX-License-Identifier: BSD-2-Clause */
/* Who failed too often. */
#include "policyd/lockout.h"

#include <stdio.h>
#include <stdlib.h>

#include "policyd/policyd.h"
#include "policyd/report.h"
#include "store/lockout_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/map.h"

#define LOCAL_MAX 20000
#define LOCAL_KEY_MAX 512

struct local {
	unsigned failures;
	int64_t until_us;
};

struct lockouts {
	struct policyd *daemon;
	struct map *local; /* "CLIENT\nUSER", "CLIENT\n" -> struct local */
};

struct look {
	struct lockouts *all;
	struct lockout_limits limits;
	bool failures; /* this process knows of some */
	lockouts_looked *looked;
	void *ctx;
};

struct lockouts *
lockouts_new(struct policyd *daemon)
{
	struct lockouts *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->daemon = daemon;
	l->local = map_new(LOCAL_MAX);
	if (l->local != NULL)
		return l;
	free(l);
	return NULL;
}

void
lockouts_free(struct lockouts *l)
{
	if (l == NULL)
		return;
	map_free(l->local, free);
	free(l);
}

/* ---- in this process ---- */

static struct slice
local_key(char room[LOCAL_KEY_MAX], struct slice client, struct slice user)
{
	int n = snprintf(room, LOCAL_KEY_MAX, "%.*s\n%.*s", SLICE_F(client),
	    SLICE_F(user));

	return (struct slice){ room,
		n < LOCAL_KEY_MAX ? (size_t)n : LOCAL_KEY_MAX - 1 };
}

static unsigned
local_failures(const struct lockouts *l, struct slice client, struct slice user)
{
	char room[LOCAL_KEY_MAX];
	const struct local *one =
	    map_get(l->local, local_key(room, client, user));

	return one != NULL && one->until_us > clock_mono_us() ? one->failures
							      : 0;
}

static void
local_clean(struct lockouts *l, int64_t now)
{
	size_t pos = 0;
	struct slice key;
	void *value;

	while (map_next(l->local, &pos, &key, &value)) {
		struct local *one = value;

		if (one->until_us > now)
			continue;
		(void)map_remove(l->local, key);
		free(one);
	}
}

/* As the script counts.  A full table leaves it to Redis. */
static void
local_failed(struct lockouts *l, struct slice client, struct slice user,
    unsigned most, int64_t period_ms)
{
	char room[LOCAL_KEY_MAX];
	struct slice key = local_key(room, client, user);
	int64_t now = clock_mono_us();
	struct local *one = map_get(l->local, key);

	if (one == NULL) {
		if (map_count(l->local) >= LOCAL_MAX)
			local_clean(l, now);
		one = calloc(1, sizeof(*one));
		if (one == NULL || map_set(l->local, key, one, NULL) < 0) {
			free(one);
			return;
		}
	}
	if (one->until_us <= now)
		one->failures = 0;
	one->failures++;
	if (one->failures == 1 || one->failures == most)
		one->until_us = now + period_ms * 1000;
}

static void
local_clear(struct lockouts *l, struct slice client, struct slice user)
{
	char room[LOCAL_KEY_MAX];

	free(map_remove(l->local, local_key(room, client, user)));
}

/* ---- for all hosts ---- */

static struct lockout
lockout_of(struct slice client, struct slice user,
    const struct lockout_limits *limits)
{
	return (struct lockout){ client, user, limits->failures,
		limits->failures * LOCKOUT_CLIENT_FACTOR, limits->period_ms };
}

static void
answered(int rc, int64_t failures, int64_t client_failures, void *ctx)
{
	struct look *look = ctx;
	unsigned most = look->limits.failures;
	bool locked = rc == 0 && (failures >= most ||
				     client_failures >=
					 (int64_t)most * LOCKOUT_CLIENT_FACTOR);

	look->looked(rc, locked, look->failures || failures > 0, look->ctx);
	free(look);
}

bool
lockouts_locked(const struct lockouts *l, struct slice client,
    struct slice user, const struct lockout_limits *limits)
{
	struct lockout lockout = lockout_of(client, user, limits);

	return limits->failures > 0 &&
	       (local_failures(l, client, user) >= lockout.failures ||
		   local_failures(l, client, SLICE("")) >=
		       lockout.client_failures);
}

enum lockout_when
lockouts_look(struct lockouts *l, struct slice client, struct slice user,
    const struct lockout_limits *limits, lockouts_looked *looked, void *ctx)
{
	struct store *s = l->daemon->store;
	struct lockout lockout = lockout_of(client, user, limits);
	unsigned failures;
	struct look *look;

	if (limits->failures == 0) {
		looked(0, false, false, ctx);
		return LOCKOUT_ANSWERED;
	}
	failures = local_failures(l, client, user);
	look = calloc(1, sizeof(*look));
	if (look == NULL || lockouts_locked(l, client, user, limits)) {
		free(look);
		looked(0, true, true, ctx);
		return LOCKOUT_ANSWERED;
	}
	*look = (struct look){ l, *limits, failures > 0, looked, ctx };
	lockout_ask(s, &lockout, LOCKOUT_LOOK, store_deadline(s), answered,
	    look);
	return LOCKOUT_ASKED;
}

static void
told(int rc, int64_t failures, int64_t client_failures, void *ctx)
{
	(void)failures;
	(void)client_failures;
	if (rc < 0)
		report_unavailable(ctx, rc,
		    "failed logins are counted on this host only");
}

void
lockouts_failed(struct lockouts *l, struct slice client, struct slice user,
    const struct lockout_limits *limits)
{
	struct store *s = l->daemon->store;
	struct lockout lockout = lockout_of(client, user, limits);

	if (limits->failures == 0)
		return;
	local_failed(l, client, user, lockout.failures, limits->period_ms);
	local_failed(l, client, SLICE(""), lockout.client_failures,
	    limits->period_ms);
	lockout_ask(s, &lockout, LOCKOUT_FAIL, store_deadline(s), told,
	    l->daemon);
}

void
lockouts_clear(struct lockouts *l, struct slice client, struct slice user,
    const struct lockout_limits *limits)
{
	struct store *s = l->daemon->store;
	struct lockout lockout = lockout_of(client, user, limits);

	if (limits->failures == 0)
		return;
	local_clear(l, client, user);
	lockout_ask(s, &lockout, LOCKOUT_CLEAR, store_deadline(s), told,
	    l->daemon);
}
