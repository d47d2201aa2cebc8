/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/shaping: the pace of each shaping filter, over all hosts. */
#include "apid/resources.h"

#include "apid/apid.h"
#include "apid/change.h"
#include "apid/page.h"
#include "proto/json.h"
#include "proto/schema.h"
#include "store/pace_json.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

/* Filters whose pace is being asked for. */
struct listing {
	struct request *req;
	const struct shaping *shaping;
	struct pace_row {
		struct listing *list;
		struct pace_state state;
	} * rows;
	size_t waiting;
	int rc;
};

static void
list_print(struct listing *l)
{
	struct request *req = l->req;
	int64_t now_us = clock_wall_us();

	page_begin(req);
	for (size_t i = 0; l->rc == 0 && i < l->shaping->filter_count; i++) {
		page_row(req);
		(void)pace_to_json(&l->shaping->filters[i], &l->rows[i].state,
		    now_us, &req->out);
	}
	page_end(req, l->rc, (struct slice){ NULL, 0 });
}

static void
list_row(int rc, const struct pace_state *state, void *ctx)
{
	struct pace_row *row = ctx;
	struct listing *l = row->list;

	row->state = *state;
	row->state.change = arena_dup(l->req->arena, state->change);
	row->state.reply = arena_dup(l->req->arena, state->reply);
	if (rc < 0)
		l->rc = rc;
	if (--l->waiting == 0)
		list_print(l);
}

static void
shaping_list(struct request *req)
{
	struct listing *l = arena_calloc(req->arena, 1, sizeof(*l));
	const struct shaping *s = settings_shaping(req->settings);
	int64_t deadline = store_long_deadline(apid.store);

	if (l != NULL)
		l->rows = arena_calloc(req->arena, s->filter_count + 1,
		    sizeof(*l->rows));
	if (l == NULL || l->rows == NULL) {
		request_error(req, ERR_NOMEM);
		return;
	}
	l->req = req;
	l->shaping = s;
	l->waiting = s->filter_count;
	for (size_t i = 0; i < s->filter_count; i++) {
		l->rows[i].list = l;
		pace_show(apid.store, s->filters[i].name, deadline, list_row,
		    &l->rows[i]);
	}
	if (s->filter_count == 0)
		list_print(l);
}

/* What the path names; NULL: the answer is given. */
static const struct shaping_filter *
find(struct request *req)
{
	const struct shaping_filter *f =
	    shaping_filter_named(settings_shaping(req->settings), req->args[0]);

	if (f == NULL)
		request_fail(req, 404, "there is no such shaping filter");
	return f;
}

static void
shown(int rc, const struct pace_state *state, void *ctx)
{
	struct request *req = ctx;
	const struct shaping_filter *f =
	    shaping_filter_named(settings_shaping(req->settings), req->args[0]);

	if (rc < 0 || f == NULL) {
		request_error(req, rc < 0 ? rc : ERR_NOTFOUND);
		return;
	}
	(void)pace_to_json(f, state, clock_wall_us(), &req->out);
	request_reply(req, 200);
}

static void
show(struct request *req)
{
	pace_show(apid.store, req->args[0], store_deadline(apid.store), shown,
	    req);
}

static void
shaping_show(struct request *req)
{
	if (find(req) != NULL)
		show(req);
}

/* ---- changing ---- */

struct acting {
	struct request *req;
	enum pace_action action;
};

static void
acted(int rc, void *ctx)
{
	struct acting *a = ctx;
	static const char *const names[] = { [PACE_RESET] = "shaping_reset",
		[PACE_SUSPEND] = "shaping_suspend",
		[PACE_RESUME] = "shaping_resume" };

	if (rc < 0) {
		request_error(a->req, rc);
		return;
	}
	change_audit(a->req, names[a->action], a->req->args[0],
	    json_string(json_get(a->req->json, "for")));
	show(a->req);
}

static void
act(struct request *req, enum pace_action action, int64_t for_us)
{
	struct acting *a = arena_alloc(req->arena, sizeof(*a));

	if (a == NULL) {
		request_error(req, ERR_NOMEM);
		return;
	}
	*a = (struct acting){ req, action };
	pace_act(apid.store, req->args[0], action, for_us, req->user->name,
	    store_deadline(apid.store), acted, a);
}

static void
shaping_reset(struct request *req)
{
	if (find(req) != NULL)
		act(req, PACE_RESET, 0);
}

static void
shaping_resume(struct request *req)
{
	if (find(req) != NULL)
		act(req, PACE_RESUME, 0);
}

static void
shaping_suspend(struct request *req)
{
	static const char *const members[] = { "for", NULL };
	struct slice text = json_string(json_get(req->json, "for"));
	long long ms = 0;

	if (find(req) == NULL)
		return;
	change_members(req, members);
	if (text.at == NULL || schema_period_parse(text, &ms) < 0 ||
	    ms < PACE_SUSPEND_MIN_US / 1000 || ms > PACE_SUSPEND_MAX_US / 1000)
		request_invalid(req, "body", "for",
		    "must be a period from 1s to 7d");
	if (!request_refused(req))
		act(req, PACE_SUSPEND, (int64_t)ms * 1000);
}

/* clang-format off */
const struct route routes_shaping[] = {
	{ "GET", "/v1/shaping", API_READ, ROUTE_NO_BODY, NULL, shaping_list },
	{ "GET", "/v1/shaping/{name}", API_READ, ROUTE_NO_BODY, NULL, shaping_show },
	{ "POST", "/v1/shaping/{name}/reset", API_ADMIN, ROUTE_NO_BODY, NULL, shaping_reset },
	{ "POST", "/v1/shaping/{name}/resume", API_ADMIN, ROUTE_NO_BODY, NULL, shaping_resume },
	{ "POST", "/v1/shaping/{name}/suspend", API_ADMIN, ROUTE_JSON, NULL, shaping_suspend },
	{ .method = NULL },
};
/* clang-format on */
