/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_JSON_POINTER_H
#define PROTO_JSON_POINTER_H

#include "util/slice.h"

/*
 * JSON Pointer (RFC 6901).  ERR_SYNTAX: not a pointer; ERR_NOTFOUND: leads
 * nowhere; ERR_LIMIT: a name beyond 255 octets; ERR_NOMEM.
 */
struct json;

/* "" is the root itself. */
int json_pointer_get(struct json *root, struct slice pointer,
    struct json **ret_value);
/*
 * Takes value over, also when it fails.  Objects on the way that are missing
 * are made; an array is extended by its length or "-" as the last index.
 */
int json_pointer_set(struct json *root, struct slice pointer,
    struct json *value);
int json_pointer_remove(struct json *root, struct slice pointer);

#endif /* PROTO_JSON_POINTER_H */
