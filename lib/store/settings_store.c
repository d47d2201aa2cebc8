/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings documents in Redis: drafts, revisions, history. */
#include "store/settings_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/json.h"
#include "store/keys.h"
#include "store/redis.h"
#include "store/request.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

#define HISTORY_MAX 100 /* settings_commit.inc.lua keeps so many */
#define NAMES_MAX 100000
#define NOTE_MAX 1000

struct keys {
	struct key revs, docs, history, drafts;
};

static struct key
key_of(const char *what, struct slice name)
{
	char room[200];
	int n = snprintf(room, sizeof(room), "%s%.*s", what, SLICE_F(name));

	return key_settings((struct slice){ room,
	    n < (int)sizeof(room) ? (size_t)n : sizeof(room) - 1 });
}

static void
keys_of(struct slice name, struct keys *ret_keys)
{
	ret_keys->revs = key_settings(SLICE("revs"));
	ret_keys->drafts = key_settings(SLICE("drafts"));
	ret_keys->docs = key_of("docs:", name);
	ret_keys->history = key_of("history:", name);
}

static struct slice
number(int64_t value, char room[NUMBER_TEXT_MAX])
{
	return (struct slice){ room,
		number_format(value > 0 ? (uint64_t)value : 0, room) };
}

/* ---- reading ---- */

static void
got_document(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	settings_got *got = (settings_got *)q->fn;
	void *got_ctx = q->ctx;
	struct json *doc = NULL;
	int64_t revision = 0;
	char error[200];

	request_done(q);
	if (rc == 0) {
		struct slice text = redis_string(redis_at(reply, 1));

		revision = redis_integer(redis_at(reply, 0));
		if (text.at != NULL)
			rc = json_parse(text, SETTINGS_TEXT_MAX, &doc, error,
			    sizeof(error));
		else if (revision != 0)
			rc = ERR_NOTFOUND;
	}
	got(rc, revision, doc, got_ctx);
	json_free(doc);
}

static void
get(struct store *s, struct slice name, struct slice which, int64_t deadline_us,
    settings_got *got, void *ctx)
{
	struct keys k;

	keys_of(name, &k);
	struct slice argv[] = { key_slice(&k.revs), key_slice(&k.docs),
		key_slice(&k.drafts), name, which };

	redis_script(s, SCRIPT_settings_get, 3, argv, 5, deadline_us,
	    got_document, request_new(s, (request_fn *)got, ctx));
}

void
settings_get_draft(struct store *s, struct slice name, int64_t deadline_us,
    settings_got *got, void *ctx)
{
	get(s, name, SLICE("draft"), deadline_us, got, ctx);
}

void
settings_get_revision(struct store *s, struct slice name, int64_t revision,
    int64_t deadline_us, settings_got *got, void *ctx)
{
	char room[NUMBER_TEXT_MAX];

	get(s, name, number(revision, room), deadline_us, got, ctx);
}

/* ---- changing ---- */

/* A revision, or what stands for none. */
static void
changed(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	settings_done *done = (settings_done *)q->fn;
	void *done_ctx = q->ctx;
	int64_t revision = rc == 0 ? redis_integer(reply) : 0;

	request_done(q);
	if (rc == 0 && revision <= 0)
		rc = revision < 0 ? ERR_CONFLICT : ERR_NOTFOUND;
	done(rc, rc == 0 ? revision : 0, done_ctx);
}

/* HSET: how many fields are new, which nobody asks. */
static void
stored(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	settings_done *done = (settings_done *)q->fn;
	void *done_ctx = q->ctx;

	(void)reply;
	request_done(q);
	done(rc, 0, done_ctx);
}

/* A failure that is found before Redis is asked, told from the loop. */
struct failure {
	int rc;
	settings_done *done;
	void *ctx;
};

static void
tell_failure(void *ctx)
{
	struct failure f = *(struct failure *)ctx;

	free(ctx);
	f.done(f.rc, 0, f.ctx);
}

static void
fail_later(struct store *s, int rc, settings_done *done, void *ctx)
{
	struct failure *f = malloc(sizeof(*f));

	if (f != NULL) {
		*f = (struct failure){ rc, done, ctx };
		if (store_post(s, tell_failure, f) == 0)
			return;
		free(f);
	}
	/* Without memory there is no "later". */
	done(rc, 0, ctx);
}

void
settings_put_draft(struct store *s, struct slice name, int64_t base,
    const struct json *doc, int64_t deadline_us, settings_done *done, void *ctx)
{
	char room[NUMBER_TEXT_MAX];
	struct keys k;
	struct buf text;
	int rc;

	keys_of(name, &k);
	buf_init(&text, SETTINGS_TEXT_MAX + NUMBER_TEXT_MAX);
	(void)buf_add_slice(&text, number(base, room));
	(void)buf_add_char(&text, '\n');
	rc = json_print(doc, JSON_COMPACT, &text);
	if (rc < 0) {
		fail_later(s, rc, done, ctx);
	} else {
		struct slice argv[] = { SLICE("HSET"), key_slice(&k.drafts),
			name, buf_slice(&text) };

		redis_command(s, argv, 4, deadline_us, stored,
		    request_new(s, (request_fn *)done, ctx));
	}
	buf_done(&text);
}

void
settings_drop_draft(struct store *s, struct slice name, int64_t deadline_us,
    settings_done *done, void *ctx)
{
	struct keys k;

	keys_of(name, &k);
	struct slice argv[] = { SLICE("HDEL"), key_slice(&k.drafts), name };

	redis_command(s, argv, 3, deadline_us, changed,
	    request_new(s, (request_fn *)done, ctx));
}

/* History is lines and tabs: what an author wrote has neither. */
static struct slice
one_line(struct slice s, char room[NOTE_MAX])
{
	if (s.at == NULL)
		return SLICE("");
	if (s.len > NOTE_MAX)
		s.len = NOTE_MAX;
	for (size_t i = 0; i < s.len; i++)
		room[i] = (unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f
			      ? ' '
			      : s.at[i];
	return (struct slice){ room, s.len };
}

void
settings_apply(struct store *s, struct slice name, struct slice author,
    struct slice note, int64_t deadline_us, settings_done *done, void *ctx)
{
	char now[NUMBER_TEXT_MAX], who[NOTE_MAX], why[NOTE_MAX];
	struct keys k;

	keys_of(name, &k);
	struct slice argv[] = { key_slice(&k.revs), key_slice(&k.docs),
		key_slice(&k.history), key_slice(&k.drafts), name,
		key_settings_channel(), number(clock_wall_us() / 1000000, now),
		one_line(author, who), one_line(note, why) };

	redis_script(s, SCRIPT_settings_apply, 4, argv,
	    sizeof(argv) / sizeof(*argv), deadline_us, changed,
	    request_new(s, (request_fn *)done, ctx));
}

void
settings_rollback(struct store *s, struct slice name, int64_t revision,
    struct slice author, int64_t deadline_us, settings_done *done, void *ctx)
{
	char now[NUMBER_TEXT_MAX], who[NOTE_MAX], old[NUMBER_TEXT_MAX];
	char note[60];
	struct keys k;

	keys_of(name, &k);
	(void)snprintf(note, sizeof(note), "back to revision %" PRId64,
	    revision);
	struct slice argv[] = { key_slice(&k.revs), key_slice(&k.docs),
		key_slice(&k.history), name, key_settings_channel(),
		number(clock_wall_us() / 1000000, now), one_line(author, who),
		slice_of(note), number(revision, old) };

	redis_script(s, SCRIPT_settings_rollback, 3, argv,
	    sizeof(argv) / sizeof(*argv), deadline_us, changed,
	    request_new(s, (request_fn *)done, ctx));
}

/* ---- lists ---- */

static int64_t
parse_number(struct slice s)
{
	uint64_t n = 0;

	(void)number_parse(s, 0, INT64_MAX, &n);
	return (int64_t)n;
}

static int
newest_first(const void *a, const void *b)
{
	const struct settings_revision *x = a, *y = b;

	return (x->revision < y->revision) - (x->revision > y->revision);
}

static void
got_history(int rc, const struct redis_reply *reply, void *ctx)
{
	struct settings_revision list[HISTORY_MAX];
	struct request *q = ctx;
	settings_history_end *end = (settings_history_end *)q->fn;
	void *end_ctx = q->ctx;
	size_t n = 0;

	request_done(q);
	for (size_t i = 0;
	     rc == 0 && i + 1 < redis_count(reply) && n < HISTORY_MAX; i += 2) {
		struct slice text = redis_string(redis_at(reply, i + 1)), at,
			     author;

		if (!slice_split(&text, '\t', &at) ||
		    !slice_split(&text, '\t', &author))
			continue;
		list[n++] = (struct settings_revision){
			.revision =
			    parse_number(redis_string(redis_at(reply, i))),
			.at_s = parse_number(at),
			.author = author,
			.note = text,
		};
	}
	qsort(list, n, sizeof(*list), newest_first);
	end(rc, list, n, end_ctx);
}

void
settings_history(struct store *s, struct slice name, int64_t deadline_us,
    settings_history_end *end, void *ctx)
{
	struct keys k;

	keys_of(name, &k);
	struct slice argv[] = { SLICE("HGETALL"), key_slice(&k.history) };

	redis_command(s, argv, 2, deadline_us, got_history,
	    request_new(s, (request_fn *)end, ctx));
}

static int
by_text(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;
	size_t len = x->len < y->len ? x->len : y->len;
	int order = len > 0 ? memcmp(x->at, y->at, len) : 0;

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static void
got_names(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	settings_names_end *end = (settings_names_end *)q->fn;
	void *end_ctx = q->ctx;
	struct slice *names = NULL;
	size_t n = 0;

	request_done(q);
	if (rc == 0 && redis_count(reply) > NAMES_MAX)
		rc = ERR_LIMIT;
	if (rc == 0) {
		names = calloc(redis_count(reply) + 1, sizeof(*names));
		if (names == NULL)
			rc = ERR_NOMEM;
	}
	for (size_t i = 0; rc == 0 && i < redis_count(reply); i++)
		names[n++] = redis_string(redis_at(reply, i));
	if (n > 0)
		qsort(names, n, sizeof(*names), by_text);
	end(rc, names, n, end_ctx);
	free(names);
}

void
settings_names(struct store *s, int64_t deadline_us, settings_names_end *end,
    void *ctx)
{
	struct keys k;

	keys_of(SLICE(""), &k);
	struct slice argv[] = { key_slice(&k.revs), key_slice(&k.drafts) };

	redis_script(s, SCRIPT_settings_names, 2, argv, 2, deadline_us,
	    got_names, request_new(s, (request_fn *)end, ctx));
}
