/* SPDX-License-Identifier: BSD-2-Clause */
/* A list as a file, made while the client takes it. */
#include "apid/download.h"

#include <stdio.h>

#include "apid/change.h"
#include "proto/json.h"
#include "proto/report_time.h"
#include "proto/zone.h"
#include "util/clock.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/log.h"
#include "util/zip.h"

#define ROWS_MAX ((size_t)16 * 1024 * 1024)
#define NAME_MAX_LEN 80
/* The format's keys come from the password in 1000 rounds only. */
#define PASSWORD_MIN 8

struct download {
	struct request *req;
	struct zip *zip; /* NULL: CSV */
	struct buf rows;
	void (*more)(struct request *req, void *ctx);
	void *ctx;
	bool begun; /* the answer's head is sent */
};

static void
download_free(void *ctx)
{
	struct download *d = ctx;

	zip_free(d->zip);
	buf_done(&d->rows);
}

/* "deliveries-20260131_120000". */
static void
file_name(const char *name, char ret_name[NAME_MAX_LEN])
{
	char t[REPORT_TIME_MAX];

	(void)report_time_format(clock_wall_us() / 1000, zone_utc, t);
	(void)snprintf(ret_name, NAME_MAX_LEN, "%s-%.4s%.2s%.2s_%.2s%.2s%.2s",
	    name, t, t + 5, t + 8, t + 11, t + 14, t + 17);
}

static struct slice
password_of(struct request *req)
{
	static const char *const members[] = { "password", NULL };
	const struct json *v = json_get(req->json, "password");
	struct slice password = json_string(v);

	change_members(req, members);
	if (v != NULL &&
	    (password.len < PASSWORD_MIN || password.len > ZIP_PASSWORD_MAX))
		request_invalid(req, "body", "password",
		    "must be a text of 8 to 128 octets");
	return password;
}

static int
begin_zip(struct download *d, const char *name, struct slice password)
{
	char file[NAME_MAX_LEN + 4];

	(void)snprintf(file, sizeof(file), "%s.csv", name);
	return zip_begin(slice_of(file), clock_wall_us() / 1000000, password,
	    &d->req->out, &d->zip);
}

struct download *
download_begin(struct request *req, enum download_format format,
    const char *name, void (*more)(struct request *req, void *ctx), void *ctx)
{
	struct download *d = arena_alloc(req->arena, sizeof(*d));
	struct slice password = { NULL, 0 };
	char file[NAME_MAX_LEN], header[NAME_MAX_LEN + 60];
	bool zip = format == DOWNLOAD_ZIP;

	if (zip)
		password = password_of(req);
	if (request_refused(req))
		return NULL;
	if (d == NULL) {
		request_error(req, ERR_NOMEM);
		return NULL;
	}
	d->req = req;
	d->more = more;
	d->ctx = ctx;
	buf_init(&d->rows, ROWS_MAX);
	req->handler_ctx = d;
	req->handler_free = download_free;
	file_name(name, file);
	(void)snprintf(header, sizeof(header), "attachment; filename=\"%s.%s\"",
	    file, zip ? "zip" : "csv");
	req->disposition = arena_text(req->arena, slice_of(header));
	req->content_type_out =
	    zip ? "application/zip" : "text/csv; charset=utf-8; header=present";
	if (zip && begin_zip(d, file, password) < 0) {
		request_error(req, ERR_NOMEM);
		return NULL;
	}
	return d;
}

struct buf *
download_rows(struct download *d)
{
	return &d->rows;
}

/* The client has taken what there was. */
static void
taken(struct request *req)
{
	struct download *d = req->handler_ctx;

	d->more(req, d->ctx);
}

void
download_start(struct download *d)
{
	d->more(d->req, d->ctx);
}

/* What was made goes into the answer. */
static int
pass_on(struct download *d, enum download_state state)
{
	struct request *req = d->req;
	int rc = d->rows.rc;

	if (rc == 0 && d->zip != NULL) {
		rc = zip_add(d->zip, buf_slice(&d->rows), &req->out);
		if (rc == 0 && state == DOWNLOAD_ENDS)
			rc = zip_end(d->zip, &req->out);
	} else if (rc == 0) {
		rc = buf_add_slice(&req->out, buf_slice(&d->rows));
	}
	buf_clear(&d->rows);
	return rc;
}

void
download_page(struct download *d, int rc, enum download_state state)
{
	struct request *req = d->req;

	if (rc == 0)
		rc = pass_on(d, state);
	if (rc < 0 && !d->begun) {
		/* Nothing is sent yet: it can be told. */
		request_error(req, rc);
		return;
	}
	if (rc < 0)
		log_warning("%s: %s broke off: %s", req->client,
		    req->route->path, err_text(rc));
	if (rc < 0) {
		request_piece(req, STREAM_BROKEN);
	} else if (d->begun) {
		request_piece(req,
		    state == DOWNLOAD_ENDS ? STREAM_WHOLE : STREAM_GOES_ON);
	} else {
		d->begun = true;
		req->stream =
		    state == DOWNLOAD_ENDS ? STREAM_WHOLE : STREAM_GOES_ON;
		request_stream(req, taken);
	}
}
