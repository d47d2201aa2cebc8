/* SPDX-License-Identifier: BSD-2-Clause */
/* Rate limits in Redis: one script call books with all rates of a rule. */
#include "store/limit_store.h"

#include "store/keys.h"
#include "store/limit_gcra.h"
#include "store/redis.h"
#include "store/request.h"
#include "store/store.h"
#include "util/number.h"

/* Key, cost, two numbers a rate. */
#define ARGS_MAX (2 + 2 * SETTINGS_RATES_MAX)

struct arguments {
	struct key key;
	struct slice at[ARGS_MAX];
	size_t count;
	char numbers[ARGS_MAX][NUMBER_TEXT_MAX];
};

static void
add_number(struct arguments *args, uint64_t n)
{
	char *room = args->numbers[args->count];

	args->at[args->count] = (struct slice){ room, number_format(n, room) };
	args->count++;
}

static void
arguments_fill(struct arguments *args, const struct limit *limit)
{
	args->key = key_limit(limit->tenant, limit->rule, limit->value);
	args->at[0] = key_slice(&args->key);
	args->count = 1;
	add_number(args, limit->cost);
	for (size_t i = 0; i < limit->rate_count && i < SETTINGS_RATES_MAX;
	     i++) {
		struct gcra g = gcra_of(&limit->rates[i], 1);

		add_number(args, (uint64_t)g.interval_us);
		add_number(args, (uint64_t)g.ahead_us);
	}
}

static void
taken(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	limit_answer *answer = (limit_answer *)q->fn;
	void *answer_ctx = q->ctx;
	int64_t wait_us = rc == 0 ? redis_integer(reply) : 0;

	request_done(q);
	answer(rc, wait_us > 0 ? wait_us : 0, answer_ctx);
}

void
limit_take(struct store *s, const struct limit *limit, int64_t deadline_us,
    limit_answer *answer, void *ctx)
{
	struct arguments args;

	arguments_fill(&args, limit);
	redis_script(s, SCRIPT_limit_take, 1, args.at, args.count, deadline_us,
	    taken, request_new(s, (request_fn *)answer, ctx));
}

static void
refunded(int rc, const struct redis_reply *reply, void *ctx)
{
	/* Lost: the limit counts one message too many until it has passed. */
	(void)rc;
	(void)reply;
	(void)ctx;
}

void
limit_refund(struct store *s, const struct limit *limit)
{
	struct arguments args;
	char negative[NUMBER_TEXT_MAX + 1] = "-";

	arguments_fill(&args, limit);
	args.at[1] = (struct slice){ negative,
		1 + number_format(limit->cost, negative + 1) };
	redis_script(s, SCRIPT_limit_take, 1, args.at, args.count,
	    store_deadline(s), refunded, NULL);
}
