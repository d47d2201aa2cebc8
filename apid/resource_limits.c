/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/limits: what is used of the tenant's rate limits; resets, overrides. */
#include "apid/resources.h"

#include "apid/apid.h"
#include "apid/change.h"
#include "apid/page.h"
#include "proto/json.h"
#include "proto/limit_value.h"
#include "proto/rfc3339.h"
#include "proto/schema.h"
#include "store/limit_json.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define SECOND_US INT64_C(1000000)
#define PERIOD_MAX_US (366 * 86400 * SECOND_US)
#define VALUE_MAX 2048
#define QUANTITY_MAX INT64_C(1000000000)

/* One value of one rule, while the store is asked. */
struct asking {
	struct request *req;
	const struct limit_rule *rule;
	struct limit limit;
	struct rate rate;
	bool unlimited;
	int64_t until_us;
	char until[RFC3339_MAX];
	const char *action;
};

static void
limits_list(struct request *req)
{
	page_begin(req);
	for (size_t i = 0; i < req->tenant->limit_count; i++) {
		page_row(req);
		(void)limit_rule_to_json(&req->tenant->limits[i], &req->out);
	}
	page_end(req, 0, (struct slice){ NULL, 0 });
}

/* What the path names; NULL: the answer is given. */
static struct asking *
find(struct request *req)
{
	struct asking *a = arena_calloc(req->arena, 1, sizeof(*a));
	const struct tenant *t = req->tenant;
	struct buf value;
	int rc;

	if (a == NULL) {
		request_error(req, ERR_NOMEM);
		return NULL;
	}
	for (size_t i = 0; i < t->limit_count; i++)
		if (slice_eq(t->limits[i].name, req->args[0]))
			a->rule = &t->limits[i];
	if (a->rule == NULL) {
		request_fail(req, 404, "the settings have no such limit");
		return NULL;
	}
	buf_init(&value, VALUE_MAX);
	rc = limit_value_parse(a->rule->keys, req->args[1], &value);
	a->req = req;
	a->limit = (struct limit){ t->name, a->rule->name,
		arena_dup(req->arena, buf_slice(&value)), a->rule->rates,
		a->rule->rate_count, 1 };
	buf_done(&value);
	if (rc < 0)
		request_invalid(req, "path", "value",
		    "must have the parts of the limit's key, blanks between");
	return a;
}

/* ---- GET ---- */

static void
shown(int rc, const struct limit_view *view, void *ctx)
{
	struct asking *a = ctx;

	if (rc < 0) {
		request_error(a->req, rc);
		return;
	}
	(void)limit_view_to_json(a->rule, a->limit.value, view, &a->req->out);
	request_reply(a->req, 200);
}

static void
show(struct asking *a)
{
	limit_show(apid.store, &a->limit, store_deadline(apid.store), shown, a);
}

static void
limits_show(struct request *req)
{
	struct asking *a = find(req);

	if (a != NULL && !request_refused(req))
		show(a);
}

/* ---- DELETE ---- */

static struct slice
target(const struct asking *a)
{
	struct buf text;
	struct slice s;

	buf_init(&text, 2 * VALUE_MAX);
	(void)buf_add_slice(&text, a->rule->name);
	(void)buf_add_char(&text, ' ');
	limit_value_format(a->limit.value, &text);
	s = arena_dup(a->req->arena, buf_slice(&text));
	buf_done(&text);
	return s;
}

static void
taken_away(int rc, bool changed, void *ctx)
{
	struct asking *a = ctx;

	if (rc < 0) {
		request_error(a->req, rc);
		return;
	}
	if (changed)
		change_audit(a->req, a->action, target(a),
		    (struct slice){ NULL, 0 });
	request_reply(a->req, 204);
}

static void
limits_reset(struct request *req)
{
	struct asking *a = find(req);

	if (a == NULL || request_refused(req))
		return;
	a->action = "limit_reset";
	limit_reset(apid.store, &a->limit, store_deadline(apid.store),
	    taken_away, a);
}

static void
override_remove(struct request *req)
{
	struct asking *a = find(req);

	if (a == NULL || request_refused(req))
		return;
	a->action = "limit_override_end";
	limit_override_end(apid.store, &a->limit, store_deadline(apid.store),
	    taken_away, a);
}

/* ---- PUT ---- */

static void
read_until(struct asking *a)
{
	struct request *req = a->req;
	struct slice text = json_string(json_get(req->json, "until"));
	int64_t now_us = clock_wall_us();

	if (rfc3339_parse(text, &a->until_us) < 0 || a->until_us <= now_us ||
	    a->until_us - now_us > PERIOD_MAX_US)
		request_invalid(req, "body", "until",
		    "must be a time to come within a year, like "
		    "2026-01-31T12:00:00Z");
}

/* A number of messages, at least 1; 0 when it is not given. */
static uint64_t
read_number(struct request *req, const char *name, bool needed)
{
	const struct json *v = json_get(req->json, name);
	int64_t n = json_integer(v);

	if (v == NULL && !needed)
		return 0;
	if (json_type(v) != JSON_INTEGER || n < 1 || n > QUANTITY_MAX)
		request_invalid(req, "body", name,
		    "must be a whole number from 1 to 1000000000");
	return (uint64_t)n;
}

static void
read_rate(struct asking *a)
{
	struct request *req = a->req;
	struct slice period = json_string(json_get(req->json, "period"));
	long long ms = 0;

	a->rate.quantity = read_number(req, "quantity", true);
	a->rate.burst = read_number(req, "burst", false);
	if (a->rate.burst == 0)
		a->rate.burst = a->rate.quantity;
	if (period.at == NULL || schema_period_parse(period, &ms) < 0 ||
	    ms < 1000 || ms > PERIOD_MAX_US / 1000)
		request_invalid(req, "body", "period",
		    "must be a period from 1s to 366d");
	a->rate.period_us = ms * 1000;
}

static void
overridden(int rc, bool changed, void *ctx)
{
	struct asking *a = ctx;

	(void)changed;
	if (rc < 0) {
		request_error(a->req, rc);
		return;
	}
	change_audit(a->req, "limit_override", target(a),
	    (struct slice){ a->until, rfc3339_format(a->until_us, a->until) });
	show(a);
}

static void
override_put(struct request *req)
{
	static const char *const members[] = { "until", "unlimited", "quantity",
		"period", "burst", NULL };
	struct asking *a = find(req);

	if (a == NULL)
		return;
	change_members(req, members);
	a->unlimited = json_bool(json_get(req->json, "unlimited"));
	read_until(a);
	if (!a->unlimited)
		read_rate(a);
	else if (json_get(req->json, "quantity") != NULL)
		request_invalid(req, "body", "quantity",
		    "goes with unlimited=false only");
	if (request_refused(req))
		return;
	limit_override(apid.store, &a->limit, a->unlimited ? NULL : &a->rate,
	    a->until_us, store_deadline(apid.store), overridden, a);
}

/* clang-format off */
const struct route routes_limits[] = {
	{ "GET", "/v1/limits", API_READ, ROUTE_NO_BODY, NULL, limits_list },
	{ "GET", "/v1/limits/{rule}/{value}", API_READ, ROUTE_NO_BODY, NULL, limits_show },
	{ "DELETE", "/v1/limits/{rule}/{value}", API_WRITE, ROUTE_NO_BODY, NULL, limits_reset },
	{ "PUT", "/v1/limits/{rule}/{value}/override", API_WRITE, ROUTE_JSON, NULL, override_put },
	{ "DELETE", "/v1/limits/{rule}/{value}/override", API_WRITE, ROUTE_NO_BODY, NULL, override_remove },
	{ .method = NULL },
};
/* clang-format on */
