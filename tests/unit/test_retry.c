/* SPDX-License-Identifier: BSD-2-Clause */
/* Retry curves: the table to the second, every curve by brute force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/json.h"
#include "proto/retry.h"
#include "proto/settings.h"
#include "util/err.h"

#define DAY_S INT64_C(86400)

static struct retry_curve
curve(enum retry_method method, int64_t a, int64_t b, int64_t period_s)
{
	return (struct retry_curve){ true, RETRY_EXACT, method, a, b,
		period_s * 1000 };
}

/* ---- the table ---- */

static void
test_table(void **state)
{
	static const int64_t steps[] = { 240, 720, 1200, 1680, 2160, 2640, 3120,
		3600, 4080, 4560, 5040, 5520, 6000, 6480, 6960, 7440, 7920,
		8400 };
	struct retry_curve c = curve(RETRY_GROWING, 480, -240, DAY_S);
	const int64_t queued = INT64_C(1790000000123);
	int64_t at = queued, next;

	(void)state;
	assert_null(retry_wrong(&c));
	for (unsigned n = 1; n <= 18; n++) {
		assert_true(retry_next(&c, queued, at, n, &next));
		assert_int_equal(next - at, steps[n - 1] * 1000);
		at = next;
	}
	assert_int_equal(at - queued, 77760 * 1000);
	next = 5;
	assert_false(retry_next(&c, queued, at, 19, &next));
	assert_int_equal(next, 5);
}

static void
test_period_is_included(void **state)
{
	struct retry_curve c = curve(RETRY_LINEAR, 10, 77, 30);
	int64_t next;

	(void)state;
	assert_true(retry_next(&c, 0, 20000, 3, &next));
	assert_int_equal(next, 30000);
	assert_false(retry_next(&c, 0, 20001, 3, &next));
}

static void
test_beyond_numbers(void **state)
{
	struct retry_curve c = curve(RETRY_GROWING, INT64_MAX / 2, 0, DAY_S);
	int64_t next = 7;

	(void)state;
	assert_false(retry_next(&c, 0, 0, 3, &next));
	c = curve(RETRY_GROWING, 10, 0, DAY_S);
	assert_false(retry_next(&c, 0, INT64_MAX - 5, 1, &next));
	assert_false(retry_next(&c, INT64_MIN, INT64_MAX / 2, 1, &next));
	assert_int_equal(next, 7);
}

static const struct {
	enum retry_method method;
	int64_t a, b, period_s;
	const char *wrong;
} wrong_cases[] = {
	{ RETRY_LINEAR, 1, -999, 60, NULL },
	{ RETRY_LINEAR, 59, 0, 60, NULL },
	{ RETRY_LINEAR, 60, 0, 60, "a must be shorter than the period" },
	{ RETRY_LINEAR, 0, 5, 60, "a must be above 0" },
	{ RETRY_GROWING, 480, -240, 86400, NULL },
	{ RETRY_GROWING, 480, -479, 86400, NULL },
	{ RETRY_GROWING, 480, -480, 86400, "a + b must be above 0" },
	{ RETRY_GROWING, 30, 29, 60, NULL },
	{ RETRY_GROWING, 30, 30, 60, "a + b must be shorter than the period" },
	{ RETRY_GROWING, -1, 30, 60, "a must not be below 0" },
};

static void
test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong_cases) / sizeof(wrong_cases[0]);
	     i++) {
		struct retry_curve c =
		    curve(wrong_cases[i].method, wrong_cases[i].a,
			wrong_cases[i].b, wrong_cases[i].period_s);
		const char *wrong = retry_wrong(&c);

		if (wrong_cases[i].wrong == NULL)
			assert_null(wrong);
		else
			assert_string_equal(wrong, wrong_cases[i].wrong);
	}
}

/* ---- every small curve ---- */

/* The tries of a curve, told by its words and not by its code. */
static size_t
model(const struct retry_curve *c, int64_t *at, size_t max)
{
	int64_t now = 0, period = c->period_ms / 1000;
	size_t n = 0;

	while (n < max) {
		int64_t next = now + c->a_s;

		if (c->method == RETRY_GROWING)
			next = now + c->a_s * (int64_t)(n + 1) + c->b_s;
		if (next > period)
			break;
		at[n++] = now = next;
	}
	return n;
}

/* Postfix's own tries until it gives up, second by second. */
static size_t
postfix_model(const struct retry_native *p, int64_t lifetime_s, int64_t *at,
    size_t max)
{
	int64_t due = p->minimal_backoff_s;
	size_t n = 0;

	for (int64_t t = 1; t <= lifetime_s && n < max; t++) {
		if (t < due)
			continue;
		at[n++] = t;
		due = t + (t < p->minimal_backoff_s      ? p->minimal_backoff_s
			      : t > p->maximal_backoff_s ? p->maximal_backoff_s
							 : t);
	}
	return n;
}

#define TRIES 700

static void
check_curve(const struct retry_curve *c)
{
	int64_t want[TRIES], postfix[TRIES], at = 0, longest = 0, next;
	int64_t period = c->period_ms / 1000;
	size_t count = model(c, want, TRIES), made;
	struct retry_native p;

	for (size_t i = 0; i < count; i++) {
		assert_true(retry_next(c, 0, at, (unsigned)i + 1, &next));
		assert_int_equal(next, want[i] * 1000);
		if (next - at > longest)
			longest = next - at;
		at = next;
	}
	assert_false(retry_next(c, 0, at, (unsigned)count + 1, &next));

	retry_native(c, false, &p);
	assert_int_equal(p.minimal_backoff_s, want[0]);
	assert_int_equal(p.queue_lifetime_s, period);
	assert_true(p.maximal_backoff_s >= p.minimal_backoff_s);
	assert_true(p.queue_run_delay_s >= 1 &&
		    p.queue_run_delay_s <= p.minimal_backoff_s);
	made = postfix_model(&p, period, postfix, TRIES);
	if (made > count && p.maximal_backoff_s < period) {
		/* Any longer, and there would be too few. */
		p.maximal_backoff_s++;
		assert_true(postfix_model(&p, period, postfix, TRIES) < count);
		p.maximal_backoff_s--;
		made = postfix_model(&p, period, postfix, TRIES);
	}
	if (made > 0)
		assert_int_equal(postfix[0], want[0]);
	if (c->method == RETRY_LINEAR)
		for (size_t i = 0; i < made; i++)
			assert_int_equal(postfix[i], want[i]);

	retry_native(c, true, &p);
	assert_true(p.minimal_backoff_s * 1000 > longest);
	assert_true(p.maximal_backoff_s >= p.minimal_backoff_s);
	assert_true(p.queue_lifetime_s >= period);
}

static void
test_every_curve(void **state)
{
	(void)state;
	for (int64_t period = 10; period <= 600; period += 59)
		for (int64_t a = 1; a <= 130; a += 3) {
			struct retry_curve c =
			    curve(RETRY_LINEAR, a, 9, period);

			if (retry_wrong(&c) == NULL)
				check_curve(&c);
			for (int64_t b = -130; b <= 130; b += 13) {
				c = curve(RETRY_GROWING, a, b, period);
				if (retry_wrong(&c) == NULL)
					check_curve(&c);
			}
		}
}

static void
test_native_of_table(void **state)
{
	struct retry_curve c = curve(RETRY_GROWING, 480, -240, DAY_S);
	struct retry_native p;
	int64_t at[100];

	(void)state;
	retry_native(&c, false, &p);
	assert_int_equal(p.minimal_backoff_s, 240);
	assert_int_equal(p.queue_lifetime_s, DAY_S);
	assert_int_equal(p.queue_run_delay_s, 60);
	/* As many tries as the curve has, the last within the period. */
	assert_int_equal(postfix_model(&p, DAY_S, at, 100), 18);
	retry_native(&c, true, &p);
	assert_int_equal(p.minimal_backoff_s, 8400 + 300);
	assert_int_equal(p.maximal_backoff_s, 8400 + 300);
	assert_int_equal(p.queue_lifetime_s, DAY_S + 8700);
}

/* A thousand messages, some days, one clock. */
static void
test_simulated_days(void **state)
{
	struct retry_curve c = curve(RETRY_GROWING, 480, -240, DAY_S);
	struct {
		int64_t queued, due;
		unsigned n;
		bool given_up;
	} m[1000] = { { 0, 0, 0, false } };
	size_t tries = 0, given_up = 0;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		m[i].queued = m[i].due = (int64_t)i * 86399;
	}
	for (int64_t now = 0; now < 3 * DAY_S * 1000; now += 1000)
		for (size_t i = 0; i < 1000; i++) {
			if (m[i].given_up || now < m[i].due)
				continue;
			assert_true(now - m[i].due < 1000);
			tries += m[i].n > 0;
			m[i].n++;
			if (!retry_next(&c, m[i].queued, m[i].due, m[i].n,
				&m[i].due)) {
				m[i].given_up = true;
				given_up++;
				assert_int_equal(m[i].due - m[i].queued,
				    77760 * 1000);
			}
		}
	assert_int_equal(tries, 18 * 1000);
	assert_int_equal(given_up, 1000);
}

/* ---- settings ---- */

static void
collect(void *ctx, const char *path, const char *text)
{
	(void)buf_addf(ctx, "%s %s|", path, text);
}

static const struct {
	const char *doc, *errors;
} settings_cases[] = {
	{ "{\"retry\":{}}", "" },
	{ "{\"retry\":{\"mode\":\"exact\"}}", "" },
	{ "{\"retry\":{\"method\":\"linear\",\"a\":2,\"period\":\"12s\"}}",
	    "" },
	{ "{\"retry\":{\"period\":\"9s\",\"a\":1,\"b\":0}}",
	    "/retry/period must be 10s to 30d|" },
	{ "{\"retry\":{\"period\":\"31d\"}}",
	    "/retry/period must be 10s to 30d|" },
	{ "{\"retry\":{\"period\":\"4m\"}}",
	    "/retry a + b must be shorter than the period|" },
	{ "{\"retry\":{\"b\":-480}}", "/retry a + b must be above 0|" },
	{ "{\"retry\":{\"method\":\"linear\",\"a\":100000}}",
	    "/retry a must be shorter than the period|" },
};

static void
test_settings(void **state)
{
	(void)state;
	for (size_t i = 0;
	     i < sizeof(settings_cases) / sizeof(settings_cases[0]); i++) {
		struct json *doc = NULL;
		char error[200] = "";
		struct buf out;
		unsigned count;

		buf_init(&out, 4096);
		(void)buf_add_char(&out, '=');
		assert_int_equal(json_parse(slice_of(settings_cases[i].doc),
				     65536, &doc, error, sizeof(error)),
		    0);
		count =
		    settings_validate(doc, SLICE("shop"), NULL, collect, &out);
		assert_string_equal(buf_text(&out) + 1,
		    settings_cases[i].errors);
		assert_int_equal(count, settings_cases[i].errors[0] != '\0');
		json_free(doc);
		buf_done(&out);
	}
}

static void
test_compiled(void **state)
{
	struct json *doc = NULL;
	char error[200] = "";
	struct settings *s;
	const struct retry_curve *c;

	(void)state;
	assert_int_equal(json_parse(SLICE("{\"retry\":{\"mode\":\"exact\","
					  "\"period\":\"2h\"}}"),
			     65536, &doc, error, sizeof(error)),
	    0);
	const struct settings_input input = { SLICE("shop"), 3, doc };

	assert_int_equal(settings_compile(&input, 1, NULL, NULL, NULL, &s), 0);
	c = &settings_tenant(s, SLICE("shop"))->retry;
	assert_true(c->given);
	assert_int_equal(c->mode, RETRY_EXACT);
	assert_int_equal(c->method, RETRY_GROWING);
	assert_int_equal(c->a_s, 480);
	assert_int_equal(c->b_s, -240);
	assert_int_equal(c->period_ms, 7200 * 1000);
	c = &settings_tenant(s, SLICE("default"))->retry;
	assert_false(c->given);
	assert_int_equal(c->mode, RETRY_NATIVE);
	assert_int_equal(c->period_ms, DAY_S * 1000);
	settings_unref(s);
	json_free(doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_period_is_included),
		cmocka_unit_test(test_beyond_numbers),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_every_curve),
		cmocka_unit_test(test_native_of_table),
		cmocka_unit_test(test_simulated_days),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_compiled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
