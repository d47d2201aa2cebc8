/* SPDX-License-Identifier: BSD-2-Clause */
/* Holding: who may share a message, and what the module asks the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "milter/hold.h"
#include "milter/milter.h"
#include "milter/module.h"
#include "proto/json.h"
#include "proto/settings.h"

static const struct milter host = { .host_name = SLICE("mta1") };

/* 2026-11-23 23:30 UTC, a Monday */
#define NOW INT64_C(1795476600000)
#define HOUR INT64_C(3600000)
#define MIDNIGHT (NOW + HOUR / 2)

#define NIGHT(name, header, pattern, from, to) \
	"{\"name\":\"" name "\",\"apply\":[{\"header\":\"" header \
	"\",\"pattern\":\"" pattern "\"}],\"from\":\"" from "\",\"to\":\"" to \
	"\"}"
#define NEWS \
	"\"prohibitions\":[" NIGHT("night", "Subject", "news", "22:00", \
	    "06:00") "]"
#define ORDER \
	"\"priorities\":[{\"name\":\"p\",\"header\":\"To\"," \
	"\"pattern\":\"a@.*\",\"priority\":90}]"

static struct settings *
settings_with(const char *rules, const char *global)
{
	struct settings_input in[] = { { SLICE("default"), 1, NULL },
		{ SLICE(SETTINGS_GLOBAL), 1, NULL } };
	struct json *doc = NULL, *all = NULL;
	struct settings *s = NULL;
	char text[4000];

	(void)snprintf(text, sizeof(text), "{%s}", rules);
	assert_int_equal(json_parse(slice_of(text), sizeof(text), &doc, NULL,
			     0),
	    0);
	(void)snprintf(text, sizeof(text), "{\"tenants\":[]%s}", global);
	assert_int_equal(json_parse(slice_of(text), sizeof(text), &all, NULL,
			     0),
	    0);
	in[0].doc = doc;
	in[1].doc = all;
	assert_int_equal(settings_compile(in, 2, NULL, NULL, NULL, &s), 0);
	json_free(doc);
	json_free(all);
	return s;
}
#define GATE ",\"scheduler\":{\"max_in_flight\":10}"

struct fixture {
	struct message msg;
	void *state;
};

static void
begin(struct fixture *f, const char *rules, const char *global,
    const char *subject)
{
	struct message *msg = &f->msg;

	memset(f, 0, sizeof(*f));
	assert_int_equal(message_init(msg), 0);
	msg->host = &host;
	msg->settings = settings_with(rules, global);
	msg->tenant = settings_tenant(msg->settings, SLICE("default"));
	msg->queue_id = SLICE("4ZxKq03");
	msg->sender = SLICE("app@shop.test");
	msg->arrived_ms = NOW;
	assert_int_equal(message_add_field(msg, SLICE("Subject"),
			     slice_of(subject)),
	    0);
	assert_int_equal(message_add_rcpt(msg, SLICE("<a@x.test>"), true), 0);
	assert_int_equal(message_add_rcpt(msg, SLICE("<b@y.test>"), true), 0);
	f->state = calloc(1, module_hold.state_size);
	assert_non_null(f->state);
}

static void
end(struct fixture *f)
{
	f->msg.accepted = true;
	module_hold.release(f->state);
	free(f->state);
	settings_unref(f->msg.settings);
	f->msg.settings = NULL;
	message_done(&f->msg);
}

static const struct {
	const char *name, *rules, *global, *subject;
	bool together; /* the two recipients */
	int64_t release_ms;
	unsigned priority; /* 0: the store is not asked */
	bool gated;
} cases[] = {
	{ "no rules", "", "", "news", true, 0, 0, false },
	{ "a prohibited time", NEWS, "", "news", true, MIDNIGHT + 6 * HOUR, 50,
	    false },
	{ "not for this one", NEWS, "", "hello", true, 0, 0, false },
	{ "for one of them",
	    "\"prohibitions\":[" NIGHT("b", "To", "b@.*", "22:00", "06:00") "]",
	    "", "news", false, 0, 0, false },
	{ "for both, the same",
	    "\"prohibitions\":[" NIGHT("b", "To", "[ab]@.*", "22:00",
		"06:00") "]",
	    "", "news", true, MIDNIGHT + 6 * HOUR, 50, false },
	{ "other windows with one end",
	    "\"prohibitions\":[" NIGHT("a", "To", "a@.*", "22:00",
		"06:00") "," NIGHT("b", "To", "b@.*", "23:00", "06:00") "]",
	    "", "news", true, MIDNIGHT + 6 * HOUR, 50, false },
	{ "priorities, and nobody looks", ORDER, "", "news", true, 0, 0,
	    false },
	{ "priorities", ORDER, GATE, "news", false, 0, 90, true },
	{ "no priorities, but others have some", "", GATE, "news", true, 0, 50,
	    true },
	{ "priority in a window, which orders its end", NEWS "," ORDER, "",
	    "news", true, MIDNIGHT + 6 * HOUR, 90, false },
};

static void
test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;
		uint64_t a, b;

		print_message("# %s\n", cases[i].name);
		begin(&f, cases[i].rules, cases[i].global, cases[i].subject);
		a = module_hold.treatment(&f.msg, f.state, &f.msg.rcpts[0]);
		b = module_hold.treatment(&f.msg, f.state, &f.msg.rcpts[1]);
		assert_int_equal(a == b, cases[i].together);
		assert_int_equal(module_hold.eom(&f.msg, f.state),
		    VERDICT_NEXT);
		if (cases[i].priority == 0) {
			assert_null(f.msg.hold);
		} else {
			const struct hold_request *h = f.msg.hold;

			assert_non_null(h);
			assert_int_equal(h->gated, cases[i].gated);
			assert_int_equal(h->rec.priority, cases[i].priority);
			assert_true(h->rec.release_ms == cases[i].release_ms);
			assert_int_equal(h->rec.recipients, 2);
			assert_true(
			    slice_eq(h->rec.recipient, SLICE("a@x.test")));
		}
		end(&f);
	}
}

static void
test_mark(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, NEWS, "", "news");
	assert_int_equal(module_hold.eom(&f.msg, f.state), VERDICT_NEXT);
	assert_int_equal(hold_mark(&f.msg), 0);
	assert_true(slice_eq(f.msg.hold_reason,
	    SLICE("prohibited time night until 2026-11-24T06:00:00.000Z")));
	assert_int_equal(f.msg.added_count, 1);
	assert_true(slice_eq(f.msg.added[0].name, SLICE("X-Postern-Held")));
	assert_true(slice_eq(slice_trim(f.msg.added[0].value),
	    SLICE("window; tenant=default; priority=50; "
		  "arrived=2026-11-23T23:30:00.000Z; "
		  "until=2026-11-24T06:00:00.000Z; rule=night")));
	end(&f);
}

static void
test_held_by_the_scan(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, NEWS, GATE, "news");
	message_hold(&f.msg, SLICE("not scanned"));
	assert_int_equal(module_hold.eom(&f.msg, f.state), VERDICT_NEXT);
	assert_int_equal(f.msg.hold->rec.reason, HOLD_SCAN);
	assert_true(f.msg.hold->rec.release_ms == INT64_MAX);
	assert_false(f.msg.hold->gated);
	assert_int_equal(hold_mark(&f.msg), 0);
	assert_true(slice_eq(f.msg.hold_reason, SLICE("not scanned")));
	assert_non_null(
	    slice_find(f.msg.added[0].value, SLICE("scan; tenant=default; ")));
	assert_non_null(
	    slice_find(f.msg.added[0].value, SLICE("; until=never")));
	end(&f);
}

static void
test_sendmail(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, NEWS, GATE, "news");
	f.msg.sendmail = true;
	assert_int_equal(module_hold.eom(&f.msg, f.state), VERDICT_TEMPFAIL);
	assert_string_equal(f.msg.reply_dsn, "4.7.1");
	assert_string_equal(f.msg.reply_text,
	    "Not to be sent before 2026-11-24T06:00:00.000Z, try then");
	end(&f);
	begin(&f, NEWS, GATE, "hello");
	f.msg.sendmail = true;
	assert_int_equal(module_hold.eom(&f.msg, f.state), VERDICT_NEXT);
	assert_null(f.msg.hold);
	end(&f);
	begin(&f, NEWS, GATE, "news");
	f.msg.sendmail = true;
	message_hold(&f.msg, SLICE("not scanned"));
	assert_int_equal(module_hold.eom(&f.msg, f.state), VERDICT_NEXT);
	assert_null(f.msg.hold);
	end(&f);
}

static void
test_undecided(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f,
	    "\"prohibitions\":[" NIGHT("all", "Subject", ".*", "00:00",
		"00:00") "]",
	    "", "news");
	assert_int_equal(module_hold.eom(&f.msg, f.state), VERDICT_TEMPFAIL);
	assert_string_equal(f.msg.reply_dsn, "4.3.5");
	end(&f);
	/* nobody is left: nothing to decide */
	begin(&f, NEWS, GATE, "news");
	for (size_t i = 0; i < f.msg.rcpt_count; i++)
		message_remove_rcpt(&f.msg, i, RCPT_SUPPRESSED, SLICE("x"));
	assert_int_equal(module_hold.eom(&f.msg, f.state), VERDICT_NEXT);
	assert_null(f.msg.hold);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_mark),
		cmocka_unit_test(test_held_by_the_scan),
		cmocka_unit_test(test_sendmail),
		cmocka_unit_test(test_undecided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
