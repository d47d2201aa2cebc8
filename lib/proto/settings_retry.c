/* SPDX-License-Identifier: BSD-2-Clause */
/* Retry curves in the settings: judged and compiled. */
#include "proto/json.h"
#include "proto/settings_check.h"
#include "proto/settings_work.h"

#define SECOND_MS INT64_C(1000)
#define PERIOD_MIN_MS (10 * SECOND_MS)
#define PERIOD_MAX_MS (30 * 86400 * SECOND_MS)

/* In the order of their enums. */
static const char *const mode_words[] = { "native", "exact", NULL };
static const char *const method_words[] = { "linear", "growing", NULL };

/* A default of {} says as little as no member at all. */
static bool
says_something(struct view v)
{
	static const char *const members[] = { "mode", "method", "a", "b",
		"period" };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (json_get(v.value, members[i]) != NULL)
			return true;
	return false;
}

struct retry_curve
view_retry(struct view v)
{
	return (struct retry_curve){
		.given = says_something(v),
		.mode =
		    (enum retry_mode)view_word(view_get(v, "mode"), mode_words),
		.method = (enum retry_method)view_word(view_get(v, "method"),
		    method_words),
		.a_s = view_integer(view_get(v, "a")),
		.b_s = view_integer(view_get(v, "b")),
		.period_ms = view_period_ms(view_get(v, "period")),
	};
}

void
check_retry(struct check *c, struct view v, const char *path)
{
	struct retry_curve curve = view_retry(v);
	const char *wrong;

	/* What is not of its type, or no period, the schema has told. */
	if (!curve.given || curve.a_s == 0 || curve.period_ms == 0)
		return;
	if (curve.period_ms < PERIOD_MIN_MS ||
	    curve.period_ms > PERIOD_MAX_MS) {
		check_wrong(c, check_place("%s/period", path).text,
		    "must be 10s to 30d");
		return;
	}
	wrong = retry_wrong(&curve);
	if (wrong != NULL)
		check_wrong(c, path, "%s", wrong);
}
