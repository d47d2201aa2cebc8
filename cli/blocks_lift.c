/* SPDX-License-Identifier: BSD-2-Clause */
/* postern blocks lift: releasing all that one reason has blocked. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/blocks_other.h"
#include "cli/commands.h"
#include "cli/store_client.h"
#include "service/host_config.h"
#include "store/audit_store.h"
#include "store/block_release.h"
#include "store/store.h"
#include "util/err.h"

#define CURSOR_ROOM 4096

struct lift {
	struct blocks_other *b;
	struct block_released sum;
	char cursor[CURSOR_ROOM];
	size_t cursor_len;
};

static void
on_page(int rc, const struct block_released *result, void *ctx)
{
	struct lift *l = ctx;

	l->sum.found += result->found;
	l->sum.released += result->released;
	l->sum.untold += result->untold;
	l->cursor_len = 0;
	if (result->next_cursor.len > 0 &&
	    result->next_cursor.len <= sizeof(l->cursor)) {
		memcpy(l->cursor, result->next_cursor.at,
		    result->next_cursor.len);
		l->cursor_len = result->next_cursor.len;
	}
	l->b->rc = rc;
	l->b->over = true;
}

/* All pages; most: how many there are, for the progress. */
static int
run_through(struct lift *l, bool dry_run, uint64_t most)
{
	struct blocks_other *b = l->b;
	bool terminal = isatty(STDERR_FILENO) == 1;
	int rc;

	l->sum = (struct block_released){ .found = 0 };
	l->cursor_len = 0;
	do {
		const struct block_release what = {
			.tenant = b->tenant,
			.host = slice_of(b->config->host_name),
			.by = SLICE("cli"),
			.status = b->status,
			.origin = b->origin,
			.since_from_s = b->from_s,
			.since_to_s = b->to_s,
			.dry_run = dry_run,
			.cursor = { l->cursor, l->cursor_len },
		};

		block_release(b->store.store, &what, on_page, l);
		rc = blocks_other_wait(b);
		if (terminal && dry_run)
			(void)fprintf(stderr, "\r%" PRIu64 " found",
			    l->sum.found);
		else if (terminal && most > 0)
			(void)fprintf(stderr, "\r%3" PRIu64 " %%",
			    100 * l->sum.released / most);
	} while (rc == 0 && l->cursor_len > 0);
	if (terminal)
		(void)fprintf(stderr, "\r                         \r");
	return rc;
}

static bool
agreed(void)
{
	char answer[8];

	if (isatty(STDIN_FILENO) != 1)
		return true;
	(void)printf("Release them? [y/N] ");
	(void)fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

static void
noted(int rc, void *ctx)
{
	struct blocks_other *b = ctx;

	b->rc = rc;
	b->over = true;
}

static int
note(struct lift *l)
{
	struct blocks_other *b = l->b;
	char target[200], detail[60];

	(void)snprintf(target, sizeof(target), "status %d, origin %.*s",
	    b->status, SLICE_F(b->origin));
	(void)snprintf(detail, sizeof(detail), "%" PRIu64 " addresses",
	    l->sum.released);
	const struct audit_entry e = {
		.tenant = b->tenant,
		.actor = client_author(),
		.client = SLICE("cli"),
		.action = SLICE("unblock_many"),
		.target = slice_of(target),
		.detail = slice_of(detail),
	};
	audit_append(b->store.store, &e, store_deadline(b->store.store), noted,
	    b);
	return blocks_other_wait(b);
}

int
blocks_lift(struct blocks_other *b)
{
	struct lift l = { .b = b };
	int rc, noted_rc;

	if (b->status < 0 && b->origin.len == 0) {
		cli_error("lift: which ones? --status, --origin, or both");
		return EX_USAGE;
	}
	if ((rc = run_through(&l, true, 0)) < 0)
		return rc;
	(void)printf("%" PRIu64 " blocked addresses are meant\n", l.sum.found);
	if (b->dry_run || l.sum.found == 0 || (!b->yes && !agreed()))
		return EX_OK;
	rc = run_through(&l, false, l.sum.found);
	(void)printf("%" PRIu64 " released\n", l.sum.released);
	if (l.sum.untold > 0)
		cli_error("the events of %" PRIu64 " of them are lost",
		    l.sum.untold);
	noted_rc = l.sum.released > 0 ? note(&l) : 0;
	return rc < 0 ? rc : noted_rc;
}
