/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SETTINGS_STORE_H
#define STORE_SETTINGS_STORE_H

#include <stdint.h>

#include "proto/settings.h"
#include "util/slice.h"

/*
 * Settings documents in Redis: draft, apply, revisions, roll-back; and the
 * watcher by which every daemon follows them.
 */
struct event_base;
struct json;
struct store;

/*
 * doc: NULL when there is none (then rc is 0 and revision is 0); valid inside
 * the callback only.  ERR_NOTFOUND: that revision is not kept.
 */
typedef void settings_got(int rc, int64_t revision, const struct json *doc,
    void *ctx);
/* The draft if there is one, else the newest revision (revision says which). */
void settings_get_draft(struct store *s, struct slice name, int64_t deadline_us,
    settings_got *got, void *ctx);
/* revision 0: the one in operation. */
void settings_get_revision(struct store *s, struct slice name, int64_t revision,
    int64_t deadline_us, settings_got *got, void *ctx);

typedef void settings_done(int rc, int64_t revision, void *ctx);
/*
 * Store a draft that was validated and sealed.  base: the revision it was
 * made from; apply refuses (ERR_CONFLICT) when another was applied meanwhile.
 */
void settings_put_draft(struct store *s, struct slice name, int64_t base,
    const struct json *doc, int64_t deadline_us, settings_done *done,
    void *ctx);
/* ERR_NOTFOUND: there is none. */
void settings_drop_draft(struct store *s, struct slice name,
    int64_t deadline_us, settings_done *done, void *ctx);
/*
 * Draft -> new revision, and tell everybody.  author, note: for the history.
 * ERR_NOTFOUND: no draft; ERR_CONFLICT.
 */
void settings_apply(struct store *s, struct slice name, struct slice author,
    struct slice note, int64_t deadline_us, settings_done *done, void *ctx);
/* An old revision becomes the newest one. */
void settings_rollback(struct store *s, struct slice name, int64_t revision,
    struct slice author, int64_t deadline_us, settings_done *done, void *ctx);

struct settings_revision {
	int64_t revision, at_s;
	struct slice author, note;
};
typedef void settings_history_end(int rc,
    const struct settings_revision *revisions, size_t count, void *ctx);
/* Newest first; the last 100 are kept. */
void settings_history(struct store *s, struct slice name, int64_t deadline_us,
    settings_history_end *end, void *ctx);
/* Names that have a revision or a draft, "_global" among them. */
typedef void settings_names_end(int rc, const struct slice *names, size_t count,
    void *ctx);
void settings_names(struct store *s, int64_t deadline_us,
    settings_names_end *end, void *ctx);

/*
 * The watcher: compiles and swaps in every new revision (told by publish,
 * else found by polling every poll_ms), keeps the last good one in
 * directory/settings.json, and starts from that while Redis is away.
 * master: as for settings_compile.  It is used for as long as the watcher
 * lives.
 * changed: after each swap, on the loop's thread; text: "tenant shop: revision
 * 4 in operation", or why a revision was refused (then rc < 0 and the old
 * snapshot stays).
 */
struct settings_watch;
typedef void settings_changed(int rc, const char *text, void *ctx);
int settings_watch_start(struct event_base *base, struct store *s,
    const char *directory, const struct master_key *master, int64_t poll_ms,
    settings_changed *changed, void *ctx, struct settings_watch **ret_watch);
/*
 * The provider file: read now, and again whenever this is called; path "":
 * none.  A file that can not be used is told to changed, and the last good one
 * stays, which is kept on disk with the settings.
 * 0, or what provider_file_read() says; ERR_CONFIG also where it does not fit
 * the settings in force.
 */
int settings_watch_providers(struct settings_watch *w, const char *path);
/*
 * Runs the loop, before a daemon serves anybody, until Redis has said once what
 * the settings are, or has failed to, at most max_ms of real time.  Timers and
 * descriptors that are on the loop already are served meanwhile.
 */
void settings_watch_wait(struct settings_watch *w, int64_t max_ms);
#define SETTINGS_WAIT_MS 2000
/*
 * Whether the snapshot is what somebody decided: Redis said so at least once
 * (that there are none, too), or the file on disk did.  While it is not, there
 * are only defaults, and nobody is to be judged by them.  Any thread.
 */
bool settings_watch_known(const struct settings_watch *w);
/* Before store_close, in the same turn of the loop.  Takes NULL. */
void settings_watch_stop(struct settings_watch *w);
/*
 * The snapshot in operation, counted for the caller (settings_unref); any
 * thread; never NULL after a successful start.
 */
struct settings *settings_current(struct settings_watch *w);

#endif /* STORE_SETTINGS_STORE_H */
