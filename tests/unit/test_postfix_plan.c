/* SPDX-License-Identifier: BSD-2-Clause */
/* What is changed in Postfix's configuration, and how it is taken back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "postfix-conf/plan.h"
#include "util/buf.h"
#include "util/err.h"

#define DEFAULTS \
	"smtpd_recipient_restrictions =\nsmtpd_milters =\n" \
	"non_smtpd_milters =\nenable_long_queue_ids = no\n" \
	"smtp_header_checks =\nlmtp_header_checks =\n" \
	"transport_maps =\nrelay_domains = ${{$c} <level {2} ? {$m} : {}}\n" \
	"relay_recipient_maps =\n"

static const struct slice domains[] = { { "b.example", 9 },
	{ "b.example.org", 13 } };

static const struct postfix_wanted wanted = {
	.policyd = { "unix:postern/policyd.sock", 25 },
	.milter = { "unix:postern/milter.sock", 24 },
	.bounced = { "unix:postern/bounced.sock", 25 },
	.reinject = { "127.0.0.1:10589", 15 },
};

struct fixture {
	struct arena *arena;
	struct postfix_now now;
	struct postfix_edits edits;
};

static void
parse(struct fixture *f, const char *text, struct postfix_values *ret_values)
{
	size_t line = 0;

	assert_int_equal(postfix_values_parse(f->arena, slice_of(text),
			     ret_values, &line),
	    0);
}

static void
begin(struct fixture *f, const char *main_cf, const char *services)
{
	f->arena = arena_new(4 << 20);
	assert_non_null(f->arena);
	parse(f, main_cf, &f->now.main);
	parse(f, DEFAULTS, &f->now.defaults);
	parse(f, services, &f->now.services);
	f->now.entries = (struct postfix_values){ .count = 0 };
	f->now.before = NULL;
}

static void
assert_edit(const struct fixture *f, const char *name, const char *value)
{
	for (size_t i = 0; i < f->edits.count; i++) {
		const struct postfix_edit *e = &f->edits.at[i];

		if (!slice_eq(e->name, slice_of(name)))
			continue;
		if (value == NULL)
			assert_null(e->value.at);
		else
			assert_string_equal(arena_text(f->arena, e->value),
			    value);
		return;
	}
	fail_msg("%s is not changed", name);
}

static void
assert_no_edit(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->edits.count; i++)
		assert_false(slice_eq(f->edits.at[i].name, slice_of(name)));
}

/* As "postconf -P" does: those of an entry that was added or taken out. */
static void
list_parameters(struct fixture *f, const struct postfix_edit *e)
{
	struct postfix_values *v = &f->now.services;
	struct postfix_value *at =
	    arena_calloc(f->arena, v->count + 100, sizeof(*at));
	struct slice rest = e->value, word;
	size_t n = 0;

	for (size_t i = 0; i < v->count; i++)
		if (!slice_starts(v->at[i].name, e->name) ||
		    v->at[i].name.at[e->name.len] != '/')
			at[n++] = v->at[i];
	while (slice_split(&rest, ' ', &word)) {
		const char *equal = memchr(word.at, '=', word.len);
		char name[200];

		if (equal == NULL)
			continue;
		size_t len = (size_t)(equal - word.at);
		(void)snprintf(name, sizeof(name), "%.*s/%.*s",
		    SLICE_F(e->name), (int)len, word.at);
		at[n++] =
		    (struct postfix_value){ arena_dup(f->arena, slice_of(name)),
			    slice_skip(word, len + 1) };
	}
	*v = (struct postfix_values){ at, n };
}

/* Make the edits, as postconf(1) would. */
static void
apply(struct fixture *f)
{
	for (size_t i = 0; i < f->edits.count; i++) {
		const struct postfix_edit *e = &f->edits.at[i];
		struct postfix_values *v =
		    e->file == POSTFIX_MAIN_CF        ? &f->now.main
		    : e->file == POSTFIX_MASTER_ENTRY ? &f->now.entries
						      : &f->now.services;
		struct postfix_value *at =
		    arena_calloc(f->arena, v->count + 1, sizeof(*at));
		size_t n = 0;

		for (size_t j = 0; j < v->count; j++)
			if (!slice_eq(v->at[j].name, e->name))
				at[n++] = v->at[j];
		if (e->value.at != NULL)
			at[n++] = (struct postfix_value){ e->name, e->value };
		*v = (struct postfix_values){ at, n };
		if (e->file == POSTFIX_MASTER_ENTRY)
			list_parameters(f, e);
	}
}

static void
a_plain_site_gets_all_hooks(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "myhostname = a\n", "");
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &wanted,
			     &f.edits),
	    0);
	assert_edit(&f, "postern_policy",
	    "check_policy_service { unix:postern/policyd.sock, timeout=20s,"
	    " default_action=DEFER }");
	assert_edit(&f, "postern_milter",
	    "{ unix:postern/milter.sock, connect_timeout=5s,"
	    " command_timeout=30s, content_timeout=300s,"
	    " default_action=tempfail }");
	assert_edit(&f, "smtpd_recipient_restrictions", "$postern_policy");
	assert_edit(&f, "smtp_header_checks", "$postern_received");
	assert_edit(&f, "lmtp_header_checks", "$postern_received");
	assert_edit(&f, "smtpd_milters", "$postern_milter");
	assert_edit(&f, "non_smtpd_milters", "$postern_milter");
	assert_edit(&f, "enable_long_queue_ids", "yes");
	assert_no_edit(&f, "transport_maps");
	assert_no_edit(&f, "relay_domains");
	arena_free(f.arena);
}

static void
what_the_site_has_stays(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f,
	    "smtpd_recipient_restrictions = permit_mynetworks, reject\n"
	    "smtpd_milters = inet:localhost:8891\n"
	    "non_smtpd_milters = $smtpd_milters\n"
	    "enable_long_queue_ids = yes\n",
	    "");
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &wanted,
			     &f.edits),
	    0);
	assert_edit(&f, "smtpd_recipient_restrictions",
	    "$postern_policy, permit_mynetworks, reject");
	assert_edit(&f, "smtpd_milters",
	    "inet:localhost:8891, $postern_milter");
	assert_no_edit(&f, "non_smtpd_milters");
	assert_no_edit(&f, "enable_long_queue_ids");
	arena_free(f.arena);
}

static void
return_domains_are_routed(void **state)
{
	struct postfix_wanted with = wanted;
	struct fixture f;

	(void)state;
	with.return_domains = domains;
	with.return_domain_count = 2;
	begin(&f, "transport_maps = lmdb:t\nrelay_recipient_maps = lmdb:r\n",
	    "");
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_edit(&f, "postern_return_transport",
	    "inline:{ b.example=lmtp:unix:postern/bounced.sock,"
	    " b.example.org=lmtp:unix:postern/bounced.sock }");
	assert_edit(&f, "postern_return_recipients",
	    "inline:{ @b.example=postern, @b.example.org=postern }");
	assert_edit(&f, "transport_maps", "$postern_return_transport, lmdb:t");
	assert_edit(&f, "relay_domains",
	    "${{$c} <level {2} ? {$m} : {}}, $postern_return_domains");
	assert_edit(&f, "relay_recipient_maps",
	    "lmdb:r, $postern_return_recipients");
	arena_free(f.arena);

	/* Nothing that nobody would refer to. */
	begin(&f, "", "");
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_no_edit(&f, "relay_recipient_maps");
	assert_no_edit(&f, "postern_return_recipients");
	arena_free(f.arena);
}

static void
providers_have_transports(void **state)
{
	struct postfix_wanted with = wanted;
	struct fixture f;

	(void)state;
	with.map = SLICE("unix:postern/map.sock");
	with.shaping_known = with.shaping = true;
	with.return_domains = domains;
	with.return_domain_count = 1;
	begin(&f,
	    "transport_maps = lmdb:t\n"
	    "mydestination = $myhostname, localhost.${mydomain} localhost,"
	    " lmdb:d, /etc/x, !a.example, $other, $myhostnames,"
	    " $(mydomain).example, ${mydomain, ${{$a} == {b} ? {c} : {d}}\n"
	    "virtual_mailbox_domains = b.example\n",
	    "");
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_edit(&f, "postern_transport",
	    "inline:{ $myhostname=:, localhost.${mydomain}=:, localhost=:,"
	    " $(mydomain).example=:, b.example=:, postern.invalid=: },"
	    " unionmap:{ inline:{ postern.invalid=: },"
	    " socketmap:unix:postern/map.sock:transport-last }");
	assert_edit(&f, "transport_maps",
	    "$postern_return_transport, lmdb:t, $postern_transport");
	assert_edit(&f, "defer_transports", "postern-later");

	/* Done is done, and it all comes out again. */
	apply(&f);
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_no_edit(&f, "transport_maps");
	assert_no_edit(&f, "postern_transport");
	assert_no_edit(&f, "defer_transports");
	assert_int_equal(postfix_plan_disable(f.arena, &f.now, NULL, &f.edits),
	    0);
	assert_edit(&f, "transport_maps", "lmdb:t");
	assert_edit(&f, "postern_transport", NULL);
	arena_free(f.arena);

	/* Nothing else in it: out of the file. */
	begin(&f, "", "");
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_edit(&f, "transport_maps",
	    "$postern_return_transport, $postern_transport");
	apply(&f);
	assert_int_equal(postfix_plan_disable(f.arena, &f.now, NULL, &f.edits),
	    0);
	assert_edit(&f, "transport_maps", NULL);
	arena_free(f.arena);
}

/* Nobody is asked where nothing is shaped, and no more when that ends. */
static void
mail_that_is_not_shaped_asks_nobody(void **state)
{
	struct postfix_wanted with = wanted;
	struct postfix_values before;
	struct fixture f;

	(void)state;
	with.map = SLICE("unix:postern/map.sock");
	with.shaping_known = true;
	begin(&f, "transport_maps = lmdb:t\n", "");
	before = f.now.main;
	f.now.before = &before;
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_no_edit(&f, "transport_maps");
	assert_no_edit(&f, "postern_transport");
	assert_no_edit(&f, "defer_transports");
	assert_no_edit(&f, "connection_cache_ttl_limit");

	with.shaping = true;
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_edit(&f, "transport_maps", "lmdb:t, $postern_transport");
	apply(&f);

	/* Settings that could not be read change nothing. */
	with.shaping_known = with.shaping = false;
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_no_edit(&f, "transport_maps");
	assert_no_edit(&f, "postern_transport");

	with.shaping_known = true;
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_edit(&f, "transport_maps", "lmdb:t");
	assert_edit(&f, "postern_transport", NULL);
	assert_edit(&f, "defer_transports", NULL);
	assert_edit(&f, "connection_cache_ttl_limit", NULL);
	arena_free(f.arena);
}

static void
services_with_values_of_their_own_are_hooked(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "",
	    "submission/inet/smtpd_recipient_restrictions =\n"
	    "submissions/inet/smtpd_recipient_restrictions ="
	    " permit_sasl_authenticated, reject\n"
	    "submission/inet/my_smtpd_milters = x\n"
	    "127.0.0.1:10025/inet/smtpd_milters =\n"
	    "127.0.0.1:10025/inet/smtpd_recipient_restrictions = reject\n"
	    "smtp/unix/smtp_header_checks = pcre:/x, $own\n"
	    "relay/unix/smtp_header_checks = regexp:{{/^A: / IGNORE}} b\n"
	    "slow/unix/smtp_header_checks =\n");
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &wanted,
			     &f.edits),
	    0);
	assert_edit(&f, "submission/inet/smtpd_recipient_restrictions",
	    "$postern_policy");
	assert_edit(&f, "submissions/inet/smtpd_recipient_restrictions",
	    "$postern_policy,permit_sasl_authenticated,reject");
	assert_edit(&f, "smtp/unix/smtp_header_checks",
	    "$postern_received,pcre:/x,$own");
	/* Another blank there would be another pattern. */
	assert_edit(&f, "relay/unix/smtp_header_checks",
	    "$postern_received,regexp:{{/^A: / IGNORE}},b");
	assert_edit(&f, "slow/unix/smtp_header_checks", "$postern_received");
	assert_no_edit(&f, "submission/inet/my_smtpd_milters");
	assert_no_edit(&f, "127.0.0.1:10025/inet/smtpd_milters");
	assert_no_edit(&f, "127.0.0.1:10025/inet/smtpd_recipient_restrictions");
	arena_free(f.arena);
}

static void
twice_is_once_and_back_is_as_before(void **state)
{
	static const char *const sites[] = {
		"",
		"smtpd_recipient_restrictions = a, b\nsmtpd_milters = m1 m2\n",
		"transport_maps = lmdb:t\nrelay_domains = x\nsmtpd_milters =\n"
		"enable_long_queue_ids = no\nrelay_recipient_maps = lmdb:r\n",
	};
	struct postfix_wanted with = wanted;

	(void)state;
	with.return_domains = domains;
	with.return_domain_count = 1;
	for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++) {
		struct postfix_values before;
		struct fixture f;

		begin(&f, sites[i], "s/inet/smtpd_milters = x\n");
		before = f.now.main;
		assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with,
				     &f.edits),
		    0);
		apply(&f);
		assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with,
				     &f.edits),
		    0);
		assert_int_equal(f.edits.count, 0);
		assert_int_equal(postfix_plan_disable(f.arena, &f.now, &before,
				     &f.edits),
		    0);
		apply(&f);
		assert_int_equal(f.now.main.count, before.count);
		for (size_t j = 0; j < before.count; j++)
			assert_true(slice_eq(before.at[j].value,
			    postfix_values_get(&f.now.main,
				before.at[j].name)));
		assert_int_equal(f.now.services.count, 1);
		assert_true(slice_eq(f.now.services.at[0].value, SLICE("x")));
		assert_int_equal(f.now.entries.count, 0);
		arena_free(f.arena);
	}
}

static void
changed_sockets_replace_the_old_ones(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f,
	    "postern_milter = { unix:/old }\nsmtpd_milters = $postern_milter\n"
	    "non_smtpd_milters = $postern_milter\n",
	    "");
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &wanted,
			     &f.edits),
	    0);
	assert_no_edit(&f, "smtpd_milters");
	assert_edit(&f, "postern_milter",
	    "{ unix:postern/milter.sock, connect_timeout=5s,"
	    " command_timeout=30s, content_timeout=300s,"
	    " default_action=tempfail }");
	arena_free(f.arena);
}

static void
the_listener_for_copies_moves(void **state)
{
	struct postfix_wanted with = wanted;
	struct fixture f;

	(void)state;
	begin(&f, "", "");
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &wanted,
			     &f.edits),
	    0);
	apply(&f);
	assert_int_equal(f.now.entries.count, 2);
	/* Nobody's restrictions but its own. */
	assert_true(slice_eq(postfix_values_get(&f.now.services,
				 SLICE("127.0.0.1:10589/inet/"
				       "smtpd_recipient_restrictions")),
	    SLICE("permit_mynetworks,reject")));

	with.reinject = SLICE("127.0.0.1:10600");
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_int_equal(f.edits.count, 2);
	assert_edit(&f, "127.0.0.1:10589/inet", NULL);
	apply(&f);
	assert_int_equal(f.now.entries.count, 2);

	/* Somebody has changed it. */
	f.now.entries.at[0].value = SLICE("127.0.0.1:10600 inet n - n - 1 x");
	f.now.entries.at[0].name = SLICE("127.0.0.1:10600/inet");
	f.now.entries.at[1].name = SLICE("postern-cleanup/unix");
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_int_equal(f.edits.count, 2);

	with.reinject = (struct slice){ NULL, 0 };
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_int_equal(f.edits.count, 2);
	assert_edit(&f, "127.0.0.1:10600/inet", NULL);
	assert_edit(&f, "postern-cleanup/unix", NULL);
	arena_free(f.arena);
}

static void
listeners_are_named_as_master_cf_names_them(void **state)
{
	struct arena *arena = arena_new(1 << 16);

	(void)state;
	assert_true(
	    slice_eq(postfix_service(arena, SLICE("inet:127.0.0.1:10589")),
		SLICE("127.0.0.1:10589")));
	assert_true(slice_eq(postfix_service(arena, SLICE("inet:[::1]:10589")),
	    SLICE("[::1]:10589")));
	assert_null(postfix_service(arena, SLICE("unix:/q/public/x")).at);
	arena_free(arena);
}

static void
relay_access_is_set_up_and_taken_back(void **state)
{
	struct postfix_wanted with = wanted;
	struct postfix_values before, services;
	struct fixture f;
	size_t line;

	(void)state;
	with.map = SLICE("unix:postern/map.sock");
	with.auth = SLICE("postern/auth.sock");
	with.relay_known = true;
	with.relay = POSTFIX_RELAY_ACCESS | POSTFIX_RELAY_AUTH |
		     POSTFIX_RELAY_TLS | POSTFIX_RELAY_CONNECT |
		     POSTFIX_RELAY_PORTS;
	begin(&f, "smtpd_relay_restrictions = permit_mynetworks, reject\n",
	    "587/inet/smtpd_relay_restrictions = permit_sasl_authenticated\n");
	assert_int_equal(postfix_entries_parse(f.arena,
			     SLICE("smtp inet n - y - - smtpd\n"
				   "587 inet n - y - - smtpd -o x=y\n"
				   "127.0.0.1:10025 inet n - y - - smtpd\n"
				   "mine inet n - y - - smtpd\n"
				   "1234 inet n - y - - spawn\n"
				   "pickup unix n - y 60 1 pickup\n"),
			     &f.now.entries, &line),
	    0);
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_edit(&f, "smtpd_relay_restrictions",
	    "$postern_relay, permit_mynetworks, reject");
	assert_edit(&f, "587/inet/smtpd_relay_restrictions",
	    "$postern_relay,permit_sasl_authenticated");
	assert_edit(&f, "postern_auth", "postern/auth.sock");
	assert_edit(&f, "smtpd_sasl_type", "dovecot");
	assert_edit(&f, "smtpd_sasl_path", "$postern_auth");
	assert_edit(&f, "smtpd_sasl_auth_enable", "yes");
	assert_edit(&f, "smtpd_tls_auth_only", "yes");
	assert_edit(&f, "smtp/inet/postern_port", "-25");
	assert_edit(&f, "587/inet/postern_port", "-587");
	assert_edit(&f, "127.0.0.1:10025/inet/postern_port", "-10025");
	assert_no_edit(&f, "mine/inet/postern_port");
	assert_no_edit(&f, "1234/inet/postern_port");
	/* The recipient restrictions do it, but not in this case. */
	assert_no_edit(&f, "smtpd_client_restrictions");

	/* The settings want less. */
	parse(&f,
	    "smtpd_relay_restrictions = $postern_relay, reject\n"
	    "postern_auth = postern/auth.sock\npostern_port =\n"
	    "smtpd_sasl_type = dovecot\nsmtpd_sasl_path = $postern_auth\n"
	    "smtpd_sasl_auth_enable = yes\nsmtpd_tls_auth_only = yes\n"
	    "smtpd_delay_reject = no\n",
	    &f.now.main);
	parse(&f, "smtpd_tls_auth_only = yes\n", &before);
	parse(&f, "587/inet/postern_port = -587\n", &services);
	f.now.before = &before;
	f.now.services = services;
	with.relay = POSTFIX_RELAY_ACCESS | POSTFIX_RELAY_CONNECT;
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_no_edit(&f, "smtpd_relay_restrictions");
	assert_edit(&f, "smtpd_client_restrictions", "$postern_connect");
	assert_edit(&f, "smtpd_sasl_path", NULL);
	assert_edit(&f, "smtpd_sasl_auth_enable", NULL);
	assert_no_edit(&f, "smtpd_tls_auth_only");
	assert_edit(&f, "postern_auth", NULL);
	assert_edit(&f, "587/inet/postern_port", NULL);

	/* They are not known, or AUTH is not ours any more. */
	with.relay_known = false;
	with.relay = 0;
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_no_edit(&f, "smtpd_sasl_path");
	assert_no_edit(&f, "587/inet/postern_port");
	parse(&f, "smtpd_sasl_path = own\nsmtpd_sasl_auth_enable = yes\n",
	    &f.now.main);
	with.relay_known = true;
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_no_edit(&f, "smtpd_sasl_auth_enable");
	assert_int_equal(postfix_plan_disable(f.arena, &f.now, &before,
			     &f.edits),
	    0);
	assert_no_edit(&f, "smtpd_sasl_auth_enable");
	arena_free(f.arena);
}

static void
sasl_of_the_site_stays(void **state)
{
	static const struct {
		const char *main_cf, *services, *foreign;
	} cases[] = {
		{ "", "", NULL },
		{ "smtpd_sasl_auth_enable = no\n", "", NULL },
		{ "smtpd_sasl_auth_enable = yes\n", "",
		    "smtpd_sasl_auth_enable" },
		{ "smtpd_sasl_type = cyrus\n", "", "smtpd_sasl_type" },
		{ "smtpd_sasl_type = dovecot\nsmtpd_sasl_path = private/auth\n",
		    "", "smtpd_sasl_type" },
		{ "smtpd_sasl_type = dovecot\n"
		  "smtpd_sasl_path = postern/auth.sock\n",
		    "", NULL },
		{ "", "587/inet/smtpd_sasl_auth_enable = yes\n",
		    "587/inet/smtpd_sasl_auth_enable" },
		{ "",
		    "587/inet/smtpd_sasl_auth_enable = yes\n"
		    "587/inet/smtpd_sasl_path = private/auth\n",
		    NULL },
	};
	struct postfix_wanted with = wanted;

	(void)state;
	with.auth = SLICE("postern/auth.sock");
	with.relay_known = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;

		begin(&f, cases[i].main_cf, cases[i].services);
		with.relay = 0;
		assert_null(postfix_sasl_foreign(&f.now, &with).at);
		with.relay = POSTFIX_RELAY_AUTH;
		assert_true(slice_eq(postfix_sasl_foreign(&f.now, &with),
		    slice_of(cases[i].foreign)));
		assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with,
				     &f.edits),
		    0);
		if (cases[i].foreign != NULL)
			assert_no_edit(&f, "smtpd_sasl_path");
		else
			assert_edit(&f, "smtpd_sasl_path", "$postern_auth");
		arena_free(f.arena);
	}
}

static void
disable_takes_out_only_our_own(void **state)
{
	struct postfix_values before;
	struct fixture f;

	(void)state;
	/* As the administrator left it after "enable" and a day's work. */
	begin(&f,
	    "postern_policy = p\nsmtpd_recipient_restrictions ="
	    " check_client_access lmdb:c, $postern_policy, permit\n"
	    "smtpd_milters = $postern_milter\nenable_long_queue_ids = yes\n"
	    "mine = 1\n",
	    "");
	parse(&f, "enable_long_queue_ids = no\n", &before);
	assert_int_equal(postfix_plan_disable(f.arena, &f.now, &before,
			     &f.edits),
	    0);
	assert_edit(&f, "postern_policy", NULL);
	assert_edit(&f, "smtpd_recipient_restrictions",
	    "check_client_access lmdb:c, permit");
	assert_edit(&f, "smtpd_milters", NULL);
	assert_edit(&f, "enable_long_queue_ids", "no");
	assert_no_edit(&f, "mine");

	/* Without knowing what was before, settings of others stay. */
	assert_int_equal(postfix_plan_disable(f.arena, &f.now, NULL, &f.edits),
	    0);
	assert_no_edit(&f, "enable_long_queue_ids");
	arena_free(f.arena);
}

static void
sockets_are_named_as_postfix_sees_them(void **state)
{
	static const struct {
		const char *listen, *want;
	} rows[] = {
		{ "unix:/q/postern/policyd.sock", "unix:postern/policyd.sock" },
		{ "unix:/qq/x.sock", "unix:/qq/x.sock" },
		{ "unix:/run/x.sock", "unix:/run/x.sock" },
		{ "inet:127.0.0.1:10040", "inet:127.0.0.1:10040" },
		{ "unix:/q/a inet:127.0.0.1:1", "unix:a" },
		{ "", "" },
	};
	struct arena *arena = arena_new(1 << 16);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_true(slice_eq(postfix_endpoint(arena,
					 slice_of(rows[i].listen), SLICE("/q")),
		    slice_of(rows[i].want)));
	arena_free(arena);
}

static void
retries_follow_the_settings(void **state)
{
	struct postfix_wanted with = wanted;
	struct postfix_values before;
	struct fixture f;

	(void)state;
	with.retry_known = true;
	with.minimal_backoff = SLICE("240s");
	with.maximal_backoff = SLICE("6000s");
	with.queue_lifetime = SLICE("86400s");
	with.queue_run_delay = SLICE("60s");
	begin(&f, "minimal_backoff_time = 10m\n", "");
	before = f.now.main;
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_edit(&f, "postern_minimal_backoff", "240s");
	assert_edit(&f, "minimal_backoff_time", "$postern_minimal_backoff");
	assert_edit(&f, "maximal_queue_lifetime", "$postern_queue_lifetime");
	assert_edit(&f, "queue_run_delay", "$postern_queue_run_delay");
	apply(&f);
	/* Other values, and nothing else. */
	with.minimal_backoff = SLICE("300s");
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_int_equal(f.edits.count, 1);
	assert_edit(&f, "postern_minimal_backoff", "300s");
	apply(&f);
	/* Not known: it stays. */
	with.minimal_backoff.len = 0;
	with.retry_known = false;
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_int_equal(f.edits.count, 0);
	/* Taken back, with and without knowing what was before. */
	assert_int_equal(postfix_plan_disable(f.arena, &f.now, &before,
			     &f.edits),
	    0);
	assert_edit(&f, "minimal_backoff_time", "10m");
	assert_edit(&f, "queue_run_delay", NULL);
	assert_edit(&f, "postern_queue_run_delay", NULL);
	assert_int_equal(postfix_plan_disable(f.arena, &f.now, NULL, &f.edits),
	    0);
	assert_edit(&f, "minimal_backoff_time", NULL);
	/* The settings say nothing any more. */
	with.retry_known = true;
	f.now.before = &before;
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_edit(&f, "minimal_backoff_time", "10m");
	assert_edit(&f, "maximal_backoff_time", NULL);
	f.now.before = NULL;
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_int_equal(f.edits.count, 8);
	assert_edit(&f, "maximal_backoff_time", NULL);
	assert_edit(&f, "postern_maximal_backoff", NULL);
	apply(&f);
	assert_int_equal(postfix_plan_enable(f.arena, &f.now, &with, &f.edits),
	    0);
	assert_int_equal(f.edits.count, 0);
	arena_free(f.arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_site_gets_all_hooks),
		cmocka_unit_test(what_the_site_has_stays),
		cmocka_unit_test(return_domains_are_routed),
		cmocka_unit_test(providers_have_transports),
		cmocka_unit_test(mail_that_is_not_shaped_asks_nobody),
		cmocka_unit_test(services_with_values_of_their_own_are_hooked),
		cmocka_unit_test(twice_is_once_and_back_is_as_before),
		cmocka_unit_test(changed_sockets_replace_the_old_ones),
		cmocka_unit_test(retries_follow_the_settings),
		cmocka_unit_test(the_listener_for_copies_moves),
		cmocka_unit_test(listeners_are_named_as_master_cf_names_them),
		cmocka_unit_test(relay_access_is_set_up_and_taken_back),
		cmocka_unit_test(sasl_of_the_site_stays),
		cmocka_unit_test(disable_takes_out_only_our_own),
		cmocka_unit_test(sockets_are_named_as_postfix_sees_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
