/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors of the API: application/problem+json, RFC 9457. */
#include "apid/problem.h"

#include "proto/json.h"
#include "util/err.h"

static const struct {
	unsigned status;
	const char *title;
	const char *type; /* the last part of the type's URN */
} problems[] = {
	{ 400, "Bad Request", "invalid-request" },
	{ 401, "Unauthorized", "unauthorized" },
	{ 403, "Forbidden", "forbidden" },
	{ 404, "Not Found", "not-found" },
	{ 405, "Method Not Allowed", "method-not-allowed" },
	{ 406, "Not Acceptable", "not-acceptable" },
	{ 409, "Conflict", "conflict" },
	{ 413, "Content Too Large", "content-too-large" },
	{ 415, "Unsupported Media Type", "unsupported-media-type" },
	{ 422, "Unprocessable Content", "unprocessable" },
	{ 429, "Too Many Requests", "too-many-requests" },
	{ 500, "Internal Server Error", "internal" },
	{ 503, "Service Unavailable", "unavailable" },
};
#define PROBLEM_COUNT (sizeof(problems) / sizeof(*problems))

static size_t
problem_row(unsigned status)
{
	size_t i = 0;

	while (i < PROBLEM_COUNT - 1 && problems[i].status != status)
		i++;
	return i;
}

const char *
problem_title(unsigned status)
{
	return problems[problem_row(status)].title;
}

int
problem_print(unsigned status, struct slice detail,
    const struct problem_error *errors, size_t count, struct buf *out)
{
	size_t row = problem_row(status);

	(void)buf_addf(out,
	    "{\"type\":\"urn:postern:problem:%s\",\"title\":\"%s\","
	    "\"status\":%u",
	    problems[row].type, problems[row].title, status);
	if (detail.len > 0) {
		(void)buf_add_text(out, ",\"detail\":");
		(void)json_print_string(detail, out);
	}
	for (size_t i = 0; i < count; i++) {
		(void)buf_add_text(out, i == 0 ? ",\"errors\":[" : ",");
		(void)buf_add_text(out, "{\"in\":");
		(void)json_print_string(slice_of(errors[i].where), out);
		if (errors[i].name.len > 0) {
			(void)buf_add_text(out, ",\"name\":");
			(void)json_print_string(errors[i].name, out);
		}
		(void)buf_add_text(out, ",\"detail\":");
		(void)json_print_string(errors[i].text, out);
		(void)buf_add_char(out, '}');
	}
	if (count > 0)
		(void)buf_add_char(out, ']');
	(void)buf_add_char(out, '}');
	return out->rc;
}

unsigned
problem_status(int rc)
{
	switch ((enum err)rc) {
	case ERR_SYNTAX:
		return 400;
	case ERR_DENIED:
		return 403;
	case ERR_NOTFOUND:
		return 404;
	case ERR_CONFLICT:
		return 409;
	case ERR_LIMIT:
		return 413;
	case ERR_NOMEM:
	case ERR_TIMEOUT:
	case ERR_UNAVAIL:
	case ERR_CANCELED:
		return 503;
	case ERR_CONFIG:
	case ERR_IO:
	case ERR_CRYPTO:
		return 500;
	}
	return 500;
}
