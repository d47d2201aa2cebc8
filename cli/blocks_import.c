/* SPDX-License-Identifier: BSD-2-Clause */
/* postern blocks import: the lists of other services, and our own. */
#include "cli/blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/progress.h"
#include "service/host_config.h"
#include "store/block_bulk.h"
#include "store/event_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define ROOM ((size_t)1 << 20) /* read ahead; more than one record */
#define SHOWN_MAX 20           /* wrong lines on the screen */
#define EVENTS_UNDER_WAY 500

struct import {
	struct blocks_run *run;
	struct block_import parser;
	struct block_bulk *bulk;
	struct progress progress;
	FILE *report;
	int fd;
	char *at;
	size_t len;
	bool final;
	uint64_t octets, records, rows, wrong, skipped;
	/* events */
	unsigned events_under_way;
	uint64_t events_lost;
};

/* ---- events: one for each address, if they are wanted ---- */

static void
event_written(int rc, struct slice id, void *ctx)
{
	struct import *im = ctx;

	(void)id;
	im->events_under_way--;
	im->events_lost += rc < 0;
	im->run->over = im->events_under_way < EVENTS_UNDER_WAY;
}

static void
on_added(struct slice address, struct slice stream, void *ctx)
{
	struct import *im = ctx;
	struct blocks_run *r = im->run;
	const struct event e = {
		.created_ms = clock_wall_us() / 1000,
		.type = r->exempt ? EVENT_EXEMPTED : EVENT_BLOCKED,
		.tenant = r->tenant,
		.recipient = address,
		.stream = stream,
		.origin = SLICE("import"),
		.reason = r->note,
	};

	if (!r->events)
		return;
	im->events_under_way++;
	event_append(r->store.store, slice_of(r->config->host_name), &e,
	    store_long_deadline(r->store.store), event_written, im);
}

static void
wait_for_events(struct import *im, unsigned most)
{
	while (im->events_under_way > most) {
		im->run->over = false;
		cli_store_wait(&im->run->store, &im->run->over);
	}
	im->run->over = false;
}

/* ---- rows ---- */

static void
on_idle(int rc, void *ctx)
{
	struct blocks_run *r = ctx;

	r->rc = rc;
	r->over = true;
}

static int
wait_for_bulk(struct import *im,
    void (*wait)(struct block_bulk *b, block_bulk_idle *idle, void *ctx))
{
	struct blocks_run *r = im->run;

	r->over = false;
	r->rc = 1;
	wait(im->bulk, on_idle, r);
	/* An event that was written ends a wait, too. */
	while (r->rc > 0) {
		cli_store_wait(&r->store, &r->over);
		r->over = r->rc <= 0;
	}
	r->over = false;
	wait_for_events(im, EVENTS_UNDER_WAY);
	return r->rc;
}

static void
wrong_line(struct import *im, const struct import_row *row)
{
	im->wrong++;
	if (im->wrong <= SHOWN_MAX) {
		progress_end(&im->progress);
		cli_error("%s: line %" PRIu64 ": %s", im->run->file, row->line,
		    row->error);
	}
	if (im->report != NULL)
		(void)fprintf(im->report, "line %" PRIu64 ": %s\n", row->line,
		    row->error);
}

static int
take_row(struct import *im, const struct import_row *row)
{
	int rc;

	im->records += row->kind != IMPORT_NOTHING;
	switch (row->kind) {
	case IMPORT_NOTHING:
		return 0;
	case IMPORT_SKIPPED:
		im->skipped++;
		return 0;
	case IMPORT_WRONG:
		wrong_line(im, row);
		return 0;
	case IMPORT_ROW:
		break;
	}
	im->rows++;
	if (im->run->dry_run)
		return 0;
	rc = block_bulk_add(im->bulk, row->address, &row->block);
	if (rc == 0 && block_bulk_busy(im->bulk))
		rc = wait_for_bulk(im, block_bulk_wait);
	return rc;
}

/* ---- the file ---- */

static int
fill(struct import *im)
{
	ssize_t n;

	do
		n = read(im->fd, im->at + im->len, ROOM - im->len);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		cli_error("%s: %s", im->run->file, strerror(errno));
		return ERR_CANCELED;
	}
	im->final = n == 0;
	im->len += (size_t)n;
	return 0;
}

/* All records that are whole; what is left moves to the front. */
static int
take_records(struct import *im)
{
	size_t used = 0;
	int rc;

	for (;;) {
		struct import_row row;
		int n = block_import_next(&im->parser, im->at + used,
		    im->len - used, im->final, &row);

		if (n < 0) {
			progress_end(&im->progress);
			cli_error("%s: %s", im->run->file, im->parser.error);
			return ERR_CANCELED;
		}
		if (n == 0)
			break;
		used += (size_t)n;
		im->octets += (size_t)n;
		if ((rc = take_row(im, &row)) < 0)
			return rc;
		progress_step(&im->progress, im->octets, im->records);
	}
	memmove(im->at, im->at + used, im->len - used);
	im->len -= used;
	return 0;
}

static int
open_all(struct import *im)
{
	struct blocks_run *r = im->run;
	struct stat st = { 0 };
	bool standard = strcmp(r->file, "-") == 0;

	im->fd =
	    standard ? dup(STDIN_FILENO) : open(r->file, O_RDONLY | O_CLOEXEC);
	if (im->fd < 0 || fstat(im->fd, &st) < 0) {
		cli_error("%s: %s", r->file, strerror(errno));
		return ERR_CANCELED;
	}
	if (r->report != NULL &&
	    (im->report = fopen(r->report, "we")) == NULL) {
		cli_error("%s: %s", r->report, strerror(errno));
		return ERR_CANCELED;
	}
	im->at = malloc(ROOM);
	im->bulk = block_bulk_new(r->store.store, r->tenant,
	    clock_wall_us() / 1000000, on_added, im);
	progress_begin(&im->progress, "records",
	    S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0);
	return im->at != NULL && im->bulk != NULL ? 0 : ERR_NOMEM;
}

static int
read_file(struct import *im)
{
	int rc = 0;

	while (rc == 0 && !im->final) {
		rc = fill(im);
		if (rc == 0)
			rc = take_records(im);
	}
	if (im->run->dry_run)
		return rc;
	/* What was gathered is written, also before a line that ends it. */
	int flushed = wait_for_bulk(im, block_bulk_flush);

	wait_for_events(im, 0);
	return rc < 0 ? rc : flushed;
}

/* ---- what came of it ---- */

static void
summary(const struct import *im, struct buf *out)
{
	const struct block_bulk_counts *c = block_bulk_counts(im->bulk);

	(void)buf_addf(out, "%" PRIu64 " records", im->records);
	if (im->run->dry_run)
		(void)buf_addf(out, ", %" PRIu64 " would be %s", im->rows,
		    im->run->exempt ? "exempted" : "blocked");
	else
		(void)buf_addf(out,
		    ", %" PRIu64 " %s, %" PRIu64 " were so before, %" PRIu64
		    " are exempt and stay so",
		    c->added, im->run->exempt ? "exempted" : "blocked",
		    c->known, c->kept);
	(void)buf_addf(out,
	    ", %" PRIu64 " not taken as the recipient was not to blame, "
	    "%" PRIu64 " wrong",
	    im->skipped, im->wrong);
}

static int
tell(struct import *im)
{
	struct blocks_run *r = im->run;
	struct buf text;
	int rc = 0;

	buf_init(&text, 1000);
	summary(im, &text);
	if (im->wrong > SHOWN_MAX && r->report == NULL)
		cli_error("%s: %" PRIu64 " more wrong lines (--report FILE has "
			  "all of them)",
		    r->file, im->wrong - SHOWN_MAX);
	if (im->events_lost > 0)
		cli_error("%" PRIu64 " events are lost", im->events_lost);
	(void)printf("%s\n", buf_text(&text));
	if (!r->dry_run)
		rc = blocks_audit(r,
		    r->exempt ? "import-exemptions" : "import-blocks",
		    slice_of(r->file), buf_slice(&text));
	buf_done(&text);
	return rc;
}

int
blocks_import(struct blocks_run *r)
{
	struct import im = { .run = r, .fd = -1 };
	int rc;

	block_import_init(&im.parser, clock_wall_us() / 1000000);
	im.parser.format = r->format;
	im.parser.exempt = r->exempt;
	im.parser.any_fault = r->any_fault;
	im.parser.note = r->note;
	im.parser.stream = r->stream;
	im.parser.expires_s = r->expires_s > 0 ? r->expires_s : 0;
	rc = open_all(&im);
	if (rc == 0)
		rc = read_file(&im);
	progress_end(&im.progress);
	if (im.bulk != NULL && im.records > 0) {
		int told = tell(&im);

		rc = rc < 0 ? rc : told;
	}
	if (rc == 0 && im.wrong > 0)
		rc = ERR_CANCELED;
	if (im.report != NULL && fclose(im.report) != 0) {
		cli_error("%s: %s", r->report, strerror(errno));
		rc = rc < 0 ? rc : ERR_IO;
	}
	block_import_done(&im.parser);
	block_bulk_free(im.bulk);
	free(im.at);
	if (im.fd >= 0)
		(void)close(im.fd);
	return rc;
}
