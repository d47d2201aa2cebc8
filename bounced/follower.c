/* SPDX-License-Identifier: BSD-2-Clause */
/* From log lines to batches of operations, with the checkpoint. */
#include "bounced/follower.h"

#include <stdlib.h>

#include "bounced/delivery_line.h"
#include "bounced/log_source.h"
#include "net/loop.h"
#include "proto/bounce_rules.h"
#include "proto/provider_name.h"
#include "proto/settings.h"
#include "store/delivery_store.h"
#include "store/message_spool.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define BATCH_OPS 500
#define BATCH_TEXT (1024 * 1024) /* room for 500 of DELIVERY_LINE_MAX */
#define BATCH_LINES 20000        /* a log of others' lines moves on, too */
#define READ_LINES 256
#define COMMIT_MS 5000     /* a batch is more than one command's work */
#define POLL_MS 250        /* beside inotify: rotation, network disks */
#define RETRY_MS 1000      /* after trouble */
#define HOLD_MS 50         /* looks at the milter's spool while it waits */
#define HOLD_MAX_MS 30000  /* a spool that nobody replays holds no longer */
#define IDLE_MOVE_MS 10000 /* between commits of a position alone */

enum follower_state {
	WAITING,    /* for the timer, then ask for the checkpoint */
	ASKING,     /* for the checkpoint */
	READING,    /* nothing on its way */
	HOLDING,    /* a batch is read; the facts of its messages are awaited */
	COMMITTING, /* a batch is on its way */
};

struct follower {
	struct store *store;
	struct log_source *source;
	struct follower_options options;
	struct bounce_rules *rules; /* NULL: those of the program */
	struct loop_timer *timer;
	struct loop_watch *watch; /* NULL: poll only */
	enum follower_state state;
	bool stopping, fresh;
	struct arena *arena;
	struct delivery_op ops[BATCH_OPS];
	size_t count, lines;
	int64_t next_move_us;
	int64_t hold_until_us; /* 0: nothing was held since the last commit */
	bool hold_in_vain;     /* the spool did not move in that time */
	char committed[LOG_POSITION_MAX], next[LOG_POSITION_MAX];
	size_t committed_len, next_len;
	struct log_limit trouble;
	struct follower_counters counters;
};

static void
wait_then_ask(struct follower *f, int64_t ms)
{
	f->state = WAITING;
	loop_timer_set(f->timer, ms);
}

/* The filter of who answered, for the counters; none: as it was before. */
static void
note_provider(struct follower *f, struct delivery_op *op)
{
	char room[PROVIDER_NAME_ROOM];
	struct settings *s;

	if (op->kind != DELIVERY_RESULT || f->options.settings == NULL ||
	    (s = settings_current(f->options.settings)) == NULL)
		return;
	struct provider_name name = provider_name_of(settings_shaping(s),
	    op->recipient, NULL, 0, op->relay, room);
	/* No room for it: then as if it were not known. */
	if (name.filter)
		op->provider = arena_dup(f->arena, name.name);
	settings_unref(s);
}

static void
on_found(const struct postfix_log *log, void *ctx)
{
	struct follower *f = ctx;

	if (!postfix_log_tag_in(log->tag, f->options.names))
		return;
	if (!delivery_line_op(log, f->rules, f->arena, &f->ops[f->count]))
		return;
	if (f->ops[f->count].kind == DELIVERY_RESULT &&
	    f->options.comes_back != NULL &&
	    f->options.comes_back(f->ops[f->count].recipient, f->options.ctx))
		return;
	note_provider(f, &f->ops[f->count]);
	f->count++;
}

static void read_on(struct follower *f);

/* Who could replay the spool while Redis is in trouble? */
static void
hold_anew(struct follower *f)
{
	f->hold_until_us = 0;
	f->hold_in_vain = false;
}

static void
trouble(struct follower *f, const char *what, int rc)
{
	unsigned long missed;

	f->counters.failures++;
	hold_anew(f);
	if (log_limit_ok(&f->trouble, 60, &missed))
		log_warning("log follower: %s: %s; the checkpoint stands "
			    "still, nothing is lost",
		    what, err_text(rc));
	wait_then_ask(f, RETRY_MS);
}

static void
on_committed(int rc, struct slice current, void *ctx)
{
	struct follower *f = ctx;
	size_t count = f->count;

	(void)current;
	f->count = 0;
	arena_reset(f->arena);
	if (rc == ERR_CONFLICT) {
		/* A batch thought lost was written, or there are two of us. */
		f->counters.conflicts++;
		wait_then_ask(f, 0);
		return;
	}
	if (rc < 0) {
		trouble(f, "commit", rc);
		return;
	}
	memcpy(f->committed, f->next, f->next_len);
	f->committed_len = f->next_len;
	f->counters.batches++;
	f->counters.operations += count;
	f->next_move_us = clock_deadline_ms(IDLE_MOVE_MS);
	f->state = READING;
	if (count > 0)
		f->options.committed(f->options.ctx);
	/* In the next turn, so that others get theirs. */
	loop_timer_set(f->timer, 0);
}

static void
commit(struct follower *f)
{
	struct slice next = f->source->ops->position(f->source, f->next);

	f->next_len = next.len;
	f->state = COMMITTING;
	f->lines = 0;
	f->fresh = false;
	delivery_commit(f->store, f->options.host, slice_of(f->options.source),
	    (struct slice){ f->committed, f->committed_len }, next, f->ops,
	    f->count, clock_deadline_ms(COMMIT_MS), on_committed, f);
}

/*
 * While Redis was away the milter kept facts on disk.  They must be in Redis
 * before the log lines of their messages: else their events would know neither
 * tenant nor subject.
 */
static bool
must_hold(struct follower *f)
{
	if (!message_spool_waits(f->options.state_directory)) {
		hold_anew(f);
		return false;
	}
	if (!store_is_up(f->store)) {
		hold_anew(f);
		return true;
	}
	if (f->hold_in_vain)
		return false;
	if (f->hold_until_us == 0)
		f->hold_until_us = clock_deadline_ms(HOLD_MAX_MS);
	if (clock_mono_us() < f->hold_until_us)
		return true;
	f->hold_in_vain = true;
	log_warning("log follower: message facts in %s/%s are not replayed: "
		    "is the milter running? going on without them",
	    f->options.state_directory, MESSAGE_SPOOL_ADDING);
	return false;
}

static void
hold_or_commit(struct follower *f)
{
	if (f->count > 0 && must_hold(f)) {
		f->state = HOLDING;
		loop_timer_set(f->timer, HOLD_MS);
		return;
	}
	commit(f);
}

/* Until there is nothing more, or the batch is full. */
static void
read_on(struct follower *f)
{
	int n = 0;

	while (f->count < BATCH_OPS && f->lines < BATCH_LINES) {
		size_t max = BATCH_OPS - f->count;

		if (max > READ_LINES)
			max = READ_LINES;
		n = f->source->ops->read(f->source, max, on_found, f);
		if (n <= 0)
			break;
		f->lines += (size_t)n;
		f->counters.lines += (uint64_t)n;
	}
	if (n < 0) {
		/* What was found before it is not lost: the checkpoint. */
		f->count = 0;
		arena_reset(f->arena);
		trouble(f, "reading", n);
		return;
	}
	bool move = f->lines > 0 && clock_mono_us() >= f->next_move_us;
	if (f->count > 0 || f->lines >= BATCH_LINES || f->fresh || move)
		hold_or_commit(f);
	else
		loop_timer_set(f->timer, POLL_MS);
}

static void
on_checkpoint(int rc, struct slice current, void *ctx)
{
	struct follower *f = ctx;

	if (rc == ERR_NOTFOUND)
		current.len = 0;
	else if (rc < 0) {
		trouble(f, "checkpoint", rc);
		return;
	}
	if (current.len > LOG_POSITION_MAX)
		current.len = 0;
	f->committed_len = current.len;
	if (current.len > 0)
		memcpy(f->committed, current.at, current.len);
	rc = f->source->ops->seek(f->source, current);
	if (rc < 0) {
		trouble(f, "log", rc);
		return;
	}
	if (rc > 0) {
		f->counters.gaps++;
		log_warning("log follower: the place %.*s is in no log any "
			    "more: lines may be missing",
		    SLICE_F(current));
	}
	/* The very first time: keep the place, lest a crash skips lines. */
	f->fresh = current.len == 0;
	f->count = f->lines = 0;
	arena_reset(f->arena);
	f->state = READING;
	read_on(f);
}

static void
on_timer(void *ctx)
{
	struct follower *f = ctx;

	if (f->stopping)
		return;
	switch (f->state) {
	case WAITING:
		f->state = ASKING;
		delivery_checkpoint(f->store, f->options.host,
		    slice_of(f->options.source), clock_deadline_ms(COMMIT_MS),
		    on_checkpoint, f);
		return;
	case READING:
		read_on(f);
		return;
	case HOLDING:
		hold_or_commit(f);
		return;
	case ASKING:
	case COMMITTING:
		return;
	}
}

static void
on_woken(int fd, void *ctx)
{
	struct follower *f = ctx;

	(void)fd;
	f->source->ops->woken(f->source);
	if (f->state == READING && !f->stopping)
		read_on(f);
}

int
follower_start(struct event_base *base, struct store *s,
    struct log_source *source, const struct follower_options *options,
    struct follower **ret_follower)
{
	struct follower *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		source->ops->close(source);
		return ERR_NOMEM;
	}
	f->store = s;
	f->source = source;
	f->options = *options;
	f->arena = arena_new(BATCH_TEXT);
	f->timer = loop_timer_new(base, on_timer, f);
	int fd = source->ops->descriptor(source);
	if (fd >= 0)
		f->watch = loop_watch_new(base, fd, on_woken, f);
	if (f->arena == NULL || f->timer == NULL ||
	    (fd >= 0 && f->watch == NULL)) {
		follower_stop(f);
		return ERR_NOMEM;
	}
	wait_then_ask(f, 0);
	*ret_follower = f;
	return 0;
}

void
follower_use_rules(struct follower *f, struct bounce_rules *rules)
{
	bounce_rules_unref(f->rules);
	f->rules = bounce_rules_ref(rules);
}

void
follower_store_changed(struct follower *f, bool up)
{
	hold_anew(f);
	if (up && f->state == WAITING)
		loop_timer_set(f->timer, 0);
}

bool
follower_drain(struct follower *f)
{
	f->stopping = true;
	return f->state != COMMITTING;
}

void
follower_stop(struct follower *f)
{
	if (f == NULL)
		return;
	loop_timer_free(f->timer);
	loop_watch_free(f->watch);
	arena_free(f->arena);
	bounce_rules_unref(f->rules);
	f->source->ops->close(f->source);
	free(f);
}

const struct follower_counters *
follower_counters(const struct follower *f)
{
	return &f->counters;
}
