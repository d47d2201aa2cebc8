/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of relay access, by client address.  "network" says OK for who
 * may relay without logging in; "ehlo" names the keyword AUTH for who is not to
 * see it.  The tables "network-PORT" and "ehlo-PORT" are those of one listener:
 * Postfix passes no port.
 *
 * What is not known yet (sender, user, port) must not open anything: network
 * needs every tenant that it may turn out to be to agree.
 */
#include "policyd/map_server.h"
#include "policyd/policyd.h"
#include "proto/relay_access.h"
#include "proto/schema.h"
#include "proto/settings.h"
#include "store/settings_store.h"

struct search {
	const struct schema_network *client;
	bool answer;
};

/* May all of them send from there, without logging in? */
static bool
may_relay(const struct tenant *t, void *ctx)
{
	struct search *search = ctx;
	bool listed = relay_lists(&t->relay, search->client);

	search->answer = t->relay.authentication != RELAY_OFF &&
			 relay_access(&t->relay, listed, false).send && listed;
	return search->answer;
}

/* Does one of them let that client log in?  Off: as Postfix has it. */
static bool
offers_auth(const struct tenant *t, void *ctx)
{
	struct search *search = ctx;
	struct relay_access a = relay_access(&t->relay,
	    relay_lists(&t->relay, search->client), false);

	search->answer = a.auth && a.connect;
	return !search->answer;
}

/* "587" of "network-587"; absent: any. */
static struct slice
port_of(struct slice name)
{
	const char *dash = memchr(name.at, '-', name.len);

	if (dash == NULL)
		return (struct slice){ NULL, 0 };
	return slice_skip(name, (size_t)(dash - name.at) + 1);
}

static void
search_tenants(struct map_call *call, bool may_log_in,
    settings_possible *possible, const char *if_true, const char *if_false)
{
	struct settings_watch *watch = call->daemon->watch;
	struct tenant_match known = { .listener_port = port_of(call->name),
		.client = call->key };
	struct schema_network client;
	struct search search = { &client, false };
	struct settings *s;
	const char *value;

	/* check_client_access also asks for names and parts of addresses. */
	if (schema_client_parse(call->key, &client) < 0) {
		map_answer(call, MAP_NOTFOUND, SLICE(""));
		return;
	}
	if (!settings_watch_known(watch)) {
		map_answer(call, MAP_TEMP, SLICE("settings are not known yet"));
		return;
	}
	s = settings_current(watch);
	settings_tenants_possible(s, &known, may_log_in, possible, &search);
	settings_unref(s);
	value = search.answer ? if_true : if_false;
	if (value != NULL)
		map_answer(call, MAP_OK, slice_of(value));
	else
		map_answer(call, MAP_NOTFOUND, SLICE(""));
}

static void
look_network(struct map_call *call)
{
	search_tenants(call, false, may_relay, "OK", NULL);
}

static void
look_ehlo(struct map_call *call)
{
	search_tenants(call, true, offers_auth, NULL, "auth");
}

const struct map_table map_network = { .name = "network",
	.look = look_network };
const struct map_table map_network_port = { .name = "network",
	.prefix = true,
	.look = look_network };
const struct map_table map_ehlo = { .name = "ehlo", .look = look_ehlo };
const struct map_table map_ehlo_port = { .name = "ehlo",
	.prefix = true,
	.look = look_ehlo };
