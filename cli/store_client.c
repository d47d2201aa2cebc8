/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings for commands: one call, one answer. */
#include "cli/store_client.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli_settings.h"
#include "cli/command.h"
#include "proto/json.h"
#include "service/host_config.h"
#include "store/store.h"
#include "util/err.h"

int
store_client_open(struct cli *cli, struct store_client *ret_client)
{
	const struct host_config *config = cli_config(cli);
	int rc;

	if (config == NULL)
		return ERR_CONFIG;
	rc = crypto_master_load(config->master_key_file, &ret_client->master);
	if (rc < 0) {
		cli_error("%s: %s (\"postern init\" makes it)",
		    config->master_key_file, err_text(rc));
		return rc;
	}
	return cli_store_open(config, &ret_client->store);
}

void
store_client_close(struct store_client *c)
{
	cli_store_close(&c->store);
	crypto_wipe(&c->master, sizeof(c->master));
}

static int64_t
deadline(const struct store_client *c)
{
	return store_deadline(c->store.store);
}

/* ---- reading ---- */

struct answer {
	bool over;
	int rc;
	int64_t revision;
	struct json *doc;
	settings_names_end *names;
	settings_history_end *history;
	void *ctx;
};

static void
got(int rc, int64_t revision, const struct json *doc, void *ctx)
{
	struct answer *a = ctx;

	a->over = true;
	a->rc = rc;
	a->revision = revision;
	if (doc != NULL) {
		a->doc = json_copy(doc);
		if (a->doc == NULL)
			a->rc = ERR_NOMEM;
	}
}

static int
finish(struct store_client *c, struct answer *a)
{
	cli_store_wait(&c->store, &a->over);
	if (!a->over)
		a->rc = ERR_UNAVAIL;
	if (a->rc == ERR_UNAVAIL || a->rc == ERR_TIMEOUT)
		cli_error("redis: %s", err_text(a->rc));
	return a->rc;
}

static int
finish_document(struct store_client *c, struct answer *a, int64_t *ret_revision,
    struct json **ret_doc)
{
	int rc = finish(c, a);

	if (rc < 0) {
		json_free(a->doc);
		return rc;
	}
	*ret_revision = a->revision;
	*ret_doc = a->doc;
	return 0;
}

int
store_client_draft(struct store_client *c, struct slice name, int64_t *ret_base,
    struct json **ret_doc)
{
	struct answer a = { .over = false };

	settings_get_draft(c->store.store, name, deadline(c), got, &a);
	return finish_document(c, &a, ret_base, ret_doc);
}

int
store_client_revision(struct store_client *c, struct slice name,
    int64_t revision, int64_t *ret_revision, struct json **ret_doc)
{
	struct answer a = { .over = false };
	int rc;

	settings_get_revision(c->store.store, name, revision, deadline(c), got,
	    &a);
	rc = finish_document(c, &a, ret_revision, ret_doc);
	if (rc == ERR_NOTFOUND)
		cli_error("%.*s: this revision is not kept", SLICE_F(name));
	return rc;
}

static void
got_names(int rc, const struct slice *names, size_t count, void *ctx)
{
	struct answer *a = ctx;

	a->over = true;
	a->rc = rc;
	if (rc == 0)
		a->names(rc, names, count, a->ctx);
}

int
store_client_names(struct store_client *c, settings_names_end *end, void *ctx)
{
	struct answer a = { .names = end, .ctx = ctx };

	settings_names(c->store.store, deadline(c), got_names, &a);
	return finish(c, &a);
}

static void
got_history(int rc, const struct settings_revision *list, size_t count,
    void *ctx)
{
	struct answer *a = ctx;

	a->over = true;
	a->rc = rc;
	if (rc == 0)
		a->history(rc, list, count, a->ctx);
}

int
store_client_history(struct store_client *c, struct slice name,
    settings_history_end *end, void *ctx)
{
	struct answer a = { .history = end, .ctx = ctx };

	settings_history(c->store.store, name, deadline(c), got_history, &a);
	return finish(c, &a);
}

/* ---- changing ---- */

static void
done(int rc, int64_t revision, void *ctx)
{
	struct answer *a = ctx;

	a->over = true;
	a->rc = rc;
	a->revision = revision;
}

static void
print_error(void *ctx, const char *path, const char *text)
{
	const char *source = ctx;

	cli_error("%s: %s: %s", source, *path != '\0' ? path : "document",
	    text);
}

int
client_validate(const struct json *doc, struct slice name,
    const struct master_key *master, const char *source)
{
	char *ctx = (char *)(uintptr_t)source;

	return settings_validate(doc, name, master, print_error, ctx) > 0
		   ? ERR_CONFIG
		   : 0;
}

int
store_client_put(struct store_client *c, struct slice name, int64_t base,
    struct json *doc, const char *source)
{
	struct answer a = { .over = false };
	struct json *current = NULL;
	int rc = client_validate(doc, name, &c->master, source);

	if (rc == 0 && base < 0)
		rc = store_client_revision(c, name, 0, &base, &current);
	json_free(current);
	if (rc == 0)
		rc = settings_seal(doc, name, &c->master);
	if (rc < 0)
		return rc;
	settings_put_draft(c->store.store, name, base, doc, deadline(c), done,
	    &a);
	return finish(c, &a);
}

/* What the daemons would refuse does not become a revision. */
static int
check_among_others(struct store_client *c, struct slice name,
    const struct json *doc, const char *consequence)
{
	int rc;

	if (doc == NULL)
		return 0; /* there is none: the store will say so */
	rc = cli_settings_check(&c->store, &c->master, name, doc);
	if (rc == ERR_CONFIG)
		cli_error("%.*s: the daemons would refuse this: %s",
		    SLICE_F(name), consequence);
	else if (rc < 0)
		cli_error("%.*s: %s", SLICE_F(name), err_text(rc));
	return rc;
}

int64_t
store_client_apply(struct store_client *c, struct slice name, struct slice note)
{
	struct answer a = { .over = false };
	struct json *doc = NULL;
	int64_t base;
	int rc = store_client_draft(c, name, &base, &doc);

	if (rc == 0)
		rc = check_among_others(c, name, doc, "the draft stays");
	json_free(doc);
	if (rc < 0)
		return rc;
	settings_apply(c->store.store, name, client_author(), note, deadline(c),
	    done, &a);
	rc = finish(c, &a);
	if (rc == ERR_NOTFOUND)
		cli_error("%.*s: there is no draft", SLICE_F(name));
	if (rc == ERR_CONFLICT)
		cli_error("%.*s: another revision was applied since this "
			  "draft was begun: see \"settings diff\", then "
			  "\"discard\" or import again",
		    SLICE_F(name));
	return rc < 0 ? rc : a.revision;
}

int64_t
store_client_rollback(struct store_client *c, struct slice name,
    int64_t revision)
{
	struct answer a = { .over = false };
	struct json *doc = NULL;
	int64_t found;
	int rc = store_client_revision(c, name, revision, &found, &doc);

	if (rc == 0)
		rc = check_among_others(c, name, doc, "nothing is changed");
	json_free(doc);
	if (rc < 0)
		return rc;
	settings_rollback(c->store.store, name, revision, client_author(),
	    deadline(c), done, &a);
	rc = finish(c, &a);
	if (rc == ERR_NOTFOUND)
		cli_error("%.*s: this revision is not kept", SLICE_F(name));
	return rc < 0 ? rc : a.revision;
}

int
store_client_discard(struct store_client *c, struct slice name)
{
	struct answer a = { .over = false };
	int rc;

	settings_drop_draft(c->store.store, name, deadline(c), done, &a);
	rc = finish(c, &a);
	if (rc == ERR_NOTFOUND)
		cli_error("%.*s: there is no draft", SLICE_F(name));
	return rc;
}

struct slice
client_author(void)
{
	const char *name = getenv("SUDO_USER");
	const struct passwd *pw;

	if (name != NULL && *name != '\0')
		return slice_of(name);
	pw = getpwuid(getuid());
	return pw != NULL ? slice_of(pw->pw_name) : SLICE("unknown");
}
