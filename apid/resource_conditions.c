/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/blocks/lift and /v1/blocks/dry-run: what a condition has blocked is
 * released; a condition is tried on the errors of the last days. */
#include "apid/resources.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apid/apid.h"
#include "apid/change.h"
#include "proto/block_counter.h"
#include "proto/json.h"
#include "proto/rfc3339.h"
#include "proto/status.h"
#include "store/block_release.h"
#include "store/event_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define SECOND_US INT64_C(1000000)
#define DAY_MS INT64_C(86400000)
#define DAYS_MAX 400
#define ROWS_MAX 1000
#define ADDRESSES_MAX 200000
#define TRY_MS 30000 /* then the answer is what was seen until then */
#define CURSOR_ROOM 4096
#define WORD_MAX 64

/* A whole number of the body; otherwise if it is not given. */
static int64_t
body_number(struct request *req, const char *name, int64_t least, int64_t most,
    int64_t otherwise)
{
	const struct json *v = json_get(req->json, name);
	int64_t n = json_integer(v);

	if (v == NULL)
		return otherwise;
	if (json_type(v) != JSON_INTEGER || n < least || n > most) {
		request_invalid(req, "body", name,
		    "must be a whole number in its bounds");
		return otherwise;
	}
	return n;
}

static bool
body_flag(struct request *req, const char *name, bool otherwise)
{
	const struct json *v = json_get(req->json, name);

	if (v == NULL)
		return otherwise;
	if (json_type(v) != JSON_BOOL)
		request_invalid(req, "body", name, "must be true or false");
	return json_bool(v);
}

static int
body_status(struct request *req)
{
	int status =
	    (int)body_number(req, "status", 0, SETTINGS_STATUS_MAX - 1, -1);

	if (status >= 0 && !status_known(status))
		request_invalid(req, "body", "status",
		    "must be an error status");
	return status;
}

static int64_t
body_time(struct request *req, const char *name)
{
	const struct json *v = json_get(req->json, name);
	int64_t us = 0;

	if (v != NULL && rfc3339_parse(json_string(v), &us) < 0)
		request_invalid(req, "body", name,
		    "must be a time like 2026-01-31T12:00:00Z");
	return us / SECOND_US;
}

/* ---- lift ---- */

static void
released(int rc, const struct block_released *result, void *ctx)
{
	struct request *req = ctx;
	char detail[60];

	if (rc < 0) {
		request_error(req, rc);
		return;
	}
	if (result->released > 0) {
		(void)snprintf(detail, sizeof(detail), "%" PRIu64 " addresses",
		    result->released);
		change_audit(req, "unblock_many", buf_slice(&req->body),
		    slice_of(detail));
	}
	(void)buf_addf(&req->out,
	    "{\"found\":%" PRIu64 ",\"released\":%" PRIu64
	    ",\"has_more\":%s,\"next_cursor\":",
	    result->found, result->released,
	    result->next_cursor.at != NULL ? "true" : "false");
	if (result->next_cursor.at != NULL)
		(void)json_print_string(result->next_cursor, &req->out);
	else
		(void)buf_add_text(&req->out, "null");
	(void)buf_add_char(&req->out, '}');
	request_reply(req, 200);
}

static void
blocks_lift(struct request *req)
{
	static const char *const members[] = { "status", "origin", "since_from",
		"since_to", "dry_run", "cursor", NULL };
	const struct block_release what = {
		.tenant = req->tenant->name,
		.host = apid.host,
		.by = SLICE("api"),
		.status = body_status(req),
		.origin = json_string(json_get(req->json, "origin")),
		.since_from_s = body_time(req, "since_from"),
		.since_to_s = body_time(req, "since_to"),
		.dry_run = body_flag(req, "dry_run", false),
		.cursor = json_string(json_get(req->json, "cursor")),
	};

	change_members(req, members);
	if (what.status < 0 && what.origin.len == 0)
		request_invalid(req, "body", "status",
		    "status, origin, or both say which ones");
	if (what.origin.len > WORD_MAX)
		request_invalid(req, "body", "origin", "is too long");
	if (!request_refused(req))
		block_release(apid.store, &what, released, req);
}

/* ---- dry-run ---- */

struct trying {
	struct request *req;
	struct block_trial *trial;
	struct event_query query;
	char cursor[CURSOR_ROOM];
	size_t rows;
	int64_t until_us, seen_ms;
	int rc;
};

static void
add_hit(struct trying *t, const struct event *e)
{
	struct buf *out = &t->req->out;
	char at[RFC3339_MAX];
	size_t len = rfc3339_format(e->created_ms * 1000, at);

	(void)buf_add_text(out,
	    t->rows++ > 0 ? ",{\"address\":" : "{\"address\":");
	(void)json_print_string(e->recipient, out);
	(void)buf_addf(out,
	    ",\"at\":\"%.*s\",\"class\":\"%s\",\"reason\":", (int)len, at,
	    bounce_class_word(e->class));
	(void)json_print_string(e->reason, out);
	(void)buf_add_text(out, ",\"queue_id\":");
	(void)json_print_string(e->queue_id, out);
	(void)buf_add_char(out, '}');
}

static void
on_event(const struct event *e, void *ctx)
{
	struct trying *t = ctx;
	bool blocks;

	if (t->rc < 0)
		return;
	t->seen_ms = e->created_ms;
	t->rc = block_trial_add(t->trial, e, &blocks);
	if (t->rc == 0 && blocks && t->rows < ROWS_MAX)
		add_hit(t, e);
}

static void
answer(struct trying *t, bool complete)
{
	const struct block_trial_sum *s = block_trial_sum(t->trial);
	struct buf *out = &t->req->out;
	const char *comma = "";
	char until[RFC3339_MAX];
	size_t len =
	    rfc3339_format((complete ? t->query.to_ms : t->seen_ms) * 1000,
		until);

	(void)buf_addf(out,
	    "],\"blocked\":%" PRIu64 ",\"counted\":%" PRIu64
	    ",\"errors\":%" PRIu64 ",\"addresses\":%" PRIu64
	    ",\"lifted\":%" PRIu64 ",\"by_class\":{",
	    s->blocked, s->counted, s->errors, s->addresses, s->lifted);
	for (int i = 0; i < BOUNCE_CLASS_COUNT; i++)
		if (s->by_class[i] > 0) {
			(void)buf_addf(out, "%s\"%s\":%" PRIu64, comma,
			    bounce_class_word((enum bounce_class)i),
			    s->by_class[i]);
			comma = ",";
		}
	(void)buf_addf(out, "},\"complete\":%s,\"until\":\"%.*s\"}",
	    complete ? "true" : "false", (int)len, until);
	block_trial_free(t->trial);
	request_reply(t->req, 200);
}

static void read_page(struct trying *t);

static void
on_page(int rc, struct slice next, void *ctx)
{
	struct trying *t = ctx;

	if (rc < 0 || (t->rc < 0 && t->rc != ERR_LIMIT)) {
		block_trial_free(t->trial);
		request_error(t->req, rc < 0 ? rc : t->rc);
		return;
	}
	if (next.at == NULL || next.len > sizeof(t->cursor) || t->rc < 0 ||
	    clock_mono_us() >= t->until_us) {
		answer(t, next.at == NULL && t->rc == 0);
		return;
	}
	memcpy(t->cursor, next.at, next.len);
	t->query.cursor = (struct slice){ t->cursor, next.len };
	read_page(t);
}

static void
read_page(struct trying *t)
{
	event_page(apid.store, &t->query, store_long_deadline(apid.store),
	    on_event, on_page, t);
}

static void
begin(struct request *req, const struct blocking_condition *c, int status,
    int64_t days)
{
	struct trying *t = arena_calloc(req->arena, 1, sizeof(*t));
	int64_t now_ms = clock_wall_us() / 1000;

	if (t != NULL)
		t->trial = block_trial_new(c, status, ADDRESSES_MAX);
	if (t == NULL || t->trial == NULL) {
		request_error(req, ERR_NOMEM);
		return;
	}
	t->req = req;
	t->until_us = clock_deadline_ms(TRY_MS);
	t->query = (struct event_query){
		.tenant = req->tenant->name,
		.from_ms = now_ms - days * DAY_MS,
		.to_ms = now_ms,
		.types = block_trial_types(t->trial),
		.limit = 1000,
	};
	t->seen_ms = t->query.from_ms;
	(void)buf_add_text(&req->out, "{\"data\":[");
	read_page(t);
}

static void
blocks_dry_run(struct request *req)
{
	static const char *const members[] = { "status", "complaints", "count",
		"days", "once_per_day", "forget_days", "watch_days",
		"lift_on_success", "any_fault", NULL };
	bool complaints = body_flag(req, "complaints", false);
	int status = body_status(req);
	int64_t days = body_number(req, "days", 1, DAYS_MAX, 7);
	const struct blocking_condition c = {
		.enabled = true,
		.once_per_day = body_flag(req, "once_per_day", false),
		.count = (unsigned)body_number(req, "count", 1, 1000, 1),
		.watch_days =
		    (unsigned)body_number(req, "watch_days", 0, 3650, 0),
		.forget_days =
		    (unsigned)body_number(req, "forget_days", 0, 3650, 0),
		.lift_on_success = body_flag(req, "lift_on_success", false),
		.any_fault = body_flag(req, "any_fault",
		    complaints || settings_any_fault(status)),
	};

	change_members(req, members);
	if ((status > 0) == complaints)
		request_invalid(req, "body", "status",
		    "needs a status, or complaints");
	if (!request_refused(req))
		begin(req, &c, complaints ? STATUS_NONE : status, days);
}

/* clang-format off */
const struct route routes_conditions[] = {
	{ "POST", "/v1/blocks/lift", API_WRITE, ROUTE_JSON, NULL, blocks_lift },
	{ "POST", "/v1/blocks/dry-run", API_READ, ROUTE_JSON, NULL, blocks_dry_run },
	{ .method = NULL },
};
/* clang-format on */
