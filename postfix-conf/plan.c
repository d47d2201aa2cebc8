/* SPDX-License-Identifier: BSD-2-Clause */
/* What Postern changes in Postfix's configuration, as a table. */
#include "postfix-conf/plan.h"

#include "postfix-conf/plan_edit.h"
#include "postfix-conf/plan_entries.h"
#include "postfix-conf/plan_relay.h"
#include "util/err.h"

enum how {
	OWN,         /* a parameter of our own, which others refer to */
	SET,         /* this value, whatever it was */
	FIRST,       /* an item before all others of the list */
	LAST,        /* an item behind all others */
	LAST_IF_SET, /* the same, where the site uses the list at all */
};

struct hook {
	const char *name;
	enum how how;
	const char *value;     /* @policyd@ and so on stand for struct wanted */
	const char *unless;    /* list: nothing to do where this item stands */
	const char *only_with; /* not without a value of this parameter:
				  postconf does not show what nobody uses */
	bool each_service;     /* also where master.cf overrides it by -o */
	bool for_returns;      /* only with return domains */
	bool for_reinject;     /* only with a listener for copies */
	bool for_retry;        /* only where the settings say when */
	bool for_shaping;      /* only where mail is shaped */
	unsigned relay;        /* only where it is needed: enum postfix_relay */
	const char *why;
};

#define MILTER "$postern_milter"
#define POLICY "$postern_policy"
#define RETURNS "$postern_return_"
#define RECEIVED "$postern_received"
#define RELAY_LOGIN_HOOKS \
	((unsigned)POSTFIX_RELAY_AUTH | (unsigned)POSTFIX_RELAY_TLS)
/*
 * Postfix asks all tables for the address, then all for the domain, and so on
 * (transport(5)), a socketmap for the address only.  Behind a first table that
 * has none of it, a unionmap is asked for all keys, and policyd answers the
 * last: so what the site's own tables say of a domain goes first.  ":" is a
 * transport that changes nothing.
 */
#define TRANSPORTS \
	"inline:{ @own@ }, unionmap:{ inline:{ postern.invalid=: }," \
	" socketmap:@map@:transport-last }"
/*
 * The Received fields that smtpd(8) and pickup(8) of this host write.  They
 * are hidden from milters, so they are left out where mail leaves: until then
 * they stay in the queue file.  The field that postern-milter adds, as the
 * tenant wishes, has an address or nothing where these have the mail name.
 * With smtpd_hide_client_session (3.10) theirs begin "by HOST (NAME) id "; in
 * those of notifications, which no milter sees, the id is on the next line.
 */
#define OWN_RECEIVED \
	"/^Received: (from [^(]+ \\([^()]*\\[[^]]+\\]\\).*[[:space:]]" \
	"by $myhostname \\([^[][^()]*\\) with (E|UTF8)?SMTP|" \
	"by $myhostname \\([^()]+(, from userid |\\) id ))/"
/* What only Postern and Postfix are to see, of a copy for an archive and of
 * mail that was held. */
#define OWN_FIELD "/^X-Postern-(Held|Next-Hop):/"

static const struct hook hooks[] = {
	{ "postern_policy", OWN,
	    "check_policy_service { @policyd@, timeout=20s,"
	    " default_action=DEFER }",
	    .why = "when postern-policyd is away, mail is put off" },
	{ "postern_milter", OWN,
	    "{ @milter@, connect_timeout=5s, command_timeout=30s,"
	    " content_timeout=300s, default_action=tempfail }",
	    .why = "when postern-milter is away, mail is put off" },
	{ "postern_received", OWN,
	    "regexp:{{" OWN_RECEIVED " IGNORE}, {" OWN_FIELD " IGNORE}}",
	    .why = "what Received says is each tenant's choice" },
	{ "postern_next_hop", OWN,
	    "regexp:{{/^X-Postern-Next-Hop: (\\[[^]]+\\]:[0-9]+)$$/"
	    " FILTER smtp:$$1}}",
	    .for_reinject = true,
	    .why = "copies for an archive go to its host" },
	{ "postern_transport", OWN, TRANSPORTS, .for_shaping = true,
	    .why = "each mailbox provider has its transport" },
	{ "postern_return_transport", OWN, "inline:{ @transports@ }",
	    .for_returns = true, .why = "DSNs go to postern-bounced" },
	{ "postern_return_domains", OWN, "inline:{ @domains@ }",
	    .for_returns = true, .why = "the domains that DSNs come back to" },
	{ "postern_return_recipients", OWN, "inline:{ @recipients@ }",
	    .only_with = "relay_recipient_maps", .for_returns = true,
	    .why = "any address in them" },
	{ "postern_minimal_backoff", OWN, "@minimal@", .for_retry = true,
	    .why = "the first retry, or behind those of the scheduler" },
	{ "postern_maximal_backoff", OWN, "@maximal@", .for_retry = true,
	    .why = "the longest wait before a retry" },
	{ "postern_queue_lifetime", OWN, "@lifetime@", .for_retry = true,
	    .why = "when mail is given up" },
	{ "postern_queue_run_delay", OWN, "@run-delay@", .for_retry = true,
	    .why = "how exactly waits are kept" },
	{ "postern_port", OWN, "", .relay = POSTFIX_RELAY_ACCESS,
	    .why = "master.cf may have \"-PORT\" here" },
	{ "postern_relay", OWN,
	    "check_policy_service { @policyd@, policy_context=relay,"
	    " timeout=20s, default_action=DEFER },"
	    " check_client_access socketmap:@map@:network$postern_port",
	    .relay = POSTFIX_RELAY_ACCESS,
	    .why = "who may send, and who may relay without logging in" },
	/* What the table finds takes the place of the list in main.cf. */
	{ "postern_ehlo", OWN,
	    "pipemap:{ socketmap:@map@:ehlo$postern_port,"
	    " inline:{{ auth = auth, $smtpd_discard_ehlo_keywords }} }",
	    .relay = POSTFIX_RELAY_ACCESS,
	    .why = "who does not see that there is SMTP AUTH" },
	{ "postern_connect", OWN,
	    "check_policy_service { @policyd@, policy_context=connect,"
	    " timeout=20s, default_action=DEFER }",
	    .relay = POSTFIX_RELAY_CONNECT, .why = "who may connect" },
	{ "postern_auth", OWN, "@auth@", .relay = POSTFIX_RELAY_AUTH,
	    .why = "API users log in by SMTP" },
	/* Before permit_mynetworks and permit_sasl_authenticated, or it would
	 * never be asked for the mail that it is made for.  Relay restrictions
	 * come first: there, a client that is permitted to relay is refused
	 * here all the same where it may not. */
	{ "smtpd_recipient_restrictions", FIRST, POLICY, .each_service = true,
	    .why = "suppression and rate limits at RCPT TO" },
	{ "smtpd_milters", LAST, MILTER, .each_service = true,
	    .why = "facts, envelope sender, Received and DKIM" },
	{ "non_smtpd_milters", LAST, MILTER, .unless = "$smtpd_milters",
	    .why = "the same for mail that no smtpd has seen" },
	{ "smtp_header_checks", FIRST, RECEIVED, .each_service = true,
	    .why = "no client address leaves by Postfix's own Received" },
	{ "lmtp_header_checks", FIRST, RECEIVED, .each_service = true,
	    .why = "nor by LMTP" },
	{ "enable_long_queue_ids", SET, "yes",
	    .why = "queue ids that are not used again" },
	{ "transport_maps", FIRST, RETURNS "transport", .for_returns = true,
	    .why = "DSNs go to postern-bounced" },
	{ "transport_maps", LAST, "$postern_transport", .for_shaping = true,
	    .why = "each mailbox provider has its transport" },
	{ "defer_transports", LAST, "postern-later", .for_shaping = true,
	    .why = "mail that a provider does not want just now waits" },
	/* Only what a transport asks for is kept that long. */
	{ "connection_cache_ttl_limit", SET, "600s", .for_shaping = true,
	    .why = "sessions of connection pools are kept as settings say" },
	{ "relay_domains", LAST, RETURNS "domains", .for_returns = true,
	    .why = "mail for the return domains is taken" },
	{ "relay_recipient_maps", LAST_IF_SET, RETURNS "recipients",
	    .for_returns = true, .why = "any address in them is known" },
	{ "smtpd_relay_restrictions", FIRST, "$postern_relay",
	    .each_service = true, .relay = POSTFIX_RELAY_ACCESS,
	    .why = "relay access as the settings say" },
	{ "smtpd_client_restrictions", FIRST, "$postern_connect",
	    .each_service = true, .relay = POSTFIX_RELAY_CONNECT,
	    .why = "others may not connect" },
	{ "smtpd_discard_ehlo_keyword_address_maps", LAST, "$postern_ehlo",
	    .each_service = true, .relay = POSTFIX_RELAY_ACCESS,
	    .why = "AUTH is offered to who may log in" },
	{ "smtpd_sasl_type", SET, "dovecot", .relay = POSTFIX_RELAY_AUTH,
	    .why = "API users log in by SMTP" },
	{ "smtpd_sasl_path", SET, "$postern_auth", .relay = POSTFIX_RELAY_AUTH,
	    .why = "API users log in by SMTP" },
	{ "smtpd_sasl_auth_enable", SET, "yes", .relay = POSTFIX_RELAY_AUTH,
	    .why = "API users log in by SMTP" },
	{ "smtpd_tls_auth_only", SET, "yes", .relay = POSTFIX_RELAY_TLS,
	    .why = "keys are not sent without TLS" },
	{ "minimal_backoff_time", SET, "$postern_minimal_backoff",
	    .for_retry = true, .why = "retries as the settings say" },
	{ "maximal_backoff_time", SET, "$postern_maximal_backoff",
	    .for_retry = true, .why = "retries as the settings say" },
	{ "maximal_queue_lifetime", SET, "$postern_queue_lifetime",
	    .for_retry = true, .why = "retries as the settings say" },
	{ "queue_run_delay", SET, "$postern_queue_run_delay", .for_retry = true,
	    .why = "retries as the settings say" },
};
#define HOOK_COUNT (sizeof(hooks) / sizeof(hooks[0]))

static const struct slice absent = { NULL, 0 };

static bool
is_list(const struct hook *h)
{
	return h->how == FIRST || h->how == LAST || h->how == LAST_IF_SET;
}

/*
 * A service that its administrator gave no milters, such as the one where mail
 * comes back from a content filter, has had its pass already.
 */
static bool
service_left_alone(const struct postfix_values *services, struct slice service)
{
	for (size_t i = 0; i < services->count; i++) {
		const struct postfix_value *v = &services->at[i];
		struct slice of;

		if (postfix_service_parameter(v->name, "smtpd_milters", &of) &&
		    slice_eq(of, service) && v->value.len == 0)
			return true;
	}
	return false;
}

/*
 * postconf -P takes no white space in a value; in lists a comma is the same,
 * also in braces.  In two of them stands the text of an inline table, where it
 * is not: then postconf refuses, and says why.
 */
static struct slice
without_blanks(struct arena *arena, struct slice list)
{
	char *at = arena_alloc(arena, list.len + 1);
	size_t n = 0, depth = 0;

	if (at == NULL)
		return absent;
	for (size_t i = 0; i < list.len; i++) {
		char c = list.at[i];

		if (c == '{')
			depth++;
		else if (c == '}' && depth > 0)
			depth--;
		if ((c == ' ' || c == '\t') && depth < 2)
			c = ',';
		if (c == ',' && depth < 2 && n > 0 && at[n - 1] == ',')
			continue;
		at[n++] = c;
	}
	return (struct slice){ at, n };
}

static int
enable_services(struct arena *arena, const struct postfix_now *now,
    const struct hook *h, struct postfix_edits *edits)
{
	const struct postfix_values *all = &now->services;
	struct slice item = slice_of(h->value);

	for (size_t i = 0; i < all->count; i++) {
		const struct postfix_value *v = &all->at[i];
		struct slice service, list;

		if (!postfix_service_parameter(v->name, h->name, &service) ||
		    postfix_entry_is_own(all, service) ||
		    service_left_alone(all, service) ||
		    postfix_list_has(v->value, item))
			continue;
		list = postfix_list_add(arena, v->value, item,
		    h->how == FIRST ? POSTFIX_LIST_FIRST : POSTFIX_LIST_LAST);
		list = without_blanks(arena, list);
		if (list.at == NULL)
			return ERR_NOMEM;

		int rc = postfix_edit_add(edits,
		    (struct postfix_edit){ POSTFIX_MASTER_CF, v->name, v->value,
			list, h->why });

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* An edit of main.cf that is planned already; NULL: none. */
static struct postfix_edit *
planned(const struct postfix_edits *edits, struct slice name)
{
	for (size_t i = 0; i < edits->count; i++)
		if (edits->at[i].file == POSTFIX_MAIN_CF &&
		    slice_eq(edits->at[i].name, name))
			return &edits->at[i];
	return NULL;
}

/* Two hooks of one parameter are one edit. */
static int
plan_main(struct postfix_edits *edits, struct slice name, struct slice old,
    struct slice value, const char *why)
{
	struct postfix_edit *e = planned(edits, name);

	if (e == NULL)
		return postfix_edit_add(edits,
		    (struct postfix_edit){ POSTFIX_MAIN_CF, name, old, value,
			why });
	e->value = value;
	return 0;
}

/* What is in force, by main.cf or by default. */
static struct slice
value_in_force(const struct postfix_now *now, const char *name)
{
	struct slice value = postfix_values_get(&now->main, slice_of(name));

	return value.at != NULL
		   ? value
		   : postfix_values_get(&now->defaults, slice_of(name));
}

/* The value it must have; absent: nothing to do.  False: no memory. */
static bool
enable_value(struct arena *arena, const struct hook *h, struct slice old,
    struct slice base, struct slice want, struct slice *ret_value)
{
	*ret_value = absent;
	if (!is_list(h)) {
		if (old.at == NULL || !slice_eq(old, want))
			*ret_value = want;
		return true;
	}
	if (postfix_list_has(base, want) ||
	    (h->unless != NULL &&
		postfix_list_has(base, slice_of(h->unless))) ||
	    (h->how == LAST_IF_SET && base.len == 0))
		return true;
	*ret_value = postfix_list_add(arena, base, want,
	    h->how == FIRST ? POSTFIX_LIST_FIRST : POSTFIX_LIST_LAST);
	return ret_value->at != NULL;
}

static int
enable_hook(struct arena *arena, const struct postfix_now *now,
    const struct postfix_wanted *wanted, const struct hook *h,
    struct postfix_edits *edits)
{
	struct slice name = slice_of(h->name), value;
	struct slice old = postfix_values_get(&now->main, name);
	struct slice want = postfix_expand(arena, h->value, wanted);
	const struct postfix_edit *before = planned(edits, name);
	struct slice base =
	    before != NULL ? before->value : value_in_force(now, h->name);

	if (h->only_with != NULL && value_in_force(now, h->only_with).len == 0)
		return 0;
	if (want.at == NULL || !enable_value(arena, h, old, base, want, &value))
		return ERR_NOMEM;
	if (value.at != NULL) {
		int rc = plan_main(edits, name, old, value, h->why);

		if (rc < 0)
			return rc;
	}
	return h->each_service ? enable_services(arena, now, h, edits) : 0;
}

/* Take the hook out of one value; nothing to do: *ret_value == old. */
static int
disable_value(struct arena *arena, const struct postfix_now *now,
    const struct postfix_values *before, const struct hook *h, struct slice old,
    struct slice *ret_value)
{
	struct slice name = slice_of(h->name), value;
	struct slice was =
	    before != NULL ? postfix_values_get(before, name) : absent;

	*ret_value = old;
	if (h->how == OWN) {
		*ret_value = absent;
		return 0;
	}
	if (h->how == SET) {
		/* Not known what it was, or changed since: it stays; but not
		 * a reference to what goes. */
		if (slice_eq(old, slice_of(h->value)) &&
		    (before != NULL || h->for_retry))
			*ret_value = was;
		return 0;
	}
	if (!postfix_list_has(old, slice_of(h->value)))
		return 0;
	value = postfix_list_remove(arena, old, slice_of(h->value));
	if (value.at == NULL)
		return ERR_NOMEM;
	if (was.at == NULL &&
	    slice_eq(value, postfix_values_get(&now->defaults, name)))
		value = absent;
	*ret_value = value;
	return 0;
}

static int
disable_services(struct arena *arena, const struct postfix_now *now,
    const struct hook *h, struct postfix_edits *edits)
{
	struct slice item = slice_of(h->value), service;

	for (size_t i = 0; i < now->services.count; i++) {
		const struct postfix_value *v = &now->services.at[i];

		if (!postfix_service_parameter(v->name, h->name, &service) ||
		    postfix_entry_is_own(&now->services, service) ||
		    !postfix_list_has(v->value, item))
			continue;

		struct slice value = without_blanks(arena,
		    postfix_list_remove(arena, v->value, item));

		if (value.at == NULL)
			return ERR_NOMEM;

		int rc = postfix_edit_add(edits,
		    (struct postfix_edit){ POSTFIX_MASTER_CF, v->name, v->value,
			value, h->why });

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
disable_hook(struct arena *arena, const struct postfix_now *now,
    const struct postfix_values *before, const struct hook *h,
    struct postfix_edits *edits)
{
	struct slice name = slice_of(h->name), value;
	struct slice old = postfix_values_get(&now->main, name);
	const struct postfix_edit *pending = planned(edits, name);
	struct slice base = pending != NULL ? pending->value : old;

	if (base.at != NULL) {
		int rc = disable_value(arena, now, before, h, base, &value);

		if (rc == 0 && (value.at == NULL || !slice_eq(base, value)))
			rc = plan_main(edits, name, old, value, h->why);
		if (rc < 0)
			return rc;
	}
	return h->each_service ? disable_services(arena, now, h, edits) : 0;
}

static bool
is_for(const struct hook *h, const struct postfix_wanted *wanted,
    unsigned relay)
{
	return (h->relay == 0 || (h->relay & relay) != 0) &&
	       (!h->for_returns || wanted->return_domain_count > 0) &&
	       (!h->for_reinject || wanted->reinject.len > 0) &&
	       (!h->for_shaping || (wanted->shaping && wanted->map.len > 0)) &&
	       (!h->for_retry || wanted->minimal_backoff.len > 0);
}

/* The settings say it no more: as it was. */
static int
retract_hook(const struct postfix_now *now, const struct hook *h,
    struct postfix_edits *edits)
{
	struct slice name = slice_of(h->name);
	struct slice old = postfix_values_get(&now->main, name);

	if (old.at == NULL ||
	    (h->how != OWN && !slice_eq(old, slice_of(h->value))))
		return 0;
	return postfix_edit_add(edits,
	    (struct postfix_edit){ POSTFIX_MAIN_CF, name, old,
		now->before != NULL ? postfix_values_get(now->before, name)
				    : absent,
		"the settings do not say when mail is tried again" });
}

/*
 * SMTP AUTH that is not ours, or not any more, is left alone; so is what the
 * settings do not say, because they could not be read.
 */
static bool
is_to_retract(const struct hook *h, const struct postfix_now *now,
    const struct postfix_wanted *wanted, unsigned relay)
{
	if (is_for(h, wanted, relay))
		return false;
	if (h->for_retry)
		return wanted->retry_known;
	if (h->for_shaping)
		return wanted->shaping_known;
	return h->relay != 0 && wanted->relay_known &&
	       (h->how != SET || postfix_sasl_is_own(now));
}

static int
retract(struct arena *arena, const struct postfix_now *now,
    const struct hook *h, struct postfix_edits *edits)
{
	return h->for_retry ? retract_hook(now, h, edits)
			    : disable_hook(arena, now, now->before, h, edits);
}

int
postfix_plan_enable(struct arena *arena, const struct postfix_now *now,
    const struct postfix_wanted *wanted, struct postfix_edits *ret_edits)
{
	unsigned relay = postfix_relay_needs(now, wanted);
	struct postfix_wanted with = *wanted;
	struct postfix_edits edits;
	int rc = postfix_edits_new(arena, &edits);

	with.own = postfix_own_domains(arena, now);
	if (with.own.at == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; rc == 0 && i < HOOK_COUNT; i++)
		if (is_for(&hooks[i], wanted, relay))
			rc = enable_hook(arena, now, &with, &hooks[i], &edits);
	/* What refers goes before what is referred to. */
	for (size_t i = HOOK_COUNT; rc == 0 && i > 0; i--)
		if (is_to_retract(&hooks[i - 1], now, wanted, relay))
			rc = retract(arena, now, &hooks[i - 1], &edits);
	/* Behind main.cf: they refer to it. */
	if (rc == 0 && wanted->relay_known)
		rc = postfix_relay_ports(arena, now,
		    (relay & POSTFIX_RELAY_PORTS) != 0 ? POSTFIX_PORTS_TELL
						       : POSTFIX_PORTS_REMOVE,
		    &edits);
	if (rc == 0)
		rc = postfix_entries_enable(arena, now, wanted, &edits);
	if (rc == 0)
		*ret_edits = edits;
	return rc;
}

int
postfix_plan_disable(struct arena *arena, const struct postfix_now *now,
    const struct postfix_values *before, struct postfix_edits *ret_edits)
{
	bool own_sasl = postfix_sasl_is_own(now);
	struct postfix_edits edits;
	int rc = postfix_edits_new(arena, &edits);

	if (rc == 0)
		rc = postfix_entries_remove(now, absent, &edits);
	if (rc == 0)
		rc = postfix_relay_ports(arena, now, POSTFIX_PORTS_REMOVE,
		    &edits);
	/* From the end: what refers goes before what is referred to. */
	for (size_t i = HOOK_COUNT; rc == 0 && i > 0; i--)
		if (own_sasl || hooks[i - 1].how != SET ||
		    (hooks[i - 1].relay & RELAY_LOGIN_HOOKS) == 0)
			rc = disable_hook(arena, now, before, &hooks[i - 1],
			    &edits);
	if (rc == 0)
		*ret_edits = edits;
	return rc;
}

struct slice
postfix_endpoint(struct arena *arena, struct slice listen,
    struct slice queue_directory)
{
	const struct slice prefix = SLICE("unix:");
	struct slice first;

	/* The first of several addresses is Postfix's. */
	if (!postfix_list_next(&listen, &first))
		return arena_dup(arena, SLICE(""));
	if (!slice_starts(first, prefix))
		return arena_dup(arena, first);

	struct slice path = slice_skip(first, prefix.len);
	size_t n = queue_directory.len;

	if (n == 0 || !slice_starts(path, queue_directory) || path.len <= n ||
	    path.at[n] != '/')
		return arena_dup(arena, first);
	path = slice_skip(path, n + 1);

	char *at = arena_alloc(arena, prefix.len + path.len);

	if (at == NULL)
		return absent;
	memcpy(at, prefix.at, prefix.len);
	memcpy(at + prefix.len, path.at, path.len);
	return (struct slice){ at, prefix.len + path.len };
}

struct slice
postfix_service(struct arena *arena, struct slice address)
{
	const struct slice prefix = SLICE("inet:");

	if (!slice_starts(address, prefix))
		return absent;
	return arena_dup(arena, slice_skip(address, prefix.len));
}
