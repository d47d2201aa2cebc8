/* SPDX-License-Identifier: BSD-2-Clause */
/* postern blocks: the suppression list, straight from Redis. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/blocks.h"
#include "cli/blocks_other.h"
#include "cli/commands.h"
#include "cli/store_client.h"
#include "proto/block_json.h"
#include "proto/event.h"
#include "proto/rfc3339.h"
#include "proto/schema.h"
#include "service/host_config.h"
#include "store/audit_store.h"
#include "store/block_store.h"
#include "store/event_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define PAGE 1000
#define LINE_MAX_OCTETS 16384

int
blocks_wait(struct blocks_run *r)
{
	cli_store_wait(&r->store, &r->over);
	r->over = false;
	return r->rc;
}

static void
print_block(const struct blocks_run *r, struct slice address,
    const struct block *b)
{
	struct buf line;
	char since[RFC3339_MAX];

	if (!r->json) {
		(void)rfc3339_format(b->since_s * 1000000, since);
		(void)printf("%.19sZ  %2d  %-8.*s  %.*s%s%.*s%s%.*s\n", since,
		    b->status, SLICE_F(b->origin), SLICE_F(address),
		    b->stream.len > 0 ? "  stream=" : "", SLICE_F(b->stream),
		    b->note.len > 0 ? "  " : "", SLICE_F(b->note));
		return;
	}
	buf_init(&line, LINE_MAX_OCTETS);
	(void)block_to_json(address, b, &line);
	(void)printf("%s\n", buf_text(&line));
	buf_done(&line);
}

/* ---- reading ---- */

static void
on_row(struct slice address, const struct block *b, void *ctx)
{
	const struct blocks_run *r = ctx;

	r->print(r, address, b);
}

static void
on_page(int rc, struct slice next, void *ctx)
{
	struct blocks_run *r = ctx;

	r->cursor_len = 0;
	if (rc == 0 && next.at != NULL && next.len <= sizeof(r->cursor)) {
		memcpy(r->cursor, next.at, next.len);
		r->cursor_len = next.len;
	}
	r->rc = rc;
	r->over = true;
}

int
blocks_each(struct blocks_run *r, blocks_print *print)
{
	struct block_query q = {
		.tenant = r->tenant,
		.state = r->exempt ? BLOCK_EXEMPT : BLOCK_BLOCKED,
		.contains = r->contains,
		.stream = r->stream,
		.limit = PAGE,
	};
	int rc;

	r->print = print;
	do {
		q.cursor = (struct slice){ r->cursor, r->cursor_len };
		block_page(r->store.store, &q,
		    store_long_deadline(r->store.store), on_row, on_page, r);
		rc = blocks_wait(r);
	} while (rc == 0 && r->cursor_len > 0);
	return rc;
}

static int
verb_list(struct blocks_run *r)
{
	return blocks_each(r, print_block);
}

static void
on_found(int rc, const struct block *b, void *ctx)
{
	struct blocks_run *r = ctx;

	if (rc == 0) {
		struct block shown = *b;

		shown.stream = r->stream;
		print_block(r, r->address, &shown);
	}
	r->rc = rc;
	r->over = true;
}

static int
verb_show(struct blocks_run *r)
{
	r->json = true;
	block_get(r->store.store, r->tenant, r->address, r->stream,
	    store_deadline(r->store.store), on_found, r);
	return blocks_wait(r);
}

/* ---- changing ---- */

static void
on_changed(int rc, bool changed, void *ctx)
{
	struct blocks_run *r = ctx;

	r->changed = changed;
	r->rc = rc;
	r->over = true;
}

static void
on_event(int rc, struct slice id, void *ctx)
{
	(void)id;
	on_changed(rc, true, ctx);
}

static void
on_audit(int rc, void *ctx)
{
	on_changed(rc, true, ctx);
}

int
blocks_audit(struct blocks_run *r, const char *action, struct slice target,
    struct slice detail)
{
	struct store *s = r->store.store;
	struct audit_entry entry = {
		.tenant = r->tenant,
		.actor = client_author(),
		.client = SLICE("cli"),
		.action = slice_of(action),
		.target = target,
		.detail = detail,
	};

	audit_append(s, &entry, store_deadline(s), on_audit, r);
	return blocks_wait(r);
}

/* The change is made: tell the applications, and who did it. */
static int
tell(struct blocks_run *r, const char *action, enum event_type type)
{
	struct store *s = r->store.store;
	struct event e = {
		.created_ms = clock_wall_us() / 1000,
		.type = type,
		.tenant = r->tenant,
		.recipient = r->address,
		.origin = SLICE("cli"),
		.reason = r->note,
		.status = r->gone_status,
		.count = r->gone_count,
		.stream = r->stream,
	};

	if (r->rc < 0)
		return r->rc;
	if (!r->changed && r->note.at == NULL && r->expires_s == 0) {
		(void)printf("%.*s: was so before\n", SLICE_F(r->address));
		return 0;
	}
	if (!r->changed)
		type = EVENT_NTYPES; /* only its note or expiry */
	if (type != EVENT_NTYPES) {
		event_append(s, slice_of(r->config->host_name), &e,
		    store_deadline(s), on_event, r);
		if (blocks_wait(r) < 0)
			cli_error("the change is made, but its event is lost");
	}
	return blocks_audit(r, action, r->address, r->note);
}

static int
put(struct blocks_run *r, enum block_state state)
{
	struct block b = {
		.state = state,
		.since_s = clock_wall_us() / 1000000,
		.origin = SLICE("cli"),
		.stream = r->stream,
		.note = r->note,
		.expires_s = r->expires_s,
	};

	block_put(r->store.store, r->tenant, r->address, &b,
	    store_deadline(r->store.store), on_changed, r);
	return blocks_wait(r);
}

static void
on_removed(int rc, const struct block *gone, void *ctx)
{
	struct blocks_run *r = ctx;

	if (rc == 0) {
		r->gone_status = gone->status;
		r->gone_count = gone->count;
	}
	on_changed(rc, rc == 0, r);
}

static int
take_off(struct blocks_run *r, enum block_state state)
{
	block_remove(r->store.store, r->tenant, r->address, r->stream, state,
	    store_deadline(r->store.store), on_removed, r);
	return blocks_wait(r);
}

static void
on_state(int rc, const struct block *b, void *ctx)
{
	struct blocks_run *r = ctx;

	r->exempt = rc == 0 && b->state == BLOCK_EXEMPT;
	r->rc = rc == ERR_NOTFOUND ? 0 : rc;
	r->over = true;
}

static int
verb_add(struct blocks_run *r)
{
	block_get(r->store.store, r->tenant, r->address, r->stream,
	    store_deadline(r->store.store), on_state, r);
	if (blocks_wait(r) < 0)
		return r->rc;
	if (r->exempt) {
		cli_error("%.*s is exempt: unexempt it first",
		    SLICE_F(r->address));
		return ERR_CONFLICT;
	}
	(void)put(r, BLOCK_BLOCKED);
	return tell(r, "block", EVENT_BLOCKED);
}

static int
verb_remove(struct blocks_run *r)
{
	(void)take_off(r, BLOCK_BLOCKED);
	return tell(r, "unblock", EVENT_UNBLOCKED);
}

static int
verb_exempt(struct blocks_run *r)
{
	(void)put(r, BLOCK_EXEMPT);
	return tell(r, "exempt", EVENT_EXEMPTED);
}

static int
verb_unexempt(struct blocks_run *r)
{
	(void)take_off(r, BLOCK_EXEMPT);
	return tell(r, "unexempt", EVENT_NTYPES);
}

/* ---- the command ---- */

static const struct verb {
	const char *name;
	enum verb_word { NO_WORD, ADDRESS_WORD, FILE_WORD } word;
	int (*run)(struct blocks_run *r);
} verbs[] = {
	{ "list", NO_WORD, verb_list },
	{ "export", NO_WORD, blocks_export },
	{ "import", FILE_WORD, blocks_import },
	{ "show", ADDRESS_WORD, verb_show },
	{ "add", ADDRESS_WORD, verb_add },
	{ "remove", ADDRESS_WORD, verb_remove },
	{ "exempt", ADDRESS_WORD, verb_exempt },
	{ "unexempt", ADDRESS_WORD, verb_unexempt },
	{ NULL, NO_WORD, NULL },
};

/* "never", a time, a day (its begin in UTC), or so long from now. */
static bool
expires_parse(struct slice text, int64_t *ret_s)
{
	static const char midnight[] = "T00:00:00Z";
	int64_t now_s = clock_wall_us() / 1000000, us = 0;
	char room[40];
	long long ms;

	if (slice_eq(text, SLICE("never"))) {
		*ret_s = BLOCK_EXPIRES_NEVER;
		return true;
	}
	if (schema_period_parse(text, &ms) == 0) {
		*ret_s = now_s + ms / 1000;
		return true;
	}
	if (text.len == 10) {
		(void)snprintf(room, sizeof(room), "%.10s%s", text.at,
		    midnight);
		text = slice_of(room);
	}
	if (rfc3339_parse(text, &us) < 0 || us / 1000000 <= now_s) {
		cli_error("%.*s: not a time to come", SLICE_F(text));
		return false;
	}
	*ret_s = us / 1000000;
	return true;
}

/* A stream by its name; one that is no longer in the settings may still have
 * blocks. */
static bool
stream_ok(struct slice name)
{
	bool ok = name.len > 0 && name.len <= BLOCK_STREAM_MAX;

	for (size_t i = 0; i < name.len; i++)
		ok &= (unsigned char)name.at[i] > ' ' && name.at[i] != 0x7f;
	if (!ok)
		cli_error("%.*s: not the name of a stream", SLICE_F(name));
	return ok;
}

/* Of an import or an export, which have "postern" and "ses" in common. */
static bool
take_format(struct blocks_run *r, const char *word)
{
	static const char *const words[] = { "csv", "json", "ses" };
	bool known = import_format_parse(slice_of(word), &r->format) == 0;

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0) {
			r->export = (enum export_format)i;
			known = true;
		}
	if (!known)
		cli_error("%s: not a format", word);
	return known;
}

/* Options before and behind the verb; the words left, or -1. */
static int
take_options(struct blocks_run *r, int argc, char *argv[], const char *words[2])
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		bool value = i + 1 < argc;

		if (strcmp(argv[i], "--exempt") == 0)
			r->exempt = true;
		else if (strcmp(argv[i], "--json") == 0)
			r->json = true;
		else if (strcmp(argv[i], "-t") == 0 && value)
			r->tenant = slice_of(argv[++i]);
		else if (strcmp(argv[i], "--note") == 0 && value)
			r->note = slice_of(argv[++i]);
		else if (strcmp(argv[i], "--expires") == 0 && value &&
			 expires_parse(slice_of(argv[i + 1]), &r->expires_s))
			i++;
		else if (strcmp(argv[i], "--stream") == 0 && value &&
			 stream_ok(slice_of(argv[i + 1])))
			r->stream = slice_of(argv[++i]);
		else if (strcmp(argv[i], "--contains") == 0 && value)
			r->contains = slice_of(argv[++i]);
		else if (strcmp(argv[i], "--format") == 0 && value &&
			 take_format(r, argv[i + 1]))
			i++;
		else if (strcmp(argv[i], "--report") == 0 && value)
			r->report = argv[++i];
		else if (strcmp(argv[i], "--dry-run") == 0)
			r->dry_run = true;
		else if (strcmp(argv[i], "--events") == 0)
			r->events = true;
		else if (strcmp(argv[i], "--any-fault") == 0)
			r->any_fault = true;
		else if ((argv[i][0] == '-' && argv[i][1] != '\0') || n == 2)
			return -1;
		else
			words[n++] = argv[i];
	}
	return n;
}

static int
run(struct cli *cli, int argc, char *argv[])
{
	struct blocks_run r = { .tenant = slice_of(SETTINGS_DEFAULT_TENANT) };
	const char *words[2] = { NULL, NULL };
	const struct verb *verb = verbs;
	int rc = blocks_other(cli, argc, argv);

	if (rc >= 0)
		return rc;
	int n = take_options(&r, argc, argv, words);

	while (n > 0 && verb->name != NULL && strcmp(verb->name, words[0]) != 0)
		verb++;
	if (n < 1 || verb->name == NULL || n != (verb->word != NO_WORD ? 2 : 1))
		return EX_USAGE;
	if (!settings_name_ok(r.tenant)) {
		cli_error("%.*s: not a tenant's name", SLICE_F(r.tenant));
		return EX_USAGE;
	}
	r.file = words[1];
	if (verb->word == ADDRESS_WORD &&
	    (address_canonical(slice_of(words[1]), r.room, &r.address) < 0 ||
		address_domain(r.address).len == 0)) {
		cli_error("%s: not a mail address", words[1]);
		return EX_DATAERR;
	}
	r.config = cli_config(cli);
	if (r.config == NULL)
		return EX_CONFIG;
	rc = cli_store_open(r.config, &r.store);
	if (rc == 0) {
		rc = verb->run(&r);
		if (rc == ERR_NOTFOUND)
			cli_error("%.*s: not on the list", SLICE_F(r.address));
		else if (rc < 0 && rc != ERR_CANCELED)
			cli_error("%s", err_text(rc));
	}
	cli_store_close(&r.store);
	/* Told already: lines that are wrong. */
	return rc == ERR_CANCELED ? EX_DATAERR : cli_exit(rc);
}

const struct command command_blocks = {
	.name = "blocks",
	.summary = "the suppression list: who gets no mail, and who always",
	.usage =
	    "[-t TENANT] list [--exempt] [--contains TEXT] "
	    "[--stream NAME] [--json]\n"
	    "[-t TENANT] export [--format csv|json|ses] [--stream NAME]\n"
	    "[-t TENANT] import FILE [--format NAME] [--exempt] "
	    "[--stream NAME] [--note TEXT]\n"
	    "    [--expires WHEN] [--any-fault] [--dry-run] [--events] "
	    "[--report FILE]\n"
	    "[-t TENANT] show ADDRESS [--stream NAME]\n"
	    "[-t TENANT] add|exempt ADDRESS [--stream NAME] "
	    "[--note TEXT] [--expires WHEN]\n"
	    "[-t TENANT] remove|unexempt ADDRESS [--stream NAME]\n" BLOCKS_OTHER_USAGE,
	.run = run,
};
