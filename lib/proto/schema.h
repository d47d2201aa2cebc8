/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SCHEMA_H
#define PROTO_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "util/slice.h"

/*
 * JSON Schema (draft 2020-12), as far as our own schemas use it: type,
 * properties, required, additionalProperties (false), minProperties, items,
 * minItems, maxItems, uniqueItems, enum, const, pattern, minLength, maxLength,
 * minimum, maximum, $ref to "#/$defs/NAME", anyOf, and format with checks of
 * our own (domain, cidr, period, http-url).  Patterns begin with "^" and end
 * with "$".
 * A compiled schema is immutable: any thread may use it.
 */
struct json;
struct schema;

/*
 * error: a text for a person.  ERR_SYNTAX: not JSON; ERR_CONFIG: a keyword or
 * format that this validator does not know, a $ref to nowhere, a bad pattern:
 * all bugs of the schema.
 */
int schema_new(struct slice text, struct schema **ret_schema, char *error,
    size_t error_size);
void schema_free(struct schema *s); /* takes NULL */

/* $defs/NAME; NULL: there is none.  Lives as long as the schema. */
const struct json *schema_def(const struct schema *s, const char *name);
/* What $ref leads to; the node itself when it has none. */
const struct json *schema_resolve(const struct schema *s,
    const struct json *node);

/* path: JSON Pointer (RFC 6901) of the offending value, "" for the root. */
typedef void schema_error(void *ctx, const char *path, const char *text);
/* Returns the number of errors; all are reported. */
unsigned schema_validate(const struct schema *s, const struct json *node,
    const struct json *doc, schema_error *error, void *ctx);

/*
 * Every string in doc whose schema has the mark (a boolean such as
 * "x-secret").  where is its place in the schema: a pointer with "*" for each
 * index ("/domains/ * /dkim/ * /key" without the blanks).  The container may
 * be changed at this place only: json_set(container, name) when name is not
 * NULL, else json_replace_at(container, index).  Ends at the first rc < 0,
 * and returns it.
 */
struct schema_marked {
	const char *where, *path;
	struct json *container;
	const char *name;
	size_t index;
	const struct json *value;
};
typedef int schema_found(void *ctx, const struct schema_marked *marked);
int schema_each_marked(const struct schema *s, const struct json *node,
    struct json *doc, const char *mark, schema_found *found, void *ctx);
/* Whether the place that a JSON Pointer names has, or lies in, or holds a
 * place with the mark. */
bool schema_is_marked(const struct schema *s, const struct json *node,
    struct slice pointer, const char *mark);

/* The formats, for those who read the values. */
struct schema_network {
	unsigned char octets[16]; /* IPv4: the first four */
	bool ipv6;
	unsigned bits;
};
/* An address or a network without host bits: ERR_SYNTAX. */
int schema_network_parse(struct slice text, struct schema_network *ret_network);
/*
 * IPv4 addresses that are written as IPv6 ones (::ffff:192.0.2.1; RFC 4291,
 * 2.5.5.2) become IPv4: a network of such as a whole, and a client's address.
 */
void schema_network_unmap(struct schema_network *network);
int schema_client_parse(struct slice text, struct schema_network *ret_address);
bool schema_network_holds(const struct schema_network *network,
    const struct schema_network *address);
/* "90s": ERR_SYNTAX; ERR_LIMIT: more than ten years. */
int schema_period_parse(struct slice text, long long *ret_ms);

#endif /* PROTO_SCHEMA_H */
