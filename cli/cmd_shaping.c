/* SPDX-License-Identifier: BSD-2-Clause */
/* postern shaping: the pace of each shaping filter, and what a person does to
 * it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/cli_settings.h"
#include "cli/cli_store.h"
#include "cli/commands.h"
#include "cli/store_client.h"
#include "proto/rfc3339.h"
#include "proto/schema.h"
#include "proto/settings.h"
#include "service/host_config.h"
#include "store/audit_store.h"
#include "store/pace_json.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/utf8.h"

#define LINE_OCTETS 16384
#define REPLY_SHOWN 200 /* octets of a reply in the table */

/* One run of the command, and what its callbacks leave. */
struct run {
	struct cli_store store;
	struct settings *settings;
	const struct shaping *shaping;
	const struct shaping_filter *filter; /* the one that is named */
	const char *time;
	long long for_ms;
	int name_width;
	bool json, over;
	int rc;
};

static int
wait_for(struct run *r)
{
	cli_store_wait(&r->store, &r->over);
	r->over = false;
	return r->rc;
}

/* ---- reading ---- */

/* What came from outside does not move the cursor. */
static void
add_reply(struct slice reply, struct buf *line)
{
	struct buf shown;

	buf_init(&shown, LINE_OCTETS);
	if (reply.len > REPLY_SHOWN)
		reply.len = REPLY_SHOWN;
	utf8_safe(reply, &shown);
	(void)buf_add_slice(line, buf_slice(&shown));
	buf_done(&shown);
}

/* "300 ms", or "none" */
static void
interval_text(int64_t us, char room[24])
{
	if (us <= 0)
		(void)snprintf(room, 24, "none");
	else
		(void)snprintf(room, 24, "%lld ms",
		    (long long)((us + 500) / 1000));
}

static void
print_heading(const struct run *r)
{
	if (!r->json)
		(void)printf("%-*s  %11s  %10s  %10s  %10s  %-9s  %-20s  %s\n",
		    r->name_width, "FILTER", "CONNECTIONS", "SET", "NOW",
		    "PER MINUTE", "STATE", "UNTIL", "LAST CHANGE");
}

static void
print_row(const struct run *r, const struct shaping_filter *f,
    const struct pace_state *s)
{
	int64_t now_us = clock_wall_us();
	char set[24], now[24], until[RFC3339_MAX] = "-";
	struct buf line;

	buf_init(&line, LINE_OCTETS);
	if (r->json) {
		(void)pace_to_json(f, s, now_us, &line);
		(void)printf("%s\n", buf_text(&line));
		buf_done(&line);
		return;
	}
	interval_text(f->interval_us, set);
	interval_text(pace_interval_us(f, s), now);
	if (s->suspended_until_us > now_us)
		(void)rfc3339_format(s->suspended_until_us, until);
	add_reply(s->change, &line);
	if (s->reply.len > 0)
		(void)buf_add_text(&line, ": ");
	add_reply(s->reply, &line);
	(void)printf("%-*.*s  %11u  %10s  %10s  %10llu  %-9s  %-20.19s  %s\n",
	    r->name_width, SLICE_F(f->name), f->connections, set, now,
	    (unsigned long long)s->last_minute, pace_condition(f, s, now_us),
	    until, buf_text(&line));
	buf_done(&line);
}

static void
on_shown(int rc, const struct pace_state *state, void *ctx)
{
	struct run *r = ctx;

	if (rc == 0)
		print_row(r, r->filter, state);
	r->rc = rc;
	r->over = true;
}

static int
print_filter(struct run *r)
{
	struct store *s = r->store.store;

	pace_show(s, r->filter->name, store_deadline(s), on_shown, r);
	return wait_for(r);
}

static int
verb_list(struct run *r)
{
	int rc = 0;

	print_heading(r);
	for (size_t i = 0; rc == 0 && i < r->shaping->filter_count; i++) {
		r->filter = &r->shaping->filters[i];
		rc = print_filter(r);
	}
	return rc;
}

static int
verb_show(struct run *r)
{
	print_heading(r);
	return print_filter(r);
}

/* ---- changing ---- */

static void
on_done(int rc, void *ctx)
{
	struct run *r = ctx;

	r->rc = rc;
	r->over = true;
}

static int
act(struct run *r, enum pace_action action, const char *name)
{
	struct store *s = r->store.store;
	struct audit_entry entry = {
		.tenant = SLICE(SETTINGS_GLOBAL),
		.actor = client_author(),
		.client = SLICE("cli"),
		.action = slice_of(name),
		.target = r->filter->name,
		.detail = slice_of(r->time),
	};

	pace_act(s, r->filter->name, action, r->for_ms * 1000, client_author(),
	    store_deadline(s), on_done, r);
	if (wait_for(r) < 0)
		return r->rc;
	audit_append(s, &entry, store_deadline(s), on_done, r);
	return wait_for(r) < 0 ? r->rc : verb_show(r);
}

static int
verb_reset(struct run *r)
{
	return act(r, PACE_RESET, "shaping_reset");
}

static int
verb_suspend(struct run *r)
{
	return act(r, PACE_SUSPEND, "shaping_suspend");
}

static int
verb_resume(struct run *r)
{
	return act(r, PACE_RESUME, "shaping_resume");
}

/* ---- the command ---- */

static const struct verb {
	const char *name;
	int words; /* with its own */
	int (*run)(struct run *r);
} verbs[] = {
	{ "list", 1, verb_list },
	{ "show", 2, verb_show },
	{ "reset", 2, verb_reset },
	{ "suspend", 3, verb_suspend },
	{ "resume", 2, verb_resume },
	{ NULL, 0, NULL },
};

#define WORDS_MAX 3

static int
take_options(struct run *r, int argc, char *argv[], const char *words[])
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			r->json = true;
		else if (argv[i][0] == '-' || n == WORDS_MAX)
			return -1;
		else
			words[n++] = argv[i];
	}
	return n;
}

/* Filter and time of the words; an exit status. */
static int
find(struct run *r, const char *const words[], int count)
{
	r->shaping = settings_shaping(r->settings);
	r->name_width = (int)sizeof("FILTER") - 1;
	for (size_t i = 0; i < r->shaping->filter_count; i++)
		if ((int)r->shaping->filters[i].name.len > r->name_width)
			r->name_width = (int)r->shaping->filters[i].name.len;
	if (count < 2)
		return EX_OK;
	r->filter = shaping_filter_named(r->shaping, slice_of(words[1]));
	if (r->filter == NULL) {
		cli_error("%s: there is no such shaping filter", words[1]);
		return EX_DATAERR;
	}
	r->name_width = (int)r->filter->name.len > r->name_width
			    ? (int)r->filter->name.len
			    : (int)sizeof("FILTER") - 1;
	if (count < 3)
		return EX_OK;
	r->time = words[2];
	if (schema_period_parse(slice_of(r->time), &r->for_ms) < 0 ||
	    r->for_ms < PACE_SUSPEND_MIN_US / 1000 ||
	    r->for_ms > PACE_SUSPEND_MAX_US / 1000) {
		cli_error("%s: not a period from 1s to 7d", r->time);
		return EX_DATAERR;
	}
	return EX_OK;
}

static int
run(struct cli *cli, int argc, char *argv[])
{
	const char *words[WORDS_MAX];
	struct run r = { .rc = 0 };
	const struct verb *verb = verbs;
	int n = take_options(&r, argc, argv, words), rc, status = EX_OK;
	const struct host_config *config;

	if (n == 0)
		words[n++] = "list";
	while (n > 0 && verb->name != NULL && strcmp(verb->name, words[0]) != 0)
		verb++;
	if (n < 1 || verb->name == NULL || n != verb->words)
		return EX_USAGE;
	if ((config = cli_config(cli)) == NULL)
		return EX_CONFIG;
	rc = cli_store_open(config, &r.store);
	if (rc == 0)
		rc = cli_settings_load(&r.store, NULL, &r.settings);
	if (rc == 0)
		status = find(&r, words, n);
	if (rc == 0 && status == EX_OK)
		rc = verb->run(&r);
	if (rc < 0)
		cli_error("%s", err_text(rc));
	settings_unref(r.settings);
	cli_store_close(&r.store);
	return rc < 0 ? cli_exit(rc) : status;
}

const struct command command_shaping = {
	.name = "shaping",
	.summary = "the pace of each shaping filter: seen, reset, suspended",
	.usage = "[list] [--json]\n"
		 "show NAME [--json]\n"
		 "reset|resume NAME\n"
		 "suspend NAME PERIOD",
	.run = run,
};
