/* SPDX-License-Identifier: BSD-2-Clause */
/* postern trace: the story of one message, from the events of all hosts. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "cli/cli_store.h"
#include "cli/commands.h"
#include "proto/settings.h"
#include "store/event_store.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define WAIT_MS 30000
#define TENANTS_MAX 1000
#define NAME_MAX_LEN 64

struct trace {
	struct slice queue_id;
	char tenants[TENANTS_MAX][NAME_MAX_LEN];
	size_t tenant_count;
	char cursor[512];
	size_t cursor_len;
	unsigned rows;
	bool over, facts_told;
	int rc;
};

static void
on_names(int rc, const struct slice *names, size_t count, void *ctx)
{
	struct trace *t = ctx;

	t->rc = rc;
	t->over = true;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (t->tenant_count == TENANTS_MAX ||
		    names[i].len >= NAME_MAX_LEN ||
		    slice_eq(names[i], SLICE(SETTINGS_GLOBAL)) ||
		    slice_eq(names[i], SLICE(SETTINGS_DEFAULT_TENANT)))
			continue;
		memcpy(t->tenants[t->tenant_count++], names[i].at,
		    names[i].len);
	}
}

static void
print_field(const char *name, struct slice value)
{
	if (value.len == 0)
		return;
	(void)printf("  %s=", name);
	for (size_t i = 0; i < value.len; i++)
		(void)putchar(
		    (unsigned char)value.at[i] < ' ' || value.at[i] == 127
			? '?'
			: value.at[i]);
}

static void
print_time(int64_t at_ms)
{
	time_t at = (time_t)(at_ms / 1000);
	char text[40];
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL)
		return;
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)printf("%s.%03dZ", text, (int)(at_ms % 1000));
}

static void
on_row(const struct event *e, void *ctx)
{
	struct trace *t = ctx;

	t->rows++;
	if (!t->facts_told) {
		t->facts_told = true;
		(void)printf("%.*s", SLICE_F(t->queue_id));
		print_field("tenant", e->tenant);
		print_field("sender", e->sender);
		print_field("from", e->from);
		print_field("subject", e->subject);
		print_field("message_id", e->message_id);
		(void)printf("\n");
	}
	print_time(e->created_ms);
	(void)printf("  %-9s %.*s", event_type_word(e->type),
	    SLICE_F(e->recipient));
	if (e->status != 0)
		(void)printf("  status=%d (%s)", e->status,
		    status_word(e->status));
	print_field("relay", e->relay);
	print_field("reason", e->reason);
	(void)printf("\n");
}

static void
on_end(int rc, struct slice next, void *ctx)
{
	struct trace *t = ctx;

	t->rc = rc;
	t->over = true;
	t->cursor_len = 0;
	if (rc < 0 || next.at == NULL || next.len > sizeof(t->cursor))
		return;
	memcpy(t->cursor, next.at, next.len);
	t->cursor_len = next.len;
}

/* Every page of one tenant. */
static int
trace_tenant(struct cli_store *s, struct trace *t, struct slice tenant)
{
	t->cursor_len = 0;
	do {
		struct event_query query = { .tenant = tenant,
			.to_ms = clock_wall_us() / 1000 + 86400000,
			.queue_id = t->queue_id,
			.limit = 1000 };

		if (t->cursor_len > 0)
			query.cursor =
			    (struct slice){ t->cursor, t->cursor_len };
		t->over = false;
		event_page(s->store, &query, clock_deadline_ms(WAIT_MS), on_row,
		    on_end, t);
		cli_store_wait(s, &t->over);
	} while (t->rc == 0 && t->cursor_len > 0);
	return t->rc;
}

static int
trace_all(struct cli_store *s, struct trace *t)
{
	settings_names(s->store, clock_deadline_ms(WAIT_MS), on_names, t);
	cli_store_wait(s, &t->over);
	if (t->rc == 0)
		t->rc = trace_tenant(s, t, SLICE(SETTINGS_DEFAULT_TENANT));
	for (size_t i = 0; i < t->tenant_count && t->rc == 0; i++)
		t->rc = trace_tenant(s, t, slice_of(t->tenants[i]));
	return t->rc;
}

static int
trace_run(struct cli *cli, int argc, char *argv[])
{
	static struct trace t;
	struct cli_store s = { .base = NULL };
	const struct host_config *config;
	int rc;

	if (argc != 2)
		return EX_USAGE;
	if ((config = cli_config(cli)) == NULL)
		return EX_CONFIG;
	t.queue_id = slice_of(argv[1]);
	if ((rc = cli_store_open(config, &s)) < 0)
		return cli_exit(rc);
	rc = trace_all(&s, &t);
	cli_store_close(&s);
	if (rc == 0 && t.rows == 0)
		rc = ERR_NOTFOUND;
	if (rc < 0)
		cli_error("%s: %s", argv[1],
		    rc == ERR_NOTFOUND ? "no event of this message"
				       : err_text(rc));
	return cli_exit(rc);
}

const struct command command_trace = {
	.name = "trace",
	.summary = "tell the story of a message",
	.usage = "QUEUEID",
	.run = trace_run,
};
