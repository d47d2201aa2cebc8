/* SPDX-License-Identifier: BSD-2-Clause */
/* postern blocks outbreaks: answers of providers that do not count. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/blocks_other.h"
#include "cli/commands.h"
#include "cli/store_client.h"
#include "proto/rfc3339.h"
#include "store/audit_store.h"
#include "store/outbreak_json.h"
#include "store/store.h"
#include "util/err.h"

#define LINE_MAX_OCTETS 8192

static void
print_one(const struct blocks_other *b, const struct outbreak *o)
{
	char started[RFC3339_MAX], ends[RFC3339_MAX];
	struct buf line;

	if (b->json) {
		buf_init(&line, LINE_MAX_OCTETS);
		(void)outbreak_to_json(o, &line);
		(void)printf("%s\n", buf_text(&line));
		buf_done(&line);
		return;
	}
	(void)rfc3339_format(o->started_ms * 1000, started);
	(void)rfc3339_format((o->ended_ms > 0 ? o->ended_ms : o->till_ms) *
				 1000,
	    ends);
	(void)printf("%.*s  %s  %.*s  %.*s\n", SLICE_F(o->id),
	    o->ended_ms > 0 ? "over" : "ON", SLICE_F(o->provider),
	    SLICE_F(o->class));
	(void)printf("    %.*s\n", SLICE_F(o->text));
	(void)printf("    %.19sZ to %.19sZ%s: %" PRIu64 " of %" PRIu64
		     " recipients, %" PRIu64 " errors not counted, %" PRIu64
		     " blocks released\n",
	    started, ends,
	    o->ended_ms == 0                  ? ", if no more come"
	    : !slice_eq(o->by, SLICE("time")) ? ", by hand"
					      : "",
	    o->recipients, o->total, o->errors, o->released);
}

static void
listed(int rc, const struct outbreak *list, size_t count, void *ctx)
{
	struct blocks_other *b = ctx;

	/* First those that go on. */
	for (size_t i = 0; i < count; i++)
		if (list[i].ended_ms == 0)
			print_one(b, &list[i]);
	for (size_t i = 0; i < count; i++)
		if (list[i].ended_ms != 0)
			print_one(b, &list[i]);
	if (rc == 0 && count == 0 && !b->json)
		(void)printf("no outbreak within a day\n");
	b->rc = rc;
	b->over = true;
}

static void
ended(int rc, void *ctx)
{
	struct blocks_other *b = ctx;

	b->rc = rc;
	b->over = true;
}

static int
release(struct blocks_other *b)
{
	const struct audit_entry entry = {
		.tenant = b->tenant,
		.actor = client_author(),
		.client = SLICE("cli"),
		.action = SLICE("outbreak_release"),
		.target = slice_of(b->words[2]),
	};

	outbreak_end(b->store.store, b->tenant, slice_of(b->words[2]),
	    SLICE("cli"), store_deadline(b->store.store), ended, b);
	if (blocks_other_wait(b) == ERR_NOTFOUND) {
		cli_error("%s: no outbreak with that id goes on", b->words[2]);
		return EX_DATAERR;
	}
	if (b->rc < 0)
		return b->rc;
	audit_append(b->store.store, &entry, store_deadline(b->store.store),
	    ended, b);
	return blocks_other_wait(b);
}

int
blocks_outbreaks(struct blocks_other *b)
{
	if (b->word_count == 3 && strcmp(b->words[1], "release") == 0)
		return release(b);
	if (b->word_count != 1)
		return EX_USAGE;
	outbreak_list(b->store.store, b->tenant, store_deadline(b->store.store),
	    listed, b);
	return blocks_other_wait(b);
}
