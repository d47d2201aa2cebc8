/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SCHEMA_RUN_H
#define PROTO_SCHEMA_RUN_H

#include <stddef.h>

#include "util/slice.h"

/* What schema.c and schema_validate.c share; nobody else includes it. */
struct json;
struct map;

struct schema {
	struct json *root;
	struct map *patterns; /* pattern -> struct regex */
};

/* A JSON Pointer that grows and shrinks; cut when it gets too long. */
struct schema_path {
	char text[1024];
	size_t len;
};
void schema_path_add(struct schema_path *p, struct slice name);
void schema_path_add_index(struct schema_path *p, size_t i);
void schema_path_cut(struct schema_path *p, size_t len);

#endif /* PROTO_SCHEMA_RUN_H */
