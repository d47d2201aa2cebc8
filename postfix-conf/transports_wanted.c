/* SPDX-License-Identifier: BSD-2-Clause */
/* From shaping filters to transports.  Not for the queue helper, which has no
 * need of settings. */
#include "postfix-conf/transports.h"
#include "proto/settings.h"
#include "util/err.h"

static const struct slice absent = { NULL, 0 };

static int
set_forward(struct arena *arena, const struct shaping_filter *f,
    struct postfix_transport *t)
{
	static const enum postfix_tls levels[] = {
		[FORWARD_TLS_MAY] = POSTFIX_TLS_SITE,
		[FORWARD_TLS_ENCRYPT] = POSTFIX_TLS_ENCRYPT,
		[FORWARD_TLS_VERIFY] = POSTFIX_TLS_VERIFY,
	};

	char room[SHAPING_NEXT_HOP_MAX];
	size_t len = shaping_next_hop(f, room);

	if (len == 0)
		return 0;
	t->forward = arena_dup(arena, (struct slice){ room, len });
	t->tls = levels[f->forward_tls];
	if (f->forward_user.len > 0) {
		t->user = f->forward_user;
		t->password = f->forward_sealed;
	}
	return t->forward.at != NULL ? 0 : ERR_NOMEM;
}

static struct slice
if_any(struct slice s)
{
	return s.len > 0 ? s : absent;
}

static int
set_transport(struct arena *arena, const struct shaping *s,
    const struct shaping_filter *f, size_t address, struct postfix_transport *t)
{
	char room[SHAPING_TRANSPORT_MAX];
	size_t len = shaping_transport(s, f, address, room);

	*t = (struct postfix_transport){ .name = arena_dup(arena,
					     (struct slice){ room, len }),
		.connections = f->connections,
		.idle_s = f->cache_size > 0 ? f->cache_idle_s : 0,
		.messages = f->messages_per_connection };
	if (t->name.at == NULL)
		return ERR_NOMEM;
	if (address != SHAPING_NO_ADDRESS) {
		const struct sending_address *a =
		    &s->addresses[f->addresses[address]];

		t->ipv4 = if_any(a->ipv4);
		t->ipv6 = if_any(a->ipv6);
		t->helo = if_any(a->helo);
	}
	return set_forward(arena, f, t);
}

/* One for each of its addresses that this host has, or one without. */
static int
set_filter(struct arena *arena, const struct shaping *s,
    const struct shaping_filter *f, struct slice host,
    struct postfix_transport *list, size_t *count)
{
	size_t at = shaping_address_next(s, f, host, 0);
	int rc;

	do {
		rc = set_transport(arena, s, f, at, &list[*count]);
		if (rc < 0)
			return rc;
		(*count)++;
		if (at != SHAPING_NO_ADDRESS)
			at = shaping_address_next(s, f, host, at + 1);
	} while (at != SHAPING_NO_ADDRESS);
	return 0;
}

int
postfix_transports_wanted(struct arena *arena, const struct shaping *s,
    struct slice host, struct slice tables,
    struct postfix_transports *ret_transports)
{
	struct postfix_transports t = { .tables = tables };
	size_t count =
	    s->mode == MODE_ENFORCE ? shaping_transport_count(s, host) : 0;
	struct postfix_transport *list;
	int rc = 0;

	if (count > POSTFIX_TRANSPORTS_COUNT_MAX)
		return ERR_LIMIT;
	list = arena_calloc(arena, count + 1, sizeof(*list));
	if (list == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; rc == 0 && count > 0 && i < s->filter_count; i++)
		rc = set_filter(arena, s, &s->filters[i], host, list, &t.count);
	t.at = list;
	if (rc == 0)
		*ret_transports = t;
	return rc;
}
