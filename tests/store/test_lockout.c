/* SPDX-License-Identifier: BSD-2-Clause */
/* Failed logins counted in a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/lockout_store.h"
#include "tests/store/redis_server.h"
#include "util/err.h"

struct answer {
	unsigned due;
	int rc;
	int64_t user, client, most;
	bool done;
};

static void
answered(int rc, int64_t user, int64_t client, void *ctx)
{
	struct answer *a = ctx;

	a->rc = rc;
	a->user = user;
	a->client = client;
	if (user > a->most)
		a->most = user;
	if (--a->due == 0)
		a->done = true;
}

static struct answer
ask(struct store_fixture *f, const char *user, enum lockout_what what,
    unsigned times)
{
	struct lockout l = { SLICE("192.0.2.1"), slice_of(user), 3, 5, 60000 };
	struct answer a = { .due = times };

	for (unsigned i = 0; i < times; i++)
		lockout_ask(f->store, &l, what, store_deadline(f->store),
		    answered, &a);
	store_fixture_run(f, &a.done);
	return a;
}

static long
ttl_of(struct store_fixture *f, const char *key)
{
	char command[100], out[100];

	(void)snprintf(command, sizeof(command), "pttl %s", key);
	redis_server_cli(&f->server, command, out, sizeof(out));
	return strtol(out, NULL, 10);
}

static void
test_counts(void **state)
{
	struct store_fixture f;
	struct answer a;
	char out[100];

	(void)state;
	store_fixture_open(&f, 5000);
	a = ask(&f, "a@b", LOCKOUT_LOOK, 1);
	assert_true(a.rc == 0 && a.user == 0 && a.client == 0);
	/* As many at once as there may be: each is counted. */
	a = ask(&f, "a@b", LOCKOUT_FAIL, 2);
	assert_true(a.rc == 0 && a.most == 2 && a.client == 2);
	redis_server_cli(&f.server, "pexpire pn:lo:{192.0.2.1}:a@b 1000", out,
	    sizeof(out));
	/* The one that locks begins the period anew, the next one does not. */
	a = ask(&f, "a@b", LOCKOUT_FAIL, 1);
	assert_true(a.user == 3);
	assert_true(ttl_of(&f, "pn:lo:{192.0.2.1}:a@b") > 50000);
	redis_server_cli(&f.server, "pexpire pn:lo:{192.0.2.1}:a@b 1000", out,
	    sizeof(out));
	a = ask(&f, "a@b", LOCKOUT_FAIL, 1);
	assert_true(a.user == 4 && a.client == 4);
	assert_true(ttl_of(&f, "pn:lo:{192.0.2.1}:a@b") <= 1000);
	/* Another user is not locked, but counts for the client. */
	a = ask(&f, "c@d", LOCKOUT_FAIL, 1);
	assert_true(a.user == 1 && a.client == 5);
	a = ask(&f, "c@d", LOCKOUT_CLEAR, 1);
	assert_true(a.rc == 0);
	a = ask(&f, "c@d", LOCKOUT_LOOK, 1);
	assert_true(a.user == 0 && a.client == 5);
	a = ask(&f, "a@b", LOCKOUT_LOOK, 1);
	assert_true(a.user == 4 && a.client == 5);
	store_fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_counts) };

	if (!redis_server_available()) {
		puts("1..0 # SKIP no redis-server");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
