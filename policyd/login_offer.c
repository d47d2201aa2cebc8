/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether somebody may log in at all. */
#include "policyd/login_offer.h"

#include "proto/relay_access.h"
#include "proto/schema.h"
#include "proto/settings.h"

/* The furthest that one of the tenants let it come. */
enum step { NOT_THEIRS, NOT_USED, NOT_FROM_THERE, NOT_SO, NOT_PLAIN, OFFERED };
static const char *const refusals[] = {
	[NOT_THEIRS] = "not a user of this service",
	[NOT_USED] = "the service does not use SMTP AUTH",
	[NOT_FROM_THERE] = "not a permitted network",
	[NOT_SO] = "the service does not use this mechanism",
	[NOT_PLAIN] = "the connection is not encrypted",
	[OFFERED] = NULL,
};

struct search {
	const struct settings *settings;
	const struct login_offer_request *request;
	const struct schema_network *client; /* NULL: no address */
	enum step step;
};

static enum step
step_of(const struct search *search, const struct tenant *t)
{
	const struct login_offer_request *r = search->request;
	struct relay_access access = relay_access(&t->relay,
	    relay_lists(&t->relay, search->client), true);

	if (!settings_user_acts_for(search->settings, r->name, t))
		return NOT_THEIRS;
	if (t->relay.authentication == RELAY_OFF || !access.auth)
		return NOT_USED;
	if (!access.connect)
		return NOT_FROM_THERE;
	if ((t->relay.mechanisms & r->mechanism) == 0)
		return NOT_SO;
	return r->secured || t->relay.plain_text_auth ? OFFERED : NOT_PLAIN;
}

static bool
look_at(const struct tenant *t, void *ctx)
{
	struct search *search = ctx;
	enum step step = step_of(search, t);

	if (step > search->step)
		search->step = step;
	return search->step != OFFERED;
}

struct login_offer
login_offer(const struct settings *s, const struct login_offer_request *r)
{
	struct tenant_match match = { .listener_port = r->server_port,
		.sasl_user = r->name,
		.client = r->client };
	struct schema_network client;
	struct search search = { s, r, NULL, NOT_THEIRS };
	const struct tenant *home;
	struct login_offer offer = {
		.tenant = settings_tenant_for(s, &match),
		.user = settings_user(s, r->name, &home),
	};

	if (offer.user == NULL) {
		offer.refusal = "no such user";
		return offer;
	}
	if (!offer.user->enabled || !offer.user->smtp) {
		offer.refusal =
		    offer.user->enabled ? "no SMTP access" : "disabled";
		offer.user = NULL;
		return offer;
	}
	if (schema_client_parse(r->client, &client) == 0)
		search.client = &client;
	settings_tenants_possible(s, &match, true, look_at, &search);
	offer.refusal = refusals[search.step];
	return offer;
}
