/* SPDX-License-Identifier: BSD-2-Clause */
/* postern keys: DKIM key pairs and the DNS records to publish (RFC 6376). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/store_client.h"
#include "proto/dkim_record.h"
#include "proto/json.h"
#include "proto/settings.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

#define TXT_MAX 255 /* octets of one string: RFC 1035, 3.3 */
#define PEM_MAX 16384

struct words {
	const char *selector, *algorithm, *bits, *state;
	struct slice tenant;
	const char *plain[4];
	int count;
};

static int
print_record(const struct sign_key *key, struct slice domain,
    struct slice selector)
{
	struct buf value;
	struct slice rest;
	int rc;

	buf_init(&value, 4096);
	rc = dkim_record_print(key, &value);
	rest = buf_slice(&value);
	if (rc == 0)
		(void)printf("%.*s._domainkey.%.*s. IN TXT (",
		    SLICE_F(selector), SLICE_F(domain));
	while (rc == 0 && rest.len > 0) {
		struct slice piece = rest;

		if (piece.len > TXT_MAX)
			piece.len = TXT_MAX;
		(void)printf("\n\t\"%.*s\"", SLICE_F(piece));
		rest = slice_skip(rest, piece.len);
	}
	if (rc == 0)
		(void)printf(" )\n\nplain: %s\n", buf_text(&value));
	buf_done(&value);
	return rc;
}

/* ---- the document ---- */

static struct json *
find(struct json *list, const char *member, struct slice value)
{
	for (size_t i = 0;
	     json_type(list) == JSON_ARRAY && i < json_count(list); i++)
		if (slice_eq_nocase(json_string(
					json_get(json_at(list, i), member)),
			value))
			return json_at(list, i);
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

/* The domain's entry, made if it is missing. */
static struct json *
domain_of(struct json *doc, struct slice name)
{
	struct json *domains = list_of(doc, "domains"), *domain;

	domain = find(domains, "name", name);
	if (domain != NULL || domains == NULL)
		return domain;
	domain = json_new_object();
	if (json_set_string(domain, "name", name) < 0) {
		json_free(domain);
		return NULL;
	}
	if (json_append(domains, domain) < 0)
		return NULL;
	return json_at(domains, json_count(domains) - 1);
}

static int
add_key(struct json *doc, const struct words *w, const struct sign_key *key)
{
	struct slice selector = slice_of(w->selector);
	struct json *keys =
	    list_of(domain_of(doc, slice_of(w->plain[1])), "dkim");
	struct json *entry;
	struct buf pem;
	int rc;

	if (keys == NULL)
		return ERR_NOMEM;
	if (find(keys, "selector", selector) != NULL) {
		cli_error("%s: selector %s is there already", w->plain[1],
		    w->selector);
		return ERR_SYNTAX;
	}
	entry = json_new_object();
	if (entry == NULL)
		return ERR_NOMEM;
	buf_init(&pem, PEM_MAX);
	rc = sign_key_pem(key, &pem);
	if (rc == 0)
		rc = json_set_string(entry, "selector", selector);
	if (rc == 0)
		rc = json_set_string(entry, "state",
		    slice_of(w->state != NULL ? w->state : "prepared"));
	if (rc == 0)
		rc = json_set_string(entry, "key", buf_slice(&pem));
	if (pem.at != NULL)
		crypto_wipe(pem.at, pem.cap);
	buf_done(&pem);
	if (rc == 0)
		return json_append(keys, entry);
	json_free(entry);
	return rc;
}

static int
generate_key(const struct words *w, struct sign_key **ret_key)
{
	bool ed25519 =
	    w->algorithm != NULL && strcmp(w->algorithm, "ed25519") == 0;
	uint64_t bits = 2048;

	if (w->algorithm != NULL && !ed25519 &&
	    strcmp(w->algorithm, "rsa") != 0) {
		cli_error("%s: the algorithms are rsa and ed25519",
		    w->algorithm);
		return ERR_SYNTAX;
	}
	if (w->bits != NULL &&
	    number_parse(slice_of(w->bits), 1024, 4096, &bits) < 0) {
		cli_error("%s: 1024 to 4096 bits", w->bits);
		return ERR_SYNTAX;
	}
	return sign_key_generate(ed25519 ? SIGN_ED25519_SHA256
					 : SIGN_RSA_SHA256,
	    (unsigned)bits, ret_key);
}

static int
load(struct store_client *c, const struct words *w, int64_t *ret_base,
    struct json **ret_doc)
{
	int rc = store_client_draft(c, w->tenant, ret_base, ret_doc);

	if (rc == 0 && *ret_doc == NULL) {
		*ret_doc = settings_template(w->tenant);
		rc = *ret_doc != NULL ? 0 : ERR_NOMEM;
	}
	return rc;
}

static int
keys_generate(struct store_client *c, struct words *w)
{
	struct sign_key *key = NULL;
	struct json *doc = NULL;
	int64_t base = 0;
	char selector[20];
	time_t now = (time_t)(clock_wall_us() / 1000000);
	struct tm tm;
	int rc = generate_key(w, &key);

	/* A selector that says when: rotation is then just another one. */
	if (w->selector == NULL && gmtime_r(&now, &tm) != NULL &&
	    strftime(selector, sizeof(selector), "p%Y%m%d", &tm) > 0)
		w->selector = selector;
	if (rc == 0)
		rc = load(c, w, &base, &doc);
	if (rc == 0)
		rc = add_key(doc, w, key);
	if (rc == 0)
		rc = store_client_put(c, w->tenant, base, doc, "draft");
	if (rc == 0)
		rc = print_record(key, slice_of(w->plain[1]),
		    slice_of(w->selector));
	if (rc == 0)
		(void)printf("\n%.*s: draft stored.  Publish the record, "
			     "then \"postern keys state %s %s active\" and "
			     "\"postern settings apply\".\n",
		    SLICE_F(w->tenant), w->plain[1], w->selector);
	sign_key_free(key);
	json_free(doc);
	return rc;
}

static struct json *
find_key(struct json *doc, const struct words *w)
{
	struct json *domain =
	    find(json_get(doc, "domains"), "name", slice_of(w->plain[1]));
	struct json *key =
	    find(json_get(domain, "dkim"), "selector", slice_of(w->plain[2]));

	if (key == NULL)
		cli_error("%.*s: no key %s of %s", SLICE_F(w->tenant),
		    w->plain[2], w->plain[1]);
	return key;
}

static int
keys_state(struct store_client *c, struct words *w)
{
	struct json *doc = NULL, *key;
	int64_t base = 0;
	int rc = load(c, w, &base, &doc);

	if (rc == 0) {
		key = find_key(doc, w);
		rc = key != NULL
			 ? json_set_string(key, "state", slice_of(w->plain[3]))
			 : ERR_NOTFOUND;
	}
	if (rc == 0)
		rc = store_client_put(c, w->tenant, base, doc, "draft");
	if (rc == 0)
		(void)printf("%.*s: draft stored\n", SLICE_F(w->tenant));
	json_free(doc);
	return rc;
}

static int
open_key(struct store_client *c, const struct words *w,
    const struct json *entry, struct sign_key **ret_key)
{
	struct slice text = json_string(json_get(entry, "key"));
	struct buf pem;
	int rc;

	buf_init(&pem, PEM_MAX);
	rc = settings_open_secret(&c->master, w->tenant,
	    "/domains/*/dkim/*/key", text, &pem);
	if (rc == 0)
		rc = sign_key_parse(buf_slice(&pem), ret_key);
	if (pem.at != NULL)
		crypto_wipe(pem.at, pem.cap);
	buf_done(&pem);
	return rc;
}

static int
keys_record(struct store_client *c, struct words *w)
{
	struct sign_key *key = NULL;
	struct json *doc = NULL, *entry;
	int64_t base = 0;
	int rc = load(c, w, &base, &doc);

	if (rc == 0) {
		entry = find_key(doc, w);
		rc = entry != NULL ? open_key(c, w, entry, &key) : ERR_NOTFOUND;
		if (rc < 0 && entry != NULL)
			cli_error("the key can not be opened: %s",
			    err_text(rc));
	}
	if (rc == 0)
		rc = print_record(key, slice_of(w->plain[1]),
		    slice_of(w->plain[2]));
	sign_key_free(key);
	json_free(doc);
	return rc;
}

static void
list_key(struct store_client *c, const struct words *w, struct slice domain,
    const struct json *entry)
{
	struct slice state = json_string(json_get(entry, "state"));
	struct sign_key *key = NULL;
	int rc = open_key(c, w, entry, &key);

	if (state.at == NULL)
		state = SLICE("active");
	(void)printf("%-30.*s %-16.*s %-9.*s ", SLICE_F(domain),
	    SLICE_F(json_string(json_get(entry, "selector"))), SLICE_F(state));
	if (rc < 0)
		(void)printf("can not be opened\n");
	else if (sign_key_algorithm(key) == SIGN_RSA_SHA256)
		(void)printf("rsa %u\n", sign_key_bits(key));
	else
		(void)printf("ed25519\n");
	sign_key_free(key);
}

static int
keys_list(struct store_client *c, struct words *w)
{
	struct json *doc = NULL, *domains;
	int64_t base = 0;
	int rc = load(c, w, &base, &doc);

	domains = rc == 0 ? json_get(doc, "domains") : NULL;
	for (size_t i = 0; i < json_count(domains); i++) {
		const struct json *domain = json_at(domains, i),
				  *keys = json_get(domain, "dkim");

		for (size_t n = 0; n < json_count(keys); n++)
			list_key(c, w, json_string(json_get(domain, "name")),
			    json_at(keys, n));
	}
	json_free(doc);
	return rc;
}

static const struct verb {
	const char *name;
	int words; /* with its own */
	int (*run)(struct store_client *c, struct words *w);
} verbs[] = {
	{ "generate", 2, keys_generate },
	{ "list", 1, keys_list },
	{ "record", 3, keys_record },
	{ "state", 4, keys_state },
};

static bool
parse_words(struct words *w, int argc, char *argv[])
{
	for (int i = 1; i < argc; i++) {
		const char *tenant = NULL, **to = NULL;

		if (strcmp(argv[i], "--selector") == 0)
			to = &w->selector;
		else if (strcmp(argv[i], "--algorithm") == 0)
			to = &w->algorithm;
		else if (strcmp(argv[i], "--bits") == 0)
			to = &w->bits;
		else if (strcmp(argv[i], "--state") == 0)
			to = &w->state;
		else if (strcmp(argv[i], "-t") == 0)
			to = &tenant;
		if (to == NULL && (argv[i][0] == '-' || w->count == 4))
			return false;
		if (to == NULL) {
			w->plain[w->count++] = argv[i];
			continue;
		}
		if (++i == argc)
			return false;
		*to = argv[i];
		if (tenant != NULL)
			w->tenant = slice_of(tenant);
	}
	return w->count > 0 && settings_name_ok(w->tenant) &&
	       !slice_eq(w->tenant, SLICE(SETTINGS_GLOBAL));
}

static int
keys_run(struct cli *cli, int argc, char *argv[])
{
	struct words w = { .tenant = SLICE(SETTINGS_DEFAULT_TENANT) };
	struct store_client client;
	int rc;

	if (!parse_words(&w, argc, argv))
		return EX_USAGE;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(verbs[i].name, w.plain[0]) != 0 ||
		    verbs[i].words != w.count)
			continue;
		rc = store_client_open(cli, &client);
		if (rc < 0)
			return cli_exit(rc);
		rc = verbs[i].run(&client, &w);
		store_client_close(&client);
		return cli_exit(rc == ERR_CONFIG ? ERR_SYNTAX : rc);
	}
	return EX_USAGE;
}

const struct command command_keys = {
	.name = "keys",
	.summary = "make DKIM keys and show their DNS records",
	.usage =
	    "[-t TENANT] generate DOMAIN [--selector S] "
	    "[--algorithm rsa|ed25519] [--bits N] [--state STATE]\n"
	    "[-t TENANT] record DOMAIN SELECTOR\n"
	    "[-t TENANT] state DOMAIN SELECTOR prepared|published|active|retiring|removed\n"
	    "[-t TENANT] list",
	.run = keys_run,
};
