/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields by which complaints find a message: which one gets which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "milter/milter.h"
#include "milter/module.h"
#include "proto/json.h"
#include "proto/settings.h"
#include "proto/trace_field.h"

#define NOW_S 1795411200

static const struct milter host = { .host_name = SLICE("mta1"),
	.trace_key = { 9 } };

/* A key of each domain, as text of JSON. */
static char pem[2000];

static int
make_pem(void **state)
{
	struct sign_key *key;
	struct buf text;
	size_t n = 0;

	(void)state;
	buf_init(&text, 2000);
	assert_int_equal(sign_key_generate(SIGN_ED25519_SHA256, 0, &key), 0);
	assert_int_equal(sign_key_pem(key, &text), 0);
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '\n') {
			pem[n++] = '\\';
			pem[n++] = 'n';
		} else {
			pem[n++] = text.at[i];
		}
	}
	pem[n] = '\0';
	buf_done(&text);
	sign_key_free(key);
	return 0;
}

static struct json *
document(const char *text)
{
	struct json *doc = NULL;
	char error[200];

	if (json_parse(slice_of(text), 65536, &doc, error, sizeof(error)) < 0)
		fail_msg("%s: %s", text, error);
	return doc;
}

/* Domains a.test (signs, with those below it), quiet.test (does not). */
static struct settings *
settings_with(const char *complaints, bool operator_signs)
{
	char text[8000], global[4000];
	struct settings_input in[2] = { { .name = SLICE("shop") },
		{ .name = SLICE(SETTINGS_GLOBAL) } };
	struct settings *s = NULL;

	(void)snprintf(text, sizeof(text),
	    "{\"complaints\": %s, \"streams\": [{\"name\": \"news\","
	    " \"match\": {\"sender\": [\"@news.test\"]}}],"
	    " \"domains\": [{\"name\": \"a.test\", \"subdomains\": true,"
	    "  \"dkim\": [{\"selector\": \"s\", \"state\": \"active\","
	    "   \"key\": \"%s\"}]},"
	    "  {\"name\": \"quiet.test\", \"dkim\": [{\"selector\": \"s\","
	    "   \"state\": \"prepared\", \"key\": \"%s\"}]}]}",
	    complaints, pem, pem);
	(void)snprintf(global, sizeof(global),
	    operator_signs
		? "{\"tenants\": [], \"operator_signature\": {\"domain\":"
		  " \"host.test\", \"dkim\": [{\"selector\": \"o\","
		  " \"state\": \"active\", \"key\": \"%s\"}]}}"
		: "{\"tenants\": []}",
	    pem);
	in[0].doc = document(text);
	in[1].doc = document(global);
	assert_int_equal(settings_compile(in, 2, NULL, NULL, NULL, &s), 0);
	for (size_t i = 0; i < 2; i++)
		json_free((struct json *)(uintptr_t)in[i].doc);
	return s;
}

struct asked {
	const char *complaints, *from, *sender;
	bool operator_signs;
	const char *name, *value; /* one more field */
	const char *more;         /* a second recipient */
};

static void
run(struct message *msg, const struct asked *q)
{
	assert_int_equal(message_init(msg), 0);
	msg->host = &host;
	msg->settings =
	    settings_with(q->complaints != NULL ? q->complaints : "{}",
		q->operator_signs);
	msg->tenant = settings_tenant(msg->settings, SLICE("shop"));
	msg->sender = slice_of(q->sender != NULL ? q->sender : "x@a.test");
	msg->queue_id = SLICE("4ZxKq03");
	msg->arrived_ms = NOW_S * INT64_C(1000);
	assert_int_equal(message_add_rcpt(msg, SLICE("r@far.test"), true), 0);
	if (q->more != NULL)
		assert_int_equal(message_add_rcpt(msg, slice_of(q->more), true),
		    0);
	if (q->from != NULL)
		assert_int_equal(message_add_field(msg, SLICE("From"),
				     slice_of(q->from)),
		    0);
	if (q->name != NULL)
		assert_int_equal(message_add_field(msg, slice_of(q->name),
				     slice_of(q->value)),
		    0);
	assert_int_equal(module_feedback.eom(msg, NULL), VERDICT_NEXT);
}

/* The value of the only field of that name that leaves; NULL: none. */
static const char *
leaving(struct message *msg, const char *name)
{
	size_t count = 0;
	struct header_field *fields = message_leaving(msg, &count);
	const char *found = NULL;

	for (size_t i = 0; i < count; i++) {
		if (!slice_eq_nocase(fields[i].name, slice_of(name)))
			continue;
		assert_null(found);
		found = message_keep(msg, slice_trim(fields[i].value)).at;
	}
	return found;
}

static void
end(struct message *msg)
{
	settings_unref(msg->settings);
	msg->settings = NULL;
	message_done(msg);
}

static struct trace_tag
tag_of(const char *value)
{
	static char room[VERP_QUEUE_ID_MAX];
	struct trace_tag tag;

	assert_non_null(value);
	assert_int_equal(trace_parse(host.trace_key, slice_of(value), NOW_S, 1,
			     room, &tag),
	    0);
	assert_true(slice_eq(tag.message.queue_id, SLICE("4ZxKq03")));
	assert_int_equal(tag.message.host, verp_host(SLICE("mta1")));
	assert_int_equal(tag.message.sent_s, NOW_S);
	return tag;
}

static void
test_trace(void **state)
{
	uint8_t hash[TRACE_RECIPIENT_LEN];
	struct trace_tag tag;
	struct message msg;

	(void)state;
	run(&msg, &(struct asked){ .from = "x@a.test",
		      .name = "x-postern-REF",
		      .value = "r-forged" });
	tag = tag_of(leaving(&msg, TRACE_FIELD));
	assert_true(tag.single);
	assert_int_equal(trace_recipient(host.trace_key, SLICE("r@far.test"),
			     hash),
	    0);
	assert_memory_equal(hash, tag.recipient, sizeof(hash));
	assert_null(leaving(&msg, "CFBL-Address"));
	assert_null(leaving(&msg, "Feedback-ID"));
	end(&msg);

	run(&msg, &(struct asked){ .more = "s@far.test" });
	assert_false(tag_of(leaving(&msg, TRACE_FIELD)).single);
	end(&msg);
}

#define AT(address) "{\"addresses\": [\"" address "\"], \"cfbl\": true}"

static void
test_cfbl(void **state)
{
	static const struct {
		struct asked asked;
		const char *want; /* NULL: none */
	} rows[] = {
		{ { .complaints = AT("fbl@a.test"), .from = "X <x@A.test>" },
		    "fbl@a.test; report=arf" },
		{ { .complaints = AT("fbl@fb.a.test"), .from = "x@a.test" },
		    "fbl@fb.a.test; report=arf" },
		/* d= is not the domain in From. */
		{ { .complaints = AT("fbl@a.test"), .from = "x@sub.a.test" },
		    NULL },
		{ { .complaints = AT("fbl@xa.test"), .from = "x@a.test" },
		    NULL },
		{ { .complaints = AT("fbl@host.test"), .from = "x@a.test" },
		    NULL },
		{ { .complaints = AT("fbl@host.test"),
		      .from = "x@a.test",
		      .operator_signs = true },
		    "fbl@host.test; report=arf" },
		{ { .complaints = AT("fbl@host.test"),
		      .from = "x@quiet.test",
		      .operator_signs = true },
		    NULL },
		{ { .complaints = AT("fbl@quiet.test"),
		      .from = "x@quiet.test" },
		    NULL },
		{ { .complaints = AT("fbl@a.test"),
		      .from = "x@a.test, y@a.test" },
		    NULL },
		{ { .complaints = AT("fbl@a.test"), .from = NULL }, NULL },
		{ { .complaints = AT("fbl@a.test"),
		      .from = "x@a.test",
		      .name = "From",
		      .value = "y@a.test" },
		    NULL },
		{ { .complaints = AT("fbl@a.test"),
		      .from = "x@a.test",
		      .name = "cfbl-address",
		      .value = "own@a.test; report=arf" },
		    "own@a.test; report=arf" },
		{ { .complaints = "{\"addresses\": [\"fbl@a.test\"]}",
		      .from = "x@a.test" },
		    NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool ours = rows[i].want != NULL && rows[i].asked.name == NULL;
		const char *value;
		struct message msg;

		run(&msg, &rows[i].asked);
		value = leaving(&msg, "CFBL-Address");
		if (rows[i].want == NULL)
			assert_null(value);
		else
			assert_string_equal(value, rows[i].want);
		value = leaving(&msg, "CFBL-Feedback-ID");
		if (ours)
			(void)tag_of(value);
		else
			assert_null(value);
		end(&msg);
	}
}

#define SENDER "{\"feedback_id\": {\"sender\": \"a-test\"}}"
#define CAMPAIGN \
	"{\"feedback_id\": {\"sender\": \"a-test\", \"header\": \"X-Kind\"}}"

static void
test_feedback_id(void **state)
{
	static const struct {
		struct asked asked;
		const char *want; /* NULL: none */
	} rows[] = {
		{ { .complaints = SENDER, .from = "x@a.test" }, "shop:a-test" },
		{ { .complaints = SENDER,
		      .from = "x@sub.a.test",
		      .sender = "x@news.test" },
		    "news:shop:a-test" },
		{ { .complaints = CAMPAIGN, .from = "x@a.test" },
		    "shop:a-test" },
		{ { .complaints = CAMPAIGN,
		      .from = "x@a.test",
		      .sender = "x@news.test",
		      .name = "x-kind",
		      .value = " Summer: 20 % \xc3\xa9" },
		    "Summer--20-----:shop:news:a-test" },
		{ { .complaints = CAMPAIGN,
		      .from = "x@a.test",
		      .sender = "x@news.test" },
		    "shop:news:a-test" },
		{ { .complaints = SENDER,
		      .from = "x@a.test",
		      .name = "feedback-id",
		      .value = "y:z" },
		    "y:z" },
		{ { .complaints = SENDER, .from = "x@quiet.test" }, NULL },
		{ { .complaints = SENDER,
		      .from = "x@quiet.test",
		      .operator_signs = true },
		    "shop:a-test" },
		{ { .complaints = SENDER,
		      .from = NULL,
		      .operator_signs = true },
		    NULL },
		{ { .complaints = "{}", .from = "x@a.test" }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *value;
		struct message msg;

		run(&msg, &rows[i].asked);
		value = leaving(&msg, "Feedback-ID");
		if (rows[i].want == NULL)
			assert_null(value);
		else
			assert_string_equal(value, rows[i].want);
		end(&msg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_cfbl),
		cmocka_unit_test(test_feedback_id),
	};

	return cmocka_run_group_tests(tests, make_pem, NULL);
}
