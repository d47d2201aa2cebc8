/* SPDX-License-Identifier: BSD-2-Clause */
/* When messages may leave, against a slow reference that goes by minutes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/civil.h"
#include "proto/filter.h"
#include "proto/json.h"
#include "proto/schedule.h"
#include "proto/settings.h"
#include "util/arena.h"
#include "util/err.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MINUTE INT64_C(60000)
#define AT(y, m, d, h, min) \
	((civil_days(y, m, d) * CIVIL_DAY_S + (h)*3600 + (min)*60) * 1000)

/* ---- settings from text, and a message for them ---- */

static void
told(void *ctx, const char *path, const char *text)
{
	(void)ctx;
	fail_msg("%s: %s", path, text);
}

static struct settings *
compile(const char *text)
{
	struct settings_input in = { .name = SLICE("shop"), .revision = 1 };
	struct settings *s = NULL;
	struct json *doc = NULL;

	assert_int_equal(json_parse(slice_of(text), 65536, &doc, NULL, 0), 0);
	in.doc = doc;
	assert_int_equal(settings_compile(&in, 1, NULL, told, NULL, &s), 0);
	json_free(doc);
	return s;
}

static const struct schedule_rules *
rules_of(const struct settings *s)
{
	return &settings_tenant(s, SLICE("shop"))->schedule;
}

static struct arena *arena;

static struct filter_values *
message(const char *subject)
{
	struct header_field *f = arena_calloc(arena, 2, sizeof(*f));

	assert_non_null(f);
	f[0] = (struct header_field){ .name = SLICE("Subject"),
		.value = slice_of(subject) };
	f[1] = (struct header_field){ .name = SLICE("X-Class"),
		.value = SLICE("bulk") };
	return filter_values_new(arena, f, 2);
}

/* ---- the reference ---- */

/* Local time of each minute by the C library, and whether mail is held. */
#define DAYS 9
#define SPAN (DAYS * 1440)
static int64_t first_min, local_min[SPAN];
static bool held[SPAN], one[SPAN];

static void
fill_minutes(const char *zone, int64_t middle_ms)
{
	assert_int_equal(setenv("TZ", zone, 1), 0);
	tzset();
	first_min = middle_ms / MINUTE - SPAN / 2;
	for (int i = 0; i < SPAN; i++) {
		time_t t = (time_t)((first_min + i) * 60);
		struct tm tm;

		assert_non_null(localtime_r(&t, &tm));
		local_min[i] =
		    civil_days(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1,
			(unsigned)tm.tm_mday) *
			1440 +
		    tm.tm_hour * 60 + tm.tm_min;
	}
	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	tzset();
}

static bool
day_counts(const struct calendar *c, const struct prohibition *p, int64_t day)
{
	bool holiday = false, weekday = p->weekdays == 0;

	for (size_t i = 0; i < c->holiday_count; i++)
		if (c->holidays[i] == civil_number(day))
			holiday = true;
	if ((p->weekdays >> civil_weekday(day) & 1) != 0)
		weekday = true;
	if (p->holidays == HOLIDAYS_SKIP)
		return weekday && !holiday;
	if (p->holidays == HOLIDAYS_ONLY)
		return weekday && holiday;
	return weekday || (p->holidays == HOLIDAYS_ALSO && holiday);
}

static void
mark_window(int64_t from, int64_t to)
{
	int begin = 0, end = 0;

	while (begin < SPAN && local_min[begin] < from)
		begin++;
	for (int i = 0; i < SPAN; i++)
		if (local_min[i] < to)
			end = i + 1;
	for (int i = begin; i < end; i++)
		one[i] = true;
}

static void
mark_all(const struct schedule_rules *r)
{
	memset(held, 0, sizeof(held));
	for (size_t i = 0; i < r->prohibition_count; i++) {
		const struct prohibition *p = &r->prohibitions[i];
		int64_t last = local_min[SPAN - 1] / 1440 + 2;

		memset(one, 0, sizeof(one));
		for (int64_t day = local_min[0] / 1440 - 2; day <= last; day++)
			if (day_counts(&r->calendar, p, day))
				mark_window(day * 1440 + p->from_min,
				    (day + (p->to_min <= p->from_min)) * 1440 +
					p->to_min);
		for (int t = 0; t < SPAN; t++)
			held[t] = held[t] || one[t];
	}
}

static void
compare(const struct schedule_rules *r, struct filter_values *v,
    const char *what)
{
	int64_t free_ms;

	mark_all(r);
	/* The margins are for windows that begin or end outside. */
	for (int i = 2 * 1440; i < SPAN - 3 * 1440; i++) {
		int64_t now = (first_min + i) * MINUTE + i * 7919 % MINUTE;
		int k = i;

		while (k < SPAN && held[k])
			k++;
		if (k == SPAN)
			continue;
		assert_int_equal(schedule_window(r, v, SLICE("a@x.test"), now,
				     &free_ms, NULL, NULL),
		    0);
		if (free_ms != (k == i ? now : (first_min + k) * MINUTE))
			fail_msg("%s: %lld: %lld, not %lld", what,
			    (long long)now, (long long)free_ms,
			    (long long)((first_min + k) * MINUTE));
	}
}

static unsigned seed = 20261123;

static unsigned
pick(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static void
add_random(char *text, size_t size, unsigned n)
{
	static const char *const times[] = { "00:00", "00:30", "01:00", "01:30",
		"01:59", "02:00", "02:01", "02:15", "02:30", "03:00", "03:30",
		"08:00", "12:00", "22:00", "23:30", "23:59" };
	static const char *const days[] = { "", "\"sun\"", "\"sat\"",
		"\"mon\",\"tue\",\"wed\",\"thu\",\"fri\"", "\"sat\",\"sun\"" };
	static const char *const holidays[] = { "as-others", "skip", "only",
		"also" };
	size_t len = strlen(text);

	(void)snprintf(text + len, size - len,
	    "%s{\"name\":\"p%u\",\"apply\":[{\"header\":\"Subject\","
	    "\"pattern\":\".*\"}],\"from\":\"%s\",\"to\":\"%s\","
	    "\"weekdays\":[%s],\"holidays\":\"%s\"}",
	    n > 0 ? "," : "", n, times[pick(COUNT(times))],
	    times[pick(COUNT(times))], days[pick(COUNT(days))],
	    holidays[pick(COUNT(holidays))]);
}

static void
test_by_minutes(void **state)
{
	/* days around which the windows are walked through */
	static const struct {
		const char *zone;
		int year, month, day;
		const char *holiday;
	} cases[] = {
		{ "Asia/Tokyo", 2026, 5, 3, "2026-05-03" },
		{ "Europe/Berlin", 2026, 3, 29, "2026-03-29" },
		{ "Europe/Berlin", 2026, 10, 25, "2026-10-25" },
		{ "America/New_York", 2026, 3, 8, "2026-03-07" },
		{ "America/New_York", 2026, 11, 1, "2026-11-01" },
		{ "Australia/Lord_Howe", 2026, 4, 5, "2026-04-04" },
		{ "Australia/Lord_Howe", 2026, 10, 4, "2026-10-04" },
		{ "America/Havana", 2026, 11, 1, "2026-11-01" },
		{ "Europe/Berlin", 2050, 3, 27, "2050-03-27" },
	};
	static char text[4000];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		fill_minutes(cases[i].zone,
		    AT(cases[i].year, (unsigned)cases[i].month,
			(unsigned)cases[i].day, 12, 0));
		for (unsigned n = 0; n < 60; n++) {
			unsigned count = 1 + n % 3;

			(void)snprintf(text, sizeof(text),
			    "{\"calendar\":{\"time_zone\":\"%s\","
			    "\"holidays\":[\"%s\"]},\"prohibitions\":[",
			    cases[i].zone, cases[i].holiday);
			for (unsigned k = 0; k < count; k++)
				add_random(text, sizeof(text) - 3, k);
			(void)snprintf(text + strlen(text), 3, "]}");
			struct settings *s = compile(text);

			arena_reset(arena);
			compare(rules_of(s), message("x"), text);
			settings_unref(s);
		}
	}
}

/* ---- by hand ---- */

#define BERLIN "\"calendar\":{\"time_zone\":\"Europe/Berlin\"}"
#define APPLY(s) "\"apply\":[{\"header\":\"Subject\",\"pattern\":\"" s "\"}]"

struct answer {
	int rc;
	int64_t free_ms;
	struct slice name;
	bool retries;
};

static struct answer
ask(const struct settings *s, const char *subject, const char *to, int64_t now)
{
	struct answer a = { .rc = 0 };

	arena_reset(arena);
	a.rc = schedule_window(rules_of(s), message(subject), slice_of(to), now,
	    &a.free_ms, &a.name, &a.retries);
	return a;
}

static void
test_edges(void **state)
{
	struct settings *s =
	    compile("{" BERLIN ",\"prohibitions\":[{\"name\":\"n\"," APPLY(
		".*") ",\"from\":\"10:00\",\"to\":\"11:00\"}]}");
	/* 23 November 2026: one hour before universal time */
	int64_t from = AT(2026, 11, 23, 9, 0), to = AT(2026, 11, 23, 10, 0);

	(void)state;
	assert_true(ask(s, "x", "a@x", from - 1).free_ms == from - 1);
	assert_int_equal(ask(s, "x", "a@x", from - 1).name.len, 0);
	assert_true(ask(s, "x", "a@x", from).free_ms == to);
	assert_true(slice_eq(ask(s, "x", "a@x", from).name, SLICE("n")));
	assert_true(ask(s, "x", "a@x", to - 1).free_ms == to);
	assert_true(ask(s, "x", "a@x", to).free_ms == to);
	settings_unref(s);
}

static void
test_conditions(void **state)
{
	struct settings *s = compile(
	    "{\"prohibitions\":[{\"name\":\"n\","
	    "\"from\":\"10:00\",\"to\":\"11:00\",\"apply\":["
	    "{\"header\":\"Subject\",\"pattern\":\"news.*\"},"
	    "{\"header\":\"to\",\"pattern\":\".+@slow\\\\.test\"}],"
	    "\"exclude\":[{\"header\":\"Subject\",\"pattern\":\".*urgent.*\"},"
	    "{\"header\":\"To\",\"pattern\":\"boss@.+\"}]}]}");
	static const struct {
		const char *subject, *to;
		bool held;
	} cases[] = {
		{ "news of today", "a@x.test", true },
		{ "some news", "a@x.test", false },
		{ "hello", "a@slow.test", true },
		{ "hello", "A@SLOW.TEST", true },
		{ "hello", "a@slow.test.x", false },
		{ "news, urgent", "a@slow.test", false },
		{ "news", "boss@slow.test", false },
		{ "hello", "a@x.test", false },
	};
	int64_t now = AT(2026, 11, 23, 10, 30);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(ask(s, cases[i].subject, cases[i].to, now)
					 .free_ms > now,
		    cases[i].held);
	assert_true(rules_of(s)->prohibitions_by_recipient);
	assert_false(rules_of(s)->priorities_by_recipient);
	settings_unref(s);
}

static void
test_several(void **state)
{
	struct settings *s = compile(
	    "{\"prohibitions\":["
	    "{\"name\":\"a\"," APPLY(
		"x.*") ",\"from\":\"10:00\",\"to\":\"11:00\",\"retries\":true},"
		       "{\"name\":\"b\"," APPLY(
			   "xy.*") ",\"from\":\"11:00\",\"to\":\"12:30\"},"
				   "{\"name\":\"c\"," APPLY(
				       "xyz") ",\"from\":\"12:00\",\"to\":\"09:59\"}]}");
	int64_t now = AT(2026, 11, 23, 10, 30);
	struct answer a;

	(void)state;
	a = ask(s, "x", "a@x", now);
	assert_true(a.free_ms == AT(2026, 11, 23, 11, 0) && a.retries);
	assert_true(slice_eq(a.name, SLICE("a")));
	a = ask(s, "xy", "a@x", now);
	assert_true(a.free_ms == AT(2026, 11, 23, 12, 30) && a.retries);
	assert_true(slice_eq(a.name, SLICE("b")));
	/* one minute is left between c and a */
	a = ask(s, "xyz", "a@x", now);
	assert_true(a.free_ms == AT(2026, 11, 24, 9, 59) && a.retries);
	assert_true(slice_eq(a.name, SLICE("c")));
	a = ask(s, "xyz", "a@x", AT(2026, 11, 23, 11, 30));
	assert_true(a.free_ms == AT(2026, 11, 24, 9, 59) && !a.retries);
	settings_unref(s);
}

static void
test_never(void **state)
{
	struct settings *s = compile(
	    "{\"prohibitions\":["
	    "{\"name\":\"a\"," APPLY(
		"x.*") ",\"from\":\"00:00\",\"to\":\"00:00\"},"
		       "{\"name\":\"b\"," APPLY(
			   "y") ",\"from\":\"07:00\",\"to\":\"07:00\","
				"\"weekdays\":[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\"]}]}");
	int64_t now = AT(2026, 11, 23, 10, 30); /* a Monday */

	(void)state;
	assert_int_equal(ask(s, "x", "a@x", now).rc, ERR_LIMIT);
	assert_true(ask(s, "y", "a@x", now).free_ms == AT(2026, 11, 28, 7, 0));
	assert_true(ask(s, "y", "a@x", AT(2026, 11, 29, 23, 0)).free_ms ==
		    AT(2026, 11, 29, 23, 0));
	settings_unref(s);
}

static void
test_hostile_values(void **state)
{
	struct settings *s = compile("{\"prohibitions\":[{\"name\":\"a\"," APPLY(
	    "(a+)+b|(a|aa)+c") ",\"from\":\"10:00\",\"to\":\"11:00\"}],\"priorities\":[{"
			       "\"name\":\"p\",\"header\":\"Subject\",\"pattern\":\"(a+)+b|(a|aa)+c\","
			       "\"priority\":9}]}");
	char evil[60];

	(void)state;
	memset(evil, 'a', sizeof(evil) - 1);
	evil[sizeof(evil) - 1] = '\0';
	assert_int_equal(ask(s, evil, "a@x", AT(2026, 11, 23, 10, 30)).rc,
	    ERR_LIMIT);
	assert_int_equal(schedule_priority(rules_of(s), message(evil),
			     SLICE("a@x")),
	    ERR_LIMIT);
	settings_unref(s);
}

static void
test_priorities(void **state)
{
	struct settings *s = compile(
	    "{\"priorities\":["
	    "{\"name\":\"1\",\"header\":\"Subject\",\"pattern\":\"pass.*\","
	    "\"priority\":99},"
	    "{\"name\":\"2\",\"header\":\"x-class\",\"pattern\":\"bulk\","
	    "\"priority\":1},"
	    "{\"name\":\"3\",\"header\":\"Subject\",\"pattern\":\".*\","
	    "\"priority\":70}]}");
	const struct schedule_rules *r = rules_of(s);
	struct settings *none = compile("{}");

	(void)state;
	assert_int_equal(schedule_priority(r, message("password"),
			     SLICE("a@x")),
	    99);
	assert_int_equal(schedule_priority(r, message("x"), SLICE("a@x")), 1);
	assert_int_equal(schedule_priority(rules_of(none), message("x"),
			     SLICE("a@x")),
	    PRIORITY_DEFAULT);
	settings_unref(s);
	settings_unref(none);
}

static void
test_days(void **state)
{
	struct settings *s = compile(
	    "{\"calendar\":{\"time_zone\":"
	    "\"Europe/Berlin\"},\"day_caps\":["
	    "{\"name\":\"all\",\"quantity\":1000000000},"
	    "{\"name\":\"x\",\"quantity\":5,\"conditions\":[{\"header\":"
	    "\"To\",\"pattern\":\".*@x\"},{\"header\":\"Subject\","
	    "\"pattern\":\"n\"}]}]}");
	struct settings *havana =
	    compile("{\"calendar\":{\"time_zone\":\"America/Havana\"}}");
	const struct schedule_rules *r = rules_of(s);
	const struct calendar *c = &r->calendar;
	int64_t next;

	(void)state;
	assert_int_equal(schedule_day(c, AT(2026, 11, 23, 22, 59), &next),
	    20261123);
	assert_true(next == AT(2026, 11, 23, 23, 0));
	assert_int_equal(schedule_day(c, next, &next), 20261124);
	assert_true(next == AT(2026, 11, 24, 23, 0));
	/* days of 23 and 25 hours */
	assert_int_equal(schedule_day(c, AT(2026, 3, 28, 23, 0), &next),
	    20260329);
	assert_true(next == AT(2026, 3, 29, 22, 0));
	assert_int_equal(schedule_day(c, AT(2026, 10, 24, 22, 0), &next),
	    20261025);
	assert_true(next == AT(2026, 10, 25, 23, 0));
	/* midnight comes twice, or not at all */
	c = &rules_of(havana)->calendar;
	assert_int_equal(schedule_day(c, AT(2026, 11, 1, 5, 30), &next),
	    20261101);
	assert_true(next == AT(2026, 11, 2, 5, 0));
	assert_int_equal(schedule_day(c, AT(2026, 3, 8, 4, 59), &next),
	    20260307);
	assert_true(next == AT(2026, 3, 8, 5, 0));
	assert_int_equal(schedule_capped(&r->day_caps[0], message("x"),
			     SLICE("a@y")),
	    1);
	assert_int_equal(schedule_capped(&r->day_caps[1], message("x"),
			     SLICE("a@y")),
	    0);
	assert_int_equal(schedule_capped(&r->day_caps[1], message("x"),
			     SLICE("a@x")),
	    1);
	assert_int_equal(schedule_capped(&r->day_caps[1], message("n"),
			     SLICE("a@y")),
	    1);
	assert_true(r->day_caps_by_recipient);
	settings_unref(s);
	settings_unref(havana);
}

static void
test_scheduler_settings(void **state)
{
	struct settings_input in = { .name = SLICE(SETTINGS_GLOBAL) };
	struct settings *s = compile("{}");
	struct json *doc = NULL;

	(void)state;
	assert_int_equal(settings_scheduler(s)->max_in_flight, 0);
	assert_int_equal(settings_scheduler(s)->release_per_second, 500);
	settings_unref(s);
	assert_int_equal(
	    json_parse(SLICE(
			   "{\"tenants\":[],\"scheduler\":{\"max_in_flight\":7,"
			   "\"release_per_second\":9}}"),
		65536, &doc, NULL, 0),
	    0);
	in.doc = doc;
	assert_int_equal(settings_compile(&in, 1, NULL, told, NULL, &s), 0);
	json_free(doc);
	assert_int_equal(settings_scheduler(s)->max_in_flight, 7);
	assert_int_equal(settings_scheduler(s)->release_per_second, 9);
	settings_unref(s);
}

/* ---- what is refused ---- */

static void
collect(void *ctx, const char *path, const char *text)
{
	char *all = ctx;
	size_t n = strlen(all);

	(void)snprintf(all + n, 4000 - n, "%s: %s\n", path, text);
}

static void
test_bad_settings(void **state)
{
	static const struct {
		const char *text, *path, *word;
	} cases[] = {
		{ "{\"calendar\":{\"time_zone\":\"Europe/Berlln\"}}",
		    "/calendar/time_zone", "\"Europe/Berlln\"" },
		{ "{\"calendar\":{\"time_zone\":\"/etc/localtime\"}}",
		    "/calendar/time_zone", "no time zone" },
		{ "{\"calendar\":{\"time_zone\":\"Europe\"}}",
		    "/calendar/time_zone", "no time zone" },
		{ "{\"calendar\":{\"holidays\":[\"2026-12-24\","
		  "\"2026-02-30\"]}}",
		    "/calendar/holidays/1", "no day" },
		{ "{\"prohibitions\":[{\"name\":\"a\",\"from\":\"10:00\","
		  "\"to\":\"11:00\",\"apply\":[{\"header\":\"Received\","
		  "\"pattern\":\"x\"}]}]}",
		    "/prohibitions/0/apply/0/header", "several times" },
		{ "{\"prohibitions\":[{\"name\":\"a\",\"from\":\"10:00\","
		  "\"to\":\"11:00\"," APPLY(
		      "x") ",\"exclude\":[{\"header\":\"X\",\"pattern\":\"(\"}]}]}",
		    "/prohibitions/0/exclude/0/pattern", "expression" },
		{ "{\"prohibitions\":[{\"name\":\"a\",\"from\":\"24:00\","
		  "\"to\":\"11:00\"," APPLY("x") "}]}",
		    "/prohibitions/0/from", "" },
		{ "{\"priorities\":[{\"name\":\"a\",\"header\":\"X\","
		  "\"pattern\":\"[\",\"priority\":5}]}",
		    "/priorities/0/pattern", "expression" },
		{ "{\"priorities\":[{\"name\":\"a\",\"header\":\"X\","
		  "\"pattern\":\"a\",\"priority\":100}]}",
		    "/priorities/0/priority", "" },
		{ "{\"day_caps\":[{\"name\":\"a\",\"quantity\":1},"
		  "{\"name\":\"a\",\"quantity\":2}]}",
		    "/day_caps/1/name", "already" },
		{ "{\"day_caps\":[{\"name\":\"a\",\"quantity\":1,"
		  "\"conditions\":[{\"header\":\"X\",\"pattern\":\"*\"}]}]}",
		    "/day_caps/0/conditions/0/pattern", "expression" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char all[4000] = "";
		struct json *doc = NULL;

		assert_int_equal(json_parse(slice_of(cases[i].text), 65536,
				     &doc, NULL, 0),
		    0);
		if (settings_validate(doc, SLICE("shop"), NULL, collect, all) <
			1 ||
		    strstr(all, cases[i].path) == NULL ||
		    strstr(all, cases[i].word) == NULL)
			fail_msg("%s\n%s", cases[i].text, all);
		json_free(doc);
	}
}

static int
setup(void **state)
{
	(void)state;
	arena = arena_new(1024 * 1024);
	return arena != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_minutes),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_hostile_values),
		cmocka_unit_test(test_priorities),
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_scheduler_settings),
		cmocka_unit_test(test_bad_settings),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
