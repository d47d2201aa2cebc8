/* SPDX-License-Identifier: BSD-2-Clause */
/* The section relay of a tenant's settings: judged and compiled. */
#include "proto/schema.h"
#include "proto/settings_check.h"
#include "proto/settings_work.h"
#include "util/err.h"

#define LOCK_MOST_MS (24 * 3600 * 1000LL)

/* In the order of their enums. */
static const char *const authentication_words[] = { "off", "network-or-auth",
	"auth-optional", "network-and-auth", "network", NULL };
static const char *const mechanism_words[] = { "PLAIN", "LOGIN", NULL };

static void
compile_networks(struct work *w, struct view list, struct relay_settings *r)
{
	size_t count = view_count(list);
	struct schema_network *n = work_take(w, count, sizeof(*n));

	/* What does not parse was refused when it was applied. */
	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		if (schema_network_parse(view_string(view_at(list, i)), &n[i]) <
		    0)
			w->rc = ERR_CONFIG;
		schema_network_unmap(&n[i]);
	}
	if (w->rc < 0)
		return;
	r->networks = n;
	r->network_count = count;
}

static unsigned
number(struct view v, const char *name)
{
	return (unsigned)view_integer(view_get(v, name));
}

void
work_relay(struct work *w, struct view v)
{
	struct relay_settings *r = &w->t->relay;
	struct view lock = view_get(v, "lock_out");

	r->authentication =
	    (enum relay_authentication)view_word(view_get(v, "authentication"),
		authentication_words);
	r->refuse_others = view_bool(view_get(v, "refuse_others"));
	compile_networks(w, view_get(v, "networks"), r);
	r->plain_text_auth = view_bool(view_get(v, "plain_text_auth"));
	r->mechanisms = view_words(view_get(v, "mechanisms"), mechanism_words);
	r->lock_failures = number(lock, "failures");
	r->lock_period_ms = view_period_ms(view_get(lock, "period"));
	r->max_sessions = number(v, "max_sessions");
	r->max_sessions_per_client = number(v, "max_sessions_per_client");
	r->interval_ms = view_integer(view_get(v, "interval_ms"));
	r->interval_per_client_ms =
	    view_integer(view_get(v, "interval_per_client_ms"));
	r->max_size = (uint64_t)view_integer(view_get(v, "max_size_kb")) * 1024;
}

void
check_relay(struct check *c, struct view v)
{
	struct slice mode = view_string(view_get(v, "authentication"));
	int64_t ms =
	    view_period_ms(view_get(view_get(v, "lock_out"), "period"));

	/* 0: not a period at all, which the schema has told already. */
	if (ms != 0 && (ms < 1000 || ms > LOCK_MOST_MS))
		check_wrong(c, "/relay/lock_out/period", "must be 1s to 24h");
	/* Else nobody could send, which nobody can have meant. */
	if ((slice_eq(mode, SLICE("network")) ||
		slice_eq(mode, SLICE("auth-optional")) ||
		slice_eq(mode, SLICE("network-and-auth")) ||
		(slice_eq(mode, SLICE("network-or-auth")) &&
		    view_bool(view_get(v, "refuse_others")))) &&
	    view_count(view_get(v, "networks")) == 0)
		check_wrong(c, "/relay/networks",
		    "must not be empty, as nobody else may connect");
}
