/* SPDX-License-Identifier: BSD-2-Clause */
/* The provider file that is shipped: valid, and about whom it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/json.h"
#include "proto/settings.h"
#include "store/provider_file.h"
#include "util/err.h"
#include "util/regex.h"

static struct settings *settings;

static void
tell(void *ctx, const char *path, const char *text)
{
	(void)ctx;
	print_error("%s %s\n", path, text);
}

static int
load(void **state)
{
	const char *top = getenv("srcdir");
	char path[1000];
	struct json *doc = NULL;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/dist/providers.json",
	    top != NULL ? top : "..");
	if (provider_file_read(path, tell, NULL, &doc) < 0)
		return -1;

	struct settings_input in = { SLICE(SETTINGS_PROVIDERS), 0, doc };
	int rc = settings_compile(&in, 1, NULL, tell, NULL, &settings);

	json_free(doc);
	return rc;
}

static int
unload(void **state)
{
	(void)state;
	settings_unref(settings);
	return 0;
}

static const struct {
	const char *recipient, *mx[2], *filter; /* NULL: none */
} who[] = {
	{ "a@gmail.com",
	    { "gmail-smtp-in.l.google.com", "alt1.gmail-smtp-in.l.google.com" },
	    "google" },
	{ "a@x.example", { "aspmx.l.google.com", "aspmx2.googlemail.com" },
	    "google" },
	{ "a@x.example", { "smtp.google.com" }, "google" },
	{ "a@x.example", { "smtp.google.com.example" }, NULL },
	{ "a@x.example", { "notgoogle.com" }, NULL },
	{ "a@x.example", { "aspmx.l.google.com", "backup.x.example" }, NULL },
	{ "a@hotmail.com", { "hotmail-com.olc.protection.outlook.com" },
	    "microsoft" },
	{ "a@x.example", { "x-example.mail.protection.outlook.com" },
	    "microsoft365" },
	{ "a@x.example", { "x-example.k-v1.mx.microsoft" }, "microsoft365" },
	{ "a@yahoo.com", { "mta5.am0.yahoodns.net" }, "yahoo" },
	{ "a@yahoo.co.jp", { "mx1.mail.yahoo.co.jp", "mx5.mail.yahoo.co.jp" },
	    "yahoo-japan" },
	{ "a@docomo.ne.jp", { "mfsmax.docomo.ne.jp" }, "docomo" },
	{ "a@docomo.ne.jp", { NULL }, "docomo" },
	{ "a@ezweb.ne.jp", { NULL }, "au" },
	{ "a@au.com", { NULL }, "au" },
	{ "a@bau.com", { NULL }, NULL },
	{ "a@softbank.ne.jp", { NULL }, "softbank" },
	{ "a@i.softbank.jp", { NULL }, "softbank" },
	{ "a@t.vodafone.ne.jp", { NULL }, "softbank" },
	{ "a@ymobile.ne.jp", { NULL }, "softbank" },
	{ "a@icloud.com", { "mx01.mail.icloud.com", "mx02.mail.icloud.com" },
	    "apple" },
	{ "a@gmx.de", { "mx00.emig.gmx.net" }, "gmx" },
	{ "a@web.de", { "mx-ha02.web.de", "mx-ha03.web.de" }, "gmx" },
	{ "a@comcast.net", { "mx1a1.comcast.net" }, "comcast" },
	{ "a@orange.fr", { "smtp-in.orange.fr" }, "orange" },
	{ "a@qq.com", { "mx1.qq.com", "mx3.qq.com" }, "qq" },
	{ "a@x.example", { "mxbiz1.qq.com" }, "qq" },
	{ "a@163.com", { "163mx01.mxmail.netease.com" }, "netease" },
	{ "a@mail.ru", { "mxs.mail.ru" }, "mailru" },
	{ "a@notmail.ru", { "mxs.notmail.ru" }, NULL },
	{ "a@proton.me", { "mail.protonmail.ch", "mailsec.protonmail.ch" },
	    "proton" },
	{ "a@zoho.com", { "smtpin.zoho.com", "smtpin2.zoho.com" }, "zoho" },
	{ "a@fastmail.com", { "in1-smtp.messagingengine.com" }, "fastmail" },
	{ "a@x.example", { "mx.x.example" }, NULL },
};

static void
test_who(void **state)
{
	const struct shaping *s = settings_shaping(settings);

	(void)state;
	for (size_t i = 0; i < sizeof(who) / sizeof(*who); i++) {
		struct slice mx[2];
		size_t count = 0;
		const struct shaping_filter *f;

		for (; count < 2 && who[i].mx[count] != NULL; count++)
			mx[count] = slice_of(who[i].mx[count]);
		f = shaping_match(s, slice_of(who[i].recipient), mx, count);
		print_message("# %s %s\n", who[i].recipient,
		    count > 0 ? who[i].mx[0] : "");
		if (who[i].filter == NULL)
			assert_null(f);
		else
			assert_true(f != NULL &&
				    slice_eq(f->name, slice_of(who[i].filter)));
	}
}

/* Replies as the providers give them. */
static const struct {
	const char *filter, *reply;
	int action; /* -1: by none of its own rules */
	int minutes;
} replies[] = {
	{ "google",
	    "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail",
	    SHAPING_SUSPEND, 10 },
	{ "google",
	    "450-4.2.1 The user you are trying to contact is receiving mail "
	    "too quickly.",
	    SHAPING_IGNORE, 0 },
	{ "google", "550-5.1.1 The email account does not exist", -1, 0 },
	{ "microsoft",
	    "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. "
	    "Please contact your Internet service provider since part of their "
	    "network is on our block list (S3150).",
	    SHAPING_TRANSCODE, 0 },
	{ "microsoft",
	    "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate "
	    "limited due to IP reputation.",
	    SHAPING_SUSPEND, 30 },
	{ "microsoft365",
	    "451 4.7.500 Server busy. Please try again later from [192.0.2.1].",
	    SHAPING_SUSPEND, 10 },
	{ "yahoo",
	    "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred "
	    "due to unexpected volume or user complaints",
	    SHAPING_SUSPEND, 120 },
	{ "yahoo",
	    "421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently "
	    "deferred",
	    SHAPING_SUSPEND, 240 },
	{ "orange", "421 opmta1mti nd1 OFR_104 Too many connections, slow down",
	    SHAPING_SLOW, 0 },
	{ "comcast", "421 4.1.0 192.0.2.1 Throttled - try again later RL000010",
	    SHAPING_SLOW, 0 },
	{ "qq", "550 Ip frequency limited.", SHAPING_TRANSCODE, 0 },
	{ "netease", "421 RP:TRC 163 smtp1,hl", SHAPING_SLOW, 0 },
};

static void
test_replies(void **state)
{
	const struct shaping *s = settings_shaping(settings);

	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
		const struct shaping_filter *f =
		    shaping_filter_named(s, slice_of(replies[i].filter));
		const struct shaping_rule *rule = NULL;

		print_message("# %s\n", replies[i].reply);
		assert_non_null(f);
		for (size_t n = 0; rule == NULL && n < f->rule_count; n++)
			if (regex_match(f->rules[n].pattern,
				slice_of(replies[i].reply), NULL) > 0)
				rule = &f->rules[n];
		assert_int_equal(rule != NULL ? (int)rule->action : -1,
		    replies[i].action);
		if (replies[i].minutes > 0)
			assert_int_equal(rule->for_ms,
			    replies[i].minutes * 60000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_replies),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
