/* SPDX-License-Identifier: BSD-2-Clause */
/* Envelope senders that become signed return paths, and those that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "milter/milter.h"
#include "milter/module.h"
#include "proto/address.h"
#include "proto/verp.h"

#define NOW_S 1795411200

static const struct milter host = { .host_name = SLICE("mta1"),
	.verp_key = { 9 } };

static void
run(struct message *msg, const char *domain, const char *sender,
    const char *queue_id)
{
	static struct tenant tenant;

	tenant.return_path_domain = slice_of(domain);
	assert_int_equal(message_init(msg), 0);
	msg->host = &host;
	msg->tenant = &tenant;
	msg->sender = slice_of(sender);
	msg->queue_id = slice_of(queue_id);
	msg->arrived_ms = NOW_S * INT64_C(1000);
	assert_int_equal(module_return_path.eom(msg, NULL), VERDICT_NEXT);
}

static void
test_return_path(void **state)
{
	struct message msg;
	struct verp_tag tag;
	char room[VERP_QUEUE_ID_MAX], again[200];

	(void)state;
	run(&msg, "bounce.example.com", "shop@example.com", "4ZxKq03");
	assert_true(slice_eq(address_domain(msg.new_sender),
	    SLICE("bounce.example.com")));
	assert_int_equal(verp_parse(host.verp_key,
			     address_local(msg.new_sender), NOW_S, 1, room,
			     &tag),
	    0);
	assert_true(slice_eq(tag.queue_id, SLICE("4ZxKq03")));
	assert_int_equal(tag.host, verp_host(SLICE("mta1")));
	memcpy(again, msg.new_sender.at, msg.new_sender.len + 1);
	message_done(&msg);

	/* It comes by again. */
	run(&msg, "bounce.example.com", again, "other");
	assert_null(msg.new_sender.at);
	message_done(&msg);
	run(&msg, "bounce.example.com", "", "4ZxKq03");
	assert_null(msg.new_sender.at);
	message_done(&msg);
	run(&msg, "", "shop@example.com", "4ZxKq03");
	assert_null(msg.new_sender.at);
	message_done(&msg);
	run(&msg, "bounce.example.com", "shop@example.com",
	    "1234567890123456789012");
	assert_null(msg.new_sender.at);
	message_done(&msg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_return_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
