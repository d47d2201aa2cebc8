/* SPDX-License-Identifier: BSD-2-Clause */
/* One-click unsubscribe: whose link stands in whose message. */
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
#include "proto/unsubscribe_token.h"

static const struct milter host = { .host_name = SLICE("mta1"),
	.unsubscribe_key = { 7 } };

#define URL "https://mail.example.com/u/"
#define NEWS \
	"{\"name\":\"news\",\"header\":\"List-Id\",\"pattern\":\".*news.*\"}"
#define OFFERS \
	"{\"name\":\"offers\",\"header\":\"To\",\"pattern\":\".+@x\\\\.example" \
	"\"}"

struct fixture {
	struct message msg;
	void *state, *limit_state;
};

static struct settings *
settings_with(const char *members)
{
	struct json *doc = NULL;
	struct settings *s = NULL;
	char text[4000], error[200] = "";

	(void)snprintf(text, sizeof(text),
	    "{\"unsubscribe\":{\"url\":\"" URL "\",%s}}", members);
	if (json_parse(slice_of(text), sizeof(text), &doc, error,
		sizeof(error)) < 0)
		fail_msg("%s: %s", text, error);
	struct settings_input in = { SLICE("default"), 1, doc };
	assert_int_equal(settings_compile(&in, 1, NULL, NULL, NULL, &s), 0);
	json_free(doc);
	return s;
}

static void
add_rcpt(struct fixture *f, const char *address)
{
	assert_int_equal(message_add_rcpt(&f->msg, slice_of(address), true), 0);
}

static void
add_field(struct fixture *f, const char *name, const char *value)
{
	assert_int_equal(message_add_field(&f->msg, slice_of(name),
			     slice_of(value)),
	    0);
}

static void
begin(struct fixture *f, const char *members)
{
	assert_int_equal(message_init(&f->msg), 0);
	f->msg.host = &host;
	f->msg.settings = settings_with(members);
	f->msg.tenant = settings_tenant(f->msg.settings, SLICE("default"));
	f->msg.queue_id = SLICE("4ZxKq03");
	f->msg.arrived_ms = INT64_C(1763900000000);
	f->state = arena_alloc(f->msg.arena, module_unsubscribe.state_size);
	f->limit_state =
	    arena_alloc(f->msg.arena, module_unsubscribe_limit.state_size);
	add_field(f, "Subject", " x");
}

static enum verdict
end(struct fixture *f)
{
	return module_unsubscribe.eom(&f->msg, f->state);
}

static uint64_t
treatment(struct fixture *f, size_t i)
{
	return module_unsubscribe.treatment(&f->msg, f->state,
	    &f->msg.rcpts[i]);
}

/* The token between this and that in the only such field. */
static struct slice
token_in(struct fixture *f, const char *before, char end)
{
	struct slice value = { NULL, 0 }, token;

	for (size_t i = 0; i < f->msg.added_count; i++)
		if (slice_eq(f->msg.added[i].name, SLICE("List-Unsubscribe"))) {
			assert_null(value.at);
			value = f->msg.added[i].value;
		}
	assert_non_null(value.at);
	const char *at = slice_find(value, slice_of(before));
	assert_non_null(at);
	value = slice_skip(value, (size_t)(at - value.at) + strlen(before));
	assert_true(slice_split(&value, end, &token));
	return token;
}

static void
check_token(struct slice text, const char *list, const char *address)
{
	char room[UNSUBSCRIBE_TOKEN_MAX];
	struct unsubscribe_token token;

	assert_int_equal(unsubscribe_token_parse(host.unsubscribe_key, text,
			     room, &token),
	    0);
	assert_true(slice_eq(token.tenant, SLICE("default")));
	assert_true(slice_eq(token.list, slice_of(list)));
	assert_true(slice_eq(token.address, slice_of(address)));
	assert_int_equal(token.made_s, 1763900000);
}

static void
test_fields(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "\"filters\":[" NEWS "," OFFERS "]");
	add_field(&f, "List-Id", " <news.example.com>");
	add_rcpt(&f, "<User@x.example>");
	assert_int_equal(module_unsubscribe_limit.eom(&f.msg, f.limit_state),
	    VERDICT_NEXT);
	assert_int_equal(end(&f), VERDICT_NEXT);
	assert_int_equal(f.msg.added_count, 2);
	assert_true(
	    slice_eq(f.msg.added[0].name, SLICE("List-Unsubscribe-Post")));
	assert_true(slice_eq(f.msg.added[0].value,
	    SLICE("List-Unsubscribe=One-Click")));
	assert_true(f.msg.added[1].value.at[0] == '<');
	check_token(token_in(&f, URL, '>'), "news", "user@x.example");
	message_done(&f.msg);

	/* The second filter, and an address for mail. */
	begin(&f, "\"mailto\":\"leave=%us@x.example\",\"filters\":[" NEWS
		  "," OFFERS "]");
	add_rcpt(&f, "<user@x.example>");
	assert_int_equal(end(&f), VERDICT_NEXT);
	check_token(token_in(&f, "<" URL, '>'), "offers", "user@x.example");
	check_token(token_in(&f,
			">,\n\t<mailto:leave%3D%25us@x.example?subject=", '>'),
	    "offers", "user@x.example");
	message_done(&f.msg);

	/* None. */
	begin(&f, "\"filters\":[" NEWS "," OFFERS "]");
	add_rcpt(&f, "<user@y.example>");
	assert_int_equal(end(&f), VERDICT_NEXT);
	assert_int_equal(f.msg.added_count, 0);
	assert_null(f.msg.notes);
	message_done(&f.msg);
	begin(&f, "\"filters\":[]");
	add_rcpt(&f, "<user@x.example>");
	assert_int_equal(end(&f), VERDICT_NEXT);
	assert_int_equal(f.msg.added_count, 0);
	message_done(&f.msg);
}

static void
test_existing(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "\"filters\":[" OFFERS "]");
	add_field(&f, "list-unsubscribe", " <mailto:me@x.example>");
	add_rcpt(&f, "<user@x.example>");
	add_rcpt(&f, "<other@x.example>");
	assert_int_equal(treatment(&f, 0), 0);
	assert_int_equal(end(&f), VERDICT_NEXT);
	assert_int_equal(f.msg.added_count, 0);
	assert_int_equal(message_count(&f.msg, "List-Unsubscribe"), 1);
	assert_string_equal(f.msg.notes->at + strlen("unsubscribe") + 1,
	    "kept");
	message_done(&f.msg);

	begin(&f, "\"existing\":\"replace\",\"filters\":[" OFFERS "]");
	add_field(&f, "list-unsubscribe", " <mailto:me@x.example>");
	add_field(&f, "List-Unsubscribe", " <mailto:you@x.example>");
	add_field(&f, "LIST-UNSUBSCRIBE-POST", " x");
	add_rcpt(&f, "<user@x.example>");
	assert_int_equal(end(&f), VERDICT_NEXT);
	assert_int_equal(f.msg.added_count, 2);
	assert_int_equal(message_count(&f.msg, "List-Unsubscribe"), 0);
	assert_int_equal(message_count(&f.msg, "List-Unsubscribe-Post"), 0);
	message_done(&f.msg);

	/* Without the other field this one says nothing. */
	begin(&f, "\"filters\":[" OFFERS "]");
	add_field(&f, "List-Unsubscribe-Post", " List-Unsubscribe=One-Click");
	add_rcpt(&f, "<user@x.example>");
	assert_int_equal(end(&f), VERDICT_NEXT);
	assert_int_equal(f.msg.added_count, 2);
	assert_int_equal(message_count(&f.msg, "List-Unsubscribe-Post"), 0);
	message_done(&f.msg);
}

/* Those with different links are told apart; nobody gets another's. */
static void
test_several(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "\"filters\":[" OFFERS "]");
	add_rcpt(&f, "<a@x.example>");
	add_rcpt(&f, "<b@y.example>");
	add_rcpt(&f, "<c@x.example>");
	add_rcpt(&f, "<d@y.example>");
	add_rcpt(&f, "<A@X.example>");
	assert_int_equal(treatment(&f, 1), 0);
	assert_int_equal(treatment(&f, 3), 0);
	assert_int_not_equal(treatment(&f, 0), 0);
	assert_int_not_equal(treatment(&f, 2), 0);
	assert_int_not_equal(treatment(&f, 0), treatment(&f, 2));
	/* The same one twice does not get it twice. */
	assert_int_equal(treatment(&f, 0), treatment(&f, 4));
	assert_int_equal(end(&f), VERDICT_TEMPFAIL);
	assert_int_equal(f.msg.added_count, 0);
	/* As module_split leaves it. */
	message_remove_rcpt(&f.msg, 1, RCPT_COPIED, SLICE(""));
	message_remove_rcpt(&f.msg, 2, RCPT_COPIED, SLICE(""));
	message_remove_rcpt(&f.msg, 3, RCPT_COPIED, SLICE(""));
	assert_int_equal(end(&f), VERDICT_NEXT);
	check_token(token_in(&f, URL, '>'), "offers", "a@x.example");
	message_done(&f.msg);

	/* None has a link: they stay together. */
	begin(&f, "\"filters\":[" NEWS "]");
	add_rcpt(&f, "<a@x.example>");
	add_rcpt(&f, "<b@y.example>");
	assert_int_equal(treatment(&f, 0), treatment(&f, 1));
	assert_int_equal(end(&f), VERDICT_NEXT);
	assert_int_equal(f.msg.added_count, 0);
	message_done(&f.msg);
}

static void
many(struct fixture *f, const char *members, size_t count)
{
	begin(f, members);
	for (size_t i = 0; i < count; i++) {
		char address[40];

		(void)snprintf(address, sizeof(address), "<%zu@x.example>", i);
		add_rcpt(f, address);
	}
}

static void
test_too_many(void **state)
{
	struct fixture f;

	(void)state;
	many(&f, "\"filters\":[" OFFERS "]", 1000);
	assert_int_equal(module_unsubscribe_limit.eom(&f.msg, f.limit_state),
	    VERDICT_NEXT);
	message_done(&f.msg);
	many(&f, "\"filters\":[" OFFERS "]", 1001);
	assert_int_equal(module_unsubscribe_limit.eom(&f.msg, f.limit_state),
	    VERDICT_REJECT);
	assert_string_equal(f.msg.reply_dsn, "5.5.3");
	message_done(&f.msg);
	/* Only those with a link count, and only those that the client gave. */
	many(&f, "\"filters\":[" OFFERS "]", 1000);
	add_rcpt(&f, "<a@y.example>");
	assert_int_equal(message_new_rcpt(&f.msg, SLICE("b@x.example"),
			     (struct slice){ NULL, 0 }, SLICE("r")),
	    0);
	assert_int_equal(module_unsubscribe_limit.eom(&f.msg, f.limit_state),
	    VERDICT_NEXT);
	message_done(&f.msg);
	many(&f, "\"filters\":[" NEWS "]", 1001);
	assert_int_equal(module_unsubscribe_limit.eom(&f.msg, f.limit_state),
	    VERDICT_NEXT);
	message_done(&f.msg);
}

/* A filter that gives up does not match. */
static void
test_gives_up(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "\"filters\":[{\"name\":\"slow\",\"header\":\"X-A\","
		  "\"pattern\":\"(a+)+b|(a|aa)+c\"}," OFFERS "]");
	add_field(&f, "X-A", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
	add_rcpt(&f, "<a@x.example>");
	assert_int_equal(end(&f), VERDICT_NEXT);
	check_token(token_in(&f, URL, '>'), "offers", "a@x.example");
	message_done(&f.msg);
}

static void
test_long_address(void **state)
{
	static char address[700];
	struct fixture f;

	(void)state;
	memset(address, 'a', sizeof(address) - 1);
	memcpy(address + sizeof(address) - 12, "@x.example", 11);
	begin(&f, "\"filters\":[" OFFERS "]");
	add_rcpt(&f, address);
	assert_int_equal(end(&f), VERDICT_NEXT);
	assert_int_equal(f.msg.added_count, 0);
	message_done(&f.msg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_existing),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_long_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
