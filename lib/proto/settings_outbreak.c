/* SPDX-License-Identifier: BSD-2-Clause */
/* The section outbreak of a tenant's settings: judged and compiled. */
#include "proto/settings_check.h"
#include "proto/settings_work.h"

#define WINDOW_LEAST_MS (60 * 1000LL)
#define WINDOW_MOST_MS (24 * 3600 * 1000LL)
#define FREEZE_MOST_MS (30 * 86400 * 1000LL)

void
work_outbreak(struct work *w, struct view v)
{
	struct outbreak_settings *o = &w->t->outbreak;
	struct view notify = view_get(v, "notify");
	size_t count = view_count(notify);
	struct slice *to = work_take(w, count, sizeof(*to));

	o->enabled = view_bool(view_get(v, "enabled"));
	o->recipients = (unsigned)view_integer(view_get(v, "recipients"));
	o->share_percent = (unsigned)view_integer(view_get(v, "share_percent"));
	o->window_ms = view_period_ms(view_get(v, "window"));
	o->freeze_ms = view_period_ms(view_get(v, "freeze"));
	for (size_t i = 0; w->rc == 0 && i < count; i++)
		to[i] = work_keep_address(w, view_string(view_at(notify, i)));
	o->notify = to;
	o->notify_count = w->rc == 0 ? count : 0;
}

void
check_outbreak(struct check *c, struct view v)
{
	int64_t window = view_period_ms(view_get(v, "window"));
	int64_t freeze = view_period_ms(view_get(v, "freeze"));

	if (window < WINDOW_LEAST_MS || window > WINDOW_MOST_MS)
		check_wrong(c, "/outbreak/window", "must be 1m to 24h");
	if (freeze < WINDOW_LEAST_MS || freeze > FREEZE_MOST_MS)
		check_wrong(c, "/outbreak/freeze", "must be 1m to 30d");
}
