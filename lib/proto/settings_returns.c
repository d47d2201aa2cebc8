/* SPDX-License-Identifier: BSD-2-Clause */
/* Where mail comes back to: domains and feedback addresses of all tenants. */
#include "proto/address.h"
#include "proto/relay_access.h"
#include "proto/schema.h"
#include "proto/settings_snapshot.h"
#include "proto/settings_tenant.h"
#include "util/arena.h"
#include "util/err.h"
#include "util/map.h"

/* ---- made with the snapshot ---- */

/* More than this there are not: one of each kind for each entry. */
static size_t
most(const struct settings *s, size_t *ret_addresses)
{
	size_t domains = 0;

	*ret_addresses = 0;
	for (size_t i = 0; i < s->tenant_count; i++) {
		const struct tenant *t = &s->tenants[i];

		domains += 2 + t->domain_count + t->inbound.domain_count +
			   t->complaints.address_count;
		*ret_addresses += t->complaints.address_count;
	}
	return domains;
}

static int
add(struct settings *s, struct slice name, enum return_kind kind,
    const struct tenant *t)
{
	struct return_domain *d;
	char room[SETTINGS_LOWER_MAX];
	struct slice lower = settings_lower(name, room);

	if (lower.len == 0)
		return 0;
	d = map_get(s->return_domains, lower);
	if (d == NULL) {
		d = arena_alloc(s->arena, sizeof(*d));
		if (d == NULL)
			return ERR_NOMEM;
		*d = (struct return_domain){ .name =
						 arena_dup(s->arena, lower) };
		if (d->name.at == NULL ||
		    map_set(s->return_domains, d->name, d, NULL) < 0)
			return ERR_NOMEM;
		s->returns[s->return_count++] = d;
	}
	d->kinds |= (unsigned)kind;
	if (kind == RETURN_INBOUND && d->inbound == NULL)
		d->inbound = t;
	return 0;
}

/* What bounces of signed envelope senders come back to. */
static int
add_bounces(struct settings *s, const struct tenant *t)
{
	int rc = add(s, t->return_path_domain, RETURN_BOUNCES, t);

	if (rc == 0 && t->envelope_sender.mode == ENVELOPE_VERP)
		rc = add(s, t->envelope_sender.domain, RETURN_BOUNCES, t);
	for (size_t i = 0; rc == 0 && i < t->domain_count; i++) {
		const struct envelope_sender *e =
		    &t->domains[i].envelope_sender;

		if (e->given && e->mode == ENVELOPE_VERP)
			rc = add(s, e->domain, RETURN_BOUNCES, t);
	}
	return rc;
}

static int
add_complaints(struct settings *s, struct tenant *t)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->complaints.address_count; i++) {
		struct slice address = t->complaints.addresses[i];

		rc = add(s, address_domain(address), RETURN_COMPLAINTS, t);
		/* The first tenant that has it. */
		if (rc == 0 && map_get(s->complaint_addresses, address) == NULL)
			rc = map_set(s->complaint_addresses, address, t, NULL);
	}
	return rc;
}

int
settings_returns_compile(struct settings *s)
{
	size_t addresses, domains = most(s, &addresses);
	int rc = 0;

	s->return_domains = settings_own_map(s, domains);
	s->complaint_addresses = settings_own_map(s, addresses);
	s->returns = arena_calloc(s->arena, domains + 1, sizeof(*s->returns));
	if (s->return_domains == NULL || s->complaint_addresses == NULL ||
	    s->returns == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; rc == 0 && i < s->tenant_count; i++) {
		struct tenant *t = &s->tenants[i];

		rc = add_bounces(s, t);
		if (rc == 0)
			rc = add_complaints(s, t);
		for (size_t k = 0; rc == 0 && k < t->inbound.domain_count; k++)
			rc = add(s, t->inbound.domains[k], RETURN_INBOUND, t);
	}
	return rc;
}

/* ---- read ---- */

size_t
settings_return_domain_count(const struct settings *s)
{
	return s->return_count;
}

const struct return_domain *
settings_return_domain_at(const struct settings *s, size_t i)
{
	return s->returns[i];
}

const struct return_domain *
settings_return_domain(const struct settings *s, struct slice domain)
{
	char room[SETTINGS_LOWER_MAX];
	struct slice lower = settings_lower(domain, room);

	return lower.at != NULL ? map_get(s->return_domains, lower) : NULL;
}

const struct tenant *
settings_complaint_address(const struct settings *s, struct slice address)
{
	return map_get(s->complaint_addresses, address);
}

const struct return_domain *
settings_comes_back(const struct settings *s, const struct tenant *t,
    struct slice sasl_user, struct slice client, struct slice recipient)
{
	const struct return_domain *d =
	    settings_return_domain(s, address_domain(recipient));
	struct schema_network room;

	if (d == NULL || sasl_user.len > 0 ||
	    (client.at != NULL && schema_client_parse(client, &room) == 0 &&
		relay_lists(&t->relay, &room)))
		return NULL;
	return d;
}
