/* SPDX-License-Identifier: BSD-2-Clause */
/* postern trace: the story of a message, or of the mail to a recipient. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/cli_store.h"
#include "cli/commands.h"
#include "cli/local_zone.h"
#include "cli/report_args.h"
#include "cli/table.h"
#include "cli/trace_find.h"
#include "proto/json.h"
#include "proto/message_story.h"
#include "proto/settings.h"
#include "proto/status.h"
#include "proto/zone.h"
#include "store/block_store.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"
#include "util/utf8.h"

#define ARENA_MAX ((size_t)512 * 1024 * 1024)
#define MESSAGES_DEFAULT 10
#define SENTENCE_MAX 8192
#define LINE_MAX_OCTETS ((size_t)128 * 1024)
#define BLOCK_WAIT_MS 5000

struct trace {
	struct trace_query query;
	char address[ADDRESS_MAX];
	char message_id[ADDRESS_MAX + 2];
	const struct zone *zone;
	struct screen screen;
	bool json;
	uint64_t limit; /* messages */
	struct cli_store store;
	struct trace_events found;
	/* of the block that is asked for */
	bool over, blocked;
	int64_t blocked_since_s;
};

/* ---- what is asked for ---- */

/* "<a@b>" is a Message-ID, "a@b" an address, all else a queue id. */
static int
take_word(struct trace *t, const char *word)
{
	struct slice text = slice_of(word);

	if (text.len > 0 && text.at[0] == '<') {
		t->query.message_id = text;
		return 0;
	}
	if (memchr(word, '@', text.len) == NULL) {
		t->query.queue_id = text;
		return 0;
	}
	if (address_canonical(text, t->address, &t->query.recipient) < 0 ||
	    address_domain(t->query.recipient).len == 0) {
		cli_error("%s: neither an address, nor a Message-ID in <>, "
			  "nor a queue id",
		    word);
		return EX_DATAERR;
	}
	return 0;
}

static int
take_options(struct trace *t, int argc, char *argv[])
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "utc", no_argument, NULL, 'u' },
		{ "limit", required_argument, NULL, 'n' },
		{ "tenant", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	t->limit = MESSAGES_DEFAULT;
	while ((c = getopt_long(argc, argv, "t:n:", options, NULL)) != -1) {
		if (c == 'j')
			t->json = true;
		else if (c == 'u')
			t->zone = zone_utc;
		else if (c == 't')
			t->query.tenant = slice_of(optarg);
		else if (c != 'n' || number_parse(slice_of(optarg), 1,
					 TRACE_EVENTS_MAX, &t->limit) < 0)
			return EX_USAGE;
	}
	if (optind + 1 != argc)
		return EX_USAGE;
	if (t->zone == NULL)
		t->zone = local_zone();
	return take_word(t, argv[optind]);
}

/* ---- events ---- */

static void
put_lines(const struct trace *t, const struct event *at, size_t count)
{
	struct buf line;

	buf_init(&line, LINE_MAX_OCTETS);
	for (size_t i = 0; t->json && i < count; i++) {
		buf_clear(&line);
		(void)event_to_json(&at[i], &line);
		(void)printf("%s\n", buf_text(&line));
	}
	buf_done(&line);
}

static enum table_colour
colour_of(enum event_type type)
{
	if (type == EVENT_SUCCEEDED)
		return COLOUR_GOOD;
	if (type == EVENT_DEFERRED)
		return COLOUR_WARN;
	return type == EVENT_FAILED || type == EVENT_BOUNCED ||
		       type == EVENT_BLOCKED || type == EVENT_COMPLAINED
		   ? COLOUR_BAD
		   : COLOUR_NONE;
}

static void
put_table(const struct trace *t, const struct event *at, size_t count)
{
	static const struct table_column columns[] = {
		{ "TIME", TABLE_LEFT, 0 },
		{ "AFTER", TABLE_RIGHT, 0 },
		{ "EVENT", TABLE_LEFT, 0 },
		{ "RECIPIENT", TABLE_LEFT, 16 },
		{ "ERR", TABLE_RIGHT, 0 },
		{ "CLASS", TABLE_LEFT, 0 },
		{ "RELAY", TABLE_LEFT, 10 },
		{ "REASON", TABLE_LEFT, 12 },
	};
	struct table *table =
	    table_new(columns, sizeof(columns) / sizeof(columns[0]), &t->screen,
		table_to_stdout, NULL);

	for (size_t i = 0; table != NULL && i < count; i++) {
		const struct event *e = &at[i];
		char time[REPORT_TIME_MAX], status[REPORT_CELL_MAX], after[32];
		int64_t ms = e->created_ms - at[0].created_ms;

		(void)report_time_format(e->created_ms, t->zone, time);
		(void)snprintf(after, sizeof(after), "%" PRId64 ".%d s",
		    ms / 1000, (int)(ms % 1000 / 100));
		const struct table_cell cells[] = {
			{ slice_of(time), COLOUR_NONE },
			{ slice_of(after), COLOUR_DIM },
			{ slice_of(event_type_word(e->type)),
			    colour_of(e->type) },
			{ e->recipient, COLOUR_NONE },
			{ report_cell(e, COLUMN_STATUS, t->zone, status),
			    COLOUR_NONE },
			{ report_cell(e, COLUMN_CLASS, t->zone, NULL),
			    COLOUR_NONE },
			{ e->relay, COLOUR_NONE },
			{ e->reason, COLOUR_NONE },
		};

		(void)table_add(table, cells);
	}
	table_free(table);
}

/* ---- one message ---- */

static void
on_block(int rc, const struct block *b, void *ctx)
{
	struct trace *t = ctx;

	t->over = true;
	t->blocked = rc == 0;
	if (t->blocked)
		t->blocked_since_s = b->since_s;
}

static void
look_for_block(struct trace *t, struct slice tenant, struct slice address)
{
	t->over = false;
	block_look(t->store.store, tenant, address, (struct slice){ NULL, 0 },
	    clock_deadline_ms(BLOCK_WAIT_MS), on_block, t);
	cli_store_wait(&t->store, &t->over);
}

static void
put_sentence(struct trace *t, const struct story_recipient *r,
    struct slice tenant)
{
	struct buf out, line;

	buf_init(&out, SENTENCE_MAX);
	buf_init(&line, LINE_MAX_OCTETS);
	(void)story_sentence(r, t->zone, &out);
	look_for_block(t, tenant, r->address);
	if (t->blocked) {
		char since[REPORT_TIME_MAX];

		(void)report_time_format(t->blocked_since_s * 1000, t->zone,
		    since);
		(void)buf_addf(&out, "; blocked since %s", since);
	}
	if (!t->json) {
		utf8_safe(r->address, &line);
		(void)printf("%s: %s\n", buf_text(&line), buf_text(&out));
	} else {
		(void)buf_add_text(&line, "{\"recipient\":");
		(void)json_print_string(r->address, &line);
		(void)buf_add_text(&line, ",\"queue_id\":");
		(void)json_print_string(r->queue_id, &line);
		(void)buf_addf(&line, ",\"state\":\"%s\",\"blocked\":%s",
		    story_state_word(r), t->blocked ? "true" : "false");
		(void)buf_add_text(&line, ",\"sentence\":");
		(void)json_print_string(buf_slice(&out), &line);
		(void)printf("%s}\n", buf_text(&line));
	}
	buf_done(&line);
	buf_done(&out);
}

static void
put_fact(const char *name, struct slice value)
{
	struct buf safe;

	if (value.len == 0)
		return;
	buf_init(&safe, LINE_MAX_OCTETS);
	utf8_safe(value, &safe);
	(void)printf("%-12s %s\n", name, buf_text(&safe));
	buf_done(&safe);
}

static void
put_facts(const struct event *e, struct slice queue_id)
{
	put_fact("queue id", queue_id);
	put_fact("tenant", e->tenant);
	put_fact("from", e->from);
	put_fact("subject", e->subject);
	put_fact("message id", e->message_id);
	put_fact("sender", e->sender);
	put_fact("return path", e->return_path);
	put_fact("api data", e->api_data);
	put_fact("client", e->source_ip);
	put_fact("copy of", e->copy_of);
}

static int
put_message(struct trace *t, const struct event *at, size_t count)
{
	struct story story;
	int rc = 0;

	story_init(&story, t->found.arena);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = story_add(&story, &at[i]);
	if (t->json) {
		put_lines(t, at, count);
	} else {
		put_facts(story.has_facts ? &story.facts : &at[0],
		    at[0].queue_id);
		(void)putchar('\n');
		put_table(t, at, count);
		(void)putchar('\n');
	}
	for (size_t i = 0; i < story.count; i++)
		put_sentence(t, &story.recipients[i], at[0].tenant);
	return rc;
}

/* ---- all messages ---- */

/* Events of one message together, each message where its first event stands. */
static int
put_all(struct trace *t)
{
	const struct trace_events *f = &t->found;
	struct event *one = arena_calloc(f->arena, f->count + 1, sizeof(*one));
	size_t *firsts = arena_calloc(f->arena, f->count + 1, sizeof(*firsts));
	size_t messages = 0, begin;
	int rc = 0;

	if (one == NULL || firsts == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < f->count; i++) {
		size_t n = 0;

		while (n < messages &&
		       !slice_eq(f->at[firsts[n]].queue_id, f->at[i].queue_id))
			n++;
		if (n == messages)
			firsts[messages++] = i;
	}
	begin = messages > t->limit ? messages - (size_t)t->limit : 0;
	if (begin > 0 && !t->json)
		(void)fprintf(stderr,
		    "the last %" PRIu64 " of %zu messages; more with -n\n",
		    t->limit, messages);
	for (size_t m = begin; m < messages && rc == 0; m++) {
		size_t count = 0;

		for (size_t i = firsts[m]; i < f->count; i++)
			if (slice_eq(f->at[i].queue_id,
				f->at[firsts[m]].queue_id))
				one[count++] = f->at[i];
		if (m > begin && !t->json)
			(void)printf("\n");
		rc = put_message(t, one, count);
	}
	return rc;
}

/* An address that got no mail may be a Message-ID without its brackets. */
static int
find(struct trace *t, const char *word)
{
	struct arena *arena = t->found.arena;
	int rc = trace_find(&t->store, &t->query, arena, &t->found);

	if (rc < 0 || t->found.count > 0 || t->query.recipient.at == NULL ||
	    strlen(word) >= ADDRESS_MAX)
		return rc;
	(void)snprintf(t->message_id, sizeof(t->message_id), "<%s>", word);
	t->query.recipient = (struct slice){ NULL, 0 };
	t->query.message_id = slice_of(t->message_id);
	return trace_find(&t->store, &t->query, arena, &t->found);
}

static int
run(struct cli *cli, int argc, char *argv[])
{
	static struct trace t;
	const struct host_config *config;
	struct arena *arena;
	int rc = take_options(&t, argc, argv);

	if (rc != 0)
		return rc;
	t.screen = screen_look();
	if ((config = cli_config(cli)) == NULL)
		return EX_CONFIG;
	if ((arena = arena_new(ARENA_MAX)) == NULL)
		return EX_OSERR;
	t.found.arena = arena;
	if ((rc = cli_store_open(config, &t.store)) < 0) {
		arena_free(arena);
		return cli_exit(rc);
	}
	rc = find(&t, argv[optind]);
	if (rc == 0 && t.found.count == 0)
		rc = ERR_NOTFOUND;
	if (rc == 0)
		rc = put_all(&t);
	if (rc < 0)
		cli_error("%s: %s", argv[optind],
		    rc == ERR_NOTFOUND ? "no event of this message"
				       : err_text(rc));
	else if (t.found.cut)
		cli_error("only the first %d events", TRACE_EVENTS_MAX);
	cli_store_close(&t.store);
	arena_free(arena);
	return cli_exit(rc);
}

const struct command command_trace = {
	.name = "trace",
	.summary = "what happened to a message, or to mail for an address",
	.usage = "[-t TENANT] [-n MESSAGES] [--utc] [--json]\n"
		 "QUEUEID | '<MESSAGE-ID>' | ADDRESS",
	.run = run,
};
