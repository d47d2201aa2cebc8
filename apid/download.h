/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_DOWNLOAD_H
#define APID_DOWNLOAD_H

#include "apid/request.h"

/*
 * A list as a file: CSV, or a ZIP archive with the CSV in it, encrypted where
 * the body names a password.  Rows are made page by page while the client
 * takes them.
 */
enum download_format { DOWNLOAD_CSV, DOWNLOAD_ZIP };
struct download;

/*
 * name      "deliveries": the file becomes deliveries-YYYYMMDD_HHMMSS.csv
 * ctx       the list's own; in the request's arena
 * more      asks for the next rows, which it writes to download_rows(), ending
 *           with one download_page(): now or in a later turn
 * Members of the body but for "password" are refused, and so is all that was
 * noted before: then the answer has been given, and the result is NULL.
 */
struct download *download_begin(struct request *req,
    enum download_format format, const char *name,
    void (*more)(struct request *req, void *ctx), void *ctx);
/* Where rows are written; emptied when they are taken. */
struct buf *download_rows(struct download *d);
/* Asks for the first rows; the request is answered by what follows. */
void download_start(struct download *d);
/* rc < 0: the list broke off. */
enum download_state { DOWNLOAD_GOES_ON, DOWNLOAD_ENDS };
void download_page(struct download *d, int rc, enum download_state state);

#endif /* APID_DOWNLOAD_H */
