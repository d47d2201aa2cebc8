/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies that the MTA has, in Redis: one command each. */
#include "store/copies_store.h"

#include "store/keys.h"
#include "store/redis.h"
#include "store/request.h"
#include "util/err.h"
#include "util/number.h"

static void
on_get(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	copies_got *got = (copies_got *)q->fn;
	void *got_ctx = q->ctx;

	request_done(q);
	if (rc == 0 && redis_is_nil(reply))
		rc = ERR_NOTFOUND;
	got(rc, rc == 0 ? redis_string(reply) : (struct slice){ NULL, 0 },
	    got_ctx);
}

void
copies_get(struct store *s, struct slice tenant, struct slice identity,
    int64_t deadline_us, copies_got *got, void *ctx)
{
	struct key key = key_copies(tenant, identity);
	struct slice argv[] = { SLICE("GET"), key_slice(&key) };

	redis_command(s, argv, 2, deadline_us, on_get,
	    request_new(s, (request_fn *)got, ctx));
}

static void
on_set(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	copies_set_done *set = (copies_set_done *)q->fn;
	void *set_ctx = q->ctx;

	(void)reply;
	request_done(q);
	set(rc, set_ctx);
}

void
copies_set(struct store *s, struct slice tenant, struct slice identity,
    struct slice done, int64_t deadline_us, copies_set_done *set, void *ctx)
{
	struct key key = key_copies(tenant, identity);
	struct request *q = request_new(s, (request_fn *)set, ctx);
	char ttl[NUMBER_TEXT_MAX];

	if (done.at == NULL) {
		struct slice argv[] = { SLICE("UNLINK"), key_slice(&key) };

		redis_command(s, argv, 2, deadline_us, on_set, q);
	} else {
		struct slice argv[] = { SLICE("SET"), key_slice(&key), done,
			SLICE("EX"),
			{ ttl, number_format(COPIES_TTL_S, ttl) } };

		redis_command(s, argv, 5, deadline_us, on_set, q);
	}
}
