/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings on their way into the store: secrets sealed, keys hashed. */
#include "proto/settings.h"

#include <stdlib.h>

#include "proto/json.h"
#include "proto/schema.h"
#include "proto/settings_view.h"
#include "util/crypto.h"
#include "util/err.h"

#define SEALED_MAX 65536

struct seal {
	struct slice name;
	const struct master_key *master;
};

/* An API user's plain key becomes its hash. */
static int
hash_key(struct json *user)
{
	struct slice key = json_string(json_get(user, "key"));
	struct buf hash;
	int rc;

	if (key.at == NULL)
		return 0;
	buf_init(&hash, 1000);
	rc = crypto_password_hash(key, &hash);
	if (rc == 0)
		rc = json_set_string(user, "key_hash", buf_slice(&hash));
	if (rc == 0)
		rc = json_remove(user, "key");
	buf_done(&hash);
	return rc;
}

static int
seal_one(void *ctx, const struct schema_marked *marked)
{
	const struct seal *seal = ctx;
	struct slice plain = json_string(marked->value), context;
	char room[SETTINGS_CONTEXT_MAX];
	struct json *value = NULL;
	struct buf sealed;
	int rc;

	if (crypto_is_sealed(plain))
		return 0;
	if (!settings_secret_context(seal->name, marked->where, room, &context))
		return ERR_CRYPTO;
	buf_init(&sealed, SEALED_MAX);
	rc = crypto_seal(seal->master, context, plain, &sealed);
	if (rc == 0)
		value = json_new_string(buf_slice(&sealed));
	buf_done(&sealed);
	if (rc < 0)
		return rc;
	if (marked->name != NULL)
		return json_set(marked->container, marked->name, value);
	return json_replace_at(marked->container, marked->index, value);
}

int
settings_seal(struct json *doc, struct slice name,
    const struct master_key *master)
{
	struct seal seal = { name, master };
	struct json *users = json_get(doc, "api_users");
	int rc;

	for (size_t i = 0;
	     json_type(users) == JSON_ARRAY && i < json_count(users); i++)
		if ((rc = hash_key(json_at(users, i))) < 0)
			return rc;
	return schema_each_marked(settings_schema(), settings_schema_node(name),
	    doc, "x-secret", seal_one, &seal);
}

int
settings_open_secret(const struct master_key *master, struct slice name,
    const char *where, struct slice text, struct buf *out)
{
	char room[SETTINGS_CONTEXT_MAX];
	struct slice context;

	if (!crypto_is_sealed(text))
		return buf_add_slice(out, text);
	if (!settings_secret_context(name, where, room, &context))
		return ERR_LIMIT;
	return crypto_open(master, context, text, out);
}

struct json *
settings_template(struct slice name)
{
	struct json *doc = json_new_object();
	int rc;

	if (doc == NULL)
		return NULL;
	if (slice_eq(name, SLICE(SETTINGS_GLOBAL)))
		rc = json_set(doc, "tenants", json_new_array());
	else
		rc = json_set_string(doc, "title", name);
	if (rc == 0)
		return doc;
	json_free(doc);
	return NULL;
}

/* ---- showing ---- */

static int
hide_one(void *ctx, const struct schema_marked *marked)
{
	struct json *value = json_new_string(SLICE("(sealed)"));

	(void)ctx;
	if (marked->name != NULL)
		return json_set(marked->container, marked->name, value);
	return json_replace_at(marked->container, marked->index, value);
}

int
settings_hide_secrets(struct json *doc, struct slice name)
{
	return schema_each_marked(settings_schema(), settings_schema_node(name),
	    doc, "x-secret", hide_one, NULL);
}

bool
settings_is_secret(struct slice name, struct slice pointer)
{
	return schema_is_marked(settings_schema(), settings_schema_node(name),
	    pointer, "x-secret");
}

bool
settings_name_ok(struct slice name)
{
	const struct schema *s = settings_schema();
	struct json *text;
	unsigned errors;

	if (slice_eq(name, SLICE(SETTINGS_GLOBAL)))
		return true;
	text = json_new_string(name);
	errors =
	    schema_validate(s, schema_def(s, "tenantName"), text, NULL, NULL);
	json_free(text);
	return errors == 0;
}
