/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings in force: every document's newest revision, compiled. */
#include "cli/cli_settings.h"

#include <stdlib.h>

#include "cli/cli_store.h"
#include "cli/command.h"
#include "proto/json.h"
#include "proto/settings.h"
#include "store/provider_file.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/err.h"

#define NAMES_OCTETS_MAX ((size_t)8 * 1024 * 1024)

struct loading {
	struct arena *arena; /* names */
	struct slice *names;
	struct json **docs;
	struct settings_input *inputs;
	size_t count, input_count;
	int rc;
	bool over;
};

static int
keep_names(struct loading *l, const struct slice *names, size_t count)
{
	if (count > CLI_TENANTS_MAX)
		return ERR_LIMIT;
	l->names = calloc(count + 1, sizeof(*l->names));
	/* The provider file, and one more: cli_settings_check. */
	l->docs = calloc(count + 2, sizeof(struct json *));
	l->inputs = calloc(count + 2, sizeof(*l->inputs));
	if (l->names == NULL || l->docs == NULL || l->inputs == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		l->names[i] = arena_dup(l->arena, names[i]);
		if (l->names[i].at == NULL)
			return ERR_NOMEM;
	}
	l->count = count;
	return 0;
}

static void
got_names(int rc, const struct slice *names, size_t count, void *ctx)
{
	struct loading *l = ctx;

	l->rc = rc == 0 ? keep_names(l, names, count) : rc;
	l->over = true;
}

static void
got_document(int rc, int64_t revision, const struct json *doc, void *ctx)
{
	struct loading *l = ctx;
	size_t i = l->input_count;

	l->over = true;
	if (rc == ERR_NOTFOUND || (rc == 0 && doc == NULL))
		return; /* a draft only */
	l->rc = rc;
	if (rc < 0)
		return;
	l->docs[i] = json_copy(doc);
	if (l->docs[i] == NULL) {
		l->rc = ERR_NOMEM;
		return;
	}
	l->inputs[i].revision = revision;
	l->inputs[i].doc = l->docs[i];
	l->input_count++;
}

static void
bad_providers(void *ctx, const char *path, const char *text)
{
	cli_error("warning: provider file %s: %s%s%s", (const char *)ctx, path,
	    path[0] != '\0' ? " " : "", text);
}

/* The daemons go on without what can not be used, too. */
static void
load_providers(struct cli_store *s, struct loading *l)
{
	size_t i = l->input_count;
	union { /* bad_providers only reads it */
		const char *in;
		void *out;
	} path = { s->provider_file };

	if (path.in == NULL || path.in[0] == '\0' ||
	    provider_file_read(path.in, bad_providers, path.out, &l->docs[i]) <
		0)
		return;
	l->inputs[i] =
	    (struct settings_input){ SLICE(SETTINGS_PROVIDERS), 0, l->docs[i] };
	l->input_count++;
}

static void
load_all(struct cli_store *s, struct loading *l)
{
	settings_names(s->store, store_deadline(s->store), got_names, l);
	cli_store_wait(s, &l->over);
	for (size_t i = 0; l->rc == 0 && i < l->count; i++) {
		l->over = false;
		l->inputs[l->input_count].name = l->names[i];
		settings_get_revision(s->store, l->names[i], 0,
		    store_deadline(s->store), got_document, l);
		cli_store_wait(s, &l->over);
	}
	if (l->rc == 0 && l->inputs != NULL)
		load_providers(s, l);
}

static void
not_compiled(void *ctx, const char *path, const char *text)
{
	(void)ctx;
	cli_error("settings: %s: %s", path, text);
}

static void
loading_done(struct loading *l)
{
	for (size_t i = 0; i < l->input_count; i++)
		json_free(l->docs[i]);
	free(l->docs);
	free(l->inputs);
	free(l->names);
	arena_free(l->arena);
}

int
cli_settings_load(struct cli_store *s, const struct master_key *master,
    struct settings **ret_settings)
{
	struct loading l = { .arena = arena_new(NAMES_OCTETS_MAX) };

	if (l.arena == NULL)
		return ERR_NOMEM;
	load_all(s, &l);
	if (l.rc == 0)
		l.rc = settings_compile(l.inputs, l.input_count, master,
		    not_compiled, NULL, ret_settings);
	loading_done(&l);
	return l.rc;
}

/* ---- one document among the others ---- */

/* Takes the name's own document, if there is one, to the end of the list. */
static bool
put_last(struct loading *l, struct slice name)
{
	for (size_t i = 0; i < l->input_count; i++) {
		size_t last = l->input_count - 1;
		struct settings_input own = l->inputs[i];

		if (!slice_eq(own.name, name))
			continue;
		l->inputs[i] = l->inputs[last];
		l->inputs[last] = own;
		return true;
	}
	return false;
}

static int
check(const struct loading *l, size_t others, const struct master_key *master)
{
	struct settings *settings = NULL;
	int rc = settings_compile(l->inputs, others + 1, master, not_compiled,
	    NULL, &settings);

	settings_unref(settings);
	settings = NULL;
	if (rc != ERR_CONFIG)
		return rc;
	rc = settings_compile(l->inputs, others, master, NULL, NULL, &settings);
	settings_unref(settings);
	if (rc != ERR_CONFIG)
		return rc < 0 ? rc : ERR_CONFIG;
	cli_error("warning: what is in force does not compile by itself, so "
		  "this document could not be checked against it");
	return 0;
}

int
cli_settings_check(struct cli_store *s, const struct master_key *master,
    struct slice name, const struct json *doc)
{
	struct loading l = { .arena = arena_new(NAMES_OCTETS_MAX) };
	size_t others = 0;

	if (l.arena == NULL)
		return ERR_NOMEM;
	load_all(s, &l);
	if (l.rc == 0 && l.inputs != NULL) {
		others = l.input_count - put_last(&l, name);
		/* There is room for one more; what is freed is in docs. */
		l.inputs[others] = (struct settings_input){ name, 1, doc };
		l.rc = check(&l, others, master);
	}
	loading_done(&l);
	return l.rc;
}
