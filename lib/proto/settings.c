/* SPDX-License-Identifier: BSD-2-Clause */
/* A compiled snapshot of the settings: asking it, and counting its users. */
#include "proto/settings.h"

#include <stdlib.h>

#include "proto/address.h"
#include "proto/filter.h"
#include "proto/schema.h"
#include "proto/settings_snapshot.h"
#include "util/arena.h"
#include "util/cms.h"
#include "util/crypto.h"
#include "util/map.h"
#include "util/number.h"
#include "util/regex.h"

struct settings *
settings_ref(struct settings *s)
{
	(void)atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

static void
owned_free(struct owned *o)
{
	for (; o != NULL; o = o->next) {
		cms_signer_free(o->signer);
		filter_free(o->filter);
		map_free(o->map, NULL);
		regex_free(o->regex);
		sign_key_free(o->key);
		if (o->secret == NULL)
			continue;
		if (o->secret->at != NULL)
			crypto_wipe(o->secret->at, o->secret->cap);
		buf_done(o->secret);
	}
}

void
settings_unref(struct settings *s)
{
	if (s == NULL ||
	    atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	owned_free(s->owned); /* the list itself lies in the arena */
	map_free(s->names, NULL);
	map_free(s->users, NULL);
	map_free(s->by_user, NULL);
	map_free(s->by_domain, NULL);
	arena_free(s->arena);
	free(s);
}

struct slice
settings_lower(struct slice s, char room[SETTINGS_LOWER_MAX])
{
	if (s.at == NULL || s.len > SETTINGS_LOWER_MAX)
		return (struct slice){ NULL, 0 };
	for (size_t i = 0; i < s.len; i++)
		room[i] = s.at[i] >= 'A' && s.at[i] <= 'Z'
			      ? (char)(s.at[i] - 'A' + 'a')
			      : s.at[i];
	return (struct slice){ room, s.len };
}

/* ---- which tenant ---- */

/* struct tenant_match in the form that rules compare. */
struct facts {
	char user_room[SETTINGS_LOWER_MAX], domain_room[SETTINGS_LOWER_MAX];
	struct slice user, domain;
	uint64_t port; /* 0: none */
	bool has_client;
	struct schema_network client;
};

static void
facts_of(const struct tenant_match *match, struct facts *f)
{
	struct slice domain = { NULL, 0 };

	if (match->sender.at != NULL)
		domain = address_domain(match->sender);
	f->user = settings_lower(match->sasl_user, f->user_room);
	f->domain = settings_lower(domain, f->domain_room);
	f->port = 0;
	if (match->listener_port.at != NULL)
		(void)number_parse(match->listener_port, 1, 65535, &f->port);
	f->has_client = match->client.at != NULL &&
			schema_client_parse(match->client, &f->client) == 0;
}

static bool
port_matches(const struct tenant_rule *r, const struct facts *f)
{
	for (size_t i = 0; i < r->port_count; i++)
		if (r->ports[i] == f->port)
			return true;
	return r->port_count == 0;
}

static bool
client_matches(const struct tenant_rule *r, const struct facts *f)
{
	for (size_t i = 0; f->has_client && i < r->network_count; i++)
		if (schema_network_holds(&r->networks[i], &f->client))
			return true;
	return r->network_count == 0;
}

static bool
rule_matches(const struct tenant_rule *r, const struct facts *f)
{
	if (!port_matches(r, f))
		return false;
	if (r->users != NULL &&
	    (f->user.at == NULL || map_get(r->users, f->user) == NULL))
		return false;
	if (r->domains != NULL &&
	    (f->domain.at == NULL || map_get(r->domains, f->domain) == NULL))
		return false;
	return client_matches(r, f);
}

/* The first of these that matches and stands before best. */
static size_t
first_match(const struct settings *s, const struct candidates *list,
    const struct facts *f, size_t best)
{
	const struct candidate *c = list != NULL ? list->first : NULL;

	for (; c != NULL && c->rule < best; c = c->next)
		if (rule_matches(&s->rules[c->rule], f))
			return c->rule;
	return best;
}

/* Who no rule gives to another tenant sends for the own one. */
static const struct tenant *
tenant_of_user(const struct settings *s, struct slice lower)
{
	const struct user_entry *e =
	    lower.at != NULL ? map_get(s->users, lower) : NULL;

	return e != NULL && e->user->enabled && e->user->smtp ? e->tenant
							      : s->fallback;
}

const struct tenant *
settings_tenant_for(const struct settings *s, const struct tenant_match *match)
{
	size_t best = s->rule_count;
	struct facts f;

	if (s->rule_count == 0 && match->sasl_user.at == NULL)
		return s->fallback;
	facts_of(match, &f);
	if (f.user.at != NULL)
		best = first_match(s, map_get(s->by_user, f.user), &f, best);
	if (f.domain.at != NULL)
		best =
		    first_match(s, map_get(s->by_domain, f.domain), &f, best);
	best = first_match(s, &s->others, &f, best);
	return best < s->rule_count ? s->rules[best].tenant
				    : tenant_of_user(s, f.user);
}

/* ---- which tenants it may turn out to be ---- */

enum chance { CHANCE_NONE, CHANCE_SOME, CHANCE_SURE };

static enum chance
rule_chance(const struct tenant_rule *r, const struct facts *f, bool may_log_in)
{
	enum chance chance = CHANCE_SURE;

	if (!client_matches(r, f) || (f->port != 0 && !port_matches(r, f)))
		return CHANCE_NONE;
	if (f->port == 0 && r->port_count > 0)
		chance = CHANCE_SOME;
	if (r->users != NULL && f->user.at == NULL) {
		if (!may_log_in)
			return CHANCE_NONE;
		chance = CHANCE_SOME;
	} else if (r->users != NULL && map_get(r->users, f->user) == NULL) {
		return CHANCE_NONE;
	}
	if (r->domains == NULL)
		return chance;
	if (f->domain.at == NULL)
		return CHANCE_SOME;
	return map_get(r->domains, f->domain) != NULL ? chance : CHANCE_NONE;
}

/* Where no rule matches: the one of each user who may log in. */
static void
possible_users(const struct settings *s, settings_possible *possible, void *ctx)
{
	bool more = true;

	for (size_t i = 0; more && i < s->tenant_count; i++)
		if (s->tenants[i].user_count > 0 &&
		    &s->tenants[i] != s->fallback)
			more = possible(&s->tenants[i], ctx);
	if (more)
		(void)possible(s->fallback, ctx);
}

void
settings_tenants_possible(const struct settings *s,
    const struct tenant_match *known, bool may_log_in,
    settings_possible *possible, void *ctx)
{
	struct facts f;

	facts_of(known, &f);
	for (size_t i = 0; i < s->rule_count; i++) {
		enum chance chance = rule_chance(&s->rules[i], &f, may_log_in);

		if (chance != CHANCE_NONE && !possible(s->rules[i].tenant, ctx))
			return;
		if (chance == CHANCE_SURE)
			return;
	}
	if (may_log_in && f.user.at == NULL)
		possible_users(s, possible, ctx);
	else
		(void)possible(tenant_of_user(s, f.user), ctx);
}

bool
settings_user_acts_for(const struct settings *s, struct slice name,
    const struct tenant *t)
{
	char room[SETTINGS_LOWER_MAX];
	struct slice lower = settings_lower(name, room);
	const struct candidates *rules;
	const struct user_entry *e;

	if (lower.at == NULL)
		return false;
	e = map_get(s->users, lower);
	if (e != NULL && (!e->user->enabled || !e->user->smtp))
		return false;
	if (e != NULL && e->tenant == t)
		return true;
	rules = map_get(s->by_user, lower);
	for (const struct candidate *c = rules != NULL ? rules->first : NULL;
	     c != NULL; c = c->next)
		if (s->rules[c->rule].tenant == t)
			return true;
	return false;
}

/* ---- by name ---- */

const struct tenant *
settings_tenant(const struct settings *s, struct slice name)
{
	return map_get(s->names, name);
}

size_t
settings_tenant_count(const struct settings *s)
{
	return s->tenant_count;
}

const struct tenant *
settings_tenant_at(const struct settings *s, size_t i)
{
	return i < s->tenant_count ? &s->tenants[i] : NULL;
}

const struct api_user *
settings_user(const struct settings *s, struct slice name,
    const struct tenant **ret_tenant)
{
	char room[SETTINGS_LOWER_MAX];
	struct slice lower = settings_lower(name, room);
	const struct user_entry *e =
	    lower.at != NULL ? map_get(s->users, lower) : NULL;

	if (e == NULL)
		return NULL;
	*ret_tenant = e->tenant;
	return e->user;
}

static int
compare_domain(const void *name, const void *entry)
{
	const struct slice *a = name;
	const struct settings_domain *d = entry;
	size_t len = a->len < d->name.len ? a->len : d->name.len;
	int order = len > 0 ? memcmp(a->at, d->name.at, len) : 0;

	if (order != 0)
		return order;
	return (a->len > d->name.len) - (a->len < d->name.len);
}

const struct settings_domain *
settings_signing_domain(const struct tenant *t, struct slice domain)
{
	char room[SETTINGS_LOWER_MAX];
	struct slice rest = settings_lower(domain, room), label;
	bool itself = true;

	while (rest.at != NULL && t->domain_count > 0) {
		const struct settings_domain *d = bsearch(&rest, t->domains,
		    t->domain_count, sizeof(*d), compare_domain);

		if (d != NULL && (itself || d->subdomains))
			return d;
		itself = false;
		(void)slice_split(&rest, '.', &label);
	}
	return NULL;
}

/* ---- of all tenants ---- */

static bool
makes(const struct envelope_sender *e, struct slice address)
{
	if (e->mode == ENVELOPE_ADDRESS)
		return slice_eq_nocase(e->address, address);
	return e->mode == ENVELOPE_DOMAIN && e->domain.len > 0 &&
	       slice_eq_nocase(e->domain, address_domain(address));
}

bool
settings_makes_sender(const struct tenant *t, struct slice address)
{
	if (makes(&t->envelope_sender, address))
		return true;
	for (size_t k = 0; k < t->domain_count; k++)
		if (t->domains[k].envelope_sender.given &&
		    makes(&t->domains[k].envelope_sender, address))
			return true;
	return false;
}

bool
settings_is_envelope_sender(const struct settings *s, struct slice address)
{
	for (size_t i = 0; i < settings_tenant_count(s); i++)
		if (settings_makes_sender(settings_tenant_at(s, i), address))
			return true;
	return false;
}

bool
settings_has_ports(const struct settings *s)
{
	for (size_t i = 0; i < s->rule_count; i++)
		if (s->rules[i].port_count > 0)
			return true;
	return false;
}

const struct settings_domain *
settings_operator_domain(const struct settings *s)
{
	return s->operator_domain;
}

const struct retention_settings *
settings_retention(const struct settings *s)
{
	return &s->retention;
}

const struct scheduler_settings *
settings_scheduler(const struct settings *s)
{
	return &s->scheduler;
}

unsigned
settings_needs(const struct settings *s)
{
	return s->needs;
}
