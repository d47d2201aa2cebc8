/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/held: mail that waits in the hold queues of the hosts.  Lists and
 * records come from Redis; to release or drop one is asked of the scheduler of
 * its host.
 */
#include "apid/resources.h"

#include <stdlib.h>

#include "apid/apid.h"
#include "apid/change.h"
#include "apid/page.h"
#include "store/event_store.h"
#include "store/hold_json.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define HOSTS_MAX 256
#define NAME_MAX_LEN 255
/* Much mail of other tenants: then a page ends with the rows it has. */
#define PATIENCE_US 2000000

/* ---- a list over all hosts, one after the other ---- */

/*
 * A cursor is "HOST CURSOR": hosts come in the order of the alphabet, and a
 * page goes on with the next host when one has no more.
 */
struct listing {
	struct request *req;
	struct slice hosts[HOSTS_MAX];
	size_t host_count, at;
	struct hold_query query;
	bool one; /* the host is given */
	unsigned rows, limit;
};

static void list_next(struct listing *l);

static void
list_row(const struct hold_record *r, void *ctx)
{
	struct listing *l = ctx;

	l->rows++;
	page_row(l->req);
	(void)hold_to_json(l->query.host, r, &l->req->out);
}

static void
list_finish(struct listing *l, int rc, struct slice cursor)
{
	struct buf text;

	if (rc < 0 || l->at >= l->host_count) {
		page_end(l->req, rc, (struct slice){ NULL, 0 });
		return;
	}
	buf_init(&text, 8192);
	(void)buf_add_slice(&text, l->hosts[l->at]);
	(void)buf_add_char(&text, ' ');
	(void)buf_add_slice(&text, cursor);
	page_end(l->req, text.rc, buf_slice(&text));
	buf_done(&text);
}

static void
list_end(int rc, struct slice next, void *ctx)
{
	struct listing *l = ctx;

	if (rc == 0 && next.at == NULL) {
		l->at++;
		next = SLICE("");
	}
	if (rc == 0 && l->rows < l->limit && l->at < l->host_count &&
	    clock_mono_us() - l->req->begun_us < PATIENCE_US) {
		l->query.cursor = arena_dup(l->req->arena, next);
		if (l->query.cursor.at != NULL) {
			list_next(l);
			return;
		}
		rc = ERR_NOMEM;
	}
	list_finish(l, rc, next);
}

static void
list_next(struct listing *l)
{
	l->query.host = l->hosts[l->at];
	if (l->query.cursor.len == 0)
		l->query.cursor.at = NULL;
	l->query.limit = l->limit - l->rows;
	hold_page(apid.store, &l->query, store_long_deadline(apid.store),
	    list_row, list_end, l);
}

static int
host_order(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;
	int c = memcmp(x->at, y->at, x->len < y->len ? x->len : y->len);

	return c != 0 ? c : (x->len > y->len) - (x->len < y->len);
}

/* Where the cursor says; a host that is gone: the next one from its start. */
static int
list_place(struct listing *l)
{
	struct slice rest = request_param(l->req, "cursor"), host;

	if (rest.at == NULL)
		return 0;
	(void)slice_split(&rest, ' ', &host);
	if (rest.at == NULL || host.len == 0)
		return ERR_SYNTAX;
	while (l->at < l->host_count && host_order(&l->hosts[l->at], &host) < 0)
		l->at++;
	if (l->at < l->host_count && slice_eq(l->hosts[l->at], host))
		l->query.cursor = rest;
	return 0;
}

static void
list_begin(struct listing *l)
{
	int rc = list_place(l);

	page_begin(l->req);
	if (rc < 0 || l->at >= l->host_count)
		page_end(l->req, rc, (struct slice){ NULL, 0 });
	else
		list_next(l);
}

static void
got_hosts(int rc, const struct slice *hosts, size_t count, void *ctx)
{
	struct listing *l = ctx;

	for (size_t i = 0; rc == 0 && i < count && i < HOSTS_MAX; i++) {
		l->hosts[i] = arena_dup(l->req->arena, hosts[i]);
		if (l->hosts[i].at == NULL)
			rc = ERR_NOMEM;
		l->host_count++;
	}
	if (rc < 0) {
		request_error(l->req, rc);
		return;
	}
	qsort(l->hosts, l->host_count, sizeof(*l->hosts), host_order);
	list_begin(l);
}

static void
held_list(struct request *req)
{
	struct listing *l = arena_alloc(req->arena, sizeof(*l));
	unsigned limit = request_limit(req);

	if (request_refused(req))
		return;
	if (l == NULL) {
		request_error(req, ERR_NOMEM);
		return;
	}
	l->req = req;
	l->limit = limit;
	l->query.tenant = req->tenant->name;
	l->hosts[0] = request_param(req, "host");
	if (l->hosts[0].len > 0) {
		l->host_count = 1;
		list_begin(l);
		return;
	}
	host_list(apid.store, store_deadline(apid.store), got_hosts, l);
}

/* ---- one of them ---- */

static void
find(struct request *req, hold_found *found)
{
	if (req->args[0].len > NAME_MAX_LEN || req->args[1].len > NAME_MAX_LEN)
		request_fail(req, 404, "no such message is held");
	else
		hold_find(apid.store, req->args[0], req->args[1],
		    store_deadline(apid.store), found, req);
}

/* Is it there, and this tenant's?  Else the answer is given. */
static bool
may_see(struct request *req, int rc, const struct hold_record *r)
{
	if (rc == ERR_NOTFOUND ||
	    (rc == 0 && !slice_eq(r->tenant, req->tenant->name)))
		request_fail(req, 404, "no such message is held");
	else if (rc < 0)
		request_error(req, rc);
	else
		return true;
	return false;
}

static void
shown(int rc, const struct hold_record *r, void *ctx)
{
	struct request *req = ctx;

	if (!may_see(req, rc, r))
		return;
	(void)hold_to_json(req->args[0], r, &req->out);
	request_reply(req, 200);
}

static void
held_show(struct request *req)
{
	find(req, shown);
}

/* ---- asking the scheduler ---- */

static const char *const actions[] = {
	[HOLD_ASK_RELEASE] = "held_release",
	[HOLD_ASK_DROP] = "held_drop",
};

static enum hold_ask
verb_of(const struct request *req)
{
	return strcmp(req->route->method, "DELETE") == 0 ? HOLD_ASK_DROP
							 : HOLD_ASK_RELEASE;
}

static void
asked(int rc, void *ctx)
{
	struct request *req = ctx;

	if (rc == ERR_LIMIT) {
		request_fail(req, 503, "too much is asked of this host");
		return;
	}
	if (rc < 0) {
		request_error(req, rc);
		return;
	}
	change_audit(req, actions[verb_of(req)], req->args[1], req->args[0]);
	request_reply(req, 202);
}

static void
found(int rc, const struct hold_record *r, void *ctx)
{
	struct request *req = ctx;
	struct buf actor;

	if (!may_see(req, rc, r))
		return;
	buf_init(&actor, 300);
	(void)buf_add_text(&actor, "api:");
	(void)buf_add_slice(&actor, req->user->name);
	(void)hold_to_json(req->args[0], r, &req->out);
	hold_ask(apid.store, req->args[0], verb_of(req), req->args[1],
	    buf_slice(&actor), store_deadline(apid.store), asked, req);
	buf_done(&actor);
}

static void
held_change(struct request *req)
{
	find(req, found);
}

static const char *const list_query[] = { "host", "limit", "cursor", NULL };

/* clang-format off */
const struct route routes_held[] = {
	{ "GET", "/v1/held", API_READ, ROUTE_NO_BODY, list_query, held_list },
	{ "GET", "/v1/held/{host}/{queue_id}", API_READ, ROUTE_NO_BODY, NULL, held_show },
	{ "DELETE", "/v1/held/{host}/{queue_id}", API_WRITE, ROUTE_NO_BODY, NULL, held_change },
	{ "POST", "/v1/held/{host}/{queue_id}/release", API_WRITE, ROUTE_NO_BODY, NULL, held_change },
	{ .method = NULL },
};
/* clang-format on */
