/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_PROBLEM_H
#define APID_PROBLEM_H

#include <stddef.h>

#include "util/buf.h"
#include "util/slice.h"

/* Errors of the API: application/problem+json, RFC 9457. */

/* One thing that is wrong with a request. */
struct problem_error {
	const char *where; /* "query", "body", "path" or "header" */
	struct slice name; /* which parameter or member; may be empty */
	struct slice text;
};

/* The title of a status, RFC 9110's reason phrase. */
const char *problem_title(unsigned status);

/*
 * {"type", "title", "status", "detail", "errors":[{"in","name","detail"}]}
 * detail "" and count 0 leave their members out.
 */
int problem_print(unsigned status, struct slice detail,
    const struct problem_error *errors, size_t count, struct buf *out);

/* The HTTP status of an ERR_* code. */
unsigned problem_status(int rc);

#endif /* APID_PROBLEM_H */
