/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists are pages with opaque cursors. */
#include "apid/page.h"

#include "proto/json.h"
#include "util/err.h"

#define PAGE_HEAD "{\"data\":["

void
page_begin(struct request *req)
{
	(void)buf_add_text(&req->out, PAGE_HEAD);
}

void
page_row(struct request *req)
{
	if (req->out.len > sizeof(PAGE_HEAD) - 1)
		(void)buf_add_char(&req->out, ',');
}

void
page_end(struct request *req, int rc, struct slice next_cursor)
{
	if (rc == ERR_SYNTAX) {
		request_invalid(req, "query", "cursor",
		    "not a cursor of this list");
		(void)request_refused(req);
		return;
	}
	if (rc < 0) {
		request_error(req, rc);
		return;
	}
	(void)buf_addf(&req->out, "],\"has_more\":%s,\"next_cursor\":",
	    next_cursor.at != NULL ? "true" : "false");
	if (next_cursor.at != NULL)
		(void)json_print_string(next_cursor, &req->out);
	else
		(void)buf_add_text(&req->out, "null");
	(void)buf_add_char(&req->out, '}');
	request_reply(req, 200);
}
