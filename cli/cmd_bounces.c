/* SPDX-License-Identifier: BSD-2-Clause */
/* postern bounces: the error log, and its sums. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli_settings.h"
#include "cli/cli_store.h"
#include "cli/commands.h"
#include "cli/plot.h"
#include "cli/report_rows.h"
#include "cli/report_scan.h"
#include "proto/csv.h"
#include "proto/json.h"
#include "proto/message_story.h"
#include "proto/provider_name.h"
#include "proto/settings.h"
#include "proto/status.h"
#include "util/err.h"
#include "util/map.h"

#define KEYS_MAX 100000
#define BAR_WIDTH 20
#define LINE_MAX_OCTETS 8192

struct sum {
	struct slice key; /* in the map */
	uint64_t count;
	int64_t last_ms;
	struct sum *next;
};

struct sums {
	const struct report_args *args;
	struct settings *settings; /* NULL: not by provider */
	struct map *map;
	struct sum *all;
	uint64_t total;
	int rc;
};

static struct slice
key_of(const struct sums *s, const struct event *e, char room[ADDRESS_MAX])
{
	const char *by = s->args->by;

	if (strcmp(by, "class") == 0)
		return slice_of(bounce_class_word(report_class(e)));
	if (strcmp(by, "fault") == 0)
		return slice_of(
		    fault_word(bounce_class_fault(report_class(e))));
	if (strcmp(by, "status") == 0)
		return report_cell(e, COLUMN_STATUS, s->args->zone, room);
	if (strcmp(by, "domain") == 0)
		return address_domain(e->recipient);
	return provider_name_of(settings_shaping(s->settings), e->recipient,
	    NULL, 0, e->relay, room)
	    .name;
}

static void
on_row(const struct event *e, void *ctx)
{
	struct sums *s = ctx;
	char room[ADDRESS_MAX];
	struct slice key = key_of(s, e, room);
	struct sum *sum = map_get(s->map, key);

	/* One error that was told twice is one. */
	if (e->repeated)
		return;
	if (sum == NULL) {
		sum = calloc(1, sizeof(*sum) + key.len + 1);
		if (sum == NULL || map_set(s->map, key, sum, NULL) < 0) {
			free(sum);
			s->rc = ERR_LIMIT;
			return;
		}
		memcpy(sum + 1, key.at != NULL ? key.at : "", key.len);
		sum->key = (struct slice){ (char *)(sum + 1), key.len };
		sum->next = s->all;
		s->all = sum;
	}
	sum->count++;
	s->total++;
	if (e->created_ms > sum->last_ms)
		sum->last_ms = e->created_ms;
}

/* ---- output ---- */

static int
larger_first(const void *a, const void *b)
{
	const struct sum *x = *(struct sum *const *)a;
	const struct sum *y = *(struct sum *const *)b;

	return (x->count < y->count) - (x->count > y->count);
}

/* What a key means, for those who don't know the words by heart. */
static struct slice
meaning(const struct sums *s, const struct sum *sum)
{
	uint64_t status = 0;

	if (strcmp(s->args->by, "class") == 0)
		return slice_of(story_class_text(bounce_class_parse(sum->key)));
	if (strcmp(s->args->by, "status") != 0)
		return SLICE("");
	for (size_t i = 0; i < sum->key.len; i++)
		status = status * 10 + (uint64_t)(sum->key.at[i] - '0');
	return slice_of(status_text((int)status));
}

static void
put_table(const struct sums *s, struct sum *const *list, size_t count)
{
	const struct report_args *a = s->args;
	const struct table_column columns[] = {
		{ a->by, TABLE_LEFT, 12 },
		{ "ERRORS", TABLE_RIGHT, 0 },
		{ "SHARE", TABLE_RIGHT, 0 },
		{ "", TABLE_LEFT, 0 },
		{ "LAST", TABLE_LEFT, 0 },
		{ "MEANING", TABLE_LEFT, 10 },
	};
	struct table *t =
	    table_new(columns, sizeof(columns) / sizeof(columns[0]), &a->screen,
		table_to_stdout, NULL);

	if (t == NULL)
		return;
	for (size_t i = 0; i < count; i++) {
		char number[24], share[24], bar[PLOT_SHARE_MAX];
		char last[REPORT_TIME_MAX];
		uint64_t tenths = list[i]->count * 1000 / s->total;

		(void)snprintf(number, sizeof(number), "%" PRIu64,
		    list[i]->count);
		(void)snprintf(share, sizeof(share), "%u.%u%%",
		    (unsigned)(tenths / 10), (unsigned)(tenths % 10));
		(void)report_time_format(list[i]->last_ms, a->zone, last);
		const struct table_cell cells[] = {
			{ list[i]->key, COLOUR_NONE },
			{ slice_of(number), COLOUR_NONE },
			{ slice_of(share), COLOUR_NONE },
			{ plot_share(&a->screen, list[i]->count, s->total,
			      BAR_WIDTH, bar),
			    COLOUR_BAD },
			{ slice_of(last), COLOUR_NONE },
			{ meaning(s, list[i]), COLOUR_DIM },
		};

		(void)table_add(t, cells);
	}
	table_free(t);
}

static void
put_lines(const struct sums *s, struct sum *const *list, size_t count)
{
	struct buf line;

	buf_init(&line, LINE_MAX_OCTETS);
	for (size_t i = 0; i < count; i++) {
		struct csv_writer w = csv_writer(&line);

		buf_clear(&line);
		if (s->args->format == REPORT_CSV) {
			if (i == 0) {
				csv_plain(&w, slice_of(s->args->by));
				csv_plain(&w, SLICE("errors"));
				(void)csv_end(&w);
			}
			csv_text(&w, list[i]->key);
			csv_number(&w, (int64_t)list[i]->count);
			(void)csv_end(&w);
		} else {
			(void)buf_addf(&line, "{\"%s\":", s->args->by);
			(void)json_print_string(list[i]->key, &line);
			(void)buf_addf(&line, ",\"errors\":%" PRIu64 "}\n",
			    list[i]->count);
		}
		(void)fwrite(line.at, 1, line.len, stdout);
	}
	buf_done(&line);
}

static void
put_sums(const struct sums *s)
{
	size_t count = 0, room = map_count(s->map);
	struct sum **list = calloc(room + 1, sizeof(*list));

	if (list == NULL)
		return;
	for (struct sum *i = s->all; i != NULL; i = i->next)
		list[count++] = i;
	qsort(list, count, sizeof(*list), larger_first);
	if (s->args->limit > 0 && count > s->args->limit)
		count = (size_t)s->args->limit;
	if (s->args->format == REPORT_TABLE)
		put_table(s, list, count);
	else
		put_lines(s, list, count);
	free(list);
}

static int
sum_up(struct cli_store *store, const struct report_args *a, void *ctx)
{
	struct report_args all = *a;
	struct sums s = { .args = a, .map = map_new(KEYS_MAX) };
	int rc = s.map != NULL ? 0 : ERR_NOMEM;

	(void)ctx;
	all.limit = 0; /* of sums, not of what is summed */
	if (rc == 0 && strcmp(a->by, "provider") == 0)
		rc = cli_settings_load(store, NULL, &s.settings);
	if (rc == 0)
		rc = report_scan(store, &all, on_row, &s);
	if (rc == 0)
		rc = s.rc;
	if (rc == 0)
		put_sums(&s);
	settings_unref(s.settings);
	map_free(s.map, NULL);
	for (struct sum *next; s.all != NULL; s.all = next) {
		next = s.all->next;
		free(s.all);
	}
	return rc;
}

static int
run(struct cli *cli, int argc, char *argv[])
{
	struct report_args a;
	int status = report_args_parse(&a, REPORT_BOUNCES, argc, argv);

	if (status != 0)
		return status;
	return a.by != NULL ? report_with_store(cli, &a, sum_up, NULL)
			    : report_rows_run(cli, &a);
}

const struct command command_bounces = {
	.name = "bounces",
	.summary = "the error log: which mail failed, why, and whose fault",
	.usage = "[-t TENANT] [--to TEXT] [--from TEXT] [--subject TEXT]\n"
		 "[--api-data TEXT] [--message-id ID] [--queue-id ID]\n"
		 "[--status N | --status failed|bounced] [--class CLASS]\n"
		 "[--fault recipient|sender|receiver|network]\n"
		 "[--domain DOMAIN] [--exact | --part]\n"
		 "[--since TIME] [--until TIME]\n"
		 "[--day DAY] [--hour N [--minute N]]\n"
		 "[--by class|status|fault|domain|provider]\n"
		 "[--oldest] [-n LIMIT] [--utc] [--json | --csv] [--follow]",
	.run = run,
};
