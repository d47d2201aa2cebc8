/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands to Redis: pipelined, each with a deadline, answered once. */
#include "store/redis.h"

#include <event2/event.h>
#include <stdlib.h>

#include "store/redis_script.h"
#include "store/redis_store.h"
#include "store/request.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define OUT_MAX (64 * 1024 * 1024)
#define SPARE_BLOCK 128  /* command records made at a time */
#define SILENT_MAX 3     /* deadlines missed in a row ... */
#define SILENT_TIMES 3   /* ... and times the usual timeout without a reply */
#define OUT_SLACK 262144 /* answered octets kept before moving the rest */

/* ---- records ---- */

/*
 * Records are made in blocks and given back at the end: their number is that
 * of the most commands that ever waited.
 */
struct command_block {
	struct command_block *next;
	struct command at[SPARE_BLOCK];
};

static struct command *
command_new(struct store *s)
{
	struct command *c = TAILQ_FIRST(&s->spare);

	if (c == NULL) {
		struct command_block *b = calloc(1, sizeof(*b));

		if (b == NULL)
			abort(); /* as stopped: nobody could be told */
		b->next = s->blocks;
		s->blocks = b;
		for (size_t i = 0; i < SPARE_BLOCK; i++)
			TAILQ_INSERT_TAIL(&s->spare, &b->at[i], order);
		c = TAILQ_FIRST(&s->spare);
	}
	TAILQ_REMOVE(&s->spare, c, order);
	return c;
}

struct request_block {
	struct request_block *next;
	struct request at[SPARE_BLOCK];
};

struct request *
request_new(struct store *s, request_fn *fn, void *ctx)
{
	struct request *q = s->requests;

	if (q == NULL) {
		struct request_block *b = calloc(1, sizeof(*b));

		if (b == NULL)
			abort(); /* as in command_new */
		b->next = s->request_blocks;
		s->request_blocks = b;
		for (size_t i = 0; i < SPARE_BLOCK; i++) {
			b->at[i].next = q;
			q = &b->at[i];
		}
	}
	s->requests = q->next;
	*q = (struct request){ .fn = fn, .ctx = ctx, .store = s };
	return q;
}

void
request_done(struct request *q)
{
	q->next = q->store->requests;
	q->store->requests = q;
}

static void
command_spare(struct store *s, struct command *c)
{
	TAILQ_INSERT_HEAD(&s->spare, c, order);
}

/* ---- deadlines ---- */

static void
arm(struct store *s, int64_t deadline_us)
{
	int64_t wait_us = deadline_us - clock_mono_us();

	if (wait_us < 0)
		wait_us = 0;
	struct timeval tv = { wait_us / 1000000, wait_us % 1000000 };

	s->timer_us = deadline_us;
	(void)event_add(s->timer, &tv);
}

/*
 * Nearly all commands have the same timeout, so that the place of a new one is
 * at or near the end.
 */
static void
due_insert(struct store *s, struct command *c)
{
	struct command *before = TAILQ_LAST(&s->due, commands);

	while (before != NULL && before->deadline_us > c->deadline_us)
		before = TAILQ_PREV(before, commands, due);
	if (before != NULL)
		TAILQ_INSERT_AFTER(&s->due, before, c, due);
	else
		TAILQ_INSERT_HEAD(&s->due, c, due);
	if (s->timer_us == 0 || c->deadline_us < s->timer_us)
		arm(s, c->deadline_us);
}

/* Ends the waiting; the record may stay for its reply. */
static void
tell(struct store *s, struct command *c, int rc,
    const struct redis_reply *reply)
{
	redis_done *done = c->done;

	if (done == NULL)
		return;
	c->done = NULL;
	TAILQ_REMOVE(&s->due, c, due);
	done(rc, reply, c->ctx);
}

/*
 * Commands time out and not one reply came for a while: the connection may be
 * dead without having said so.  silent_us is when this began.
 */
static bool
is_silent(struct store *s, int64_t now_us)
{
	if (s->silent == 0 || s->silent_us == 0)
		s->silent_us = now_us;
	return s->silent >= SILENT_MAX &&
	       now_us - s->silent_us > SILENT_TIMES * s->timeout_us;
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct store *s = ctx;
	struct command *c;
	int64_t now_us = clock_mono_us();

	(void)fd;
	(void)what;
	s->timer_us = 0;
	while ((c = TAILQ_FIRST(&s->due)) != NULL && c->deadline_us <= now_us) {
		if (s->silent < SILENT_MAX)
			s->silent++;
		tell(s, c, ERR_TIMEOUT, NULL);
	}
	if (c != NULL && s->timer_us == 0)
		arm(s, c->deadline_us);
	if (s->state == LINK_UP && is_silent(s, now_us))
		store_lost(s, "no answer to several commands");
}

/* ---- sending ---- */

static void
flush(struct store *s)
{
	size_t begin = (size_t)(s->out_sent - s->out_start);

	if (s->state != LINK_UP || begin == s->out.len)
		return;
	s->out_sent +=
	    link_send(s->link, s->out.at + begin, s->out.len - begin);
}

void
redis_flush(struct store *s)
{
	flush(s);
}

static void
on_flush(evutil_socket_t fd, short what, void *ctx)
{
	struct store *s = ctx;

	(void)fd;
	(void)what;
	s->flush_due = false;
	flush(s);
}

static void
on_writable(void *ctx)
{
	flush(ctx);
}

static void
flush_soon(struct store *s)
{
	if (s->flush_due || s->state != LINK_UP)
		return;
	s->flush_due = true;
	event_active(s->flush, EV_WRITE, 0);
}

/* Octets up to the oldest command that waits are not needed any more. */
static void
release(struct store *s)
{
	const struct command *oldest = TAILQ_FIRST(&s->sent);

	if (oldest == NULL) {
		s->out_start += s->out.len;
		buf_clear(&s->out);
		return;
	}
	size_t done = (size_t)(oldest->at - s->out_start);
	if (done < OUT_SLACK || done < s->out.len / 2)
		return;
	buf_consume(&s->out, done);
	s->out_start += done;
}

/* Its octets were just added to out, from start on. */
static void
queue(struct store *s, struct command *c, size_t start)
{
	c->at = s->out_start + start;
	c->len = s->out.len - start;
	TAILQ_INSERT_TAIL(&s->sent, c, order);
	flush_soon(s);
}

/* Fails it from the loop. */
static void
refuse(struct store *s, struct command *c, int rc)
{
	c->rc = rc;
	TAILQ_INSERT_TAIL(&s->failed, c, order);
	event_active(s->fail, EV_WRITE, 0);
}

static void
on_fail(evutil_socket_t fd, short what, void *ctx)
{
	struct store *s = ctx;
	struct command *c;

	(void)fd;
	(void)what;
	while ((c = TAILQ_FIRST(&s->failed)) != NULL) {
		TAILQ_REMOVE(&s->failed, c, order);
		tell(s, c, c->rc, NULL);
		command_spare(s, c);
	}
}

static struct command *
start_command(struct store *s, int64_t deadline_us, redis_done *done, void *ctx)
{
	struct command *c = command_new(s);

	c->done = done;
	c->ctx = ctx;
	c->deadline_us = deadline_us;
	c->sha_at = 0;
	c->repeated = false;
	if (done != NULL)
		due_insert(s, c);
	return c;
}

void
redis_command(struct store *s, const struct slice *argv, size_t argc,
    int64_t deadline_us, redis_done *done, void *ctx)
{
	struct command *c = start_command(s, deadline_us, done, ctx);
	size_t start = s->out.len;

	if (s->state == LINK_DOWN || redis_format(argv, argc, &s->out) < 0)
		refuse(s, c, ERR_UNAVAIL);
	else
		queue(s, c, start);
}

void
redis_refuse(struct store *s, int rc, redis_done *done, void *ctx)
{
	refuse(s, start_command(s, store_deadline(s), done, ctx), rc);
}

/* ---- scripts ---- */

void
redis_script(struct store *s, enum script script, size_t nkeys,
    const struct slice *argv, size_t argc, int64_t deadline_us,
    redis_done *done, void *ctx)
{
	struct command *c = start_command(s, deadline_us, done, ctx);
	size_t start = s->out.len;
	struct slice sha = { s->shas[script], REDIS_SHA_LEN };
	struct slice command = redis_script_only_reads(script)
				   ? SLICE("EVALSHA_RO")
				   : SLICE("EVALSHA");

	if (s->state == LINK_DOWN || redis_format_script(command, sha, nkeys,
					 argv, argc, &s->out, &c->sha_at) < 0) {
		refuse(s, c, ERR_UNAVAIL);
		return;
	}
	c->script = script;
	queue(s, c, start);
}

/* Redis has lost its scripts (SCRIPT FLUSH): load this one, ask again. */
static bool
repeat_script(struct store *s, struct command *c)
{
	struct slice load[3] = { SLICE("SCRIPT"), SLICE("LOAD"),
		slice_of(redis_script_text(c->script)) };
	size_t from = (size_t)(c->at - s->out_start), start = s->out.len;

	if (redis_format(load, 3, &s->out) < 0)
		return false;
	queue(s, start_command(s, 0, NULL, NULL), start);
	if (buf_reserve(&s->out, c->len) < 0)
		return false;
	start = s->out.len;
	memcpy(s->out.at + start, s->out.at + from, c->len);
	s->out.len += c->len;
	c->repeated = true;
	queue(s, c, start);
	return true;
}

/* ---- replies ---- */

/* Redis can not do it now, though it might later: not our bug. */
static const char *const trouble[] = { "LOADING ", "READONLY ", "MASTERDOWN ",
	"CLUSTERDOWN ", "TRYAGAIN ", "MOVED ", "ASK ", "OOM ", "BUSY ",
	"MISCONF ", "NOREPLICAS ", "NOAUTH ", "NOPERM ", "UNBLOCKED ",
	"NOSCRIPT " };

static int
error_code(struct slice error)
{
	static struct log_limit limit;
	unsigned long missed;

	for (size_t i = 0; i < sizeof(trouble) / sizeof(trouble[0]); i++)
		if (slice_starts(error, slice_of(trouble[i])) ||
		    slice_find(error, slice_of(trouble[i])) != NULL)
			return ERR_UNAVAIL;
	if (log_limit_ok(&limit, 10, &missed))
		log_error("redis: refused a command: %.*s",
		    (int)(error.len < 300 ? error.len : 300), error.at);
	return ERR_SYNTAX;
}

static void
on_reply(const struct redis_reply *reply, void *ctx)
{
	struct store *s = ctx;
	struct command *c = TAILQ_FIRST(&s->sent);
	struct slice error = redis_error(reply);
	bool readonly = slice_starts(error, SLICE("READONLY "));

	if (c == NULL) {
		store_lost(s, "a reply that nobody asked for");
		return;
	}
	s->silent = 0;
	s->silent_us = 0;
	TAILQ_REMOVE(&s->sent, c, order);
	if (slice_starts(error, SLICE("NOSCRIPT ")) && c->sha_at != 0 &&
	    !c->repeated && c->done != NULL && repeat_script(s, c))
		return;
	tell(s, c, error.at != NULL ? error_code(error) : 0,
	    error.at != NULL ? NULL : reply);
	command_spare(s, c);
	release(s);
	/* A master that became a replica: look for the new one. */
	if (readonly && s->state == LINK_UP)
		store_lost(s, "the server is not a master any more");
}

static void
on_down(const char *why, void *ctx)
{
	store_lost(ctx, why);
}

const struct link_events command_events = {
	.reply = on_reply,
	.writable = on_writable,
	.down = on_down,
};

/* ---- life ---- */

void
commands_start(struct store *s)
{
	struct command *c;

	/* Scripts that were asked for before their names were known. */
	TAILQ_FOREACH (c, &s->sent, order)
		if (c->sha_at != 0)
			memcpy(s->out.at + (c->at - s->out_start) + c->sha_at,
			    s->shas[c->script], REDIS_SHA_LEN);
	s->silent = 0;
	s->silent_us = 0;
	flush_soon(s);
}

void
commands_fail(struct store *s, int rc)
{
	struct commands all = TAILQ_HEAD_INITIALIZER(all);
	struct command *c;

	TAILQ_CONCAT(&all, &s->sent, order);
	TAILQ_CONCAT(&all, &s->failed, order);
	s->out_start += s->out.len;
	s->out_sent = s->out_start;
	buf_clear(&s->out);
	while ((c = TAILQ_FIRST(&all)) != NULL) {
		TAILQ_REMOVE(&all, c, order);
		tell(s, c, rc, NULL);
		command_spare(s, c);
	}
}

int
commands_init(struct store *s)
{
	TAILQ_INIT(&s->sent);
	TAILQ_INIT(&s->due);
	TAILQ_INIT(&s->failed);
	TAILQ_INIT(&s->spare);
	buf_init(&s->out, OUT_MAX);
	s->flush = event_new(s->base, -1, 0, on_flush, s);
	s->fail = event_new(s->base, -1, 0, on_fail, s);
	s->timer = event_new(s->base, -1, 0, on_timer, s);
	return s->flush != NULL && s->fail != NULL && s->timer != NULL
		   ? 0
		   : ERR_NOMEM;
}

void
commands_done(struct store *s)
{
	struct event *events[] = { s->flush, s->fail, s->timer };

	for (size_t i = 0; i < 3; i++)
		if (events[i] != NULL)
			event_free(events[i]);
	while (s->blocks != NULL) {
		struct command_block *b = s->blocks;

		s->blocks = b->next;
		free(b);
	}
	while (s->request_blocks != NULL) {
		struct request_block *b = s->request_blocks;

		s->request_blocks = b->next;
		free(b);
	}
	buf_done(&s->out);
}
