/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SETTINGS_VIEW_H
#define PROTO_SETTINGS_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * A value of a settings document together with its schema, so that a member
 * that is not given reads as the schema's default.  Reading never fails: what
 * is of another type reads as absent, 0, false or empty.
 */
struct json;
struct schema;

/* The one that is compiled in. */
const struct schema *settings_schema(void);
/* Its node for the document of this name: tenant, or SETTINGS_GLOBAL, or
 * SETTINGS_PROVIDERS. */
const struct json *settings_schema_node(struct slice name);

struct view {
	const struct json *node, *value;
};
struct view view_document(struct slice name, const struct json *doc);
struct view view_get(struct view v, const char *name);
size_t view_count(struct view v);
struct view view_at(struct view v, size_t i);
struct slice view_string(struct view v);
int64_t view_integer(struct view v);
bool view_bool(struct view v);
/* Index of the string in a NULL-terminated list; 0 if it is none of them. */
unsigned view_word(struct view v, const char *const words[]);
/* A bit for each string of an array, by its index in the list. */
unsigned view_words(struct view v, const char *const words[]);
/* A length of time; 0 if it is none. */
int64_t view_period_ms(struct view v);

/* "YYYY-MM-DD" of the calendar; false: it is none. */
bool settings_date(struct slice text, unsigned *ret_year, unsigned *ret_month,
    unsigned *ret_day);

/* What a secret is sealed for: "TENANT:PLACE"; false: no room. */
#define SETTINGS_CONTEXT_MAX 256
bool settings_secret_context(struct slice name, const char *where,
    char room[SETTINGS_CONTEXT_MAX], struct slice *ret_context);

#define SETTINGS_WHERE_DKIM "/domains/*/dkim/*/key"
#define SETTINGS_WHERE_OPERATOR_DKIM "/operator_signature/dkim/*/key"
#define SETTINGS_WHERE_SMIME "/smime/certificates/*/key"
#define SETTINGS_WHERE_API_KEY "/webhooks/*/api_key"
#define SETTINGS_WHERE_AUTHORIZATION "/webhooks/*/authorization"
#define SETTINGS_WHERE_FORWARD_PASSWORD "/shaping/filters/*/forward/password"
#define SETTINGS_WHERE_SECRETS "/webhooks/*/secrets/*"
#define SETTINGS_WHERE_USER_KEY "/api_users/*/key"

#endif /* PROTO_SETTINGS_VIEW_H */
