/* SPDX-License-Identifier: BSD-2-Clause */
/* Transports of shaping filters: from the settings to text, and from text to
 * what changes in main.cf and master.cf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "postfix-conf/transports.h"
#include "proto/json.h"
#include "proto/settings.h"
#include "util/crypto.h"
#include "util/err.h"

#define HEAD "postern-transports 1\n"
#define TABLES "tables unix:/var/spool/postfix/postern/map.sock\n"
#define TABLES_SLICE SLICE("unix:/var/spool/postfix/postern/map.sock")

/* ---- from the settings ---- */

#define SHAPING \
	"{\"tenants\":[],\"shaping\":{\"mode\":\"%s\",\"addresses\":[" \
	"{\"name\":\"one\",\"ipv4\":\"192.0.2.1\",\"ipv6\":\"2001:db8::1\"," \
	"\"host\":\"mx1\",\"helo\":\"out1.example\"}," \
	"{\"name\":\"two\",\"ipv4\":\"192.0.2.2\"}]," \
	"\"filters\":[{\"name\":\"g\",\"patterns\":[\".*\"]," \
	"\"connections\":3,\"messages_per_connection\":7}," \
	"{\"name\":\"y\",\"patterns\":[\".*\"],\"addresses\":[\"one\"]," \
	"\"connection_cache\":{\"size\":0}}," \
	"{\"name\":\"r\",\"patterns\":[\".*\"],\"address_count\":1," \
	"\"forward\":{\"host\":\"Relay.example\",\"port\":587," \
	"\"tls\":\"encrypt\",\"user\":\"u\",\"password\":\"%s\"}}," \
	"{\"name\":\"six\",\"patterns\":[\".*\"],\"address_count\":1," \
	"\"forward\":{\"host\":\"[2001:DB8::9]\"}}]}}"

static struct settings *
compile(const char *mode, const char *password)
{
	struct json *doc = NULL;
	struct settings *s = NULL;
	char text[4000], error[200];

	(void)snprintf(text, sizeof(text), SHAPING, mode, password);
	assert_int_equal(json_parse(slice_of(text), sizeof(text), &doc, error,
			     sizeof(error)),
	    0);

	struct settings_input in = { SLICE(SETTINGS_GLOBAL), 1, doc };

	assert_int_equal(settings_compile(&in, 1, NULL, NULL, NULL, &s), 0);
	json_free(doc);
	return s;
}

static int
wanted_text(const char *mode, const char *password, const char *host,
    struct buf *out)
{
	struct settings *s = compile(mode, password);
	struct arena *arena = arena_new(1 << 20);
	struct postfix_transports t;
	int rc = postfix_transports_wanted(arena, settings_shaping(s),
	    slice_of(host), TABLES_SLICE, &t);

	assert_int_equal(rc, 0);
	buf_init(out, 10000);
	rc = postfix_transports_format(&t, out);
	arena_free(arena);
	settings_unref(s);
	return rc;
}

static void
test_wanted(void **state)
{
	struct buf out;

	(void)state;
	assert_int_equal(wanted_text("enforce", "enc:v1:AAAA", "mx1", &out), 0);
	assert_string_equal(buf_text(&out),
	    HEAD TABLES "transport pn-g_one connections=3 idle=5 messages=7 "
			"ipv4=192.0.2.1 ipv6=2001:db8::1 helo=out1.example\n"
			"transport pn-g_two connections=3 idle=5 messages=7 "
			"ipv4=192.0.2.2\n"
			"transport pn-y_one connections=10 idle=0 messages=0 "
			"ipv4=192.0.2.1 ipv6=2001:db8::1 helo=out1.example\n"
			"transport pn-r_one connections=10 idle=5 messages=0 "
			"ipv4=192.0.2.1 ipv6=2001:db8::1 helo=out1.example "
			"forward=[relay.example]:587 tls=encrypt user=u "
			"password=enc:v1:AAAA\n"
			"transport pn-six_one connections=10 idle=5 messages=0 "
			"ipv4=192.0.2.1 ipv6=2001:db8::1 helo=out1.example "
			"forward=[2001:db8::9]:25 tls=site\n");
	buf_done(&out);
	/* Another host has one address, where it is asked for at all. */
	assert_int_equal(wanted_text("enforce", "enc:v1:AAAA", "mx2", &out), 0);
	assert_string_equal(buf_text(&out),
	    HEAD TABLES "transport pn-g_two connections=3 idle=5 messages=7 "
			"ipv4=192.0.2.2\n"
			"transport pn-y connections=10 idle=0 messages=0\n"
			"transport pn-r connections=10 idle=5 messages=0 "
			"forward=[relay.example]:587 tls=encrypt user=u "
			"password=enc:v1:AAAA\n"
			"transport pn-six connections=10 idle=5 messages=0 "
			"forward=[2001:db8::9]:25 tls=site\n");
	buf_done(&out);
	assert_int_equal(wanted_text("observe", "enc:v1:AAAA", "mx1", &out), 0);
	assert_string_equal(buf_text(&out), HEAD TABLES);
	buf_done(&out);
	/* A secret that everybody could read goes nowhere. */
	assert_int_equal(wanted_text("enforce", "plain", "mx1", &out),
	    ERR_LIMIT);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

/* ---- the text ---- */

#define T(rest) HEAD TABLES "transport " rest "\n"
#define N " connections=1 idle=0 messages=0"
#define FORWARD N " forward=[h.example]:25 tls=site"

static const struct {
	const char *name, *text;
	size_t line; /* 0: good */
} texts[] = {
	{ "none", HEAD TABLES, 0 },
	{ "one", T("pn-a" N), 0 },
	{ "all members",
	    T("pn-a_b connections=100 idle=600 messages=100000 "
	      "ipv4=192.0.2.1 ipv6=::1 helo=a.b forward=[1.2.3.4]:1 "
	      "tls=verify user=a@b password=enc:v1:AA=="),
	    0 },
	{ "nothing", "", 1 },
	{ "no head", TABLES, 1 },
	{ "another version", "postern-transports 2\n" TABLES, 1 },
	{ "no tables", HEAD, 1 },
	{ "tables of another kind", HEAD "tables hash:/etc/passwd\n", 2 },
	{ "tables with a blank", HEAD "tables unix:/a b\n", 2 },
	{ "tables twice", HEAD TABLES TABLES, 3 },
	{ "no line end", HEAD TABLES "transport pn-a" N, 1 },
	{ "an empty line", HEAD TABLES "\n", 3 },
	{ "a blank at the end", T("pn-a" N " "), 3 },
	{ "two blanks", T("pn-a " N), 3 },
	{ "the same name twice", T("pn-a" N) "transport pn-a" N "\n", 4 },
	{ "not ours", T("smtp" N), 3 },
	{ "not ours either", T("postern" N), 3 },
	{ "no name", T("pn-" N), 3 },
	{ "a name that is too long",
	    T("pn-abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
	      "abcdefghijklmnopqrst" N),
	    3 },
	{ "a slash in a name", T("pn-a/unix" N), 3 },
	{ "capitals", T("pn-A" N), 3 },
	{ "a new line in a name", T("pn-a\nb" N), 3 },
	{ "no connections", T("pn-a connections=0 idle=0 messages=0"), 3 },
	{ "too many", T("pn-a connections=101 idle=0 messages=0"), 3 },
	{ "a zero before", T("pn-a connections=01 idle=0 messages=0"), 3 },
	{ "a sign", T("pn-a connections=+1 idle=0 messages=0"), 3 },
	{ "idle for too long", T("pn-a connections=1 idle=601 messages=0"), 3 },
	{ "no idle", T("pn-a connections=1 messages=0"), 3 },
	{ "unknown members", T("pn-a" N " command=/bin/sh"), 3 },
	{ "members twice", T("pn-a" N " helo=a helo=b"), 3 },
	{ "another order", T("pn-a" N " helo=a ipv4=192.0.2.1"), 3 },
	{ "no address", T("pn-a" N " ipv4=::1"), 3 },
	{ "none of the other kind", T("pn-a" N " ipv6=192.0.2.1"), 3 },
	{ "an option in a name", T("pn-a" N " helo=a-o{b}"), 3 },
	{ "a member without value", T("pn-a" N " helo="), 3 },
	{ "a macro", T("pn-a" N " helo=$b"), 3 },
	{ "forward without TLS", T("pn-a" N " forward=[h]:25"), 3 },
	{ "TLS without forward", T("pn-a" N " tls=site"), 3 },
	{ "TLS of another kind", T("pn-a" N " forward=[h]:25 tls=none"), 3 },
	{ "no port", T("pn-a" N " forward=[h] tls=site"), 3 },
	{ "port 0", T("pn-a" N " forward=[h]:0 tls=site"), 3 },
	{ "no brackets", T("pn-a" N " forward=h:25 tls=site"), 3 },
	{ "a transport of its own", T("pn-a" N " forward=[h]:25:x tls=site"),
	    3 },
	{ "user without password", T("pn-a" FORWARD " user=u"), 3 },
	{ "password without user", T("pn-a" FORWARD " password=enc:v1:A"), 3 },
	{ "user without forward", T("pn-a" N " user=u password=enc:v1:A"), 3 },
	{ "a password that is not sealed",
	    T("pn-a" FORWARD " user=u password=secret"), 3 },
	{ "a colon in the user",
	    T("pn-a" FORWARD " user=u:v password=enc:v1:A"), 3 },
};

static void
test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		size_t len = strlen(texts[i].text), line = 99;
		/* Exactly as long as it is, so that reading on is seen. */
		char *at = malloc(len > 0 ? len : 1);
		struct arena *arena = arena_new(1 << 20);
		struct postfix_transports t;
		struct buf out;
		int rc;

		print_message("# %s\n", texts[i].name);
		assert_non_null(at);
		memcpy(at, texts[i].text, len);
		rc = postfix_transports_parse(arena, (struct slice){ at, len },
		    &t, &line);
		assert_int_equal(rc, texts[i].line == 0 ? 0 : ERR_SYNTAX);
		if (texts[i].line > 0)
			assert_int_equal(line, texts[i].line);
		buf_init(&out, 10000);
		if (rc == 0)
			assert_int_equal(postfix_transports_format(&t, &out),
			    0);
		if (rc == 0)
			assert_string_equal(buf_text(&out), texts[i].text);
		buf_done(&out);
		arena_free(arena);
		free(at);
	}
}

static void
test_too_many(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	struct postfix_transports t;
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 20);
	(void)buf_add_text(&text, HEAD TABLES);
	for (int i = 0; i <= POSTFIX_TRANSPORTS_COUNT_MAX; i++)
		(void)buf_addf(&text, "transport pn-%d" N "\n", i);
	assert_int_equal(text.rc, 0);
	assert_int_equal(postfix_transports_parse(arena, buf_slice(&text), &t,
			     NULL),
	    ERR_LIMIT);
	buf_done(&text);
	arena_free(arena);
}

/* ---- what is changed ---- */

#define VALUES \
	"inet_protocols = all\nqueue_directory = /var/spool/postfix\n" \
	"smtp_tls_CAfile =\nsmtp_tls_CApath = %s\n" \
	"smtp_tls_security_level = %s\nsyslog_name = postfix\n"
#define FILTER(name) \
	"-o smtp_delivery_status_filter=socketmap:unix:postern/map.sock:" \
	"pace-" name
#define NO_CACHE \
	" -o smtp_connection_cache_on_demand=no" \
	" -o smtp_connection_cache_destinations=" \
	" -o smtp_skip_quit_response=no" \
	" -o smtp_connection_reuse_count_limit=0"
#define BASE(name) \
	"pn-" name " unix - - n - 1 smtp -o syslog_name=postfix/pn-" name \
	" " FILTER(name)

static const struct {
	const char *name;
	const char *transports; /* "transport" lines */
	const char *entries, *services, *main_cf, *ca, *level;
	const char *edits; /* "-NAME" or "+NAME=VALUE", with "|" behind each */
} plans[] = {
	{ "none, and none there", "", "", "", "inet_protocols = all\n", "", "",
	    "" },
	{ "a new one", "transport pn-a" N "\n", "smtp unix - - y - - smtp\n",
	    "", "", "", "",
	    "+pn-a_destination_concurrency_limit=1|"
	    "+pn-a/unix=pn-a unix - - y - 1 smtp -o syslog_name=postfix/pn-a " FILTER(
		"a") NO_CACHE "|" },
	{ "there already", "transport pn-a" N "\n", BASE("a") NO_CACHE "\n", "",
	    "pn-a_destination_concurrency_limit = 1\n", "", "", "" },
	{ "another number of connections",
	    "transport pn-a connections=2 idle=0 messages=0\n",
	    BASE("a") NO_CACHE "\n", "",
	    "pn-a_destination_concurrency_limit = 1\n", "", "",
	    "+pn-a_destination_concurrency_limit=2|"
	    "+pn-a/unix=pn-a unix - - n - 2 smtp -o syslog_name=postfix/pn-a " FILTER(
		"a") NO_CACHE "|" },
	{ "not wanted any more", "",
	    "smtp unix - - y - - smtp\n" BASE("a") NO_CACHE
	    "\n"
	    "pnx unix - - y - - smtp\npostern-cleanup unix n - n - 0 cleanup\n",
	    "",
	    "pn-a_destination_concurrency_limit = 1\nsmtp_x = y\n"
	    "pn-b_anything = 2\n",
	    "", "",
	    "-pn-a/unix|-pn-a_destination_concurrency_limit|-pn-b_anything|" },
	{ "what the site's smtp(8) has", "transport pn-a" N "\n", "",
	    "smtp/unix/smtp_helo_timeout = 5\nrelay/unix/syslog_name = r\n"
	    "smtp/unix/syslog_name = s\nsmtp/unix/smtp_x = a b\n",
	    "", "", "",
	    "+pn-a_destination_concurrency_limit=1|"
	    "+pn-a/unix=pn-a unix - - n - 1 smtp -o syslog_name=postfix/pn-a "
	    "-o smtp_helo_timeout=5 -o {smtp_x=a b} " FILTER("a") NO_CACHE
	    "|" },
	{ "addresses",
	    "transport pn-a_b" N
	    " ipv4=192.0.2.1 ipv6=2001:db8::1 helo=out.example\n"
	    "transport pn-a_c" N " ipv4=192.0.2.2\n"
	    "transport pn-a_d" N " ipv6=2001:db8::2\n",
	    "", "", "", "", "",
	    "+pn-a_b_destination_concurrency_limit=1|"
	    "+pn-a_b/unix=" BASE(
		"a_b") " -o smtp_helo_name=out.example"
		       " -o smtp_bind_address=192.0.2.1"
		       " -o smtp_bind_address6=2001:db8::1" NO_CACHE "|"
		       "+pn-a_c_destination_concurrency_limit=1|"
		       "+pn-a_c/unix=" BASE(
			   "a_c") " -o smtp_bind_address=192.0.2.2"
				  " -o inet_protocols=ipv4" NO_CACHE "|"
				  "+pn-a_d_destination_concurrency_limit=1|"
				  "+pn-a_d/unix=" BASE(
				      "a_d") " -o smtp_bind_address6=2001:db8::2"
					     " -o inet_protocols=ipv6" NO_CACHE
					     "|" },
	{ "kept sessions", "transport pn-a connections=1 idle=7 messages=9\n",
	    "tlsproxy unix - - y - 0 tlsproxy\n", "", "", "", "",
	    "+pn-a_destination_concurrency_limit=1|"
	    "+pn-a/unix=" BASE(
		"a") " -o smtp_connection_cache_on_demand=yes"
		     " -o smtp_connection_cache_destinations=static:all"
		     " -o smtp_skip_quit_response=no"
		     " -o smtp_connection_cache_time_limit=7s"
		     " -o smtp_tls_connection_reuse=yes"
		     " -o smtp_connection_reuse_count_limit=9|" },
	{ "kept sessions, without tlsproxy(8)",
	    "transport pn-a connections=1 idle=7 messages=0\n", "", "", "", "",
	    "",
	    "+pn-a_destination_concurrency_limit=1|"
	    "+pn-a/unix=" BASE(
		"a") " -o smtp_connection_cache_on_demand=yes"
		     " -o smtp_connection_cache_destinations=static:all"
		     " -o smtp_skip_quit_response=no"
		     " -o smtp_connection_cache_time_limit=7s"
		     " -o smtp_connection_reuse_count_limit=0|" },
	{ "forward", "transport pn-a" FORWARD "\n", "", "", "", "", "",
	    "+pn-a_destination_concurrency_limit=1|"
	    "+pn-a/unix=" BASE("a") NO_CACHE
	    " -o smtp_tls_security_level=may|" },
	{ "forward, where the site says how", "transport pn-a" FORWARD "\n", "",
	    "", "", "", "dane",
	    "+pn-a_destination_concurrency_limit=1|"
	    "+pn-a/unix=" BASE("a") NO_CACHE "|" },
	{ "forward with a name that is verified",
	    "transport pn-a" N " forward=[h.example]:25 tls=verify\n"
	    "transport pn-b" N " forward=[h.example]:465 tls=site\n",
	    "", "", "", "", "",
	    "+pn-a_destination_concurrency_limit=1|"
	    "+pn-a/unix=" BASE("a") NO_CACHE
	    " -o smtp_tls_security_level=secure"
	    " -o smtp_tls_secure_cert_match=nexthop"
	    " -o tls_append_default_CA=yes|"
	    "+pn-b_destination_concurrency_limit=1|"
	    "+pn-b/unix=" BASE("b") NO_CACHE
	    " -o smtp_tls_wrappermode=yes"
	    " -o smtp_tls_security_level=encrypt|" },
	{ "with a password",
	    "transport pn-a" N " forward=[h.example]:587 tls=verify user=u "
	    "password=enc:v1:AAAA\n",
	    "", "", "", "/etc/ssl/certs", "",
	    "+pn-a_destination_concurrency_limit=1|"
	    "+pn-a/unix=" BASE("a") NO_CACHE
	    " -o smtp_tls_security_level=secure"
	    " -o smtp_tls_secure_cert_match=nexthop"
	    " -o smtp_sasl_auth_enable=yes"
	    " -o smtp_sasl_password_maps=texthash:/etc/postfix/pn-a.passwd"
	    " -o smtp_sasl_security_options=noplaintext,noanonymous"
	    " -o smtp_sasl_tls_security_options=noanonymous|" },
};

static void
parse_values(struct arena *arena, const char *text, struct postfix_values *v)
{
	size_t line;

	assert_int_equal(postfix_values_parse(arena, slice_of(text), v, &line),
	    0);
}

static void
test_plan(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(plans) / sizeof(*plans); i++) {
		struct arena *arena = arena_new(1 << 20);
		struct postfix_transports_now now = { .config_directory = SLICE(
							  "/etc/postfix") };
		struct postfix_transports t;
		struct postfix_edits edits;
		char text[2000], values[1000];
		struct buf out;
		size_t line;

		print_message("# %s\n", plans[i].name);
		(void)snprintf(text, sizeof(text), HEAD TABLES "%s",
		    plans[i].transports);
		(void)snprintf(values, sizeof(values), VALUES, plans[i].ca,
		    plans[i].level);
		assert_int_equal(postfix_transports_parse(arena, slice_of(text),
				     &t, NULL),
		    0);
		parse_values(arena, plans[i].main_cf, &now.main);
		parse_values(arena, plans[i].services, &now.services);
		parse_values(arena, values, &now.values);
		assert_int_equal(postfix_entries_parse(arena,
				     slice_of(plans[i].entries), &now.entries,
				     &line),
		    0);
		assert_int_equal(postfix_transports_plan(arena, &now, &t,
				     &edits),
		    0);
		buf_init(&out, 10000);
		for (size_t n = 0; n < edits.count; n++) {
			const struct postfix_edit *e = &edits.at[n];

			if (e->value.at == NULL)
				(void)buf_addf(&out, "-%.*s|",
				    SLICE_F(e->name));
			else
				(void)buf_addf(&out, "+%.*s=%.*s|",
				    SLICE_F(e->name), SLICE_F(e->value));
		}
		assert_string_equal(buf_text(&out), plans[i].edits);
		buf_done(&out);
		arena_free(arena);
	}
}

static const struct {
	const char *password;
	const char *line; /* NULL: refused */
} passwords[] = {
	{ "secret", "[h]:587 u:secret\n" },
	{ "a b:c#\\", "[h]:587 u:a b:c#\\\n" },
	{ "", NULL },
	{ " a", NULL },
	{ "a ", NULL },
	{ "a\nb", NULL },
	{ "a\tb", NULL },
};

static void
test_passwords(void **state)
{
	const struct postfix_transport t = { .forward = SLICE("[h]:587"),
		.user = SLICE("u") };

	(void)state;
	for (size_t i = 0; i < sizeof(passwords) / sizeof(*passwords); i++) {
		struct buf out;
		int rc;

		buf_init(&out, 1000);
		rc = postfix_transport_password(&t,
		    slice_of(passwords[i].password), &out);
		assert_int_equal(rc,
		    passwords[i].line != NULL ? 0 : ERR_SYNTAX);
		if (rc == 0)
			assert_string_equal(buf_text(&out), passwords[i].line);
		buf_done(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_passwords),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
