/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_KEY_DOC_H
#define CLI_KEY_DOC_H

#include <stdint.h>

#include "proto/settings.h"
#include "util/slice.h"

/*
 * DKIM keys in a settings document: those of a tenant's domains, and in the
 * global document those of the operator's domain.  Times are wall clock,
 * microseconds.
 */
struct json;
struct master_key;
struct sign_key;

#define KEY_SELECTOR_MAX 64

/* Domains that have, or may have, keys. */
size_t key_doc_domains(const struct json *doc);
struct json *key_doc_domain(const struct json *doc, size_t i);
struct slice key_doc_name(const struct json *domain);
/* NULL: there is none of that name. */
struct json *key_doc_find(const struct json *doc, struct slice name);
/* Made if it is missing.  NULL: no memory, or the operator has another one. */
struct json *key_doc_make(struct json *doc, struct slice tenant,
    struct slice name);

/* The keys, a list or NULL. */
struct json *key_doc_keys(const struct json *domain);
struct json *key_doc_key(const struct json *domain, struct slice selector);
enum dkim_state key_doc_state(const struct json *key);
int64_t key_doc_since(const struct json *key); /* 0: not known */
int key_doc_set_state(struct json *key, enum dkim_state state, int64_t now_us);
int key_doc_open(const struct master_key *master, struct slice tenant,
    const struct json *key, struct sign_key **ret_key);
/* ERR_CONFLICT: the selector is there already; ERR_NOMEM, ERR_CRYPTO. */
int key_doc_add(struct json *domain, struct slice selector, const char *state,
    const struct sign_key *key, int64_t now_us);
/* One that says when, and is not taken: "p20260131", "e20260131b". */
void key_doc_new_selector(const struct json *domain, const struct sign_key *key,
    int64_t now_us, char ret_selector[KEY_SELECTOR_MAX]);

#endif /* CLI_KEY_DOC_H */
