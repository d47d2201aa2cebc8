/* SPDX-License-Identifier: BSD-2-Clause */
/* Which transport a recipient's mail takes.  transport(5). */
#include "policyd/map_transport.h"

#include <ctype.h>
#include <stdlib.h>

#include "policyd/map_server.h"
#include "policyd/pace.h"
#include "policyd/policyd.h"
#include "policyd/providers.h"
#include "policyd/seen.h"
#include "policyd/sending.h"
#include "policyd/transports.h"
#include "proto/address.h"
#include "proto/settings.h"
#include "proto/shaping.h"
#include "service/metrics.h"
#include "store/settings_store.h"
#include "util/log.h"
#include "util/number.h"

#define ANSWER_MAX (SHAPING_TRANSPORT_MAX + 300 + NUMBER_TEXT_MAX)

/* While the provider of a filter wants nothing for a time. */
/*
 * Not now: mail for this transport waits in the queue (defer_transports, set by
 * postfix-conf).  The transport "retry" would do that, too, but smtpd(8) would
 * refuse the recipient instead of taking the message.
 */
#define LATER "postern-later:"

/* One recipient being judged. */
struct judged {
	struct slice recipient, domain;
	struct provider *provider; /* NULL: not known, or not needed */
	enum provider_found found;
	const struct shaping_filter *filter; /* NULL: none */
};

/* The first filter by host name; what a provider leads to is remembered. */
static size_t
filter_by_host(struct policyd *d, const struct shaping *shaping,
    struct judged *j)
{
	struct provider *p;
	uint64_t generation = providers_generation(d->providers);

	j->found = providers_find(d->providers, j->domain, &j->provider);
	p = j->provider;
	if (p == NULL)
		return shaping->filter_count;
	if (p->generation != generation) {
		p->by_host = shaping_match_hosts(shaping, p->hosts, p->count);
		p->generation = generation;
	}
	return p->by_host;
}

static void
count_found(enum provider_found found)
{
	metrics_add(found == PROVIDER_FRESH   ? METRIC_POLICYD_PROVIDER_FRESH
		    : found == PROVIDER_STALE ? METRIC_POLICYD_PROVIDER_STALE
					      : METRIC_POLICYD_PROVIDER_UNKNOWN,
	    1);
}

static void
judge(struct policyd *d, const struct shaping *shaping, struct judged *j)
{
	size_t by_host = shaping->filter_count;

	if (j->domain.len > 0 && shaping_needs_mx(shaping)) {
		by_host = filter_by_host(d, shaping, j);
		count_found(j->found);
	}
	j->filter = shaping_match_recipient(shaping, j->recipient, by_host);
}

static size_t
put(char room[ANSWER_MAX], size_t n, struct slice text)
{
	if (text.len > ANSWER_MAX - n)
		text.len = ANSWER_MAX - n; /* never: the schema */
	if (text.len > 0)
		memcpy(room + n, text.at, text.len);
	return n + text.len;
}

/*
 * "pn-NAME:": no next-hop, so that each domain keeps its own; or that of the
 * server to which the filter forwards.
 */
static struct slice
transport_text(const struct shaping *shaping, const struct judged *j,
    size_t address, char room[ANSWER_MAX])
{
	const struct shaping_filter *f = j->filter;
	char hop[SHAPING_NEXT_HOP_MAX];
	size_t n = shaping_transport(shaping, f, address, room);

	n = put(room, n, SLICE(":"));
	n = put(room, n, (struct slice){ hop, shaping_next_hop(f, hop) });
	return (struct slice){ room, n };
}

/* Once for a while: the same domain is asked for again and again. */
static void
log_route(struct policyd *d, const struct judged *j, struct slice transport,
    const char *action)
{
	const struct slice parts[] = { j->domain, transport, slice_of(action) };
	uint64_t mark = seen_mark(d->routes, parts, 3);
	struct log_line l;

	if (seen_has(d->routes, mark))
		return;
	seen_add(d->routes, mark);
	log_line(&l, (struct slice){ NULL, 0 });
	log_line_add(&l, "domain", j->domain);
	if (j->provider != NULL)
		log_line_add(&l, "site", j->provider->site);
	log_line_add(&l, "filter", j->filter->name);
	log_line_add(&l, "transport", transport);
	log_line_add(&l, "action", slice_of(action));
	log_line_end(&l, LOG_L_INFO);
}

/* why: the log's action. */
static void
answer_later(struct map_call *call, const struct judged *j, const char *why)
{
	metrics_add(METRIC_POLICYD_TRANSPORT_PUT_OFF, 1);
	log_route(call->daemon, j, SLICE(LATER), why);
	map_answer(call, MAP_OK, SLICE(LATER));
}

static void
answer_route(struct map_call *call, const struct shaping *shaping,
    const struct judged *j)
{
	struct policyd *d = call->daemon;
	size_t address = SHAPING_NO_ADDRESS;
	char room[ANSWER_MAX];
	struct slice text, rest, transport;
	int64_t left_us;

	if (shaping->mode == MODE_OBSERVE) {
		address = shaping_address_next(shaping, j->filter, d->host, 0);
		text = transport_text(shaping, j, address, room);
		metrics_add(METRIC_POLICYD_TRANSPORT_WOULD, 1);
		log_route(d, j, text, "would-route");
		map_answer(call, MAP_NOTFOUND, SLICE(""));
		return;
	}
	if (pace_suspended(d, j->filter->name, &left_us)) {
		answer_later(call, j, "suspended");
		return;
	}
	if (sending_choose(d, shaping, j->filter, j->domain, &address) ==
	    SENDING_FULL) {
		answer_later(call, j, "warm-up-ceiling");
		return;
	}
	text = transport_text(shaping, j, address, room);
	rest = text;
	(void)slice_split(&rest, ':', &transport);
	/* Mail for one that Postfix does not have (yet) would be put off. */
	if (!transports_have(d, transport)) {
		metrics_add(METRIC_POLICYD_TRANSPORT_NONE, 1);
		log_route(d, j, text, "not-in-force");
		map_answer(call, MAP_NOTFOUND, SLICE(""));
		return;
	}
	metrics_add(METRIC_POLICYD_TRANSPORT_ROUTED, 1);
	log_route(d, j, text, "route");
	map_answer(call, MAP_OK, text);
}

/* key: user@domain as Postfix has it, unquoted, in whatever case. */
static void
answer_address(struct map_call *call, struct slice key)
{
	struct settings *s = settings_current(call->daemon->watch);
	const struct shaping *shaping = settings_shaping(s);
	char room[ADDRESS_MAX];
	struct judged j = { .filter = NULL };

	if (shaping->mode != MODE_OFF && shaping->filter_count > 0 &&
	    address_canonical(key, room, &j.recipient) == 0 &&
	    j.recipient.len > 0) {
		j.domain = address_domain(j.recipient);
		judge(call->daemon, shaping, &j);
	}
	if (j.filter != NULL) {
		answer_route(call, shaping, &j);
	} else {
		metrics_add(METRIC_POLICYD_TRANSPORT_NONE, 1);
		map_answer(call, MAP_NOTFOUND, SLICE(""));
	}
	settings_unref(s);
}

/* "*" is what Postfix asks first: what goes for all that nobody knows. */
static void
look(struct map_call *call)
{
	if (slice_eq(call->key, SLICE("*")))
		map_answer(call, MAP_NOTFOUND, SLICE(""));
	else
		answer_address(call, call->key);
}

const struct map_table map_transport = { .name = "transport", .look = look };

/* ---- transport-last ---- */

/* The address whose keys are being asked for on a connection. */
struct last {
	size_t len; /* 0: none */
	char address[ADDRESS_MAX];
};

/*
 * Behind the address as it is comes the one without its extension: the same
 * domain, and less of the local part, up to a delimiter.
 */
static bool
is_shorter_form(const struct last *last, struct slice key)
{
	struct slice old = { last->address, last->len };
	struct slice local = address_local(key);

	return key.len < old.len && local.len > 0 &&
	       slice_eq(address_domain(key), address_domain(old)) &&
	       slice_starts(old, local) &&
	       !isalnum((unsigned char)old.at[local.len]);
}

static void
remember(struct map_call *call)
{
	struct last *last = call->kept;
	struct settings *s;
	char room[ADDRESS_MAX];
	struct slice recipient;

	if (last == NULL)
		call->kept = last = calloc(1, sizeof(*last));
	if (last == NULL || is_shorter_form(last, call->key))
		return;
	last->len = 0;
	if (call->key.len > sizeof(last->address) ||
	    address_canonical(call->key, room, &recipient) < 0)
		return;
	memcpy(last->address, call->key.at, call->key.len);
	last->len = call->key.len;
	s = settings_current(call->daemon->watch);
	map_transport_warm(call->daemon, s, recipient);
	settings_unref(s);
}

/*
 * Keys are the address, the domain, ".com" for the domains above it (without
 * the dot by parent_domain_matches_subdomains), and in the end nothing is left
 * behind the first octet that has a dot.
 */
static bool
is_last(struct slice key)
{
	struct slice rest = slice_skip(key, 1);

	return rest.len == 0 || memchr(rest.at, '.', rest.len) == NULL;
}

static bool
ends_with(struct slice s, struct slice end)
{
	return s.len >= end.len &&
	       slice_eq_nocase(slice_skip(s, s.len - end.len), end);
}

static void
look_last(struct map_call *call)
{
	bool is_address = slice_find(call->key, SLICE("@")) != NULL;
	struct last *last;

	if (is_address)
		remember(call);
	last = call->kept;
	if (is_address || last == NULL || last->len == 0 ||
	    slice_eq(call->key, SLICE("*")) || !is_last(call->key)) {
		map_answer(call, MAP_NOTFOUND, SLICE(""));
		return;
	}

	struct slice address = { last->address, last->len };

	last->len = 0;
	if (ends_with(address, call->key))
		answer_address(call, address);
	else
		map_answer(call, MAP_NOTFOUND, SLICE(""));
}

const struct map_table map_transport_last = { .name = "transport-last",
	.look = look_last };

/* ---- ahead of it ---- */

void
map_transport_warm(struct policyd *d, const struct settings *s,
    struct slice recipient)
{
	const struct shaping *shaping = settings_shaping(s);

	if (d->providers != NULL && shaping->mode != MODE_OFF &&
	    shaping_needs_mx(shaping))
		providers_warm(d->providers, address_domain(recipient));
}
