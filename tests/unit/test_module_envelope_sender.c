/* SPDX-License-Identifier: BSD-2-Clause */
/* What envelope senders become, by mode and sending domain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "milter/milter.h"
#include "milter/module.h"
#include "proto/address.h"
#include "proto/json.h"
#include "proto/settings.h"
#include "proto/verp.h"

#define NOW_S 1795411200
#define RETURN "\"return_path\":{\"domain\":\"bounce.example.com\"}"

static const struct milter host = { .host_name = SLICE("mta1"),
	.verp_key = { 9 } };

static struct settings *
settings_of(const char *text)
{
	struct json *doc = NULL;
	struct settings *s = NULL;
	char error[200];

	assert_int_equal(json_parse(slice_of(text), 65536, &doc, error,
			     sizeof(error)),
	    0);
	struct settings_input in = { SLICE("default"), 1, doc };
	assert_int_equal(settings_compile(&in, 1, NULL, NULL, NULL, &s), 0);
	json_free(doc);
	return s;
}

struct asked {
	const char *settings, *sender, *from, *queue_id, *envid;
};

static void
run(struct message *msg, const struct asked *q)
{
	char room[ADDRESS_MAX];
	struct slice sender;

	assert_int_equal(message_init(msg), 0);
	msg->host = &host;
	msg->settings = settings_of(q->settings);
	msg->tenant = settings_tenant(msg->settings, SLICE("default"));
	assert_int_equal(address_canonical(slice_of(q->sender), room, &sender),
	    0);
	msg->sender = message_keep(msg, sender);
	msg->sender_path = slice_of(q->sender);
	msg->queue_id = slice_of(q->queue_id != NULL ? q->queue_id : "4ZxKq03");
	msg->envid = slice_of(q->envid);
	msg->arrived_ms = NOW_S * INT64_C(1000);
	if (q->from != NULL)
		assert_int_equal(message_add_field(msg, SLICE("From"),
				     slice_of(q->from)),
		    0);
	assert_int_equal(module_envelope_sender.eom(msg, NULL), VERDICT_NEXT);
}

static void
is_tag(struct slice local)
{
	char room[VERP_QUEUE_ID_MAX];
	struct verp_tag tag;

	assert_int_equal(verp_parse(host.verp_key, local, NOW_S, 1, room, &tag),
	    0);
	assert_true(slice_eq(tag.queue_id, SLICE("4ZxKq03")));
	assert_int_equal(tag.host, verp_host(SLICE("mta1")));
}

static void
signed_senders(void **state)
{
	struct message msg;
	char again[200];

	(void)state;
	run(&msg, &(struct asked){ .settings = "{" RETURN "}",
		      .sender = "<shop@example.com>" });
	assert_true(slice_eq(address_domain(msg.new_sender),
	    SLICE("bounce.example.com")));
	is_tag(address_local(msg.new_sender));
	is_tag(msg.new_envid);
	assert_false(msg.forward_bounces);
	memcpy(again, msg.new_sender.at, msg.new_sender.len);
	again[msg.new_sender.len] = '\0';
	message_done(&msg);

	/* It comes by again. */
	run(&msg,
	    &(struct asked){ "{" RETURN "}", again, NULL, "other", NULL });
	assert_null(msg.new_sender.at);
	message_done(&msg);
	run(&msg,
	    &(struct asked){ .settings = "{" RETURN "}", .sender = "<>" });
	assert_null(msg.new_sender.at);
	message_done(&msg);
	run(&msg, &(struct asked){ .settings = "{}", .sender = "a@b.example" });
	assert_null(msg.new_sender.at);
	message_done(&msg);
	run(&msg, &(struct asked){ .settings = "{" RETURN "}",
		      .sender = "a@b.example",
		      .queue_id = "1234567890123456789012" });
	assert_null(msg.new_sender.at);
	message_done(&msg);
	/* The client's own ENVID stays. */
	run(&msg, &(struct asked){ .settings = "{" RETURN "}",
		      .sender = "a@b.example",
		      .envid = "mine+2B1" });
	assert_non_null(msg.new_sender.at);
	assert_null(msg.new_envid.at);
	message_done(&msg);
}

#define MODES \
	"{" RETURN ",\"envelope_sender\":{\"mode\":\"domain\"," \
	"\"domain\":\"Out.example.com\",\"forward_bounces\":true}," \
	"\"domains\":[" \
	"{\"name\":\"keep.example\",\"envelope_sender\":{\"mode\":\"keep\"}}," \
	"{\"name\":\"plain.example\"}," \
	"{\"name\":\"fix.example\",\"subdomains\":true," \
	"\"envelope_sender\":{\"mode\":\"address\"," \
	"\"address\":\"Bounces@fix.example\",\"forward_bounces\":true}}," \
	"{\"name\":\"verp.example\",\"envelope_sender\":{\"mode\":\"verp\"," \
	"\"domain\":\"r.verp.example\"}}]}"

static void
becomes(const char *sender, const char *from, const char *want, bool forward)
{
	struct message msg;

	run(&msg, &(struct asked){ .settings = MODES,
		      .sender = sender,
		      .from = from });
	if (!slice_eq(msg.new_sender, slice_of(want)))
		fail_msg("%s, %s: %.*s", sender, from != NULL ? from : "-",
		    SLICE_F(msg.new_sender));
	if (want != NULL)
		is_tag(msg.new_envid);
	else
		assert_null(msg.new_envid.at);
	assert_int_equal(msg.forward_bounces, forward);
	message_done(&msg);
}

static void
modes_of_domains(void **state)
{
	struct message msg;

	(void)state;
	/* The tenant's, for domains without one. */
	becomes("<Shop-aBc@Plain.example>", "a@plain.example",
	    "Shop-aBc@out.example.com", true);
	becomes("<a@x.example>", NULL, "a@out.example.com", true);
	becomes("<a..b@x.example>", NULL, "\"a..b\"@out.example.com", true);
	becomes("<\"a b\"@x.example>", NULL, "\"a b\"@out.example.com", true);
	becomes("<postmaster>", NULL, "postmaster@out.example.com", false);
	becomes("<>", NULL, NULL, false);
	/* The domain in From goes before the envelope's. */
	becomes("<a@x.example>", "Me <me@KEEP.example>", NULL, false);
	becomes("<a@keep.example>", "me@fix.example", "bounces@fix.example",
	    true);
	becomes("<a@keep.example>", "me@shop.fix.example",
	    "bounces@fix.example", true);
	becomes("<a@x.example>", "me@sub.keep.example", "a@out.example.com",
	    true);
	/* Two addresses, or none: the envelope's. */
	becomes("<a@keep.example>", "x@fix.example, y@fix.example", NULL,
	    false);
	becomes("<a@keep.example>", "nobody:;", NULL, false);
	/* Not forwarded to what senders become. */
	becomes("<Bounces@fix.example>", "a@fix.example", "bounces@fix.example",
	    false);
	becomes("<a@out.example.com>", NULL, "a@out.example.com", false);
	run(&msg, &(struct asked){ .settings = MODES,
		      .sender = "<a@x.example>",
		      .from = "a@verp.example" });
	assert_true(
	    slice_eq(address_domain(msg.new_sender), SLICE("r.verp.example")));
	is_tag(address_local(msg.new_sender));
	message_done(&msg);
}

static void
several_from_fields(void **state)
{
	struct message msg;

	(void)state;
	assert_int_equal(message_init(&msg), 0);
	msg.host = &host;
	msg.settings = settings_of(MODES);
	msg.tenant = settings_tenant(msg.settings, SLICE("default"));
	msg.sender = msg.sender_path = SLICE("a@keep.example");
	msg.queue_id = SLICE("4ZxKq03");
	for (int i = 0; i < 2; i++)
		assert_int_equal(message_add_field(&msg, SLICE("From"),
				     SLICE("a@fix.example")),
		    0);
	assert_int_equal(module_envelope_sender.eom(&msg, NULL), VERDICT_NEXT);
	assert_null(msg.new_sender.at);
	message_done(&msg);
}

static void
addresses_that_senders_become(void **state)
{
	struct settings *s = settings_of(MODES);

	(void)state;
	assert_true(
	    settings_is_envelope_sender(s, SLICE("anybody@out.example.com")));
	assert_true(
	    settings_is_envelope_sender(s, SLICE("bounces@fix.example")));
	assert_false(settings_is_envelope_sender(s, SLICE("a@fix.example")));
	assert_false(settings_is_envelope_sender(s, SLICE("a@r.verp.example")));
	assert_false(settings_is_envelope_sender(s, SLICE("")));
	settings_unref(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signed_senders),
		cmocka_unit_test(modes_of_domains),
		cmocka_unit_test(several_from_fields),
		cmocka_unit_test(addresses_that_senders_become),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
