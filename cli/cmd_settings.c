/* SPDX-License-Identifier: BSD-2-Clause */
/* postern settings: what the administrator of the mail service decides. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/settings_text.h"
#include "cli/store_client.h"
#include "proto/json.h"
#include "proto/json_pointer.h"
#include "proto/settings.h"
#include "util/err.h"
#include "util/number.h"

/* One run of the command; each verb gets the words behind its name. */
struct run {
	struct cli *cli;
	struct store_client client;
	struct slice tenant;
	int argc;
	char **argv;
};

#define USAGE 1 /* of a verb: shown as EX_USAGE */

/* Takes an option (and its value, if it has one) off the words. */
static bool
take_flag(struct run *r, const char *flag)
{
	for (int i = 0; i < r->argc; i++) {
		if (strcmp(r->argv[i], flag) != 0)
			continue;
		memmove(&r->argv[i], &r->argv[i + 1],
		    (size_t)(r->argc - i - 1) * sizeof(char *));
		r->argc--;
		return true;
	}
	return false;
}

static const char *
take_option(struct run *r, const char *option)
{
	for (int i = 0; i + 1 < r->argc; i++) {
		char *value = r->argv[i + 1];

		if (strcmp(r->argv[i], option) != 0)
			continue;
		memmove(&r->argv[i], &r->argv[i + 2],
		    (size_t)(r->argc - i - 2) * sizeof(char *));
		r->argc -= 2;
		return value;
	}
	return NULL;
}

static int
parse_revision(const char *text, int64_t *ret_revision)
{
	uint64_t n;

	if (number_parse(slice_of(text), 1, INT64_MAX, &n) < 0) {
		cli_error("%s: not a revision", text);
		return ERR_SYNTAX;
	}
	*ret_revision = (int64_t)n;
	return 0;
}

static int
note_applied(struct run *r, int64_t revision)
{
	if (revision < 0)
		return (int)revision;
	(void)printf("%.*s: revision %" PRId64 " is in operation\n",
	    SLICE_F(r->tenant), revision);
	return 0;
}

/* The draft, or the revision in operation, or what a new tenant begins with. */
static int
load_draft(struct run *r, int64_t *ret_base, struct json **ret_doc)
{
	int rc = store_client_draft(&r->client, r->tenant, ret_base, ret_doc);

	if (rc == 0 && *ret_doc == NULL) {
		*ret_doc = settings_template(r->tenant);
		if (*ret_doc == NULL)
			rc = ERR_NOMEM;
	}
	return rc;
}

static int
store_draft(struct run *r, int64_t base, struct json *doc, const char *source)
{
	int rc = store_client_put(&r->client, r->tenant, base, doc, source);

	if (rc == 0)
		(void)printf("%.*s: draft stored\n", SLICE_F(r->tenant));
	return rc;
}

static int
verb_show(struct run *r)
{
	bool draft = take_flag(r, "--draft");
	const char *text = take_option(r, "--revision");
	struct json *doc = NULL;
	int64_t revision = 0;
	int rc = 0;

	if (r->argc != 0)
		return USAGE;
	if (text != NULL)
		rc = parse_revision(text, &revision);
	if (rc == 0)
		rc = draft ? store_client_draft(&r->client, r->tenant,
				 &revision, &doc)
			   : store_client_revision(&r->client, r->tenant,
				 revision, &revision, &doc);
	if (rc == 0 && doc == NULL) {
		cli_error("%.*s: no settings yet", SLICE_F(r->tenant));
		return ERR_NOTFOUND;
	}
	if (rc == 0)
		rc = settings_hide_secrets(doc, r->tenant);
	if (rc == 0)
		rc = settings_text_print(doc);
	json_free(doc);
	return rc;
}

static int
verb_edit(struct run *r)
{
	struct json *doc = NULL, *after = NULL;
	char path[SETTINGS_TEXT_PATH_MAX] = "";
	int64_t base = 0;
	int rc = r->argc == 0 ? load_draft(r, &base, &doc) : USAGE;

	if (rc == 0)
		rc = settings_text_edit(doc, path, &after);
	if (rc == 1 && after != NULL)
		rc = store_draft(r, base, after, "edited text");
	settings_text_edited(path, r->tenant, rc);
	json_free(doc);
	json_free(after);
	return rc;
}

static int
verb_import(struct run *r)
{
	bool apply = take_flag(r, "--apply");
	const char *note = take_option(r, "-m");
	struct json *doc = NULL;
	int rc;

	if (r->argc != 1)
		return USAGE;
	rc = settings_text_load(r->argv[0], &doc);
	if (rc == 0)
		rc = store_client_put(&r->client, r->tenant, -1, doc,
		    r->argv[0]);
	json_free(doc);
	if (rc < 0)
		return rc;
	if (apply)
		return note_applied(r,
		    store_client_apply(&r->client, r->tenant, slice_of(note)));
	(void)printf("%.*s: draft stored\n", SLICE_F(r->tenant));
	return 0;
}

/* ---- export --all ---- */

struct names {
	char (*at)[64];
	size_t count;
};

static void
keep_names(int rc, const struct slice *names, size_t count, void *ctx)
{
	struct names *n = ctx;

	(void)rc;
	n->at = calloc(count + 1, sizeof(*n->at));
	for (size_t i = 0; n->at != NULL && i < count; i++)
		if (names[i].len < sizeof(*n->at))
			memcpy(n->at[n->count++], names[i].at, names[i].len);
}

static int
export_all(struct run *r)
{
	struct json *all = json_new_object();
	struct names names = { NULL, 0 };
	int rc = all != NULL
		     ? store_client_names(&r->client, keep_names, &names)
		     : ERR_NOMEM;

	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		struct json *doc = NULL;
		int64_t revision;

		rc = store_client_revision(&r->client, slice_of(names.at[i]), 0,
		    &revision, &doc);
		if (rc == 0 && doc != NULL)
			rc = json_set(all, names.at[i], doc);
	}
	if (rc == 0)
		rc = settings_text_print(all);
	free(names.at);
	json_free(all);
	return rc;
}

static int
verb_export(struct run *r)
{
	struct json *doc = NULL;
	int64_t revision;
	int rc;

	if (take_flag(r, "--all"))
		return r->argc == 0 ? export_all(r) : USAGE;
	if (r->argc != 0)
		return USAGE;
	rc = store_client_revision(&r->client, r->tenant, 0, &revision, &doc);
	if (rc == 0 && doc == NULL) {
		cli_error("%.*s: no settings yet", SLICE_F(r->tenant));
		return ERR_NOTFOUND;
	}
	if (rc == 0)
		rc = settings_text_print(doc);
	json_free(doc);
	return rc;
}

static int
verb_diff(struct run *r)
{
	struct json *before = NULL, *after = NULL, *none = json_new_object();
	int64_t revision;
	int rc = r->argc == 0 ? store_client_revision(&r->client, r->tenant, 0,
				    &revision, &before)
			      : USAGE;

	if (rc == 0)
		rc = store_client_draft(&r->client, r->tenant, &revision,
		    &after);
	if (rc == 0 && after != NULL) {
		/* Changed secrets differ in their sealed form. */
		(void)settings_text_diff(before != NULL ? before : none, after);
	}
	json_free(before);
	json_free(after);
	json_free(none);
	return rc;
}

static int
verb_validate(struct run *r)
{
	struct json *doc = NULL;
	int rc = r->argc == 1 ? settings_text_load(r->argv[0], &doc) : USAGE;

	/* Without the store and its key: what is sealed stays closed. */
	if (rc == 0)
		rc = client_validate(doc, r->tenant, NULL, r->argv[0]);
	json_free(doc);
	return rc == ERR_CONFIG ? ERR_SYNTAX : rc;
}

/* JSON, or else text. */
static int
parse_value(struct slice text, struct json **ret_value)
{
	char error[200];

	if (json_parse(text, SETTINGS_TEXT_MAX, ret_value, error,
		sizeof(error)) == 0)
		return 0;
	*ret_value = json_new_string(text);
	return *ret_value != NULL ? 0 : ERR_NOMEM;
}

static int
read_value(struct run *r, const char *pointer, const char *word,
    struct json **ret_value)
{
	struct buf text;
	int rc;

	if (strcmp(word, "-") != 0) {
		if (settings_is_secret(r->tenant, slice_of(pointer))) {
			cli_error("%s: may hold a secret, which everybody on "
				  "this host could read here: give \"-\" and "
				  "the value on standard input",
			    pointer);
			return ERR_DENIED;
		}
		return parse_value(slice_of(word), ret_value);
	}
	buf_init(&text, SETTINGS_TEXT_MAX);
	rc = settings_text_read("-", &text);
	if (rc == 0)
		rc = parse_value(slice_trim(buf_slice(&text)), ret_value);
	if (text.at != NULL)
		crypto_wipe(text.at, text.cap);
	buf_done(&text);
	return rc;
}

static int
verb_set(struct run *r)
{
	struct json *doc = NULL, *value = NULL;
	int64_t base = 0;
	int rc;

	if (r->argc != 2)
		return USAGE;
	rc = read_value(r, r->argv[0], r->argv[1], &value);
	if (rc == 0)
		rc = load_draft(r, &base, &doc);
	if (rc == 0) {
		rc = json_pointer_set(doc, slice_of(r->argv[0]), value);
		value = NULL;
		if (rc < 0)
			cli_error("%s: %s", r->argv[0], err_text(rc));
	}
	if (rc == 0)
		rc = store_draft(r, base, doc, "draft");
	json_free(value);
	json_free(doc);
	return rc;
}

static int
verb_unset(struct run *r)
{
	struct json *doc = NULL;
	int64_t base = 0;
	int rc = r->argc == 1 ? load_draft(r, &base, &doc) : USAGE;

	if (rc == 0) {
		rc = json_pointer_remove(doc, slice_of(r->argv[0]));
		if (rc < 0)
			cli_error("%s: %s", r->argv[0], err_text(rc));
	}
	if (rc == 0)
		rc = store_draft(r, base, doc, "draft");
	json_free(doc);
	return rc;
}

static int
verb_apply(struct run *r)
{
	const char *note = take_option(r, "-m");

	if (r->argc != 0)
		return USAGE;
	return note_applied(r,
	    store_client_apply(&r->client, r->tenant, slice_of(note)));
}

static int
verb_rollback(struct run *r)
{
	int64_t revision;
	int rc = r->argc == 1 ? parse_revision(r->argv[0], &revision) : USAGE;

	if (rc != 0)
		return rc;
	return note_applied(r,
	    store_client_rollback(&r->client, r->tenant, revision));
}

static void
print_history(int rc, const struct settings_revision *list, size_t count,
    void *ctx)
{
	(void)rc;
	(void)ctx;
	for (size_t i = 0; i < count; i++) {
		time_t at = (time_t)list[i].at_s;
		struct tm tm;
		char when[40] = "";

		if (gmtime_r(&at, &tm) != NULL)
			(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ",
			    &tm);
		(void)printf("%6" PRId64 "  %s  %.*s  %.*s\n", list[i].revision,
		    when, SLICE_F(list[i].author), SLICE_F(list[i].note));
	}
}

static int
verb_history(struct run *r)
{
	return r->argc == 0 ? store_client_history(&r->client, r->tenant,
				  print_history, NULL)
			    : USAGE;
}

static int
verb_discard(struct run *r)
{
	return r->argc == 0 ? store_client_discard(&r->client, r->tenant)
			    : USAGE;
}

static void
print_names(int rc, const struct slice *names, size_t count, void *ctx)
{
	(void)rc;
	(void)ctx;
	for (size_t i = 0; i < count; i++)
		(void)printf("%.*s\n", SLICE_F(names[i]));
}

static int
verb_list(struct run *r)
{
	return r->argc == 0 ? store_client_names(&r->client, print_names, NULL)
			    : USAGE;
}

static int
verb_schema(struct run *r)
{
	if (r->argc != 0)
		return USAGE;
	(void)fputs(settings_schema_source(), stdout);
	return 0;
}

enum verb_needs { NEEDS_NOTHING, NEEDS_STORE };
static const struct verb {
	const char *name;
	int (*run)(struct run *r);
	enum verb_needs needs;
} verbs[] = {
	{ "apply", verb_apply, NEEDS_STORE },
	{ "diff", verb_diff, NEEDS_STORE },
	{ "discard", verb_discard, NEEDS_STORE },
	{ "edit", verb_edit, NEEDS_STORE },
	{ "export", verb_export, NEEDS_STORE },
	{ "history", verb_history, NEEDS_STORE },
	{ "import", verb_import, NEEDS_STORE },
	{ "list", verb_list, NEEDS_STORE },
	{ "rollback", verb_rollback, NEEDS_STORE },
	{ "schema", verb_schema, NEEDS_NOTHING },
	{ "set", verb_set, NEEDS_STORE },
	{ "show", verb_show, NEEDS_STORE },
	{ "unset", verb_unset, NEEDS_STORE },
	{ "validate", verb_validate, NEEDS_NOTHING },
};

static int
run_verb(struct run *r, const struct verb *verb)
{
	int rc;

	if (verb->needs == NEEDS_STORE) {
		rc = store_client_open(r->cli, &r->client);
		if (rc < 0)
			return cli_exit(rc);
	}
	rc = verb->run(r);
	if (verb->needs == NEEDS_STORE)
		store_client_close(&r->client);
	/* A document that is refused is bad data, not a bad host. */
	if (rc == ERR_CONFIG)
		rc = ERR_SYNTAX;
	return rc == USAGE ? EX_USAGE : cli_exit(rc);
}

static int
settings_run(struct cli *cli, int argc, char *argv[])
{
	struct run r = { .cli = cli,
		.tenant = SLICE(SETTINGS_DEFAULT_TENANT),
		.argc = argc - 1,
		.argv = argv + 1 };
	const char *tenant = take_option(&r, "-t"), *name;

	if (tenant != NULL)
		r.tenant = slice_of(tenant);
	if (!settings_name_ok(r.tenant)) {
		cli_error("%s: not a tenant's name", tenant);
		return EX_USAGE;
	}
	if (r.argc < 1)
		return EX_USAGE;
	name = r.argv[0];
	r.argc--;
	r.argv++;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return run_verb(&r, &verbs[i]);
	cli_error("settings: no command \"%s\"", name);
	return EX_USAGE;
}

const struct command command_settings = {
	.name = "settings",
	.summary = "show, change, apply and roll back settings",
	.usage = "[-t TENANT] show [--draft | --revision N]\n"
		 "[-t TENANT] edit\n"
		 "[-t TENANT] import [--apply] [-m NOTE] FILE\n"
		 "[-t TENANT] export [--all]\n"
		 "[-t TENANT] diff\n"
		 "[-t TENANT] validate FILE\n"
		 "[-t TENANT] set PATH VALUE\n"
		 "[-t TENANT] unset PATH\n"
		 "[-t TENANT] apply [-m NOTE]\n"
		 "[-t TENANT] rollback REVISION\n"
		 "[-t TENANT] history\n"
		 "[-t TENANT] discard\n"
		 "list\n"
		 "schema",
	.run = settings_run,
};
