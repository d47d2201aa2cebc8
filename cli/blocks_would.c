/* SPDX-License-Identifier: BSD-2-Clause */
/* postern blocks would: a condition tried on the errors of the last days. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/blocks_other.h"
#include "cli/commands.h"
#include "proto/block_counter.h"
#include "proto/json.h"
#include "proto/rfc3339.h"
#include "proto/status.h"
#include "store/event_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define DAY_MS INT64_C(86400000)
#define SCAN_AT_ONCE 100000
#define CURSOR_ROOM 4096
#define LINE_ROOM 8192

struct would {
	struct blocks_other *b;
	struct block_trial *trial;
	char cursor[CURSOR_ROOM];
	size_t cursor_len;
	int64_t from_ms, to_ms, at_ms;
	uint64_t seen;
	int rc; /* of the trial */
};

static void
print_hit(const struct would *w, const struct event *e)
{
	char at[RFC3339_MAX];
	size_t len = rfc3339_format(e->created_ms * 1000, at);
	struct buf line;

	if (!w->b->json) {
		(void)printf("%.19sZ  %-20s  %.*s  %.*s\n", at,
		    bounce_class_word(e->class), SLICE_F(e->recipient),
		    SLICE_F(e->reason));
		return;
	}
	buf_init(&line, LINE_ROOM);
	(void)buf_add_text(&line, "{\"address\":");
	(void)json_print_string(e->recipient, &line);
	(void)buf_addf(&line,
	    ",\"at\":\"%.*s\",\"class\":\"%s\",\"reason\":", (int)len, at,
	    bounce_class_word(e->class));
	(void)json_print_string(e->reason, &line);
	(void)buf_add_text(&line, ",\"queue_id\":");
	(void)json_print_string(e->queue_id, &line);
	(void)buf_add_text(&line, "}\n");
	(void)fputs(buf_text(&line), stdout);
	buf_done(&line);
}

static void
on_event(const struct event *e, void *ctx)
{
	struct would *w = ctx;
	bool blocks;

	w->seen++;
	w->at_ms = e->created_ms;
	if (w->rc < 0)
		return;
	w->rc = block_trial_add(w->trial, e, &blocks);
	if (w->rc == 0 && blocks)
		print_hit(w, e);
}

static void
on_page(int rc, struct slice next, void *ctx)
{
	struct would *w = ctx;

	w->cursor_len = 0;
	if (next.len > 0 && next.len <= sizeof(w->cursor)) {
		memcpy(w->cursor, next.at, next.len);
		w->cursor_len = next.len;
	}
	w->b->rc = rc;
	w->b->over = true;
}

static void
show_progress(const struct would *w)
{
	int64_t whole = w->to_ms - w->from_ms, done = w->at_ms - w->from_ms;

	if (isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) != 1 &&
	    done > 0)
		(void)fprintf(stderr, "\r%3d %%", (int)(100 * done / whole));
}

static int
read_events(struct would *w)
{
	struct blocks_other *b = w->b;
	struct event_query q = {
		.tenant = b->tenant,
		.from_ms = w->from_ms,
		.to_ms = w->to_ms,
		.types = block_trial_types(w->trial),
		.limit = 1000,
		.scan_max = SCAN_AT_ONCE,
	};
	int rc;

	do {
		q.cursor = (struct slice){ w->cursor, w->cursor_len };
		event_page(b->store.store, &q,
		    store_long_deadline(b->store.store), on_event, on_page, w);
		rc = blocks_other_wait(b);
		show_progress(w);
	} while (rc == 0 && w->rc == 0 && w->cursor_len > 0);
	if (isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) != 1)
		(void)fprintf(stderr, "\r     \r");
	return rc;
}

static void
print_sum(const struct would *w)
{
	const struct block_trial_sum *s = block_trial_sum(w->trial);
	const char *comma = "";

	if (!w->b->json) {
		(void)printf("%" PRIu64 " would have been blocked: %" PRIu64
			     " of %" PRIu64 " errors count, of %" PRIu64
			     " addresses",
		    s->blocked, s->counted, s->errors, s->addresses);
		if (w->b->condition.lift_on_success)
			(void)printf("; %" PRIu64 " released by a delivery",
			    s->lifted);
		(void)putchar('\n');
		for (int i = 0; i < BOUNCE_CLASS_COUNT; i++)
			if (s->by_class[i] > 0)
				(void)printf("%10" PRIu64 "  %s\n",
				    s->by_class[i],
				    bounce_class_word((enum bounce_class)i));
		return;
	}
	(void)printf("{\"blocked\":%" PRIu64 ",\"counted\":%" PRIu64
		     ",\"errors\":%" PRIu64 ",\"addresses\":%" PRIu64
		     ",\"lifted\":%" PRIu64 ",\"by_class\":{",
	    s->blocked, s->counted, s->errors, s->addresses, s->lifted);
	for (int i = 0; i < BOUNCE_CLASS_COUNT; i++)
		if (s->by_class[i] > 0) {
			(void)printf("%s\"%s\":%" PRIu64, comma,
			    bounce_class_word((enum bounce_class)i),
			    s->by_class[i]);
			comma = ",";
		}
	(void)printf("}}\n");
}

int
blocks_would(struct blocks_other *b)
{
	struct would w = { .b = b, .to_ms = clock_wall_us() / 1000 };
	int rc;

	if (b->condition.count == 0 || (b->status > 0) == b->complaints) {
		cli_error("would: --count, and --status or --complaints");
		return EX_USAGE;
	}
	b->condition.enabled = true;
	b->condition.any_fault =
	    b->any_fault || b->complaints || settings_any_fault(b->status);
	w.from_ms = w.to_ms - b->days * DAY_MS;
	w.trial = block_trial_new(&b->condition,
	    b->complaints ? STATUS_NONE : b->status, BLOCK_TRIAL_ADDRESSES);
	if (w.trial == NULL)
		return ERR_NOMEM;
	rc = read_events(&w);
	if (w.rc == ERR_LIMIT)
		cli_error("more than %d addresses with such errors; the sums "
			  "are of the time before",
		    BLOCK_TRIAL_ADDRESSES);
	print_sum(&w);
	block_trial_free(w.trial);
	return rc < 0 ? rc : w.rc;
}
