/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_PAGE_H
#define APID_PAGE_H

#include "apid/request.h"

/* Lists: {"data":[...],"has_more":bool,"next_cursor":...}. */
void page_begin(struct request *req);
/* Before each row is written to req->out. */
void page_row(struct request *req);
/* Replies; next_cursor absent: this was the last page. */
void page_end(struct request *req, int rc, struct slice next_cursor);

#endif /* APID_PAGE_H */
