/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_ROUTER_H
#define APID_ROUTER_H

#include <stddef.h>

#include "util/arena.h"
#include "util/slice.h"

/*
 * From method and path to a row of a resource's route table.  Pure.
 */
struct request;

enum route_body {
	ROUTE_NO_BODY,
	ROUTE_JSON,
	ROUTE_JSON_OR_NONE,
	ROUTE_FILE /* the handler reads it, whatever its type */
};

/* One operation; tools/check-openapi compares the rows with openapi.json. */
struct route {
	const char *method;
	const char *path;    /* "/v1/blocks/{address}": one segment each */
	unsigned permission; /* enum api_permission; 0: open to all */
	enum route_body body;
	const char *const *query; /* names allowed, NULL-ended; NULL: none */
	void (*handle)(struct request *req); /* leads to one reply */
};

/* The resources' tables, each ending with an empty row; NULL at the end. */
extern const struct route *const route_tables[];

#define ROUTE_ARGS_MAX 4
struct route_match {
	const struct route *route;
	struct slice args[ROUTE_ARGS_MAX]; /* decoded, in the path's order */
	size_t arg_count;
	char allow[80]; /* for 405: "GET, HEAD, PUT" */
};

/*
 * path    as it came, without the query
 * HEAD finds the row of GET.
 * 0; ERR_NOTFOUND: no such path; ERR_DENIED: path is there, but not for this
 * method (allow is filled); ERR_SYNTAX: bad percent-encoding; ERR_LIMIT.
 */
int route_find(const struct route *const *tables, struct slice method,
    struct slice path, struct arena *arena, struct route_match *ret_match);

/*
 * Does an Accept header field allow what we send (JSON)?  Absent: yes.
 * RFC 9110, 12.5.1.
 */
bool accept_json(struct slice accept);
/* The same for another type; JSON is among them. */
enum accept_type { ACCEPT_JSON, ACCEPT_CSV, ACCEPT_ZIP };
bool accept_type(struct slice accept, enum accept_type type);
/* "application/json", with "charset=utf-8" or no parameter: RFC 8259, 11. */
bool content_type_json(struct slice content_type);

#endif /* APID_ROUTER_H */
