/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting, and printing what was counted: Prometheus's text-based format,
 * version 0.0.4.
 */
#include "service/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/log.h"

#define PREFIX "postern_"
#define LOG_LINE_OCTETS 700

/* Upper bounds; behind them one more bucket, without one. */
static const int64_t bounds_us[] = { 250, 500, 1000, 2000, 5000, 10000, 20000,
	50000, 100000, 200000, 500000, 1000000, 2000000, 5000000, 10000000,
	30000000 };
#define BOUNDS (sizeof(bounds_us) / sizeof(bounds_us[0]))

struct histogram {
	_Atomic uint64_t counts[BOUNDS + 1];
	_Atomic uint64_t sum_us;
};

static struct {
	_Atomic uint64_t values[METRICS];
	struct histogram times[METRIC_TIMES];
} registry;

void
metrics_add(enum metric metric, uint64_t n)
{
	(void)atomic_fetch_add_explicit(&registry.values[metric], n,
	    memory_order_relaxed);
}

void
metrics_set(enum metric metric, uint64_t value)
{
	atomic_store_explicit(&registry.values[metric], value,
	    memory_order_relaxed);
}

uint64_t
metrics_get(enum metric metric)
{
	return atomic_load_explicit(&registry.values[metric],
	    memory_order_relaxed);
}

void
metrics_time(enum metric_time metric, int64_t us)
{
	struct histogram *h = &registry.times[metric];
	size_t i = 0;

	if (us < 0)
		us = 0;
	while (i < BOUNDS && us > bounds_us[i])
		i++;
	(void)atomic_fetch_add_explicit(&h->counts[i], 1, memory_order_relaxed);
	(void)atomic_fetch_add_explicit(&h->sum_us, (uint64_t)us,
	    memory_order_relaxed);
}

/* ---- printing ---- */

static bool
is_of(const struct metric_row *row, const char *daemon)
{
	size_t len = strlen(daemon);

	return strncmp(row->name, daemon, len) == 0 && row->name[len] == '_';
}

static bool
is_counter(const struct metric_row *row)
{
	static const char end[] = "_total";
	size_t len = strlen(row->name);

	return len > sizeof(end) &&
	       strcmp(row->name + len + 1 - sizeof(end), end) == 0;
}

static void
print_head(struct buf *out, const struct metric_row *row, const char *type)
{
	(void)buf_addf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n",
	    row->name, row->help, row->name, type);
}

static void
print_value(struct buf *out, enum metric metric)
{
	const struct metric_row *row = &metric_rows[metric];

	if (row->help != NULL)
		print_head(out, row, is_counter(row) ? "counter" : "gauge");
	(void)buf_addf(out, PREFIX "%s", row->name);
	if (row->label != NULL)
		(void)buf_addf(out, "{%s=\"%s\"}", row->label, row->value);
	(void)buf_addf(out, " %" PRIu64 "\n", metrics_get(metric));
}

static void
print_time(struct buf *out, enum metric_time metric)
{
	const struct metric_row *row = &metric_time_rows[metric];
	struct histogram *h = &registry.times[metric];
	uint64_t count = 0, sum_us;

	print_head(out, row, "histogram");
	for (size_t i = 0; i <= BOUNDS; i++) {
		count +=
		    atomic_load_explicit(&h->counts[i], memory_order_relaxed);
		(void)buf_addf(out, PREFIX "%s_bucket{le=\"", row->name);
		if (i < BOUNDS)
			(void)buf_addf(out, "%" PRId64 ".%06" PRId64,
			    bounds_us[i] / 1000000, bounds_us[i] % 1000000);
		else
			(void)buf_add_text(out, "+Inf");
		(void)buf_addf(out, "\"} %" PRIu64 "\n", count);
	}
	sum_us = atomic_load_explicit(&h->sum_us, memory_order_relaxed);
	(void)buf_addf(out,
	    PREFIX "%s_sum %" PRIu64 ".%06" PRIu64 "\n" PREFIX
		   "%s_count %" PRIu64 "\n",
	    row->name, sum_us / 1000000, sum_us % 1000000, row->name, count);
}

int
metrics_print(const char *daemon, struct buf *out)
{
	for (int i = 0; i < METRICS; i++)
		if (is_of(&metric_rows[i], daemon))
			print_value(out, (enum metric)i);
	for (int i = 0; i < METRIC_TIMES; i++)
		if (is_of(&metric_time_rows[i], daemon))
			print_time(out, (enum metric_time)i);
	return out->rc;
}

/* "milter_messages_total" of the milter: "messages". */
static struct slice
short_name(const struct metric_row *row, const char *daemon)
{
	struct slice name = slice_skip(slice_of(row->name), strlen(daemon) + 1);

	if (is_counter(row))
		name.len -= sizeof("_total") - 1;
	return name;
}

void
metrics_log(const char *daemon)
{
	char line[LOG_LINE_OCTETS + 200];
	size_t len = 0;

	for (int i = 0; i < METRICS; i++) {
		const struct metric_row *row = &metric_rows[i];
		uint64_t value = metrics_get((enum metric)i);
		int n;

		if (value == 0 || !is_counter(row) || !is_of(row, daemon))
			continue;
		n = snprintf(line + len, sizeof(line) - len,
		    "%s%.*s%s%s=%" PRIu64, len > 0 ? ", " : "",
		    SLICE_F(short_name(row, daemon)),
		    row->value != NULL ? "." : "",
		    row->value != NULL ? row->value : "", value);
		if (n > 0 && (size_t)n < sizeof(line) - len)
			len += (size_t)n;
		if (len >= LOG_LINE_OCTETS) {
			log_info("counters: %.*s", (int)len, line);
			len = 0;
		}
	}
	if (len > 0)
		log_info("counters: %.*s", (int)len, line);
}
