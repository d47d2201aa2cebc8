/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters left in a real Redis, and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/metrics_store.h"
#include "tests/store/redis_server.h"
#include "util/err.h"

struct seen {
	char text[500];
	bool over;
	int rc;
};

static void
got(struct slice host, struct slice text, void *ctx)
{
	struct seen *s = ctx;
	size_t len = strlen(s->text);

	(void)snprintf(s->text + len, sizeof(s->text) - len, "%.*s:%.*s|",
	    SLICE_F(host), SLICE_F(text));
}

static void
end(int rc, void *ctx)
{
	struct seen *s = ctx;

	assert_false(s->over);
	s->over = true;
	s->rc = rc;
}

static int
print(const char *daemon, struct buf *out)
{
	return buf_add_text(out, daemon);
}

static void
list(struct store_fixture *f, struct seen *s)
{
	*s = (struct seen){ .over = false };
	metrics_list(f->store, SLICE("mta1"), store_deadline(f->store), got,
	    end, s);
	store_fixture_run(f, &s->over);
}

static void
test_metrics(void **state)
{
	struct store_fixture f;
	struct metrics_feed *feed;
	struct seen s;
	char ttl[50];

	(void)state;
	if (!redis_server_available())
		skip();
	store_fixture_open(&f, 0);
	list(&f, &s);
	assert_int_equal(s.rc, 0);
	assert_string_equal(s.text, "");
	feed =
	    metrics_feed_new(f.base, f.store, SLICE("mta1"), "milter", print);
	assert_non_null(feed);
	redis_server_cli(&f.server, "HSET pn:hosts mta1 1 mta2 1", ttl,
	    sizeof(ttl));
	redis_server_cli(&f.server, "SET pn:mt:{h:mta2}:apid two", ttl,
	    sizeof(ttl));
	for (int i = 0; i < 100 && strchr(s.text, '1') == NULL; i++)
		list(&f, &s);
	assert_string_equal(s.text, "mta2:two|mta1:milter|");
	redis_server_cli(&f.server, "TTL pn:mt:{h:mta1}:milter", ttl,
	    sizeof(ttl));
	assert_int_not_equal(strtol(ttl, NULL, 10), -1);
	metrics_feed_free(feed);
	metrics_feed_free(NULL);
	redis_server_kill(&f.server);
	list(&f, &s);
	assert_true(s.rc < 0);
	store_fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
