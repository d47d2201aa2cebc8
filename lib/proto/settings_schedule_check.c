/* SPDX-License-Identifier: BSD-2-Clause */
/* What a schema can not say of the rules when messages may leave. */
#include "proto/settings_check.h"
#include "proto/zone.h"
#include "util/arena.h"
#include "util/err.h"
#include "util/zone_file.h"

#define ARENA_MAX (1024 * 1024)

static void
check_conditions(struct check *c, struct view list, const char *path)
{
	for (size_t i = 0; i < view_count(list); i++)
		check_condition(c, view_at(list, i),
		    check_place("%s/%zu", path, i).text);
}

void
check_zone(struct check *c, struct view v, const char *path)
{
	struct slice name = view_string(v);
	struct arena *arena = arena_new(ARENA_MAX);
	const struct zone *z;
	struct buf file;
	int rc = arena != NULL ? 0 : ERR_NOMEM;

	buf_init(&file, ZONE_FILE_MAX);
	/* Known on every host, whatever is installed. */
	if (rc == 0 && !slice_eq(name, SLICE("UTC"))) {
		rc = zone_file_read(name, &file);
		if (rc == 0)
			rc = zone_parse(buf_slice(&file), arena, &z);
	}
	if (rc == ERR_NOTFOUND)
		check_wrong(c, path,
		    "\"%.*s\" is no time zone that this host has in "
		    "%s (is it spelled right, and tzdata installed?)",
		    SLICE_F(name), ZONE_FILE_DIRECTORY);
	else if (rc < 0)
		check_wrong(c, path,
		    "\"%.*s\" can not be read as a time zone: %s",
		    SLICE_F(name), err_text(rc));
	buf_done(&file);
	arena_free(arena);
}

static void
check_calendar(struct check *c, struct view v)
{
	struct view list = view_get(v, "holidays");
	unsigned year, month, day;

	if (view_get(v, "time_zone").value != NULL)
		check_zone(c, view_get(v, "time_zone"), "/calendar/time_zone");
	for (size_t i = 0; i < view_count(list); i++) {
		struct slice text = view_string(view_at(list, i));

		if (text.at != NULL &&
		    !settings_date(text, &year, &month, &day))
			check_wrong(c,
			    check_place("/calendar/holidays/%zu", i).text,
			    "is no day of the calendar");
	}
}

void
check_schedule(struct check *c, struct view document)
{
	struct view prohibitions = view_get(document, "prohibitions"),
		    priorities = view_get(document, "priorities"),
		    caps = view_get(document, "day_caps");

	check_unique(c, prohibitions, "/prohibitions", "name");
	for (size_t i = 0; i < view_count(prohibitions); i++) {
		struct view v = view_at(prohibitions, i);

		check_conditions(c, view_get(v, "apply"),
		    check_place("/prohibitions/%zu/apply", i).text);
		check_conditions(c, view_get(v, "exclude"),
		    check_place("/prohibitions/%zu/exclude", i).text);
	}
	check_unique(c, priorities, "/priorities", "name");
	check_conditions(c, priorities, "/priorities");
	check_unique(c, caps, "/day_caps", "name");
	for (size_t i = 0; i < view_count(caps); i++)
		check_conditions(c, view_get(view_at(caps, i), "conditions"),
		    check_place("/day_caps/%zu/conditions", i).text);
	check_calendar(c, view_get(document, "calendar"));
}
