/* SPDX-License-Identifier: BSD-2-Clause */
/* Which retry curve is whose, and what all of them ask of Postfix. */
#include "proto/settings.h"

const struct retry_curve *
settings_retry(const struct settings *s, const struct tenant *t,
    const struct shaping_filter *filter)
{
	const struct retry_curve *c = &t->retry;

	if (filter != NULL && filter->retry.given)
		c = &filter->retry;
	return c->given && c->mode == RETRY_EXACT ? c
						  : &settings_shaping(s)->retry;
}

/* Both at once: no try of Postfix before one of either. */
static void
take_later(struct retry_native *n, const struct retry_native *other)
{
	if (other->minimal_backoff_s > n->minimal_backoff_s)
		n->minimal_backoff_s = other->minimal_backoff_s;
	if (other->maximal_backoff_s > n->maximal_backoff_s)
		n->maximal_backoff_s = other->maximal_backoff_s;
	if (other->queue_lifetime_s > n->queue_lifetime_s)
		n->queue_lifetime_s = other->queue_lifetime_s;
	if (other->queue_run_delay_s < n->queue_run_delay_s)
		n->queue_run_delay_s = other->queue_run_delay_s;
}

static bool
is_exact(const struct retry_curve *c)
{
	return c->given && c->mode == RETRY_EXACT;
}

/* How many of the filters have a say. */
static size_t
filters_in_force(const struct shaping *shaping)
{
	return shaping->mode == MODE_ENFORCE ? shaping->filter_count : 0;
}

enum retry_schedule
settings_retry_schedule(const struct settings *s)
{
	const struct shaping *shaping = settings_shaping(s);
	bool exact = is_exact(&shaping->retry);

	for (size_t i = 0; i < settings_tenant_count(s) && !exact; i++)
		exact = is_exact(&settings_tenant_at(s, i)->retry);
	for (size_t i = 0; i < filters_in_force(shaping) && !exact; i++)
		exact = is_exact(&shaping->filters[i].retry);
	return exact                  ? RETRY_BY_SCHEDULER
	       : shaping->retry.given ? RETRY_BY_POSTFIX
				      : RETRY_BY_DEFAULT;
}

static void
add_exact(struct retry_native *n, const struct retry_curve *c)
{
	struct retry_native one;

	if (!is_exact(c))
		return;
	retry_native(c, true, &one);
	take_later(n, &one);
}

enum retry_schedule
settings_retry_native(const struct settings *s, struct retry_native *ret_native)
{
	const struct shaping *shaping = settings_shaping(s);
	enum retry_schedule schedule = settings_retry_schedule(s);
	struct retry_native n;

	if (schedule == RETRY_BY_DEFAULT)
		return schedule;
	/* The mail that has no exact curve is tried by this one, too. */
	retry_native(&shaping->retry, schedule == RETRY_BY_SCHEDULER, &n);
	if (schedule == RETRY_BY_SCHEDULER) {
		if (!shaping->retry.given)
			n.queue_lifetime_s = RETRY_POSTFIX_LIFETIME_S;
		for (size_t i = 0; i < settings_tenant_count(s); i++)
			add_exact(&n, &settings_tenant_at(s, i)->retry);
		for (size_t i = 0; i < filters_in_force(shaping); i++)
			add_exact(&n, &shaping->filters[i].retry);
	}
	*ret_native = n;
	return schedule;
}
