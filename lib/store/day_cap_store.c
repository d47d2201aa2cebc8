/* SPDX-License-Identifier: BSD-2-Clause */
/* Day caps in Redis: one script call books with all caps of a message. */
#include "store/day_cap_store.h"

#include "store/args.h"
#include "store/request.h"
#include "util/err.h"

/* Longer than anything that books so far ahead is of interest. */
#define TTL_S ((DAY_CAP_DAYS_MAX + 2) * 86400)

static void
on_taken(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	day_cap_answer *answer = (day_cap_answer *)q->fn;
	void *answer_ctx = q->ctx;
	int64_t day = rc == 0 ? redis_integer(reply) : 0;

	request_done(q);
	if (rc == 0 && day < 1)
		rc = ERR_LIMIT;
	answer(rc, rc == 0 ? (size_t)day - 1 : 0, answer_ctx);
}

void
day_cap_take(struct store *s, const struct day_cap_request *request,
    int64_t deadline_us, day_cap_answer *answer, void *ctx)
{
	struct args a;

	args_init(&a);
	for (size_t i = 0; i < request->day_count; i++) {
		struct key key =
		    key_day_caps(request->tenant, request->days[i]);

		args_key(&a, &key);
	}
	args_number(&a, TTL_S);
	for (size_t i = 0; i < request->count; i++) {
		args_add(&a, request->names[i]);
		args_number(&a, (int64_t)request->quantities[i]);
	}
	args_send(&a, s, SCRIPT_day_cap_take, deadline_us, on_taken,
	    request_new(s, (request_fn *)answer, ctx));
}

static void
on_returned(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	day_cap_done *done = (day_cap_done *)q->fn;
	void *done_ctx = q->ctx;

	(void)reply;
	request_done(q);
	done(rc, done_ctx);
}

void
day_cap_return(struct store *s, const struct day_cap_request *request,
    size_t day, int64_t deadline_us, day_cap_done *done, void *ctx)
{
	struct key key = key_day_caps(request->tenant, request->days[day]);
	struct args a;

	args_init(&a);
	args_key(&a, &key);
	for (size_t i = 0; i < request->count; i++)
		args_add(&a, request->names[i]);
	args_send(&a, s, SCRIPT_day_cap_return, deadline_us, on_returned,
	    request_new(s, (request_fn *)done, ctx));
}
