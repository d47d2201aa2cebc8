/* SPDX-License-Identifier: BSD-2-Clause */
/* postern keys: DKIM key pairs, their DNS records and their states. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/key_doc.h"
#include "cli/keys.h"
#include "cli/store_client.h"
#include "proto/dkim_record.h"
#include "proto/json.h"
#include "proto/rfc3339.h"
#include "proto/settings.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

static int
parse_bits(const struct keys_words *w, unsigned *ret_bits)
{
	uint64_t bits;

	if (w->algorithm != NULL && strcmp(w->algorithm, "rsa") != 0 &&
	    strcmp(w->algorithm, "ed25519") != 0) {
		cli_error("%s: the algorithms are rsa and ed25519",
		    w->algorithm);
		return ERR_SYNTAX;
	}
	if (w->bits == NULL)
		return 0;
	if (number_parse(slice_of(w->bits), 1024, 4096, &bits) < 0) {
		cli_error("%s: 1024 to 4096 bits", w->bits);
		return ERR_SYNTAX;
	}
	*ret_bits = (unsigned)bits;
	return 0;
}

static int
generate_key(const struct keys_words *w, struct sign_key **ret_key)
{
	unsigned bits = 2048;
	int rc = parse_bits(w, &bits);
	bool ed25519 =
	    w->algorithm != NULL && strcmp(w->algorithm, "ed25519") == 0;

	return rc < 0 ? rc
		      : sign_key_generate(ed25519 ? SIGN_ED25519_SHA256
						  : SIGN_RSA_SHA256,
			    bits, ret_key);
}

static int
load(struct store_client *c, const struct keys_words *w, int64_t *ret_base,
    struct json **ret_doc)
{
	int rc = store_client_draft(c, w->tenant, ret_base, ret_doc);

	if (rc == 0 && *ret_doc == NULL) {
		*ret_doc = settings_template(w->tenant);
		rc = *ret_doc != NULL ? 0 : ERR_NOMEM;
	}
	return rc;
}

/* The domain's entry; it is told when there is none. */
static struct json *
find_domain(struct json *doc, const struct keys_words *w)
{
	struct json *domain = key_doc_find(doc, slice_of(w->plain[1]));

	if (domain == NULL)
		cli_error("%.*s: no domain %s", SLICE_F(w->tenant),
		    w->plain[1]);
	return domain;
}

static struct json *
find_key(struct json *doc, const struct keys_words *w)
{
	struct json *key = key_doc_key(key_doc_find(doc, slice_of(w->plain[1])),
	    slice_of(w->plain[2]));

	if (key == NULL)
		cli_error("%.*s: no key %s of %s", SLICE_F(w->tenant),
		    w->plain[2], w->plain[1]);
	return key;
}

static int
add_key(struct json *doc, const struct keys_words *w,
    const struct sign_key *key)
{
	struct json *domain =
	    key_doc_make(doc, w->tenant, slice_of(w->plain[1]));
	char made[KEY_SELECTOR_MAX];
	const char *selector = w->selector != NULL ? w->selector : made;
	int64_t now_us = clock_wall_us();
	int rc;

	if (domain == NULL) {
		cli_error("%.*s: has another domain, or no memory is left",
		    SLICE_F(w->tenant));
		return ERR_SYNTAX;
	}
	/* A selector that says when: rotation is then just another one. */
	key_doc_new_selector(domain, key, now_us, made);
	rc = key_doc_add(domain, slice_of(selector),
	    w->state != NULL ? w->state : "prepared", key, now_us);
	if (rc == ERR_CONFLICT) {
		cli_error("%s: selector %s is there already", w->plain[1],
		    selector);
		return ERR_SYNTAX;
	}
	if (rc == 0)
		rc = keys_print_record(key, slice_of(w->plain[1]),
		    slice_of(selector));
	return rc;
}

static int
keys_generate(struct store_client *c, struct keys_words *w)
{
	struct sign_key *key = NULL;
	struct json *doc = NULL;
	int64_t base = 0;
	int rc = generate_key(w, &key);

	if (rc == 0)
		rc = load(c, w, &base, &doc);
	if (rc == 0)
		rc = add_key(doc, w, key);
	if (rc == 0)
		rc = store_client_put(c, w->tenant, base, doc, "draft");
	if (rc == 0)
		(void)printf("\n%.*s: draft stored: \"postern settings "
			     "apply\".  Publish the record; \"postern keys "
			     "advance\" then moves the key on.\n",
		    SLICE_F(w->tenant));
	sign_key_free(key);
	json_free(doc);
	return rc;
}

/* A successor for each algorithm that signs now. */
static int
add_pairs(const struct keys_seen *seen, const struct keys_words *w,
    struct json *domain, unsigned bits)
{
	bool rsa = false, ed25519 = false;
	int rc = 0;

	for (size_t i = 0; i < seen->count; i++)
		if (seen->keys[i].state == DKIM_ACTIVE) {
			ed25519 = ed25519 || seen->keys[i].ed25519;
			rsa = rsa || !seen->keys[i].ed25519;
		}
	if (w->algorithm != NULL) {
		ed25519 = strcmp(w->algorithm, "ed25519") == 0;
		rsa = !ed25519;
	}
	if (!rsa && !ed25519)
		rsa = true;
	if (rsa)
		rc = keys_add_new(domain, false, bits, clock_wall_us());
	if (rc == 0 && ed25519)
		rc = keys_add_new(domain, true, 0, clock_wall_us());
	return rc;
}

static int
keys_rotate(struct store_client *c, struct keys_words *w)
{
	struct json *doc = NULL, *domain = NULL;
	struct keys_seen seen = { .count = 0 };
	unsigned bits = 2048;
	int64_t base = 0;
	int rc = parse_bits(w, &bits);

	if (rc == 0)
		rc = load(c, w, &base, &doc);
	if (rc == 0 && (domain = find_domain(doc, w)) == NULL)
		rc = ERR_NOTFOUND;
	if (rc == 0)
		rc = keys_look(c, w, domain, KEYS_ASK_NOT, &seen);
	if (rc == 0)
		rc = add_pairs(&seen, w, domain, bits);
	if (rc == 0)
		rc = store_client_put(c, w->tenant, base, doc, "draft");
	if (rc == 0)
		(void)printf("\n%.*s: draft stored: \"postern settings "
			     "apply\", and publish the records.\n",
		    SLICE_F(w->tenant));
	keys_seen_done(&seen);
	json_free(doc);
	return rc;
}

/* ERR_DENIED: the DNS does not support the step. */
static int
check_step(struct store_client *c, const struct keys_words *w,
    const struct json *domain, const struct json *key, enum dkim_state to)
{
	const struct json *keys = key_doc_keys(domain);
	struct keys_seen seen;
	const char *why = NULL;
	int rc = keys_look(c, w, domain, KEYS_ASK_DNS, &seen);

	for (size_t i = 0; rc == 0 && i < seen.count; i++)
		if (json_at(keys, i) == key)
			why =
			    dkim_rotation_refusal(seen.keys, seen.count, i, to);
	keys_seen_done(&seen);
	if (rc < 0 || why == NULL)
		return rc;
	cli_error("%s %s: stays %s: %s (--force does it all the same)",
	    w->plain[1], w->plain[2], dkim_state_word(key_doc_state(key)), why);
	return ERR_DENIED;
}

static int
keys_state(struct store_client *c, struct keys_words *w)
{
	struct json *doc = NULL, *key = NULL;
	enum dkim_state to;
	int64_t base = 0;
	int rc = dkim_state_parse(slice_of(w->plain[3]), &to);

	if (rc < 0)
		cli_error("%s: no such state", w->plain[3]);
	if (rc == 0)
		rc = load(c, w, &base, &doc);
	if (rc == 0 && (key = find_key(doc, w)) == NULL)
		rc = ERR_NOTFOUND;
	if (rc == 0 && !w->force)
		rc = check_step(c, w, key_doc_find(doc, slice_of(w->plain[1])),
		    key, to);
	if (rc == 0)
		rc = key_doc_set_state(key, to, clock_wall_us());
	if (rc == 0)
		rc = store_client_put(c, w->tenant, base, doc, "draft");
	if (rc == 0)
		(void)printf("%.*s: draft stored\n", SLICE_F(w->tenant));
	json_free(doc);
	return rc;
}

static int
keys_record(struct store_client *c, struct keys_words *w)
{
	struct sign_key *key = NULL;
	struct json *doc = NULL, *entry = NULL;
	int64_t base = 0;
	int rc = load(c, w, &base, &doc);

	if (rc == 0 && (entry = find_key(doc, w)) == NULL)
		rc = ERR_NOTFOUND;
	if (rc == 0) {
		rc = key_doc_open(&c->master, w->tenant, entry, &key);
		if (rc < 0)
			cli_error("the key can not be opened: %s",
			    err_text(rc));
	}
	if (rc == 0)
		rc = keys_print_record(key, slice_of(w->plain[1]),
		    slice_of(w->plain[2]));
	sign_key_free(key);
	json_free(doc);
	return rc;
}

/* ---- list and check ---- */

static void
list_key(const struct json *domain, const struct json *entry,
    const struct rotation_key *k, const struct sign_key *key)
{
	char kind[20] = "-", since[RFC3339_MAX] = "-";
	size_t len = 1;

	if (key != NULL && k->ed25519)
		(void)snprintf(kind, sizeof(kind), "ed25519");
	else if (key != NULL)
		(void)snprintf(kind, sizeof(kind), "rsa-%u",
		    sign_key_bits(key));
	if (k->since_s > 0)
		len = rfc3339_format(k->since_s * 1000000, since);
	(void)printf("%-30.*s %-16.*s %-9s %-24.*s %-8s %s\n",
	    SLICE_F(key_doc_name(domain)),
	    SLICE_F(json_string(json_get(entry, "selector"))),
	    dkim_state_word(k->state), (int)len, since, kind,
	    keys_match_text(k->match));
}

/* Whether the DNS is as the state says. */
static bool
is_well(const struct rotation_key *k)
{
	switch (k->state) {
	case DKIM_PUBLISHED:
	case DKIM_ACTIVE:
	case DKIM_RETIRING:
		return k->match == DKIM_MATCH_OK;
	case DKIM_PREPARED:
	case DKIM_REMOVED:
		break;
	}
	return k->match >= 0;
}

/* *ret_bad: keys that are not as they should be. */
static int
list_domain(struct store_client *c, const struct keys_words *w,
    const struct json *domain, bool only_bad, unsigned *ret_bad)
{
	struct keys_seen seen;
	int rc = keys_look(c, w, domain, KEYS_ASK_DNS, &seen);

	for (size_t i = 0; rc == 0 && i < seen.count; i++) {
		bool well = is_well(&seen.keys[i]);

		*ret_bad += !well;
		if (!well || !only_bad)
			list_key(domain, json_at(key_doc_keys(domain), i),
			    &seen.keys[i], seen.opened[i]);
	}
	keys_seen_done(&seen);
	return rc;
}

static int
list_all(struct store_client *c, struct keys_words *w, bool only_bad,
    unsigned *ret_bad)
{
	struct json *doc = NULL;
	int64_t base = 0;
	int rc = load(c, w, &base, &doc);

	for (size_t i = 0; rc == 0 && i < key_doc_domains(doc); i++)
		rc = list_domain(c, w, key_doc_domain(doc, i), only_bad,
		    ret_bad);
	json_free(doc);
	return rc;
}

static int
keys_list(struct store_client *c, struct keys_words *w)
{
	unsigned bad = 0;

	return list_all(c, w, false, &bad);
}

static int
keys_check(struct store_client *c, struct keys_words *w)
{
	unsigned bad = 0;
	int rc = list_all(c, w, true, &bad);

	if (rc == 0 && bad > 0) {
		cli_error("%u keys are not as the DNS has them", bad);
		rc = ERR_DENIED;
	}
	return rc;
}

static const struct verb {
	const char *name;
	int words; /* with its own */
	int (*run)(struct store_client *c, struct keys_words *w);
} verbs[] = {
	{ "advance", 1, keys_advance },
	{ "check", 1, keys_check },
	{ "generate", 2, keys_generate },
	{ "list", 1, keys_list },
	{ "record", 3, keys_record },
	{ "rotate", 2, keys_rotate },
	{ "state", 4, keys_state },
};

/* The place of an option's value; NULL: it has none. */
static const char **
option_of(struct keys_words *w, const char *name, const char **tenant)
{
	const struct {
		const char *name;
		const char **to;
	} options[] = {
		{ "--algorithm", &w->algorithm },
		{ "-a", &w->algorithm },
		{ "--bits", &w->bits },
		{ "-b", &w->bits },
		{ "--selector", &w->selector },
		{ "--state", &w->state },
		{ "-s", &w->dns_servers },
		{ "-t", tenant },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(options[i].name, name) == 0)
			return options[i].to;
	return NULL;
}

static bool
parse_words(struct keys_words *w, int argc, char *argv[])
{
	const char *tenant = NULL;

	for (int i = 1; i < argc; i++) {
		const char **to = option_of(w, argv[i], &tenant);

		if (to != NULL) {
			if (++i == argc)
				return false;
			*to = argv[i];
		} else if (strcmp(argv[i], "--force") == 0) {
			w->force = true;
		} else if (strcmp(argv[i], "--all") == 0) {
			w->all = true;
		} else if (argv[i][0] == '-' || w->count == 4) {
			return false;
		} else {
			w->plain[w->count++] = argv[i];
		}
	}
	if (tenant != NULL)
		w->tenant = slice_of(tenant);
	return w->count > 0 && settings_name_ok(w->tenant);
}

static int
keys_run(struct cli *cli, int argc, char *argv[])
{
	struct keys_words w = { .tenant = SLICE(SETTINGS_DEFAULT_TENANT) };
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
		if (rc == ERR_DENIED)
			return 1; /* told already */
		return cli_exit(rc == ERR_CONFIG ? ERR_SYNTAX : rc);
	}
	return EX_USAGE;
}

const struct command command_keys = {
	.name = "keys",
	.summary = "make DKIM keys, and move them on as the DNS allows",
	.usage = "[-t TENANT] generate DOMAIN [--selector S] "
		 "[-a|--algorithm rsa|ed25519] [-b|--bits N] [--state STATE]\n"
		 "[-t TENANT] record DOMAIN SELECTOR\n"
		 "[-t TENANT] [-s DNS-SERVER] list\n"
		 "[-t TENANT] [-s DNS-SERVER] check\n"
		 "[-t TENANT] [-s DNS-SERVER] state DOMAIN SELECTOR "
		 "prepared|published|active|retiring|removed [--force]\n"
		 "[-t TENANT] rotate DOMAIN [-a|--algorithm rsa|ed25519] "
		 "[-b|--bits N]\n"
		 "[-t TENANT | --all] [-s DNS-SERVER] advance",
	.run = keys_run,
};
