/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/webhooks: the endpoints' state, their dead letters, sending again. */
#include "apid/resources.h"

#include "apid/apid.h"
#include "apid/change.h"
#include "apid/page.h"
#include "apid/webhook_body.h"
#include "apid/webhooks.h"
#include "proto/json.h"
#include "proto/rfc3339.h"
#include "store/store.h"
#include "store/webhook_store.h"
#include "util/clock.h"
#include "util/err.h"

static const struct webhook *
hook_named(struct request *req, struct slice name)
{
	const struct tenant *t = req->tenant;

	for (size_t i = 0; i < t->webhook_count; i++)
		if (slice_eq(t->webhooks[i].name, name))
			return &t->webhooks[i];
	return NULL;
}

/* False: the request has been answered. */
static bool
find_endpoint(struct request *req, struct webhook_endpoint *ret)
{
	if (request_refused(req))
		return false;
	if (hook_named(req, req->args[0]) == NULL) {
		request_fail(req, 404, "no webhook of this name");
		return false;
	}
	*ret = (struct webhook_endpoint){ req->tenant->name, req->args[0] };
	return true;
}

static void
add_text(struct buf *out, const char *name, struct slice value)
{
	(void)buf_addf(out, ",\"%s\":", name);
	(void)json_print_string(value, out);
}

static void
add_time(struct buf *out, const char *name, int64_t ms)
{
	char room[RFC3339_MAX];

	if (ms > 0)
		add_text(out, name,
		    (struct slice){ room, rfc3339_format(ms * 1000, room) });
}

/* ---- state ---- */

static void
print_state(struct request *req, const struct webhook *hook,
    const struct webhook_status *st)
{
	struct buf *out = &req->out;

	(void)buf_add_text(out, "{\"name\":");
	(void)json_print_string(hook->name, out);
	add_text(out, "url", hook->url);
	(void)buf_addf(out, ",\"enabled\":%s,\"waiting\":%llu,\"dead\":%llu",
	    hook->enabled && st->disabled.len == 0 ? "true" : "false",
	    (unsigned long long)st->waiting, (unsigned long long)st->dead);
	if (st->disabled.len > 0)
		add_text(out, "disabled_reason", st->disabled);
	add_time(out, "first_seen", st->created_ms);
	add_time(out, "last_success", st->delivered_ms);
	add_time(out, "last_failure", st->failed_ms);
	if (st->error.len > 0)
		add_text(out, "last_error", st->error);
	(void)buf_add_char(out, '}');
}

static void
shown(int rc, const struct webhook_status *st, void *ctx)
{
	struct request *req = ctx;
	const struct webhook *hook = hook_named(req, req->args[0]);

	if (rc < 0 || hook == NULL) {
		request_error(req, rc < 0 ? rc : ERR_NOTFOUND);
		return;
	}
	print_state(req, hook, st);
	request_reply(req, 200);
}

static void
webhook_get(struct request *req)
{
	struct webhook_endpoint e;

	if (find_endpoint(req, &e))
		webhook_show(apid.store, e, store_long_deadline(apid.store),
		    shown, req);
}

/* The list: one call after the other. */
static void list_next(struct request *req, size_t i);

struct list_step {
	struct request *req;
	size_t i;
};

static void
listed(int rc, const struct webhook_status *st, void *ctx)
{
	struct list_step *step = ctx;
	struct request *req = step->req;

	if (rc < 0) {
		request_error(req, rc);
		return;
	}
	page_row(req);
	print_state(req, &req->tenant->webhooks[step->i], st);
	list_next(req, step->i + 1);
}

static void
list_next(struct request *req, size_t i)
{
	struct list_step *step;
	struct webhook_endpoint e = { req->tenant->name, { NULL, 0 } };

	if (i == req->tenant->webhook_count) {
		page_end(req, 0, (struct slice){ NULL, 0 });
		return;
	}
	step = arena_alloc(req->arena, sizeof(*step));
	if (step == NULL) {
		request_error(req, ERR_NOMEM);
		return;
	}
	*step = (struct list_step){ req, i };
	e.name = req->tenant->webhooks[i].name;
	webhook_show(apid.store, e, store_long_deadline(apid.store), listed,
	    step);
}

static void
webhooks_list(struct request *req)
{
	if (request_refused(req))
		return;
	page_begin(req);
	list_next(req, 0);
}

/* ---- dead letters ---- */

static void
dead_row(const struct webhook_dead *d, void *ctx)
{
	struct request *req = ctx;
	struct buf *out = &req->out;

	page_row(req);
	(void)buf_add_text(out, "{\"id\":");
	(void)json_print_string(d->id, out);
	add_text(out, "type",
	    slice_of(webhook_kind_word((enum webhook_kind)d->kind)));
	(void)buf_addf(out, ",\"events\":%llu,\"attempts\":%u",
	    (unsigned long long)d->events, d->attempts);
	add_time(out, "created", d->first_ms);
	add_time(out, "died", d->died_ms);
	add_text(out, "last_error", d->error);
	(void)buf_add_char(out, '}');
}

static void
dead_end(int rc, struct slice next_cursor, void *ctx)
{
	page_end(ctx, rc, next_cursor);
}

static void
dead_list(struct request *req)
{
	struct slice cursor = request_param(req, "cursor");
	unsigned limit = request_limit(req);
	struct webhook_endpoint e;

	if (!find_endpoint(req, &e))
		return;
	page_begin(req);
	webhook_dead_list(apid.store, e, cursor, limit,
	    store_long_deadline(apid.store), dead_row, dead_end, req);
}

static void
replayed(int rc, int64_t count, void *ctx)
{
	struct request *req = ctx;

	if (rc < 0) {
		request_error(req, rc);
		return;
	}
	change_audit(req, "webhook-replay", req->args[0],
	    json_string(json_get(req->json, "id")));
	webhooks_kick(apid.webhooks, req->tenant->name, req->args[0]);
	(void)buf_addf(&req->out, "{\"replayed\":%lld}", (long long)count);
	request_reply(req, 202);
}

static void
dead_replay(struct request *req)
{
	static const char *const members[] = { "id", NULL };
	const struct json *id = json_get(req->json, "id");
	struct webhook_endpoint e;

	change_members(req, members);
	if (id != NULL &&
	    (json_type(id) != JSON_STRING || json_string(id).len == 0))
		request_invalid(req, "body", "id",
		    "must be the id of a dead letter");
	if (!find_endpoint(req, &e))
		return;
	webhook_replay(apid.store, e, json_string(id), clock_wall_us() / 1000,
	    store_long_deadline(apid.store), replayed, req);
}

static void
enabled(int rc, int64_t count, void *ctx)
{
	struct request *req = ctx;

	(void)count;
	if (rc < 0) {
		request_error(req, rc);
		return;
	}
	change_audit(req, "webhook-enable", req->args[0],
	    (struct slice){ NULL, 0 });
	webhooks_kick(apid.webhooks, req->tenant->name, req->args[0]);
	request_reply(req, 204);
}

static void
enable(struct request *req)
{
	struct webhook_endpoint e;

	if (find_endpoint(req, &e))
		webhook_enable(apid.store, e, store_long_deadline(apid.store),
		    enabled, req);
}

static const char *const dead_query[] = { "limit", "cursor", NULL };

/* clang-format off */
const struct route routes_webhooks[] = {
	{ "GET", "/v1/webhooks", API_READ, ROUTE_NO_BODY, NULL, webhooks_list },
	{ "GET", "/v1/webhooks/{name}", API_READ, ROUTE_NO_BODY, NULL, webhook_get },
	{ "POST", "/v1/webhooks/{name}/enable", API_WRITE, ROUTE_NO_BODY, NULL, enable },
	{ "GET", "/v1/webhooks/{name}/dead", API_READ, ROUTE_NO_BODY, dead_query, dead_list },
	{ "POST", "/v1/webhooks/{name}/dead/replay", API_WRITE, ROUTE_JSON_OR_NONE, NULL, dead_replay },
	{ .method = NULL },
};
/* clang-format on */
