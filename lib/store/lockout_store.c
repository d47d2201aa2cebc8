/* SPDX-License-Identifier: BSD-2-Clause */
/* Failed logins in Redis: one script call each. */
#include "store/lockout_store.h"

#include "store/args.h"
#include "store/keys.h"
#include "store/redis.h"
#include "store/request.h"
#include "util/err.h"

static void
answered(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	lockout_done *done = (lockout_done *)q->fn;
	void *done_ctx = q->ctx;
	int64_t user = 0, client = 0;

	if (rc == 0) {
		user = redis_integer(redis_at(reply, 0));
		client = redis_integer(redis_at(reply, 1));
	}
	request_done(q);
	done(rc, user, client, done_ctx);
}

void
lockout_ask(struct store *s, const struct lockout *l, enum lockout_what what,
    int64_t deadline_us, lockout_done *done, void *ctx)
{
	static const char *const words[] = {
		[LOCKOUT_LOOK] = "look",
		[LOCKOUT_FAIL] = "fail",
		[LOCKOUT_CLEAR] = "clear",
	};
	struct key user = key_lockout(l->client, l->user),
		   client = key_lockout(l->client, (struct slice){ NULL, 0 });
	struct args a;

	args_init(&a);
	args_key(&a, &user);
	args_key(&a, &client);
	args_add(&a, slice_of(words[what]));
	args_number(&a, l->failures);
	args_number(&a, l->client_failures);
	args_number(&a, l->period_ms);
	args_send(&a, s, SCRIPT_lockout, deadline_us, answered,
	    request_new(s, (request_fn *)done, ctx));
}
