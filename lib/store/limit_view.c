/* SPDX-License-Identifier: BSD-2-Clause */
/* Rate limits seen, reset and overridden. */
#include "store/limit_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/keys.h"
#include "store/limit_gcra.h"
#include "store/redis.h"
#include "store/request.h"
#include "util/err.h"
#include "util/number.h"

#define HEAD_NUMBERS 6
#define ARGS_MAX 4

/* ---- seeing ---- */

/* "O UNTIL INTERVAL AHEAD QUANTITY BURST PERIOD|" off the head of *text. */
static bool
take_head(struct slice *text, uint64_t ret_numbers[HEAD_NUMBERS])
{
	struct slice rest = *text, head, field;

	if (!slice_starts(rest, SLICE("O ")) ||
	    !slice_split(&rest, '|', &head) || rest.at == NULL)
		return false;
	head = slice_skip(head, 2);
	for (size_t i = 0; i < HEAD_NUMBERS; i++)
		if (!slice_split(&head, ' ', &field) ||
		    number_parse(field, 0, INT64_MAX, &ret_numbers[i]) < 0)
			return false;
	*text = rest;
	return true;
}

/* How much of a rate is used, by its theoretical arrival time. */
static void
see_rate(struct limit_view *v, size_t i, const struct gcra *g, int64_t used_us)
{
	int64_t one_more;

	if (used_us < 0)
		used_us = 0;
	if (used_us > g->ahead_us)
		used_us = g->ahead_us;
	one_more = used_us + g->interval_us - g->ahead_us;
	v->rates[i].used = ((uint64_t)used_us + (uint64_t)g->interval_us - 1) /
			   (uint64_t)g->interval_us;
	v->rates[i].wait_us = one_more > 0 ? one_more : 0;
	if (v->rates[i].wait_us > v->wait_us)
		v->wait_us = v->rates[i].wait_us;
}

void
limit_view_of(const struct limit *limit, struct slice text, int64_t now_us,
    struct limit_view *ret_view)
{
	struct limit_view v = { .rate_count = limit->rate_count };
	uint64_t n[HEAD_NUMBERS], at;
	struct slice field;

	if (take_head(&text, n) && (int64_t)n[0] > now_us) {
		v.overridden = true;
		v.until_us = (int64_t)n[0];
		v.unlimited = n[1] == 0;
		v.rate = (struct rate){ n[3], n[4], (int64_t)n[5] };
		v.rate_count = v.unlimited ? 0 : 1;
	}
	for (size_t i = 0; i < v.rate_count && i < SETTINGS_RATES_MAX; i++) {
		struct gcra g =
		    gcra_of(v.overridden ? &v.rate : &limit->rates[i], 1);
		int64_t used_us = 0;

		if (slice_split(&text, ' ', &field) &&
		    number_parse(field, 0, INT64_MAX, &at) == 0)
			used_us = (int64_t)at - now_us;
		see_rate(&v, i, &g, used_us);
	}
	*ret_view = v;
}

struct showing {
	struct limit limit;
	struct rate rates[SETTINGS_RATES_MAX];
	limit_shown *shown;
	void *ctx;
};

static void
got_text(int rc, const struct redis_reply *reply, void *ctx)
{
	struct showing *w = ctx;
	struct limit_view view = { 0 };

	if (rc == 0)
		limit_view_of(&w->limit, redis_string(redis_at(reply, 1)),
		    redis_integer(redis_at(reply, 0)), &view);
	w->shown(rc, &view, w->ctx);
	free(w);
}

void
limit_show(struct store *s, const struct limit *limit, int64_t deadline_us,
    limit_shown *shown, void *ctx)
{
	struct key key = key_limit(limit->tenant, limit->rule, limit->value);
	const struct slice argv[] = { key_slice(&key) };
	struct showing *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort(); /* as in redis.c: nobody could be told */
	for (size_t i = 0; i < limit->rate_count && i < SETTINGS_RATES_MAX; i++)
		w->rates[i] = limit->rates[i];
	w->limit.rates = w->rates;
	w->limit.rate_count = limit->rate_count;
	w->shown = shown;
	w->ctx = ctx;
	redis_script(s, SCRIPT_limit_get, 1, argv, 1, deadline_us, got_text, w);
}

/* ---- changing ---- */

static void
got_change(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	limit_changed *changed = (limit_changed *)q->fn;
	void *changed_ctx = q->ctx;
	bool any = rc == 0 && redis_integer(reply) == 1;

	request_done(q);
	changed(rc, any, changed_ctx);
}

static void
change(struct store *s, const struct limit *limit, const struct slice *words,
    size_t count, int64_t deadline_us, limit_changed *changed, void *ctx)
{
	struct key key = key_limit(limit->tenant, limit->rule, limit->value);
	struct slice argv[ARGS_MAX] = { key_slice(&key) };

	for (size_t i = 0; i < count && i + 1 < ARGS_MAX; i++)
		argv[i + 1] = words[i];
	redis_script(s, SCRIPT_limit_set, 1, argv, count + 1, deadline_us,
	    got_change, request_new(s, (request_fn *)changed, ctx));
}

void
limit_reset(struct store *s, const struct limit *limit, int64_t deadline_us,
    limit_changed *changed, void *ctx)
{
	change(s, limit, &SLICE("reset"), 1, deadline_us, changed, ctx);
}

void
limit_override_end(struct store *s, const struct limit *limit,
    int64_t deadline_us, limit_changed *changed, void *ctx)
{
	change(s, limit, &SLICE("clear"), 1, deadline_us, changed, ctx);
}

void
limit_override(struct store *s, const struct limit *limit,
    const struct rate *rate, int64_t until_us, int64_t deadline_us,
    limit_changed *changed, void *ctx)
{
	char until[NUMBER_TEXT_MAX], head[5 * NUMBER_TEXT_MAX];
	struct gcra g = { 0, 0 };
	struct rate none = { 0, 0, 0 };
	int n;

	if (rate != NULL)
		g = gcra_of(rate, 1);
	else
		rate = &none;
	n = snprintf(head, sizeof(head),
	    "%" PRId64 " %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRId64,
	    g.interval_us, g.ahead_us, rate->quantity, rate->burst,
	    rate->period_us);

	const struct slice words[] = { SLICE("set"),
		{ until, number_format((uint64_t)until_us, until) },
		{ head, n > 0 ? (size_t)n : 0 } };

	change(s, limit, words, 3, deadline_us, changed, ctx);
}
