/* SPDX-License-Identifier: BSD-2-Clause */
/* DKIM keys in settings documents. */
#include "cli/key_doc.h"

#include <stdio.h>
#include <time.h>

#include "proto/dkim_rotation.h"
#include "proto/json.h"
#include "proto/rfc3339.h"
#include "util/buf.h"
#include "util/crypto.h"
#include "util/err.h"

#define PEM_MAX 16384

static struct json *
operator_of(const struct json *doc)
{
	return json_get(doc, "operator_signature");
}

size_t
key_doc_domains(const struct json *doc)
{
	const struct json *list = json_get(doc, "domains");

	if (operator_of(doc) != NULL)
		return 1;
	return json_type(list) == JSON_ARRAY ? json_count(list) : 0;
}

struct json *
key_doc_domain(const struct json *doc, size_t i)
{
	struct json *global = operator_of(doc);

	return global != NULL ? global : json_at(json_get(doc, "domains"), i);
}

struct slice
key_doc_name(const struct json *domain)
{
	struct slice name = json_string(json_get(domain, "name"));

	return name.at != NULL ? name : json_string(json_get(domain, "domain"));
}

struct json *
key_doc_find(const struct json *doc, struct slice name)
{
	for (size_t i = 0; i < key_doc_domains(doc); i++) {
		struct json *domain = key_doc_domain(doc, i);

		if (slice_eq_nocase(key_doc_name(domain), name))
			return domain;
	}
	return NULL;
}

/* The list of that name, made if it is missing; NULL: no memory. */
static struct json *
list_of(struct json *object, const char *name)
{
	if (json_get(object, name) == NULL &&
	    json_set(object, name, json_new_array()) < 0)
		return NULL;
	return json_get(object, name);
}

struct json *
key_doc_make(struct json *doc, struct slice tenant, struct slice name)
{
	bool global = slice_eq(tenant, SLICE(SETTINGS_GLOBAL));
	struct json *domain = key_doc_find(doc, name), *domains;

	if (domain != NULL || (global && operator_of(doc) != NULL))
		return domain;
	domain = json_new_object();
	if (json_set_string(domain, global ? "domain" : "name", name) < 0) {
		json_free(domain);
		return NULL;
	}
	if (global)
		return json_set(doc, "operator_signature", domain) < 0
			   ? NULL
			   : operator_of(doc);
	domains = list_of(doc, "domains");
	if (domains == NULL) {
		json_free(domain);
		return NULL;
	}
	return json_append(domains, domain) < 0
		   ? NULL
		   : json_at(domains, json_count(domains) - 1);
}

struct json *
key_doc_keys(const struct json *domain)
{
	return json_get(domain, "dkim");
}

struct json *
key_doc_key(const struct json *domain, struct slice selector)
{
	struct json *keys = key_doc_keys(domain);

	for (size_t i = 0; i < json_count(keys); i++)
		if (slice_eq_nocase(json_string(
					json_get(json_at(keys, i), "selector")),
			selector))
			return json_at(keys, i);
	return NULL;
}

enum dkim_state
key_doc_state(const struct json *key)
{
	enum dkim_state state = DKIM_ACTIVE; /* the schema's default */

	(void)dkim_state_parse(json_string(json_get(key, "state")), &state);
	return state;
}

int64_t
key_doc_since(const struct json *key)
{
	struct slice text = json_string(json_get(key, "since"));
	int64_t us = 0;

	return text.at != NULL && rfc3339_parse(text, &us) == 0 ? us : 0;
}

int
key_doc_set_state(struct json *key, enum dkim_state state, int64_t now_us)
{
	char since[RFC3339_MAX];
	size_t len = rfc3339_format(now_us, since);
	int rc =
	    json_set_string(key, "state", slice_of(dkim_state_word(state)));

	return rc < 0 ? rc
		      : json_set_string(key, "since",
			    (struct slice){ since, len });
}

int
key_doc_open(const struct master_key *master, struct slice tenant,
    const struct json *key, struct sign_key **ret_key)
{
	struct slice text = json_string(json_get(key, "key"));
	bool global = slice_eq(tenant, SLICE(SETTINGS_GLOBAL));
	struct buf pem;
	int rc;

	buf_init(&pem, PEM_MAX);
	rc = settings_open_secret(master, tenant,
	    global ? "/operator_signature/dkim/*/key" : "/domains/*/dkim/*/key",
	    text, &pem);
	if (rc == 0)
		rc = sign_key_parse(buf_slice(&pem), ret_key);
	if (pem.at != NULL)
		crypto_wipe(pem.at, pem.cap);
	buf_done(&pem);
	return rc;
}

static int
fill_entry(struct json *entry, struct slice selector, const char *state,
    const struct sign_key *key, int64_t now_us)
{
	char since[RFC3339_MAX];
	size_t len = rfc3339_format(now_us, since);
	struct buf pem;
	int rc;

	buf_init(&pem, PEM_MAX);
	rc = sign_key_pem(key, &pem);
	if (rc == 0)
		rc = json_set_string(entry, "selector", selector);
	if (rc == 0)
		rc = json_set_string(entry, "state", slice_of(state));
	if (rc == 0)
		rc = json_set_string(entry, "since",
		    (struct slice){ since, len });
	if (rc == 0)
		rc = json_set_string(entry, "key", buf_slice(&pem));
	if (pem.at != NULL)
		crypto_wipe(pem.at, pem.cap);
	buf_done(&pem);
	return rc;
}

int
key_doc_add(struct json *domain, struct slice selector, const char *state,
    const struct sign_key *key, int64_t now_us)
{
	struct json *keys = list_of(domain, "dkim"), *entry;
	int rc;

	if (keys == NULL)
		return ERR_NOMEM;
	if (key_doc_key(domain, selector) != NULL)
		return ERR_CONFLICT;
	if ((entry = json_new_object()) == NULL)
		return ERR_NOMEM;
	rc = fill_entry(entry, selector, state, key, now_us);
	if (rc == 0)
		return json_append(keys, entry);
	json_free(entry);
	return rc;
}

void
key_doc_new_selector(const struct json *domain, const struct sign_key *key,
    int64_t now_us, char ret_selector[KEY_SELECTOR_MAX])
{
	char first = sign_key_algorithm(key) == SIGN_RSA_SHA256 ? 'p' : 'e';
	time_t now = (time_t)(now_us / 1000000);
	struct tm tm = { 0 };
	char day[20] = "";

	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(day, sizeof(day), "%Y%m%d", &tm);
	(void)snprintf(ret_selector, KEY_SELECTOR_MAX, "%c%s", first, day);
	for (char more = 'b';
	     more <= 'z' && key_doc_key(domain, slice_of(ret_selector)) != NULL;
	     more++)
		(void)snprintf(ret_selector, KEY_SELECTOR_MAX, "%c%s%c", first,
		    day, more);
}
