/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Following the settings: told by publish, found by polling, kept on disk.
 *
 * Over 600 lines: its parts share the documents, and one must not be judged
 * while another is fetched.
 */
#include <event2/event.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/loop.h"
#include "proto/json.h"
#include "store/keys.h"
#include "store/provider_file.h"
#include "store/redis.h"
#include "store/settings_file.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/err.h"
#include "util/map.h"

#define DOCUMENTS_MAX 100000
#define AGAIN_MS 1000 /* after an answer that could not be had */

struct document {
	char name[64];
	int64_t revision; /* in operation; 0: none yet */
	struct json *doc;
	int64_t next_revision; /* fetched, to be judged; 0: none */
	struct json *next_doc;
	int64_t refused; /* not to be fetched again */
	struct settings_watch *watch;
};

struct settings_watch {
	struct event_base *base;
	struct store *store;
	char *directory;
	const struct master_key *master;
	int64_t poll_ms;
	settings_changed *changed;
	void *ctx;
	struct event *timer;
	struct document **documents;
	size_t count;
	struct map *by_name;
	struct json *providers; /* the last good ones; NULL: none */

	unsigned waiting; /* answers of Redis to come */
	int64_t next_ms;  /* until the next poll; less when one failed */
	bool polling, again, stopped;
	bool asked;         /* Redis, to the end of one poll */
	bool complete;      /* all answers of this poll were had */
	_Atomic bool known; /* by Redis or the file */

	pthread_mutex_t lock; /* of current */
	struct settings *current;
};

static void poll_now(struct settings_watch *w);

static void
watch_free(struct settings_watch *w)
{
	for (size_t i = 0; i < w->count; i++) {
		json_free(w->documents[i]->doc);
		json_free(w->documents[i]->next_doc);
		free(w->documents[i]);
	}
	free(w->documents);
	map_free(w->by_name, NULL);
	json_free(w->providers);
	if (w->timer != NULL)
		event_free(w->timer);
	settings_unref(w->current);
	(void)pthread_mutex_destroy(&w->lock);
	free(w->directory);
	free(w);
}

static void
set_timer(struct settings_watch *w, int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	if (!w->stopped)
		(void)event_add(w->timer, &tv);
}

/* NULL: unknown (and no memory, or too many, to make it). */
static struct document *
document_for(struct settings_watch *w, struct slice name)
{
	struct document *d, **more;

	d = map_get(w->by_name, name);
	if (d != NULL)
		return d;
	if (w->count >= DOCUMENTS_MAX || !settings_name_ok(name) ||
	    name.len >= sizeof(d->name))
		return NULL;
	d = calloc(1, sizeof(*d));
	more = realloc(w->documents, (w->count + 1) * sizeof(*more));
	if (more != NULL)
		w->documents = more;
	if (d == NULL || more == NULL ||
	    map_set(w->by_name, name, d, NULL) < 0) {
		free(d);
		return NULL;
	}
	memcpy(d->name, name.at, name.len);
	d->watch = w;
	w->documents[w->count++] = d;
	return d;
}

static void
tell(struct settings_watch *w, int rc, const struct document *d,
    int64_t revision, const char *what)
{
	bool global = slice_eq(slice_of(d->name), SLICE(SETTINGS_GLOBAL));
	char text[1000];

	(void)snprintf(text, sizeof(text), "%s%s: revision %" PRId64 " %s",
	    global ? "global settings" : "tenant ", global ? "" : d->name,
	    revision, what);
	w->changed(rc, text, w->ctx);
}

/* ---- compiling ---- */

/* Of many errors a log line tells the first. */
struct first_error {
	char text[600];
};

static void
keep_first(void *ctx, const char *path, const char *text)
{
	struct first_error *e = ctx;

	if (e->text[0] == '\0')
		(void)snprintf(e->text, sizeof(e->text), "%s %s", path, text);
}

/* only: the one document to try the next revision of; NULL: of all. */
static const struct document nobody; /* of none */
static int
compile(struct settings_watch *w, const struct document *only,
    struct first_error *error, struct settings **ret_settings)
{
	struct settings_input *in = calloc(w->count + 2, sizeof(*in));
	size_t n = 0;
	int rc;

	if (in == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < w->count; i++) {
		const struct document *d = w->documents[i];
		bool next = d->next_doc != NULL && (only == NULL || d == only);

		if (!next && d->doc == NULL)
			continue;
		in[n++] = (struct settings_input){ slice_of(d->name),
			next ? d->next_revision : d->revision,
			next ? d->next_doc : d->doc };
	}
	if (w->providers != NULL)
		in[n++] = (struct settings_input){ SLICE(SETTINGS_PROVIDERS), 0,
			w->providers };
	error->text[0] = '\0';
	rc =
	    settings_compile(in, n, w->master, keep_first, error, ret_settings);
	free(in);
	return rc;
}

static void
swap(struct settings_watch *w, struct settings *s)
{
	const struct retention_settings *keep = settings_retention(s);
	struct settings *old;

	store_set_events_days(w->store, keep->events_days);
	store_set_audit_days(w->store, keep->audit_days);
	(void)pthread_mutex_lock(&w->lock);
	old = w->current;
	w->current = s;
	(void)pthread_mutex_unlock(&w->lock);
	settings_unref(old);
}

static void
accept_next(struct document *d)
{
	json_free(d->doc);
	d->doc = d->next_doc;
	d->revision = d->next_revision;
	d->next_doc = NULL;
	d->next_revision = 0;
}

static struct json *
file_entry(const struct document *d)
{
	struct json *entry = json_new_object();

	if (entry == NULL ||
	    json_set_string(entry, "name", slice_of(d->name)) < 0 ||
	    json_set_integer(entry, "revision", d->revision) < 0 ||
	    json_set(entry, "document", json_copy(d->doc)) < 0) {
		json_free(entry);
		return NULL;
	}
	return entry;
}

static void
save(struct settings_watch *w)
{
	struct json *file = json_new_object(), *list = json_new_array();
	int rc = file != NULL && list != NULL ? 0 : ERR_NOMEM;

	for (size_t i = 0; rc == 0 && i < w->count; i++)
		if (w->documents[i]->doc != NULL)
			rc = json_append(list, file_entry(w->documents[i]));
	if (rc == 0) {
		rc = json_set(file, "documents", list);
		list = NULL;
	}
	if (rc == 0 && w->providers != NULL)
		rc = json_set(file, "providers", json_copy(w->providers));
	if (rc == 0)
		rc = settings_file_write(w->directory, file);
	json_free(list);
	json_free(file);
	if (rc < 0) {
		char text[300];

		(void)snprintf(text, sizeof(text),
		    "%s/settings.json: can not be written: %s", w->directory,
		    err_text(rc));
		w->changed(rc, text, w->ctx);
	}
}

/* One after the other, so that a bad one does not hold up the others. */
static unsigned
judge_each(struct settings_watch *w)
{
	unsigned accepted = 0;

	for (size_t i = 0; i < w->count && !w->stopped; i++) {
		struct document *d = w->documents[i];
		struct settings *s = NULL;
		struct first_error e;
		int64_t revision = d->next_revision;
		int rc;

		if (d->next_doc == NULL)
			continue;
		rc = compile(w, d, &e, &s);
		if (rc == 0) {
			swap(w, s);
			accept_next(d);
			accepted++;
			tell(w, 0, d, revision, "in operation");
			continue;
		}
		json_free(d->next_doc);
		d->next_doc = NULL;
		d->next_revision = 0;
		if (rc == ERR_CONFIG)
			d->refused = revision;
		char what[700];

		(void)snprintf(what, sizeof(what), "refused: %s",
		    rc == ERR_CONFIG ? e.text : err_text(rc));
		tell(w, rc, d, revision, what);
	}
	return accepted;
}

static unsigned
judge_all(struct settings_watch *w)
{
	struct settings *s = NULL;
	unsigned accepted = 0;
	struct first_error e;

	if (compile(w, NULL, &e, &s) < 0)
		return judge_each(w);
	swap(w, s);
	for (size_t i = 0; i < w->count && !w->stopped; i++) {
		struct document *d = w->documents[i];

		if (d->next_doc == NULL)
			continue;
		accept_next(d);
		accepted++;
		tell(w, 0, d, d->revision, "in operation");
	}
	return accepted;
}

static bool
any_next(const struct settings_watch *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->documents[i]->next_doc != NULL)
			return true;
	return false;
}

/* ---- polling ---- */

/* The last answer of a poll has come. */
static void
poll_done(struct settings_watch *w)
{
	w->polling = false;
	w->asked = true;
	if (!w->stopped && any_next(w) && judge_all(w) > 0 && !w->stopped)
		save(w);
	if (w->complete)
		w->known = true;
	if (w->stopped)
		return;
	if (w->again)
		poll_now(w);
	else
		set_timer(w, w->next_ms);
}

/* One answer less to wait for; the last one ends the poll.  One that could
 * not be had is asked for again soon, whatever the others were. */
static void
answered(struct settings_watch *w, int rc)
{
	if (rc < 0) {
		w->complete = false;
		if (w->next_ms > AGAIN_MS)
			w->next_ms = AGAIN_MS;
	}
	w->waiting--;
	if (w->waiting > 0)
		return;
	/* The count guards against being freed by a callback. */
	w->waiting++;
	poll_done(w);
	w->waiting--;
	if (w->stopped && w->waiting == 0)
		watch_free(w);
}

static void
fetched(int rc, int64_t revision, const struct json *doc, void *ctx)
{
	struct document *d = ctx;

	if (rc == 0 && doc != NULL && !d->watch->stopped) {
		json_free(d->next_doc);
		d->next_doc = json_copy(doc);
		d->next_revision = revision;
	}
	/* Without a revision it was Redis that refused the command. */
	if ((rc == ERR_SYNTAX || rc == ERR_LIMIT) && revision > 0 &&
	    !d->watch->stopped) {
		d->refused = revision;
		tell(d->watch, rc, d, revision, "refused: not readable");
		rc = 0; /* not to be asked for again */
	}
	answered(d->watch, rc);
}

static void
fetch(struct settings_watch *w, struct slice name, int64_t revision)
{
	struct document *d = document_for(w, name);

	if (d == NULL || revision <= 0 || d->revision == revision ||
	    d->refused == revision)
		return;
	w->waiting++;
	settings_get_revision(w->store, name, revision,
	    store_deadline(w->store), fetched, d);
}

static void
got_revisions(int rc, const struct redis_reply *reply, void *ctx)
{
	struct settings_watch *w = ctx;

	for (size_t i = 0; rc == 0 && !w->stopped && i + 1 < redis_count(reply);
	     i += 2)
		fetch(w, redis_string(redis_at(reply, i)),
		    redis_integer(redis_at(reply, i + 1)));
	answered(w, rc);
}

static void
poll_now(struct settings_watch *w)
{
	struct key revs = key_settings(SLICE("revs"));
	struct slice argv[] = { SLICE("HGETALL"), key_slice(&revs) };

	w->again = w->polling;
	if (w->polling || w->stopped)
		return;
	w->polling = true;
	w->complete = true;
	w->next_ms = w->poll_ms;
	w->waiting++;
	redis_command(w->store, argv, 2, store_deadline(w->store),
	    got_revisions, w);
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	poll_now(ctx);
}

static void
on_message(struct slice payload, void *ctx)
{
	(void)payload; /* the hash of revisions says what is new */
	poll_now(ctx);
}

/* ---- start and stop ---- */

static void
take_entry(struct settings_watch *w, const struct json *entry)
{
	struct slice name = json_string(json_get(entry, "name"));
	const struct json *doc = json_get(entry, "document");
	struct document *d;

	if (name.at == NULL || doc == NULL)
		return;
	d = document_for(w, name);
	if (d == NULL || d->next_doc != NULL)
		return;
	d->next_doc = json_copy(doc);
	d->next_revision = json_integer(json_get(entry, "revision"));
}

/* From the last good file; without one, all defaults. */
static int
start_from_disk(struct settings_watch *w)
{
	struct json *file = NULL, *list;
	struct first_error e;
	char text[300];
	int rc = settings_file_read(w->directory, &file);

	list = json_get(file, "documents");
	for (size_t i = 0;
	     json_type(list) == JSON_ARRAY && i < json_count(list); i++)
		take_entry(w, json_at(list, i));
	w->providers = json_copy(json_get(file, "providers"));
	json_free(file);
	if (rc < 0 && rc != ERR_NOTFOUND) {
		(void)snprintf(text, sizeof(text),
		    "%s/settings.json: can not be used: %s", w->directory,
		    err_text(rc));
		w->changed(rc, text, w->ctx);
	}
	rc = compile(w, &nobody, &e, &w->current);
	if (rc == ERR_CONFIG) { /* by a program that knew more of providers */
		json_free(w->providers);
		w->providers = NULL;
		rc = compile(w, &nobody, &e, &w->current);
	}
	if (rc == 0 && any_next(w) && judge_all(w) > 0)
		w->known = true;
	/* What the file had and this program refuses may still be right in
	 * the store, for a newer program. */
	for (size_t i = 0; i < w->count; i++)
		w->documents[i]->refused = 0;
	return rc;
}

int
settings_watch_start(struct event_base *base, struct store *s,
    const char *directory, const struct master_key *master, int64_t poll_ms,
    settings_changed *changed, void *ctx, struct settings_watch **ret_watch)
{
	struct settings_watch *w = calloc(1, sizeof(*w));
	int rc = ERR_NOMEM;

	if (w == NULL)
		return ERR_NOMEM;
	*w = (struct settings_watch){ .base = base,
		.store = s,
		.directory = strdup(directory),
		.by_name = map_new(DOCUMENTS_MAX),
		.master = master,
		.poll_ms = poll_ms,
		.changed = changed,
		.ctx = ctx };
	(void)pthread_mutex_init(&w->lock, NULL);
	w->timer = event_new(base, -1, 0, on_timer, w);
	if (w->directory == NULL || w->by_name == NULL || w->timer == NULL)
		goto fail;
	rc = start_from_disk(w);
	if (rc < 0)
		goto fail;
	rc = redis_subscribe(s, key_settings_channel(), on_message, w);
	if (rc < 0)
		goto fail;
	poll_now(w);
	*ret_watch = w;
	return 0;

fail:
	watch_free(w);
	return rc;
}

/* ---- the provider file ---- */

/* In force, or as it was.  What is being fetched is judged by itself. */
static int
take_providers(struct settings_watch *w, struct json *doc,
    struct first_error *error)
{
	struct json *old = w->providers;
	struct settings *s = NULL;
	int rc;

	w->providers = doc;
	rc = compile(w, &nobody, error, &s);
	if (rc == 0) {
		swap(w, s);
		save(w);
	} else {
		w->providers = old;
	}
	json_free(rc == 0 ? old : doc);
	return rc;
}

int
settings_watch_providers(struct settings_watch *w, const char *path)
{
	struct first_error e = { "" };
	struct json *doc = NULL;
	char text[1000];
	int rc = path[0] == '\0'
		     ? 0
		     : provider_file_read(path, keep_first, &e, &doc);

	if (rc == 0 && json_equal(doc, w->providers)) {
		json_free(doc);
		return 0;
	}
	if (rc == 0)
		rc = take_providers(w, doc, &e);
	(void)snprintf(text, sizeof(text), "provider file %s: %s%s", path,
	    rc == 0 ? "in operation" : e.text,
	    rc < 0 && w->providers != NULL ? "; the last good one stays" : "");
	w->changed(rc, text, w->ctx);
	return rc;
}

static void
on_wait(void *ctx)
{
	bool *over = ctx;

	*over = true;
}

void
settings_watch_wait(struct settings_watch *w, int64_t max_ms)
{
	bool late = false;
	struct loop_timer *timer = loop_timer_new(w->base, on_wait, &late);

	if (timer == NULL)
		return;
	loop_timer_set(timer, max_ms);
	while (!w->asked && !late && event_base_loop(w->base, EVLOOP_ONCE) == 0)
		;
	loop_timer_free(timer);
}

bool
settings_watch_known(const struct settings_watch *w)
{
	return w->known;
}

void
settings_watch_stop(struct settings_watch *w)
{
	if (w == NULL)
		return;
	w->stopped = true;
	(void)event_del(w->timer);
	if (w->waiting == 0)
		watch_free(w);
}

struct settings *
settings_current(struct settings_watch *w)
{
	struct settings *s;

	(void)pthread_mutex_lock(&w->lock);
	s = settings_ref(w->current);
	(void)pthread_mutex_unlock(&w->lock);
	return s;
}
