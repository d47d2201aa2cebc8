/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings documents to a snapshot. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/event.h"
#include "proto/json.h"
#include "proto/schema.h"
#include "proto/settings.h"
#include "proto/settings_snapshot.h"
#include "proto/settings_tenant.h"
#include "proto/settings_view.h"
#include "util/arena.h"
#include "util/err.h"
#include "util/map.h"

#define ARENA_MAX ((size_t)1 << 31)
#define TENANTS_MAX 100000
#define USERS_MAX 10000000

/* Errors of one document say whose they are. */
struct report {
	settings_error *error;
	void *ctx;
	struct slice name;
};

static void
report(void *ctx, const char *path, const char *text)
{
	const struct report *r = ctx;
	char whole[700];

	if (r->error == NULL)
		return;
	(void)snprintf(whole, sizeof(whole), "%.*s: %s", SLICE_F(r->name),
	    text);
	r->error(r->ctx, path, whole);
}

static int
validate_all(const struct settings_input *docs, size_t count,
    const struct master_key *master, settings_error *error, void *ctx)
{
	unsigned errors = 0;

	for (size_t i = 0; i < count; i++) {
		struct report r = { error, ctx, docs[i].name };

		errors += settings_validate(docs[i].doc, docs[i].name, master,
		    report, &r);
	}
	return errors > 0 ? ERR_CONFIG : 0;
}

struct map *
settings_own_map(struct settings *s, size_t max)
{
	struct owned *o = arena_alloc(s->arena, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->map = map_new(max);
	o->next = s->owned;
	s->owned = o;
	return o->map;
}

/* ---- tenant rules ---- */

static int
add_candidate(struct settings *s, struct candidates *list, size_t rule)
{
	struct candidate *c;

	/* The same value twice in one rule. */
	if (list->last != NULL && list->last->rule == rule)
		return 0;
	c = arena_alloc(s->arena, sizeof(*c));
	if (c == NULL)
		return ERR_NOMEM;
	c->rule = rule;
	if (list->last != NULL)
		list->last->next = c;
	else
		list->first = c;
	list->last = c;
	return 0;
}

/* The values as a set; index (may be NULL) learns where they lead. */
static int
compile_names(struct settings *s, struct view list, struct map *index,
    size_t rule, const struct map **ret_set)
{
	struct map *set = settings_own_map(s, view_count(list));
	char room[SETTINGS_LOWER_MAX];
	int rc = set != NULL ? 0 : ERR_NOMEM;

	for (size_t i = 0; rc == 0 && i < view_count(list); i++) {
		struct slice value =
		    settings_lower(view_string(view_at(list, i)), room);
		struct candidates *to;

		rc = map_set(set, value, set, NULL);
		if (rc < 0 || index == NULL)
			continue;
		to = map_get(index, value);
		if (to == NULL) {
			to = arena_alloc(s->arena, sizeof(*to));
			rc = to != NULL ? map_set(index, value, to, NULL)
					: ERR_NOMEM;
		}
		if (rc == 0)
			rc = add_candidate(s, to, rule);
	}
	*ret_set = set;
	return rc;
}

static int
compile_numbers(struct settings *s, struct view match, struct tenant_rule *r)
{
	struct view ports = view_get(match, "port"),
		    clients = view_get(match, "client");
	size_t nports = view_count(ports), nclients = view_count(clients);
	uint16_t *port = arena_calloc(s->arena, nports + 1, sizeof(*port));
	struct schema_network *network =
	    arena_calloc(s->arena, nclients + 1, sizeof(*network));

	if (port == NULL || network == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < nports; i++)
		port[i] = (uint16_t)view_integer(view_at(ports, i));
	for (size_t i = 0; i < nclients; i++)
		if (schema_network_parse(view_string(view_at(clients, i)),
			&network[i]) < 0)
			return ERR_CONFIG;
	r->ports = port;
	r->port_count = nports;
	r->networks = network;
	r->network_count = nclients;
	return 0;
}

static int
compile_rule(struct settings *s, struct view entry, size_t i)
{
	struct view match = view_get(entry, "match"),
		    users = view_get(match, "sasl_user"),
		    domains = view_get(match, "sender_domain");
	struct tenant_rule *r = &s->rules[i];
	bool by_user = view_count(users) > 0, by_domain = false;
	int rc = compile_numbers(s, match, r);

	r->tenant = map_get(s->names, view_string(view_get(entry, "name")));
	if (rc == 0 && by_user)
		rc = compile_names(s, users, s->by_user, i, &r->users);
	if (rc == 0 && view_count(domains) > 0) {
		by_domain = !by_user;
		rc = compile_names(s, domains, by_domain ? s->by_domain : NULL,
		    i, &r->domains);
	}
	if (rc == 0 && !by_user && !by_domain)
		rc = add_candidate(s, &s->others, i);
	return rc;
}

static int
compile_rules(struct settings *s, struct view list)
{
	size_t count = view_count(list);
	int rc = 0;

	s->rules = arena_calloc(s->arena, count + 1, sizeof(*s->rules));
	if (s->rules == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = compile_rule(s, view_at(list, i), i);
	s->rule_count = count;
	return rc;
}

/* ---- all together ---- */

struct compile {
	struct settings *s;
	const struct settings_input *docs;
	size_t count;
	const struct master_key *master;
	struct view global, providers;
	struct report report;
};

static int
add_tenant(struct compile *c, const struct settings_input *input)
{
	struct settings *s = c->s;
	struct tenant *t = &s->tenants[s->tenant_count];
	int rc;

	if (map_get(s->names, input->name) != NULL)
		return 0;
	rc = settings_tenant_compile(s, t, input, c->master);
	if (rc == 0)
		rc = map_set(s->names, t->name, t, NULL);
	if (rc == 0)
		s->tenant_count++;
	return rc;
}

/* Those with a document, "default", and those that only a rule names. */
static int
add_tenants(struct compile *c)
{
	struct view rules = view_get(c->global, "tenants");
	size_t max = c->count + 1 + view_count(rules);
	struct settings_input fallback = { .name =
					       SLICE(SETTINGS_DEFAULT_TENANT) };
	int rc = 0;

	c->s->tenants = arena_calloc(c->s->arena, max, sizeof(*c->s->tenants));
	if (c->s->tenants == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; rc == 0 && i < c->count; i++)
		if (!slice_eq(c->docs[i].name, SLICE(SETTINGS_GLOBAL)) &&
		    !slice_eq(c->docs[i].name, SLICE(SETTINGS_PROVIDERS)))
			rc = add_tenant(c, &c->docs[i]);
	if (rc == 0)
		rc = add_tenant(c, &fallback);
	for (size_t i = 0; rc == 0 && i < view_count(rules); i++) {
		struct settings_input named = {
			.name = view_string(view_get(view_at(rules, i), "name"))
		};

		rc = add_tenant(c, &named);
	}
	c->s->fallback = map_get(c->s->names, fallback.name);
	return rc;
}

static int
add_user(struct compile *c, const struct tenant *t, size_t i)
{
	struct settings *s = c->s;
	struct user_entry *e = arena_alloc(s->arena, sizeof(*e)), *old;
	char room[SETTINGS_LOWER_MAX], path[40], text[200];
	struct slice name = settings_lower(t->users[i].name, room);

	if (e == NULL)
		return ERR_NOMEM;
	old = map_get(s->users, name);
	if (old != NULL) {
		(void)snprintf(path, sizeof(path), "/api_users/%zu/name", i);
		(void)snprintf(text, sizeof(text),
		    "tenant \"%.*s\" has this user already",
		    SLICE_F(old->tenant->name));
		c->report.name = t->name;
		report(&c->report, path, text);
		return ERR_CONFIG;
	}
	*e = (struct user_entry){ &t->users[i], t };
	return map_set(s->users, name, e, NULL);
}

static int
add_users(struct compile *c)
{
	int worst = 0;

	for (size_t i = 0; i < c->s->tenant_count; i++) {
		const struct tenant *t = &c->s->tenants[i];

		for (size_t n = 0; n < t->user_count; n++) {
			int rc = add_user(c, t, n);

			if (rc == ERR_CONFIG)
				worst = rc;
			else if (rc < 0)
				return rc;
		}
	}
	return worst;
}

/* The limit is one of Postfix's master(8), so it is each host's. */
static int
add_shaping(struct compile *c)
{
	const struct shaping *s = &c->s->shaping;
	size_t most = 0;
	char text[200];
	int rc =
	    settings_shaping_compile(c->s, c->global, c->providers, c->master);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i <= s->address_count; i++) {
		struct slice host =
		    i < s->address_count ? s->addresses[i].host : SLICE("");
		size_t count = shaping_transport_count(s, host);

		if (count > most)
			most = count;
	}
	if (most <= SHAPING_TRANSPORTS_MAX)
		return 0;
	(void)snprintf(text, sizeof(text),
	    "all filters with their sending addresses make %zu transports on "
	    "one host; %d are the most",
	    most, SHAPING_TRANSPORTS_MAX);
	c->report.name = SLICE(SETTINGS_GLOBAL);
	report(&c->report, "/shaping", text);
	return ERR_CONFIG;
}

static struct settings *
settings_new(void)
{
	struct settings *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	atomic_init(&s->refs, 1);
	s->arena = arena_new(ARENA_MAX);
	s->names = map_new(TENANTS_MAX);
	s->users = map_new(USERS_MAX);
	s->by_user = map_new(USERS_MAX);
	s->by_domain = map_new(USERS_MAX);
	return s;
}

static void
settings_drop(struct settings *s)
{
	if (s->arena != NULL && s->names != NULL && s->users != NULL &&
	    s->by_user != NULL && s->by_domain != NULL) {
		settings_unref(s);
		return;
	}
	arena_free(s->arena);
	map_free(s->names, NULL);
	map_free(s->users, NULL);
	map_free(s->by_user, NULL);
	map_free(s->by_domain, NULL);
	free(s);
}

int
settings_compile(const struct settings_input *docs, size_t count,
    const struct master_key *master, settings_error *error, void *ctx,
    struct settings **ret_settings)
{
	struct compile c = { .docs = docs,
		.count = count,
		.master = master,
		.report = { error, ctx, { NULL, 0 } } };
	int rc = validate_all(docs, count, master, error, ctx);

	if (rc < 0)
		return rc;
	c.s = settings_new();
	if (c.s == NULL)
		return ERR_NOMEM;
	rc = ERR_NOMEM;
	if (c.s->arena == NULL || c.s->names == NULL || c.s->users == NULL ||
	    c.s->by_user == NULL || c.s->by_domain == NULL)
		goto fail;
	c.global = view_document(SLICE(SETTINGS_GLOBAL), NULL);
	c.providers = view_document(SLICE(SETTINGS_PROVIDERS), NULL);
	for (size_t i = 0; i < count; i++) {
		if (slice_eq(docs[i].name, SLICE(SETTINGS_GLOBAL)))
			c.global.value = docs[i].doc;
		if (slice_eq(docs[i].name, SLICE(SETTINGS_PROVIDERS)))
			c.providers.value = docs[i].doc;
	}
	rc = add_tenants(&c);
	if (rc == 0)
		rc = settings_returns_compile(c.s);
	if (rc == 0)
		rc = add_users(&c);
	if (rc == 0)
		rc = compile_rules(c.s, view_get(c.global, "tenants"));
	if (rc == 0)
		rc = settings_operator_compile(c.s, c.global, master);
	if (rc == 0)
		rc = add_shaping(&c);
	if (rc < 0)
		goto fail;
	c.s->scheduler = settings_scheduler_of(c.global);
	c.s->retention = settings_retention_of(c.global);
	c.s->needs = settings_needs_of(c.s);
	*ret_settings = c.s;
	return 0;

fail:
	settings_drop(c.s);
	return rc;
}
