/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeping Postfix's transports as the settings ask for them. */
#include "policyd/transports.h"

#include <stdlib.h>
#include <string.h>

#include "net/loop.h"
#include "policyd/part.h"
#include "policyd/policyd.h"
#include "policyd/queue_client.h"
#include "policyd/transports_file.h"
#include "postfix-conf/transports.h"
#include "proto/settings.h"
#include "service/host_config.h"
#include "service/metrics.h"
#include "store/settings_store.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/log.h"
#include "util/map.h"

#define ARENA_MAX ((size_t)16 * 1024 * 1024)
#define AGAIN_MS 5000 /* after a failure, doubled up to */
#define AGAIN_MAX_MS 300000

struct transports {
	struct policyd *d;
	struct loop_timer *timer;
	char *state_directory, *tables;
	struct map *in_force; /* names; NULL: not known yet */
	struct buf text;      /* wanted */
	struct buf asked;     /* what the helper is putting in force */
	bool under_way, again, stopped;
	int64_t wait_ms;
};

static void try_now(void *ctx);

bool
transports_have(const struct policyd *d, struct slice name)
{
	const struct transports *t = d->transports;

	if (t == NULL || !queue_client_is_up(d->queue))
		return true;
	return t->in_force != NULL && map_get(t->in_force, name) != NULL;
}

/* ---- what is in force ---- */

/* Names of a text of ours; NULL: it is none, or no memory. */
static struct map *
names_of(struct slice text)
{
	struct map *names = map_new(POSTFIX_TRANSPORTS_COUNT_MAX);
	struct arena *arena = arena_new(ARENA_MAX);
	struct postfix_transports list;
	int rc = ERR_NOMEM;

	if (names != NULL && arena != NULL)
		rc = postfix_transports_parse(arena, text, &list, NULL);
	for (size_t i = 0; rc == 0 && i < list.count; i++)
		rc = map_set(names, list.at[i].name, names, NULL);
	arena_free(arena);
	if (rc == 0)
		return names;
	map_free(names, NULL);
	return NULL;
}

static void
set_in_force(struct transports *t, struct slice text)
{
	struct map *names = names_of(text);

	if (names == NULL)
		return;
	map_free(t->in_force, NULL);
	t->in_force = names;
	metrics_set(METRIC_POLICYD_TRANSPORTS, (uint64_t)map_count(names));
}

/* ---- asking the helper ---- */

static void
log_applied(struct transports *t, size_t changed)
{
	struct log_line l;

	log_line(&l, (struct slice){ NULL, 0 });
	log_line_number(&l, "transports",
	    (int64_t)(t->in_force != NULL ? map_count(t->in_force) : 0));
	log_line_number(&l, "changed", (int64_t)changed);
	log_line_add(&l, "action", SLICE("applied"));
	log_line_end(&l, LOG_L_INFO);
}

static void
applied(int rc, size_t changed, struct slice why, void *ctx)
{
	struct transports *t = ctx;

	t->under_way = false;
	if (rc == 0) {
		set_in_force(t, buf_slice(&t->asked));
		(void)transports_file_write(t->state_directory,
		    TRANSPORTS_IN_FORCE, buf_slice(&t->asked));
		t->wait_ms = AGAIN_MS;
		if (changed > 0)
			log_applied(t, changed);
	} else {
		metrics_add(METRIC_POLICYD_TRANSPORTS_FAILED, 1);
		log_warning("transports: not applied: %.*s",
		    why.len > 0 ? (int)why.len : (int)strlen(err_text(rc)),
		    why.len > 0 ? why.at : err_text(rc));
	}
	if (t->stopped)
		return;
	if (t->again && rc == 0) {
		loop_timer_set(t->timer, 0);
	} else if (rc < 0) {
		loop_timer_set(t->timer, t->wait_ms);
		if (t->wait_ms < AGAIN_MAX_MS)
			t->wait_ms *= 2;
	}
}

static bool
is_in_force(struct transports *t)
{
	struct buf now;
	bool same;

	buf_init(&now, POSTFIX_TRANSPORTS_MAX);
	same = transports_file_read(t->state_directory, TRANSPORTS_IN_FORCE,
		   &now) == 0 &&
	       slice_eq(buf_slice(&now), buf_slice(&t->text));
	if (same)
		set_in_force(t, buf_slice(&now));
	buf_done(&now);
	return same;
}

/* Leave the text for the helper, and have it put in force. */
static void
try_now(void *ctx)
{
	struct transports *t = ctx;
	uint8_t digest[CRYPTO_SHA256_LEN];
	int rc;

	t->again = t->under_way;
	if (t->under_way || t->text.len == 0)
		return;
	buf_clear(&t->asked);
	rc = buf_add_slice(&t->asked, buf_slice(&t->text));
	if (rc == 0)
		rc = transports_file_write(t->state_directory,
		    POSTFIX_TRANSPORTS_FILE, buf_slice(&t->asked));
	if (rc == 0)
		rc = crypto_sha256(buf_slice(&t->asked), digest);
	t->under_way = true;
	if (rc == 0)
		queue_apply(t->d->queue, digest, applied, t);
	else
		applied(rc, 0, slice_of("the state directory"), t);
}

/* ---- what is wanted ---- */

static int
render(struct transports *t, struct buf *out)
{
	struct settings *s = settings_current(t->d->watch);
	struct arena *arena = arena_new(ARENA_MAX);
	struct postfix_transports list;
	int rc = ERR_NOMEM;

	if (arena != NULL)
		rc = postfix_transports_wanted(arena, settings_shaping(s),
		    t->d->host, slice_of(t->tables), &list);
	if (rc == 0)
		rc = postfix_transports_format(&list, out);
	arena_free(arena);
	settings_unref(s);
	return rc;
}

static void
transports_settings(struct policyd *d)
{
	struct transports *t = d->transports;
	struct buf text;
	int rc;

	/* Defaults are nobody's decision to take away what is there. */
	if (t->tables[0] == '\0' || !settings_watch_known(d->watch))
		return;
	buf_init(&text, POSTFIX_TRANSPORTS_MAX);
	rc = render(t, &text);
	if (rc < 0)
		log_error("transports: can not be made of these settings: %s",
		    rc == ERR_LIMIT
			? "too many, or a password that is not sealed"
			: err_text(rc));
	else if (slice_eq(buf_slice(&text), buf_slice(&t->text)))
		rc = ERR_NOTFOUND; /* nothing new */
	if (rc < 0) {
		buf_done(&text);
		return;
	}
	buf_done(&t->text);
	t->text = text;
	if (queue_client_is_up(d->queue))
		loop_timer_set(t->timer, 0);
	else /* for "postern postfix enable" */
		(void)transports_file_write(t->state_directory,
		    POSTFIX_TRANSPORTS_FILE, buf_slice(&t->text));
}

/* ---- start and stop ---- */

static int
transports_start(struct policyd *d, const struct host_config *config,
    struct event_base *base)
{
	struct transports *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return ERR_NOMEM;
	d->transports = t;
	t->d = d;
	t->wait_ms = AGAIN_MS;
	buf_init(&t->text, POSTFIX_TRANSPORTS_MAX);
	buf_init(&t->asked, POSTFIX_TRANSPORTS_MAX);
	t->state_directory = strdup(config->state_directory);
	t->tables = strdup(config->policyd_map_listen);
	t->timer = loop_timer_new(base, try_now, t);
	if (t->state_directory == NULL || t->tables == NULL || t->timer == NULL)
		return ERR_NOMEM;
	transports_settings(d);
	/* Asked for all the same: somebody may have edited the files. */
	if (t->text.len > 0)
		(void)is_in_force(t);
	return 0;
}

static void
transports_stop(struct policyd *d)
{
	struct transports *t = d->transports;

	if (t == NULL)
		return;
	t->stopped = true;
	loop_timer_free(t->timer);
	t->timer = NULL;
}

static void
transports_closed(struct policyd *d)
{
	struct transports *t = d->transports;

	if (t == NULL)
		return;
	map_free(t->in_force, NULL);
	buf_done(&t->text);
	buf_done(&t->asked);
	free(t->state_directory);
	free(t->tables);
	free(t);
	d->transports = NULL;
}

const struct policyd_part part_transports = {
	.name = "transports",
	.start = transports_start,
	.settings = transports_settings,
	.stop = transports_stop,
	.closed = transports_closed,
};
