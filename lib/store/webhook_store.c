/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue of each webhook endpoint in Redis. */
#include "store/webhook_store.h"

#include <stdlib.h>

#include "store/keys.h"
#include "store/redis.h"
#include "util/err.h"
#include "util/number.h"

#define TTL_TEXT "3628800" /* WEBHOOK_TTL_S */
#define DEAD_MS_TEXT "3456000000"
#define DEAD_MAX_TEXT "10000"
_Static_assert(WEBHOOK_TTL_S == 3628800 && WEBHOOK_DEAD_MAX == 10000 &&
		   WEBHOOK_DEAD_S * 1000LL == 3456000000,
    "texts and numbers agree");

/* The keys of one endpoint; behind them one of each kind's pending events. */
enum part { STATE, POS, BATCH, META, DUE, DEAD, DEADBATCH, DEADMETA, PARTS };
static const char *const part_names[PARTS] = { "state", "pos", "batch", "meta",
	"due", "dead", "deadbatch", "deadmeta" };
static const char *const pending_names[] = { "pend0", "pend1", "pend2", "pend3",
	"pend4", "pend5" };
_Static_assert(sizeof(pending_names) / sizeof(*pending_names) ==
		   WEBHOOK_STORE_KINDS,
    "each kind has its list");

#define KEYS_MAX (PARTS + WEBHOOK_STORE_KINDS)
#define NUMBERS_MAX (8 + WEBHOOK_STORE_KINDS)
#define ARGS_MAX (KEYS_MAX + NUMBERS_MAX + 4)
struct args {
	struct key keys[KEYS_MAX];
	struct slice argv[ARGS_MAX];
	size_t nkeys, argc;
	char numbers[NUMBERS_MAX][NUMBER_TEXT_MAX];
	size_t number_count;
};

static void
add_named(struct args *a, struct webhook_endpoint e, const char *name)
{
	struct key *k = &a->keys[a->nkeys++];

	*k = key_webhook(e.tenant, e.name, slice_of(name));
	a->argv[a->argc++] = key_slice(k);
}

static void
add_key(struct args *a, struct webhook_endpoint e, enum part part)
{
	add_named(a, e, part_names[part]);
}

static void
add_pending(struct args *a, struct webhook_endpoint e)
{
	for (unsigned kind = 0; kind < WEBHOOK_STORE_KINDS; kind++)
		add_named(a, e, pending_names[kind]);
}

static void
add(struct args *a, struct slice s)
{
	a->argv[a->argc++] = s.at != NULL ? s : SLICE("");
}

static void
add_number(struct args *a, int64_t n)
{
	char *room = a->numbers[a->number_count++];

	add(a, (struct slice){ room,
		   number_format(n > 0 ? (uint64_t)n : 0, room) });
}

/* What a call keeps until its reply. */
struct call {
	void (*fn)(void); /* cast to its own type by who made it */
	void *ctx;
};

static struct call *
call_new(void (*fn)(void), void *ctx)
{
	struct call *c = calloc(1, sizeof(*c));

	if (c != NULL)
		*c = (struct call){ .fn = fn, .ctx = ctx };
	return c;
}

static struct call
call_end(struct call *c)
{
	struct call copy = *c;

	free(c);
	return copy;
}

static struct slice
text_at(const struct redis_reply *r, size_t i)
{
	return redis_string(redis_at(r, i));
}

static int64_t
number_at(const struct redis_reply *r, size_t i)
{
	return redis_integer(redis_at(r, i));
}

/* ---- open ---- */

static void
open_reply(int rc, const struct redis_reply *r, void *ctx)
{
	struct call c = call_end(ctx);
	webhook_opened *opened = (webhook_opened *)c.fn;
	struct webhook_position *positions = NULL;
	struct webhook_state state = { .created_ms = 0 };
	size_t n = redis_count(r);

	if (rc == 0 && n < 2)
		rc = ERR_SYNTAX;
	if (rc == 0 && n > 2) {
		positions = calloc((n - 2) / 2, sizeof(*positions));
		if (positions == NULL)
			rc = ERR_NOMEM;
	}
	if (rc < 0) {
		opened(rc, NULL, c.ctx);
		return;
	}
	state.created_ms = number_at(r, 0);
	state.disabled = text_at(r, 1);
	for (size_t i = 2; i + 1 < n; i += 2)
		positions[state.position_count++] =
		    (struct webhook_position){ text_at(r, i),
			    text_at(r, i + 1) };
	state.positions = positions;
	opened(0, &state, c.ctx);
	free(positions);
}

void
webhook_open(struct store *s, struct webhook_endpoint e, int64_t revision,
    int64_t now_ms, int64_t deadline_us, webhook_opened *opened, void *ctx)
{
	struct call *c = call_new((void (*)(void))opened, ctx);
	struct args a = { .argc = 0 };

	if (c == NULL) {
		opened(ERR_NOMEM, NULL, ctx);
		return;
	}
	add_key(&a, e, STATE);
	add_key(&a, e, POS);
	add_number(&a, now_ms);
	add_number(&a, revision);
	add(&a, SLICE(TTL_TEXT));
	redis_script(s, SCRIPT_webhook_open, a.nkeys, a.argv, a.argc,
	    deadline_us, open_reply, c);
}

/* ---- append ---- */

static void
append_reply(int rc, const struct redis_reply *r, void *ctx)
{
	struct call c = call_end(ctx);
	webhook_appended *appended = (webhook_appended *)c.fn;

	if (rc == 0 && number_at(r, 0) != 1)
		rc = number_at(r, 0) == 0 ? ERR_CONFLICT : ERR_LIMIT;
	appended(rc,
	    rc == ERR_CONFLICT || rc == 0 ? text_at(r, 1)
					  : (struct slice){ NULL, 0 },
	    c.ctx);
}

void
webhook_append(struct store *s, struct webhook_endpoint e, struct slice host,
    struct slice expected, struct slice next,
    const struct webhook_entry *entries, size_t count, unsigned max_waiting,
    int64_t now_ms, int64_t deadline_us, webhook_appended *appended, void *ctx)
{
	static const enum part parts[] = { STATE, POS, BATCH, META, DUE, DEAD,
		DEADMETA };
	static const struct slice kinds[WEBHOOK_STORE_KINDS] = { { "0", 1 },
		{ "1", 1 }, { "2", 1 }, { "3", 1 }, { "4", 1 }, { "5", 1 } };
	struct call *c = call_new((void (*)(void))appended, ctx);
	struct slice *argv = calloc(ARGS_MAX + count * 2, sizeof(*argv));
	struct args a = { .argc = 0 };

	if (c == NULL || argv == NULL) {
		free(c);
		free(argv);
		appended(ERR_NOMEM, (struct slice){ NULL, 0 }, ctx);
		return;
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		add_key(&a, e, parts[i]);
	add_pending(&a, e);
	add(&a, host);
	add(&a, expected);
	add(&a, next);
	add_number(&a, now_ms);
	add_number(&a, max_waiting);
	add(&a, SLICE(TTL_TEXT));
	memcpy(argv, a.argv, a.argc * sizeof(*argv));
	for (size_t i = 0; i < count; i++) {
		argv[a.argc++] = kinds[entries[i].kind];
		argv[a.argc++] = entries[i].packed;
	}
	redis_script(s, SCRIPT_webhook_append, a.nkeys, argv, a.argc,
	    deadline_us, append_reply, c);
	free(argv);
}

/* ---- take and finish ---- */

static void
take_reply(int rc, const struct redis_reply *r, void *ctx)
{
	struct call c = call_end(ctx);
	webhook_taken *taken = (webhook_taken *)c.fn;
	struct webhook_batch b = { .id = { "", 0 } };

	if (rc == 0 && redis_count(r) < 2)
		rc = ERR_SYNTAX;
	if (rc < 0) {
		taken(rc, NULL, c.ctx);
		return;
	}
	b.id = text_at(r, 0);
	if (b.id.len == 0) {
		b.disabled =
		    slice_eq(text_at(r, 1), SLICE("-1")) || number_at(r, 1) < 0;
		b.next_ms = b.disabled ? 0 : number_at(r, 1);
	} else {
		b.kind = (unsigned)number_at(r, 1) % WEBHOOK_STORE_KINDS;
		b.attempts = (unsigned)number_at(r, 2);
		b.first_ms = number_at(r, 3);
		b.events = text_at(r, 4);
	}
	taken(0, &b, c.ctx);
}

void
webhook_take(struct store *s, struct webhook_endpoint e,
    const struct webhook_take *take, int64_t deadline_us, webhook_taken *taken,
    void *ctx)
{
	static const enum part parts[] = { STATE, BATCH, META, DUE };
	struct call *c = call_new((void (*)(void))taken, ctx);
	struct args a = { .argc = 0 };

	if (c == NULL) {
		taken(ERR_NOMEM, NULL, ctx);
		return;
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		add_key(&a, e, parts[i]);
	add_pending(&a, e);
	add_number(&a, take->now_ms);
	add_number(&a, take->now_ms + take->lease_ms);
	add_number(&a, take->batch_ms);
	add(&a, SLICE(TTL_TEXT));
	for (unsigned kind = 0; kind < WEBHOOK_STORE_KINDS; kind++)
		add_number(&a, take->batch_events[kind]);
	redis_script(s, SCRIPT_webhook_take, a.nkeys, a.argv, a.argc,
	    deadline_us, take_reply, c);
}

static void
number_reply(int rc, const struct redis_reply *r, void *ctx)
{
	struct call c = call_end(ctx);
	int64_t n = rc == 0 ? redis_integer(r) : 0;

	if (rc == 0 && n < 0)
		rc = ERR_NOTFOUND;
	((webhook_done *)c.fn)(rc, n, c.ctx);
}

void
webhook_finish(struct store *s, struct webhook_endpoint e, struct slice id,
    enum webhook_end end, int64_t due_ms, struct slice text, int64_t revision,
    int64_t now_ms, int64_t deadline_us, webhook_done *done, void *ctx)
{
	static const enum part parts[] = { STATE, BATCH, META, DUE, DEAD,
		DEADBATCH, DEADMETA };
	static const struct slice words[] = {
		[WEBHOOK_END_DELIVERED] = { "delivered", 9 },
		[WEBHOOK_END_RETRY] = { "retry", 5 },
		[WEBHOOK_END_DEAD] = { "dead", 4 },
		[WEBHOOK_END_DISABLE] = { "disable", 7 },
	};
	struct call *c = call_new((void (*)(void))done, ctx);
	struct args a = { .argc = 0 };

	if (c == NULL) {
		done(ERR_NOMEM, 0, ctx);
		return;
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		add_key(&a, e, parts[i]);
	add(&a, id);
	add(&a, words[end]);
	add_number(&a, due_ms);
	add(&a, text);
	add_number(&a, revision);
	add_number(&a, now_ms);
	add(&a, SLICE(DEAD_MAX_TEXT));
	add(&a, SLICE(DEAD_MS_TEXT));
	add(&a, SLICE(TTL_TEXT));
	redis_script(s, SCRIPT_webhook_finish, a.nkeys, a.argv, a.argc,
	    deadline_us, number_reply, c);
}

/* ---- for people ---- */

static void
show_reply(int rc, const struct redis_reply *r, void *ctx)
{
	struct call c = call_end(ctx);
	webhook_shown *shown = (webhook_shown *)c.fn;
	struct webhook_status st = { .waiting = 0 };

	if (rc < 0) {
		shown(rc, NULL, c.ctx);
		return;
	}
	st.waiting = (uint64_t)number_at(r, 0);
	st.dead = (uint64_t)number_at(r, 1);
	st.created_ms = number_at(r, 2);
	st.delivered_ms = number_at(r, 3);
	st.failed_ms = number_at(r, 4);
	st.error = text_at(r, 5);
	st.disabled = text_at(r, 6);
	shown(0, &st, c.ctx);
}

void
webhook_show(struct store *s, struct webhook_endpoint e, int64_t deadline_us,
    webhook_shown *shown, void *ctx)
{
	struct call *c = call_new((void (*)(void))shown, ctx);
	struct args a = { .argc = 0 };

	if (c == NULL) {
		shown(ERR_NOMEM, NULL, ctx);
		return;
	}
	add_key(&a, e, STATE);
	add_key(&a, e, DEAD);
	redis_script(s, SCRIPT_webhook_show, a.nkeys, a.argv, a.argc,
	    deadline_us, show_reply, c);
}

void
webhook_enable(struct store *s, struct webhook_endpoint e, int64_t deadline_us,
    webhook_done *done, void *ctx)
{
	struct call *c = call_new((void (*)(void))done, ctx);
	struct args a = { .argc = 0 };

	if (c == NULL) {
		done(ERR_NOMEM, 0, ctx);
		return;
	}
	add(&a, SLICE("HDEL"));
	add_key(&a, e, STATE);
	add(&a, SLICE("disabled"));
	add(&a, SLICE("disabled_rev"));
	redis_command(s, a.argv, a.argc, deadline_us, number_reply, c);
}

/* "kind attempts made-at events text" */
static void
dead_parse(struct slice meta, struct webhook_dead *ret)
{
	uint64_t n[4] = { 0 };
	struct slice word;

	for (size_t i = 0; i < 4 && slice_split(&meta, ' ', &word); i++)
		(void)number_parse(word, 0, INT64_MAX, &n[i]);
	ret->kind = (unsigned)n[0] % WEBHOOK_STORE_KINDS;
	ret->attempts = (unsigned)n[1];
	ret->first_ms = (int64_t)n[2];
	ret->events = n[3];
	ret->error = meta;
}

struct dead_call {
	webhook_dead_row *row;
	webhook_dead_end *end;
	void *ctx;
	unsigned limit;
};

static void
dead_reply(int rc, const struct redis_reply *r, void *ctx)
{
	struct dead_call c = *(struct dead_call *)ctx;
	struct slice next = { NULL, 0 };
	/* One more than asked for says whether there are more. */
	size_t n = rc == 0 ? redis_count(r) / 3 : 0;

	free(ctx);
	for (size_t i = 0; i < n && i < c.limit; i++) {
		struct webhook_dead d = { .id = text_at(r, i * 3),
			.died_ms = number_at(r, i * 3 + 1) };

		dead_parse(text_at(r, i * 3 + 2), &d);
		c.row(&d, c.ctx);
		if (i + 1 == c.limit && n > c.limit)
			next = text_at(r, i * 3 + 1);
	}
	c.end(rc, next, c.ctx);
}

void
webhook_dead_list(struct store *s, struct webhook_endpoint e,
    struct slice cursor, unsigned limit, int64_t deadline_us,
    webhook_dead_row *row, webhook_dead_end *end, void *ctx)
{
	struct dead_call *c = calloc(1, sizeof(*c));
	struct args a = { .argc = 0 };
	uint64_t score = 0;

	if (c == NULL) {
		end(ERR_NOMEM, (struct slice){ NULL, 0 }, ctx);
		return;
	}
	if (cursor.len > 0 && number_parse(cursor, 0, INT64_MAX, &score) < 0) {
		free(c);
		end(ERR_SYNTAX, (struct slice){ NULL, 0 }, ctx);
		return;
	}
	*c = (struct dead_call){ row, end, ctx, limit };
	add_key(&a, e, DEAD);
	add_key(&a, e, DEADMETA);
	add_number(&a, (int64_t)score);
	add_number(&a, (int64_t)limit + 1);
	redis_script(s, SCRIPT_webhook_dead, a.nkeys, a.argv, a.argc,
	    deadline_us, dead_reply, c);
}

void
webhook_replay(struct store *s, struct webhook_endpoint e, struct slice id,
    int64_t now_ms, int64_t deadline_us, webhook_done *done, void *ctx)
{
	static const enum part parts[] = { STATE, BATCH, META, DUE, DEAD,
		DEADBATCH, DEADMETA };
	struct call *c = call_new((void (*)(void))done, ctx);
	struct args a = { .argc = 0 };

	if (c == NULL) {
		done(ERR_NOMEM, 0, ctx);
		return;
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		add_key(&a, e, parts[i]);
	add_number(&a, now_ms);
	add(&a, id);
	add(&a, SLICE(TTL_TEXT));
	redis_script(s, SCRIPT_webhook_replay, a.nkeys, a.argv, a.argc,
	    deadline_us, number_reply, c);
}
