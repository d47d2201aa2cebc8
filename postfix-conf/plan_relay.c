/* SPDX-License-Identifier: BSD-2-Clause */
/* Relay access in Postfix's configuration: SMTP AUTH, and listeners' ports. */
#include "postfix-conf/plan_relay.h"

#include "postfix-conf/plan_edit.h"
#include "postfix-conf/plan_entries.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/number.h"

#define OWN_PATH SLICE("$postern_auth")
#define PORT_PARAMETER "postern_port"

static const struct slice absent = { NULL, 0 };

/* ---- SMTP AUTH ---- */

bool
postfix_sasl_is_own(const struct postfix_now *now)
{
	return slice_eq(postfix_values_get(&now->main,
			    SLICE("smtpd_sasl_path")),
	    OWN_PATH);
}

static bool
says_ours(const struct postfix_now *now, const struct postfix_wanted *wanted)
{
	struct slice type =
	    postfix_values_get(&now->main, SLICE("smtpd_sasl_type"));
	struct slice path =
	    postfix_values_get(&now->main, SLICE("smtpd_sasl_path"));

	return slice_eq(type, SLICE("dovecot")) &&
	       (slice_eq(path, OWN_PATH) || slice_eq(path, wanted->auth));
}

/* A service with AUTH by -o that has no path of its own: it would change. */
static bool
service_depends(const struct postfix_now *now, struct slice *ret_name)
{
	for (size_t i = 0; i < now->services.count; i++) {
		const struct postfix_value *v = &now->services.at[i];
		struct slice service;

		if (!postfix_service_parameter(v->name,
			"smtpd_sasl_auth_enable", &service) ||
		    !slice_eq(v->value, SLICE("yes")))
			continue;
		*ret_name = v->name;
		for (size_t k = 0; k < now->services.count; k++) {
			struct slice of;

			if (postfix_service_parameter(now->services.at[k].name,
				"smtpd_sasl_path", &of) &&
			    slice_eq(of, service))
				*ret_name = absent;
		}
		if (ret_name->at != NULL)
			return true;
	}
	return false;
}

struct slice
postfix_sasl_foreign(const struct postfix_now *now,
    const struct postfix_wanted *wanted)
{
	static const char *const names[] = { "smtpd_sasl_type",
		"smtpd_sasl_path", "smtpd_sasl_auth_enable" };
	struct slice name = absent;

	if ((wanted->relay & POSTFIX_RELAY_AUTH) == 0 || says_ours(now, wanted))
		return absent;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct slice value =
		    postfix_values_get(&now->main, slice_of(names[i]));

		if (value.len > 0 && !slice_eq(value, SLICE("no")))
			return slice_of(names[i]);
	}
	(void)service_depends(now, &name);
	return name;
}

unsigned
postfix_relay_needs(const struct postfix_now *now,
    const struct postfix_wanted *wanted)
{
	const unsigned by_table = POSTFIX_RELAY_ACCESS | POSTFIX_RELAY_PORTS,
		       by_login = POSTFIX_RELAY_AUTH | POSTFIX_RELAY_TLS,
		       connecting = POSTFIX_RELAY_CONNECT;
	unsigned needs = wanted->relay;
	struct slice delay =
	    postfix_values_get(&now->main, SLICE("smtpd_delay_reject"));

	if (wanted->map.len == 0)
		needs &= ~by_table;
	if (wanted->auth.len == 0 ||
	    postfix_sasl_foreign(now, wanted).at != NULL)
		needs &= ~by_login;
	/* Else the recipient restrictions refuse, at the same place. */
	if (!slice_eq(delay, SLICE("no")))
		needs &= ~connecting;
	return needs;
}

/* ---- ports ---- */

/* "127.0.0.1:587", "[::1]:587", "587", "submission"; 0: not known. */
static uint64_t
port_of(struct slice name)
{
	static const struct {
		const char *name;
		uint64_t port;
	} services[] = { { "smtp", 25 }, { "submission", 587 },
		{ "submissions", 465 }, { "smtps", 465 } };
	const char *colon =
	    name.len > 0 ? memrchr(name.at, ':', name.len) : NULL;
	uint64_t port;

	if (colon != NULL)
		name = slice_skip(name, (size_t)(colon - name.at) + 1);
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (slice_eq(name, slice_of(services[i].name)))
			return services[i].port;
	return number_parse(name, 1, 65535, &port) == 0 ? port : 0;
}

/* NAME inet PRIVATE UNPRIV CHROOT WAKEUP MAXPROC COMMAND ... */
static bool
is_listener(struct slice entry, uint64_t *ret_port)
{
	struct slice word = absent, name = absent;

	for (int i = 0; i < 8; i++) {
		if (!slice_split(&entry, ' ', &word) ||
		    (i == 1 && !slice_eq(word, SLICE("inet"))))
			return false;
		if (i == 0)
			name = word;
	}
	*ret_port = port_of(name);
	return slice_eq(word, SLICE("smtpd")) && *ret_port != 0;
}

static int
tell_port(struct arena *arena, const struct postfix_now *now,
    struct slice service, uint64_t port, struct postfix_edits *edits)
{
	struct buf text;
	struct slice name, value, old;

	buf_init(&text, 1000);
	(void)buf_addf(&text, "%.*s/" PORT_PARAMETER, SLICE_F(service));
	name = arena_dup(arena, buf_slice(&text));
	buf_clear(&text);
	(void)buf_addf(&text, "-%u", (unsigned)port);
	value = arena_dup(arena, buf_slice(&text));
	buf_done(&text);
	if (name.at == NULL || value.at == NULL)
		return ERR_NOMEM;
	old = postfix_values_get(&now->services, name);
	if (slice_eq(old, value))
		return 0;
	return postfix_edit_add(edits,
	    (struct postfix_edit){ POSTFIX_MASTER_CF, name, old, value,
		"tenants are told apart by port" });
}

int
postfix_relay_ports(struct arena *arena, const struct postfix_now *now,
    enum postfix_ports what, struct postfix_edits *edits)
{
	int rc = 0;

	for (size_t i = 0;
	     rc == 0 && what == POSTFIX_PORTS_TELL && i < now->entries.count;
	     i++) {
		const struct postfix_value *v = &now->entries.at[i];
		uint64_t port;

		if (is_listener(v->value, &port) &&
		    !postfix_entry_is_own(&now->services, v->name))
			rc = tell_port(arena, now, v->name, port, edits);
	}
	for (size_t i = 0;
	     rc == 0 && what == POSTFIX_PORTS_REMOVE && i < now->services.count;
	     i++) {
		const struct postfix_value *v = &now->services.at[i];
		struct slice service;

		if (postfix_service_parameter(v->name, PORT_PARAMETER,
			&service))
			rc = postfix_edit_add(edits,
			    (struct postfix_edit){ POSTFIX_MASTER_CF, v->name,
				v->value, absent,
				"tenants are told apart by port" });
	}
	return rc;
}
