/* SPDX-License-Identifier: BSD-2-Clause */
/* When messages may leave: the settings' rules, compiled. */
#include <stdlib.h>

#include "proto/civil.h"
#include "proto/filter.h"
#include "proto/settings_tenant.h"
#include "proto/settings_work.h"
#include "proto/zone.h"
#include "util/err.h"
#include "util/map.h"
#include "util/number.h"
#include "util/zone_file.h"

#define ZONES_MAX 2000 /* there are about 600 */

/* In the order of their enums and bits. */
static const char *const weekday_words[] = { "mon", "tue", "wed", "thu", "fri",
	"sat", "sun", NULL };
static const char *const holiday_words[] = { "as-others", "skip", "only",
	"also", NULL };

/* Whether one of them looks at the recipient is added to *by_recipient. */
static const struct filter *const *
compile_conditions(struct work *w, struct view list, bool *by_recipient,
    size_t *ret_count)
{
	size_t count = view_count(list);
	const struct filter **f = work_take(w, count, sizeof(*f));

	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		f[i] = work_filter(w, view_at(list, i));
		if (f[i] != NULL && filter_is_recipient(f[i]))
			*by_recipient = true;
	}
	*ret_count = w->rc == 0 ? count : 0;
	return f;
}

/* "HH:MM", as the schema has seen to. */
static unsigned
minutes_of(struct view v)
{
	struct slice rest = view_string(v), hours;
	uint64_t h = 0, m = 0;

	if (slice_split(&rest, ':', &hours)) {
		(void)number_parse(hours, 0, 23, &h);
		(void)number_parse(rest, 0, 59, &m);
	}
	return (unsigned)(h * 60 + m);
}

static void
compile_prohibitions(struct work *w, struct view list)
{
	struct schedule_rules *r = &w->t->schedule;
	size_t count = view_count(list);
	struct prohibition *p = work_take(w, count, sizeof(*p));

	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		struct view v = view_at(list, i);

		p[i].name = work_keep(w, view_string(view_get(v, "name")));
		p[i].apply = compile_conditions(w, view_get(v, "apply"),
		    &r->prohibitions_by_recipient, &p[i].apply_count);
		p[i].exclude = compile_conditions(w, view_get(v, "exclude"),
		    &r->prohibitions_by_recipient, &p[i].exclude_count);
		p[i].from_min = minutes_of(view_get(v, "from"));
		p[i].to_min = minutes_of(view_get(v, "to"));
		p[i].weekdays =
		    view_words(view_get(v, "weekdays"), weekday_words);
		p[i].holidays =
		    (enum holidays)view_word(view_get(v, "holidays"),
			holiday_words);
		p[i].retries = view_bool(view_get(v, "retries"));
	}
	r->prohibitions = p;
	r->prohibition_count = w->rc == 0 ? count : 0;
}

static void
compile_priorities(struct work *w, struct view list)
{
	struct schedule_rules *r = &w->t->schedule;
	size_t count = view_count(list);
	struct priority_rule *p = work_take(w, count, sizeof(*p));

	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		struct view v = view_at(list, i);

		p[i].name = work_keep(w, view_string(view_get(v, "name")));
		p[i].filter = work_filter(w, v);
		p[i].priority = (unsigned)view_integer(view_get(v, "priority"));
		if (p[i].filter != NULL && filter_is_recipient(p[i].filter))
			r->priorities_by_recipient = true;
	}
	r->priorities = p;
	r->priority_count = w->rc == 0 ? count : 0;
}

static void
compile_day_caps(struct work *w, struct view list)
{
	struct schedule_rules *r = &w->t->schedule;
	size_t count = view_count(list);
	struct day_cap *c = work_take(w, count, sizeof(*c));

	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		struct view v = view_at(list, i);

		c[i].name = work_keep(w, view_string(view_get(v, "name")));
		c[i].conditions =
		    compile_conditions(w, view_get(v, "conditions"),
			&r->day_caps_by_recipient, &c[i].condition_count);
		c[i].quantity = (uint64_t)view_integer(view_get(v, "quantity"));
	}
	r->day_caps = c;
	r->day_cap_count = w->rc == 0 ? count : 0;
}

const struct zone *
work_zone(struct work *w, struct slice name)
{
	struct settings *s = w->s;
	const struct zone *z;
	struct buf file;
	int rc;

	if (slice_eq(name, SLICE("UTC")))
		return zone_utc;
	if (s->zones == NULL)
		s->zones = settings_own_map(s, ZONES_MAX);
	if (s->zones == NULL) {
		w->rc = ERR_NOMEM;
		return zone_utc;
	}
	if ((z = map_get(s->zones, name)) != NULL)
		return z;
	z = zone_utc;
	buf_init(&file, ZONE_FILE_MAX);
	rc = zone_file_read(name, &file);
	if (rc == 0)
		rc = zone_parse(buf_slice(&file), s->arena, &z);
	if (rc == 0)
		rc = map_set(s->zones, name, (void *)(uintptr_t)z, NULL);
	buf_done(&file);
	if (rc < 0)
		w->rc = rc;
	return z;
}

static int
compare_days(const void *a, const void *b)
{
	const unsigned *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
compile_calendar(struct work *w, struct view v)
{
	struct calendar *c = &w->t->schedule.calendar;
	struct view list = view_get(v, "holidays");
	size_t count = view_count(list);
	unsigned *days = work_take(w, count, sizeof(*days));

	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		unsigned year, month, day;

		if (settings_date(view_string(view_at(list, i)), &year, &month,
			&day))
			days[i] = year * 10000 + month * 100 + day;
	}
	if (w->rc == 0 && count > 0)
		qsort(days, count, sizeof(*days), compare_days);
	c->holidays = days;
	c->holiday_count = w->rc == 0 ? count : 0;
	c->zone = work_zone(w, view_string(view_get(v, "time_zone")));
}

void
work_schedule(struct work *w, struct view document)
{
	compile_prohibitions(w, view_get(document, "prohibitions"));
	compile_priorities(w, view_get(document, "priorities"));
	compile_day_caps(w, view_get(document, "day_caps"));
	compile_calendar(w, view_get(document, "calendar"));
}

struct scheduler_settings
settings_scheduler_of(struct view global)
{
	struct view v = view_get(global, "scheduler");

	return (struct scheduler_settings){
		.max_in_flight =
		    (unsigned)view_integer(view_get(v, "max_in_flight")),
		.release_per_second =
		    (unsigned)view_integer(view_get(v, "release_per_second")),
	};
}
