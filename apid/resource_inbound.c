/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/inbound: mail that came in for the tenant's application. */
#include "apid/resources.h"

#include <stdlib.h>

#include "apid/apid.h"
#include "apid/change.h"
#include "apid/inbound_body.h"
#include "apid/inbound_load.h"
#include "apid/page.h"
#include "proto/mail_view.h"
#include "store/event_store.h"
#include "store/inbound_store.h"
#include "store/store.h"
#include "util/err.h"
#include "util/number.h"

/* ---- the list: a page of each host, merged ---- */

struct row {
	int64_t created_us;
	struct slice json;
};
struct listing {
	struct request *req;
	struct slice *hosts;
	size_t host_count, next_host;
	struct row *rows;
	size_t row_count, row_cap;
	int64_t before_us;
	int64_t floor_us; /* older ones may lack some of a host */
	unsigned limit;
	int rc;
};

static int
newest_first(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return (x->created_us < y->created_us) -
	       (x->created_us > y->created_us);
}

static void
reply(struct listing *l)
{
	struct request *req = l->req;
	char room[NUMBER_TEXT_MAX];
	struct slice next = { NULL, 0 };
	int64_t last_us = l->floor_us;
	size_t n = 0;

	if (l->row_count > 0)
		qsort(l->rows, l->row_count, sizeof(*l->rows), newest_first);
	while (n < l->row_count && n < l->limit &&
	       l->rows[n].created_us >= l->floor_us) {
		page_row(req);
		(void)buf_add_slice(&req->out, l->rows[n].json);
		last_us = l->rows[n++].created_us;
	}
	if (n < l->row_count || l->floor_us > 0)
		next = (struct slice){ room,
			number_format((uint64_t)last_us, room) };
	page_end(req, 0, next);
}

static void ask_host(struct listing *l);

static void
list_row(const struct inbound_record *r, void *ctx)
{
	struct listing *l = ctx;
	struct buf json;

	if (l->row_count == l->row_cap) {
		size_t cap = l->row_cap > 0 ? 2 * l->row_cap : 128;
		struct row *rows =
		    arena_calloc(l->req->arena, cap, sizeof(*rows));

		if (rows == NULL) {
			l->rc = ERR_NOMEM;
			return;
		}
		if (l->row_count > 0)
			memcpy(rows, l->rows, l->row_count * sizeof(*rows));
		l->rows = rows;
		l->row_cap = cap;
	}
	buf_init(&json, 64 * 1024);
	if (inbound_row_to_json(r, &json) == 0)
		l->rows[l->row_count].json =
		    arena_dup(l->req->arena, buf_slice(&json));
	buf_done(&json);
	if (l->rows[l->row_count].json.at == NULL)
		l->rc = ERR_NOMEM;
	else
		l->rows[l->row_count++].created_us = r->created_us;
}

static void
host_end(int rc, unsigned looked, int64_t last_us, void *ctx)
{
	struct listing *l = ctx;

	if (rc == 0)
		rc = l->rc;
	if (rc < 0) {
		page_end(l->req, rc, (struct slice){ NULL, 0 });
		return;
	}
	if (looked == l->limit && last_us > l->floor_us)
		l->floor_us = last_us;
	ask_host(l);
}

static void
ask_host(struct listing *l)
{
	if (l->next_host == l->host_count) {
		reply(l);
		return;
	}
	inbound_page(apid.store, l->hosts[l->next_host++], l->req->tenant->name,
	    l->before_us, l->limit, store_long_deadline(apid.store), list_row,
	    host_end, l);
}

static void
list_hosts(int rc, const struct slice *hosts, size_t count, void *ctx)
{
	struct listing *l = ctx;

	l->hosts = arena_calloc(l->req->arena, count + 1, sizeof(*l->hosts));
	for (size_t i = 0; rc == 0 && l->hosts != NULL && i < count; i++) {
		l->hosts[i] = arena_dup(l->req->arena, hosts[i]);
		if (l->hosts[i].at == NULL)
			rc = ERR_NOMEM;
	}
	if (rc < 0 || l->hosts == NULL) {
		page_end(l->req, rc < 0 ? rc : ERR_NOMEM,
		    (struct slice){ NULL, 0 });
		return;
	}
	l->host_count = count;
	ask_host(l);
}

static void
inbound_list(struct request *req)
{
	struct slice cursor = request_param(req, "cursor");
	struct listing *l = arena_alloc(req->arena, sizeof(*l));
	uint64_t before = 0;

	if (l == NULL) {
		request_error(req, ERR_NOMEM);
		return;
	}
	l->req = req;
	l->limit = request_limit(req);
	if (cursor.at != NULL &&
	    number_parse(cursor, 1, INT64_MAX, &before) < 0)
		request_invalid(req, "query", "cursor",
		    "not a cursor of this list");
	if (request_refused(req))
		return;
	l->before_us = (int64_t)before;
	page_begin(req);
	host_list(apid.store, store_long_deadline(apid.store), list_hosts, l);
}

/* ---- one ---- */

/* NULL: the request has been answered. */
static struct inbound_loaded *
loaded_or_fail(struct request *req, int rc, struct inbound_loaded *mail)
{
	if (rc == ERR_NOTFOUND)
		request_fail(req, 404, "no such mail, or not any more");
	else if (rc < 0)
		request_error(req, rc);
	return rc == 0 ? mail : NULL;
}

static void
load(struct request *req, inbound_load_done *done)
{
	if (!request_refused(req))
		inbound_load((struct slice){ NULL, 0 }, req->tenant->name,
		    req->args[0], done, req);
}

static void
show_loaded(int rc, struct inbound_loaded *mail, void *ctx)
{
	struct request *req = ctx;
	struct mail_view view;

	if (loaded_or_fail(req, rc, mail) == NULL)
		return;
	rc = mail_view_read(buf_slice(&mail->mail), mail->arena, &view);
	if (rc == 0)
		rc = inbound_to_json(&(struct inbound_told){ .record =
								 &mail->record,
					 .view = &view },
		    &req->out);
	inbound_unload(mail);
	if (rc < 0)
		request_error(req, rc);
	else
		request_reply(req, 200);
}

static void
inbound_show(struct request *req)
{
	load(req, show_loaded);
}

/* Octets as they are: never as what a browser would run. */
static void
reply_octets(struct request *req, struct slice octets, const char *type)
{
	req->out.max = octets.len;
	req->content_type_out = type;
	(void)buf_add_slice(&req->out, octets);
	request_reply(req, 200);
}

static void
raw_loaded(int rc, struct inbound_loaded *mail, void *ctx)
{
	struct request *req = ctx;

	if (loaded_or_fail(req, rc, mail) == NULL)
		return;
	reply_octets(req, buf_slice(&mail->mail), "message/rfc822");
	inbound_unload(mail);
}

static void
inbound_raw(struct request *req)
{
	load(req, raw_loaded);
}

static void
file_loaded(int rc, struct inbound_loaded *mail, void *ctx)
{
	struct request *req = ctx;
	struct mail_view view;
	uint64_t n;

	if (loaded_or_fail(req, rc, mail) == NULL)
		return;
	rc = mail_view_read(buf_slice(&mail->mail), mail->arena, &view);
	if (rc < 0)
		request_error(req, rc);
	else if (number_parse(req->args[1], 1, view.file_count, &n) < 0)
		request_fail(req, 404, "it has no such attachment");
	else
		reply_octets(req, view.files[n - 1].content,
		    "application/octet-stream");
	inbound_unload(mail);
}

static void
inbound_file(struct request *req)
{
	load(req, file_loaded);
}

/* ---- deleting it ---- */

static void
deleted(int rc, void *ctx)
{
	struct request *req = ctx;

	if (loaded_or_fail(req, rc, NULL) == NULL && rc < 0)
		return;
	change_audit(req, "inbound-delete", req->args[0],
	    (struct slice){ NULL, 0 });
	request_reply(req, 204);
}

struct deletion {
	struct request *req;
	struct slice host;
};

static void
delete_found(int rc, const struct inbound_record *r, void *ctx)
{
	struct deletion *d = ctx;
	struct request *req = d->req;

	if (rc == 0 && !slice_eq(r->tenant, req->tenant->name))
		rc = ERR_NOTFOUND;
	if (rc < 0)
		deleted(rc, req);
	else
		inbound_taken(apid.store, d->host, req->tenant->name,
		    req->args[0], (struct slice){ NULL, 0 },
		    store_long_deadline(apid.store), deleted, req);
}

static void
delete_host(int rc, struct slice host, void *ctx)
{
	struct request *req = ctx;
	struct deletion *d = arena_alloc(req->arena, sizeof(*d));

	if (rc == 0 && host.at == NULL)
		rc = ERR_NOTFOUND;
	if (rc == 0 && d == NULL)
		rc = ERR_NOMEM;
	if (rc < 0) {
		deleted(rc, req);
		return;
	}
	*d = (struct deletion){ req, arena_dup(req->arena, host) };
	inbound_find(apid.store, d->host, req->args[0],
	    store_long_deadline(apid.store), delete_found, d);
}

static void
inbound_delete(struct request *req)
{
	if (!request_refused(req))
		inbound_host(req->args[0], delete_host, req);
}

static const char *const list_query[] = { "limit", "cursor", NULL };

/* clang-format off */
const struct route routes_inbound[] = {
	{ "GET", "/v1/inbound", API_READ, ROUTE_NO_BODY, list_query, inbound_list },
	{ "GET", "/v1/inbound/{id}", API_READ, ROUTE_NO_BODY, NULL, inbound_show },
	{ "DELETE", "/v1/inbound/{id}", API_WRITE, ROUTE_NO_BODY, NULL, inbound_delete },
	{ "GET", "/v1/inbound/{id}/attachments/{number}", API_DOWNLOAD, ROUTE_NO_BODY, NULL, inbound_file },
	{ "GET", "/v1/inbound/{id}/raw", API_DOWNLOAD, ROUTE_NO_BODY, NULL, inbound_raw },
	{ .method = NULL },
};
/* clang-format on */
