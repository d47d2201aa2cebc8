/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/blocks/import and /v1/blocks/export: the suppression list as a file. */
#include "apid/apid.h"
#include "apid/change.h"
#include "apid/resources.h"
#include "proto/block_import.h"
#include "proto/block_json.h"
#include "proto/json.h"
#include "store/block_bulk.h"
#include "store/block_store.h"
#include "store/cursor.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define SECOND 1000000
#define ERRORS_MAX 100 /* wrong lines in the answer */
#define PAGE 1000

/* ---- import ---- */

struct loading {
	struct request *req;
	struct block_import parser;
	struct block_bulk *bulk;
	size_t at;
	bool dry_run;
	uint64_t records, rows, skipped, wrong;
	struct buf errors;
};

static void
loading_free(void *ctx)
{
	struct loading *l = ctx;

	block_import_done(&l->parser);
	block_bulk_free(l->bulk);
	buf_done(&l->errors);
}

static void
put_count(struct buf *out, const char *name, uint64_t n)
{
	(void)buf_addf(out, "\"%s\":%llu,", name, (unsigned long long)n);
}

static void
loaded(int rc, void *ctx)
{
	struct loading *l = ctx;
	struct request *req = l->req;
	const struct block_bulk_counts *c = block_bulk_counts(l->bulk);

	if (rc < 0) {
		request_error(req, rc);
		return;
	}
	(void)buf_add_char(&req->out, '{');
	put_count(&req->out, "records", l->records);
	put_count(&req->out, "taken", l->rows);
	put_count(&req->out, "added", c->added);
	put_count(&req->out, "known", c->known);
	put_count(&req->out, "exempt", c->kept);
	put_count(&req->out, "skipped", l->skipped);
	put_count(&req->out, "wrong", l->wrong);
	(void)buf_addf(&req->out, "\"errors\":[%.*s]}",
	    SLICE_F(buf_slice(&l->errors)));
	if (!l->dry_run)
		change_audit(req,
		    l->parser.exempt ? "import-exemptions" : "import-blocks",
		    SLICE("api"), buf_slice(&req->out));
	request_reply(req, 200);
}

static void
wrong_line(struct loading *l, const struct import_row *row)
{
	if (l->wrong++ >= ERRORS_MAX)
		return;
	(void)buf_addf(&l->errors,
	    "%s{\"line\":%llu,\"detail\":", l->errors.len > 0 ? "," : "",
	    (unsigned long long)row->line);
	(void)json_print_string(slice_of(row->error), &l->errors);
	(void)buf_add_char(&l->errors, '}');
}

static void
load_more(int rc, void *ctx)
{
	struct loading *l = ctx;
	struct buf *body = &l->req->body;

	while (rc == 0 && !block_bulk_busy(l->bulk)) {
		struct import_row row;
		int n = block_import_next(&l->parser, body->at + l->at,
		    body->len - l->at, true, &row);

		if (n < 0) {
			request_invalid(l->req, "body", "", l->parser.error);
			(void)request_refused(l->req);
			return;
		}
		if (n == 0) {
			block_bulk_flush(l->bulk, loaded, l);
			return;
		}
		l->at += (size_t)n;
		l->records += row.kind != IMPORT_NOTHING;
		l->rows += row.kind == IMPORT_ROW;
		l->skipped += row.kind == IMPORT_SKIPPED;
		if (row.kind == IMPORT_WRONG)
			wrong_line(l, &row);
		else if (row.kind == IMPORT_ROW && !l->dry_run)
			rc = block_bulk_add(l->bulk, row.address, &row.block);
	}
	if (rc < 0)
		block_bulk_flush(l->bulk, loaded, l);
	else
		block_bulk_wait(l->bulk, load_more, l);
}

static bool
yes(struct request *req, const char *name)
{
	struct slice text = request_param(req, name);

	if (text.at != NULL && !slice_eq(text, SLICE("true")) &&
	    !slice_eq(text, SLICE("false")))
		request_invalid(req, "query", name, "must be true or false");
	return slice_eq(text, SLICE("true"));
}

static void
load(struct request *req)
{
	struct loading *l = arena_calloc(req->arena, 1, sizeof(*l));
	struct slice format = request_param(req, "format");
	int64_t now_us = clock_wall_us();

	if (l == NULL) {
		request_error(req, ERR_NOMEM);
		return;
	}
	l->req = req;
	block_import_init(&l->parser, now_us / SECOND);
	buf_init(&l->errors, 64 * 1024);
	if (format.at != NULL &&
	    import_format_parse(format, &l->parser.format) < 0)
		request_invalid(req, "query", "format", "no such format");
	l->parser.exempt = yes(req, "exempt");
	l->parser.any_fault = yes(req, "any_fault");
	l->dry_run = yes(req, "dry_run");
	l->parser.note = request_param(req, "note");
	l->parser.stream = request_param(req, "stream");
	l->parser.expires_s = request_time(req, "expires") / SECOND;
	if (l->parser.expires_s > 0 && l->parser.expires_s <= now_us / SECOND)
		request_invalid(req, "query", "expires",
		    "must be a time to come");
	l->bulk = block_bulk_new(apid.store, req->tenant->name, now_us / SECOND,
	    NULL, NULL);
	req->handler_ctx = l;
	req->handler_free = loading_free;
	if (l->bulk == NULL)
		request_error(req, ERR_NOMEM);
	else if (!request_refused(req))
		load_more(0, l);
}

/* ---- export ---- */

struct saving {
	enum block_state state;
	bool csv;
	struct slice stream;
	char cursor[CURSOR_MAX];
	size_t cursor_len;
};

static void
save_row(struct slice address, const struct block *b, void *ctx)
{
	struct request *req = ctx;
	const struct saving *s = req->handler_ctx;
	struct csv_writer w = csv_writer(&req->out);

	if (s->csv) {
		block_export_row(&w, address, b);
		return;
	}
	(void)block_to_json(address, b, &req->out);
	(void)buf_add_char(&req->out, '\n');
}

static void save_more(struct request *req);

static void
saved_page(int rc, struct slice next, void *ctx)
{
	struct request *req = ctx;
	struct saving *s = req->handler_ctx;
	enum request_stream state = STREAM_GOES_ON;

	s->cursor_len = 0;
	if (rc == 0 && next.at != NULL) {
		memcpy(s->cursor, next.at, next.len);
		s->cursor_len = next.len;
	} else if (rc == 0 && s->state == BLOCK_BLOCKED) {
		s->state = BLOCK_EXEMPT;
	} else {
		state = rc < 0 ? STREAM_BROKEN : STREAM_WHOLE;
	}
	request_piece(req, state);
}

static void
save_more(struct request *req)
{
	struct saving *s = req->handler_ctx;
	const struct block_query q = {
		.tenant = req->tenant->name,
		.state = s->state,
		.stream = s->stream,
		.cursor = { s->cursor, s->cursor_len },
		.limit = PAGE,
	};

	block_page(apid.store, &q, store_long_deadline(apid.store), save_row,
	    saved_page, req);
}

static void
save(struct request *req, bool csv)
{
	struct saving *s = arena_calloc(req->arena, 1, sizeof(*s));
	struct csv_writer w = csv_writer(&req->out);
	struct slice stream = request_param(req, "stream");

	if (s == NULL) {
		request_error(req, ERR_NOMEM);
		return;
	}
	s->state = BLOCK_BLOCKED;
	s->csv = csv;
	s->stream = slice_eq(stream, SLICE("-")) ? SLICE("") : stream;
	req->handler_ctx = s;
	req->content_type_out =
	    csv ? "text/csv; charset=utf-8" : "application/x-ndjson";
	req->disposition = csv ? "attachment; filename=\"blocks.csv\""
			       : "attachment; filename=\"blocks.ndjson\"";
	if (csv)
		block_export_header(&w);
	request_stream(req, save_more);
}

static void
save_csv(struct request *req)
{
	save(req, true);
}

static void
save_json(struct request *req)
{
	save(req, false);
}

static const char *const import_query[] = { "format", "exempt", "any_fault",
	"dry_run", "note", "stream", "expires", NULL };
static const char *const export_query[] = { "stream", NULL };

/* clang-format off */
const struct route routes_blocks_file[] = {
	{ "POST", "/v1/blocks/import", API_WRITE, ROUTE_FILE, import_query, load },
	{ "GET", "/v1/blocks/export", API_DOWNLOAD, ROUTE_NO_BODY, export_query, save_json },
	{ "GET", "/v1/blocks/export.csv", API_DOWNLOAD, ROUTE_NO_BODY, export_query, save_csv },
	{ .method = NULL },
};
/* clang-format on */
