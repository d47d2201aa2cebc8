/* SPDX-License-Identifier: BSD-2-Clause */
/* postern smime: certificates that sign mail (RFC 8551), from PKCS#12 files. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/settings_text.h"
#include "cli/store_client.h"
#include "cli/terminal.h"
#include "proto/json.h"
#include "proto/settings.h"
#include "util/clock.h"
#include "util/cms.h"
#include "util/err.h"

#define PEM_MAX (128 * 1024)
#define NAME_OCTETS_MAX 2000
#define DAY_S (24 * 3600)

struct words {
	const char *owner, *password_file; /* --for, --password-file */
	struct slice tenant;
	const char *plain[2];
	int count;
};

/* ---- the document ---- */

/* A member, made if it is missing; NULL: no memory. */
static struct json *
member_of(struct json *object, const char *name, struct json *(*make)(void))
{
	if (json_get(object, name) == NULL &&
	    json_set(object, name, make()) < 0)
		return NULL;
	return json_get(object, name);
}

static struct json *
certificates_of(struct json *doc)
{
	struct json *smime = member_of(doc, "smime", json_new_object);

	return smime == NULL ? NULL
			     : member_of(smime, "certificates", json_new_array);
}

/* Its index, or the number of certificates. */
static size_t
find(const struct json *list, struct slice owner)
{
	size_t i = 0,
	       count = json_type(list) == JSON_ARRAY ? json_count(list) : 0;

	while (i < count &&
	       !slice_eq_nocase(json_string(json_get(json_at(list, i), "for")),
		   owner))
		i++;
	return i;
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

/* ---- import ---- */

struct import {
	struct buf chain, key, owner;
	struct cms_signer *signer;
};

static void
import_done(struct import *m)
{
	if (m->key.at != NULL)
		crypto_wipe(m->key.at, m->key.cap);
	buf_done(&m->chain);
	buf_done(&m->key);
	buf_done(&m->owner);
	cms_signer_free(m->signer);
}

static int
get_password(const struct words *w, char text[SECRET_FILE_MAX])
{
	int rc;

	if (w->password_file == NULL)
		return terminal_password("Password of the file: ", text);
	rc = secret_file_read(w->password_file, text);
	if (rc < 0)
		cli_error("%s: %s", w->password_file, secret_file_error(rc));
	return rc;
}

static int
open_file(const struct words *w, struct import *m)
{
	char password[SECRET_FILE_MAX];
	struct buf file;
	int rc;

	buf_init(&file, CMS_PKCS12_MAX + 65536);
	rc = settings_text_read(w->plain[1], &file);
	if (rc == 0)
		rc = get_password(w, password);
	if (rc < 0) {
		buf_done(&file);
		return rc;
	}
	rc = cms_pkcs12_open(buf_slice(&file), slice_of(password), &m->chain,
	    &m->key);
	crypto_wipe(password, sizeof(password));
	buf_done(&file);
	if (rc < 0)
		cli_error("%s: %s", w->plain[1],
		    rc == ERR_DENIED ? "wrong password"
		    : rc == ERR_UNAVAIL
			? "encrypted in a way that this host's OpenSSL can "
			  "not read: install its legacy provider"
		    : rc == ERR_SYNTAX
			? "no PKCS#12 file with a certificate and its key"
			: err_text(rc));
	return rc;
}

/* Whom it signs for, and whether it can. */
static int
judge(const struct words *w, struct import *m)
{
	int rc = cms_signer_parse(buf_slice(&m->chain), buf_slice(&m->key),
	    &m->signer);

	if (rc < 0) {
		cli_error("%s: %s", w->plain[1],
		    rc == ERR_LIMIT
			? "RSA needs 2048 bits or more, EC 256, and at most "
			  "10 certificates"
			: "neither RSA nor EC");
		return rc;
	}
	rc = w->owner != NULL ? buf_add_text(&m->owner, w->owner)
			      : cms_signer_first_name(m->signer, &m->owner);
	if (rc == ERR_NOTFOUND)
		cli_error("%s: the certificate names no mail address",
		    w->plain[1]);
	return rc;
}

static int
new_entry(const struct import *m, struct json **ret_entry)
{
	struct json *entry = json_new_object();
	int rc = entry != NULL ? 0 : ERR_NOMEM;

	if (rc == 0)
		rc = json_set_string(entry, "for", buf_slice(&m->owner));
	if (rc == 0)
		rc = json_set_string(entry, "chain", buf_slice(&m->chain));
	if (rc == 0)
		rc = json_set_string(entry, "key", buf_slice(&m->key));
	if (rc == 0)
		*ret_entry = entry;
	else
		json_free(entry);
	return rc;
}

/* In the place of the one that it renews. */
static int
put_entry(struct json *doc, const struct import *m, bool *ret_renewed)
{
	struct json *list = certificates_of(doc), *entry = NULL;
	int rc = list != NULL ? new_entry(m, &entry) : ERR_NOMEM;
	size_t i;

	if (rc < 0)
		return rc;
	i = find(list, buf_slice(&m->owner));
	*ret_renewed = i < json_count(list);
	return *ret_renewed ? json_replace_at(list, i, entry)
			    : json_append(list, entry);
}

static void
print_day(int64_t at_s)
{
	time_t at = (time_t)at_s;
	char text[20] = "?";
	struct tm tm;

	if (gmtime_r(&at, &tm) != NULL)
		(void)strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	(void)printf("%s", text);
}

static int64_t
days_left(const struct cms_signer *s)
{
	int64_t left = cms_signer_not_after(s) - clock_wall_us() / 1000000;

	return left < 0 ? -1 : left / DAY_S;
}

static int
smime_import(struct store_client *c, const struct words *w)
{
	struct import m = { .signer = NULL };
	struct json *doc = NULL;
	int64_t base = 0;
	bool renewed = false;
	int rc;

	buf_init(&m.chain, PEM_MAX);
	buf_init(&m.key, PEM_MAX);
	buf_init(&m.owner, NAME_OCTETS_MAX);
	rc = open_file(w, &m);
	if (rc == 0)
		rc = judge(w, &m);
	if (rc == 0)
		rc = load(c, w, &base, &doc);
	if (rc == 0)
		rc = put_entry(doc, &m, &renewed);
	if (rc == 0)
		rc = store_client_put(c, w->tenant, base, doc, "draft");
	if (rc == 0) {
		(void)printf("%s: %s, valid until ", buf_text(&m.owner),
		    renewed ? "renewed" : "added");
		print_day(cms_signer_not_after(m.signer));
		(void)printf("\n%.*s: draft stored.  \"postern settings "
			     "apply\" puts it in force.\n",
		    SLICE_F(w->tenant));
	}
	import_done(&m);
	json_free(doc);
	return rc;
}

/* ---- list and remove ---- */

static void
list_one(const struct json *entry)
{
	const struct json *enabled = json_get(entry, "enabled");
	struct cms_signer *s = NULL;
	struct buf subject, issuer;
	int64_t days;

	(void)printf("%.*s\n", SLICE_F(json_string(json_get(entry, "for"))));
	if (cms_signer_look(json_string(json_get(entry, "chain")), &s) < 0) {
		(void)printf("\tcan not be read\n");
		return;
	}
	buf_init(&subject, NAME_OCTETS_MAX);
	buf_init(&issuer, NAME_OCTETS_MAX);
	(void)cms_signer_subject(s, &subject);
	(void)cms_signer_issuer(s, &issuer);
	(void)printf("\tsubject  %s\n\tissuer   %s\n\tuntil    ",
	    buf_text(&subject), buf_text(&issuer));
	print_day(cms_signer_not_after(s));
	days = days_left(s);
	if (days < 0)
		(void)printf(", expired");
	else
		(void)printf(", %" PRId64 " days left", days);
	(void)printf("\n\tenabled  %s\n",
	    enabled == NULL || json_bool(enabled) ? "yes" : "no");
	buf_done(&subject);
	buf_done(&issuer);
	cms_signer_free(s);
}

static int
smime_list(struct store_client *c, const struct words *w)
{
	struct json *doc = NULL;
	int64_t base = 0;
	int rc = load(c, w, &base, &doc);
	const struct json *list =
	    rc == 0 ? json_get(json_get(doc, "smime"), "certificates") : NULL;

	for (size_t i = 0; i < json_count(list); i++)
		list_one(json_at(list, i));
	json_free(doc);
	return rc;
}

static int
smime_remove(struct store_client *c, const struct words *w)
{
	struct slice owner = slice_of(w->plain[1]);
	struct json *doc = NULL, *list = NULL;
	int64_t base = 0;
	int rc = load(c, w, &base, &doc);

	if (rc == 0) {
		list = json_get(json_get(doc, "smime"), "certificates");
		if (find(list, owner) == json_count(list)) {
			cli_error("%.*s: no certificate for %s",
			    SLICE_F(w->tenant), w->plain[1]);
			rc = ERR_NOTFOUND;
		}
	}
	if (rc == 0)
		rc = json_remove_at(list, find(list, owner));
	if (rc == 0)
		rc = store_client_put(c, w->tenant, base, doc, "draft");
	if (rc == 0)
		(void)printf("%.*s: draft stored\n", SLICE_F(w->tenant));
	json_free(doc);
	return rc;
}

static const struct verb {
	const char *name;
	int words; /* with its own */
	int (*run)(struct store_client *c, const struct words *w);
} verbs[] = {
	{ "import", 2, smime_import },
	{ "list", 1, smime_list },
	{ "remove", 2, smime_remove },
};

static bool
parse_words(struct words *w, int argc, char *argv[])
{
	for (int i = 1; i < argc; i++) {
		const char *tenant = NULL, **to = NULL;

		if (strcmp(argv[i], "--for") == 0)
			to = &w->owner;
		else if (strcmp(argv[i], "--password-file") == 0)
			to = &w->password_file;
		else if (strcmp(argv[i], "-t") == 0)
			to = &tenant;
		if (to == NULL && (argv[i][0] == '-' || w->count == 2))
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
smime_run(struct cli *cli, int argc, char *argv[])
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

const struct command command_smime = {
	.name = "smime",
	.summary = "certificates that sign mail, and when they end",
	.usage = "[-t TENANT] import FILE.p12 [--for ADDRESS|@DOMAIN] "
		 "[--password-file FILE]\n"
		 "[-t TENANT] list\n"
		 "[-t TENANT] remove ADDRESS|@DOMAIN",
	.run = smime_run,
};
