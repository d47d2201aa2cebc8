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
	if (n->queue_run_delay_s == 0 ||
	    other->queue_run_delay_s < n->queue_run_delay_s)
		n->queue_run_delay_s = other->queue_run_delay_s;
}

static bool
add_exact(struct retry_native *n, const struct retry_curve *c)
{
	struct retry_native one;

	if (!c->given || c->mode != RETRY_EXACT)
		return false;
	retry_native(c, true, &one);
	take_later(n, &one);
	return true;
}

enum retry_schedule
settings_retry_native(const struct settings *s, struct retry_native *ret_native)
{
	const struct shaping *shaping = settings_shaping(s);
	struct retry_native n = { 0 }, common;
	bool exact = add_exact(&n, &shaping->retry);

	for (size_t i = 0; i < settings_tenant_count(s); i++)
		exact |= add_exact(&n, &settings_tenant_at(s, i)->retry);
	for (size_t i = 0; i < shaping->filter_count; i++)
		exact |= add_exact(&n, &shaping->filters[i].retry);
	if (exact) {
		/* The others' mail is tried by its curve, too. */
		retry_native(&shaping->retry, true, &common);
		if (!shaping->retry.given)
			common.queue_lifetime_s = RETRY_POSTFIX_LIFETIME_S;
		take_later(&n, &common);
		*ret_native = n;
		return RETRY_BY_SCHEDULER;
	}
	if (!shaping->retry.given)
		return RETRY_BY_DEFAULT;
	retry_native(&shaping->retry, false, ret_native);
	return RETRY_BY_POSTFIX;
}
