/* SPDX-License-Identifier: BSD-2-Clause */
/* SMTP sessions at once: one table for all connections. */
#include "milter/sessions.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/map.h"

/* Two of each connection, and libmilter has a thread for each of those. */
#define KEYS_MAX 100000

static struct {
	pthread_mutex_t lock;
	struct map *counts; /* "TENANT\n", "TENANT\nCLIENT" -> unsigned */
} hall = { .lock = PTHREAD_MUTEX_INITIALIZER };

static size_t
make_key(char room[SESSION_KEY_MAX], struct slice tenant, struct slice client)
{
	int n = snprintf(room, SESSION_KEY_MAX, "%.*s\n%.*s", SLICE_F(tenant),
	    SLICE_F(client));

	return n < SESSION_KEY_MAX ? (size_t)n : SESSION_KEY_MAX - 1;
}

/* The functions below: with the lock. */

static unsigned
count_of(const char *key, size_t len)
{
	const unsigned *n =
	    hall.counts != NULL
		? map_get(hall.counts, (struct slice){ key, len })
		: NULL;

	return n != NULL ? *n : 0;
}

/* False: it is not counted, as there is no memory, or no key. */
static bool
raise_count(const char *key, size_t len)
{
	struct slice k = { key, len };
	unsigned *n;

	if (len == 0)
		return false;
	if (hall.counts == NULL && (hall.counts = map_new(KEYS_MAX)) == NULL)
		return false;
	n = map_get(hall.counts, k);
	if (n == NULL) {
		n = calloc(1, sizeof(*n));
		if (n == NULL || map_set(hall.counts, k, n, NULL) < 0) {
			free(n);
			return false;
		}
	}
	++*n;
	return true;
}

static void
lower_count(const char *key, size_t *len)
{
	struct slice k = { key, *len };
	unsigned *n = *len > 0 ? map_get(hall.counts, k) : NULL;

	*len = 0;
	if (n == NULL || --*n > 0)
		return;
	free(map_remove(hall.counts, k));
	if (map_count(hall.counts) > 0)
		return;
	map_free(hall.counts, NULL);
	hall.counts = NULL;
}

static void
leave(struct session *s)
{
	lower_count(s->client, &s->client_len);
	lower_count(s->tenant, &s->tenant_len);
}

static bool
is_full(unsigned count, unsigned max)
{
	return max > 0 && count >= max;
}

static enum session_result
enter(struct session *s, const struct relay_settings *r,
    const struct session *as)
{
	if (is_full(count_of(as->tenant, as->tenant_len), r->max_sessions))
		return SESSION_TENANT_FULL;
	if (is_full(count_of(as->client, as->client_len),
		r->max_sessions_per_client))
		return SESSION_CLIENT_FULL;
	*s = *as;
	if (!raise_count(s->tenant, s->tenant_len))
		s->tenant_len = 0;
	if (!raise_count(s->client, s->client_len))
		s->client_len = 0;
	return SESSION_OK;
}

enum session_result
session_enter(struct session *s, const struct tenant *t, struct slice client)
{
	enum session_result result = SESSION_OK;
	struct session as;

	as.tenant_len = make_key(as.tenant, t->name, SLICE(""));
	as.client_len = make_key(as.client, t->name, client);
	(void)pthread_mutex_lock(&hall.lock);
	if (s->tenant_len != as.tenant_len ||
	    memcmp(s->tenant, as.tenant, as.tenant_len) != 0) {
		leave(s);
		result = enter(s, &t->relay, &as);
	}
	(void)pthread_mutex_unlock(&hall.lock);
	return result;
}

bool
session_enter_inbound(struct session *s, const struct tenant *t)
{
	const struct relay_settings most = {
		.max_sessions_per_client = t->inbound.max_sessions,
	};
	struct session as = { .tenant_len = 0 };
	enum session_result result;

	as.client_len = make_key(as.client, t->name, SLICE("inbound"));
	(void)pthread_mutex_lock(&hall.lock);
	leave(s);
	result = enter(s, &most, &as);
	(void)pthread_mutex_unlock(&hall.lock);
	return result == SESSION_OK;
}

void
session_leave(struct session *s)
{
	(void)pthread_mutex_lock(&hall.lock);
	leave(s);
	(void)pthread_mutex_unlock(&hall.lock);
}
