/* SPDX-License-Identifier: BSD-2-Clause */
/* Collecting the arguments of a script. */
#include "store/args.h"

#include <stdlib.h>
#include <time.h>

#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

#define ARENA_MAX (16 * 1024 * 1024)

void
args_init(struct args *a)
{
	*a = (struct args){ .arena = arena_new(ARENA_MAX) };
	a->failed = a->arena == NULL;
}

void
args_add(struct args *a, struct slice s)
{
	if (a->count == a->cap && !a->failed) {
		size_t cap = a->cap > 0 ? 2 * a->cap : 64;
		struct slice *at = realloc(a->at, cap * sizeof(*at));

		if (at == NULL) {
			a->failed = true;
		} else {
			a->at = at;
			a->cap = cap;
		}
	}
	if (!a->failed)
		a->at[a->count++] = s;
}

void
args_copy(struct args *a, struct slice s)
{
	struct slice copy = { NULL, 0 };

	if (!a->failed)
		copy = arena_dup(a->arena, s);
	if (copy.at == NULL)
		a->failed = true;
	args_add(a, copy);
}

void
args_key(struct args *a, const struct key *key)
{
	args_copy(a, key_slice(key));
	a->nkeys++;
}

void
args_number(struct args *a, int64_t n)
{
	char room[NUMBER_TEXT_MAX];

	args_copy(a, (struct slice){ room,
			 number_format(n > 0 ? (uint64_t)n : 0, room) });
}

void
args_minute(struct args *a, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm = { 0 };
	char text[32];

	(void)gmtime_r(&t, &tm);
	args_copy(a, (struct slice){ text,
			 strftime(text, sizeof(text), "%Y%m%d%H%M", &tm) });
}

int64_t
args_streams(struct args *a, struct slice host)
{
	struct key keys[2];
	int64_t midnight_ms = key_events_pair(host, clock_wall_us(), keys);

	args_key(a, &keys[0]);
	args_key(a, &keys[1]);
	return midnight_ms;
}

void
args_event(struct args *a, const struct event *e)
{
	struct event_fields fields;
	struct buf facts;

	args_minute(a, e->created_ms);
	buf_init(&facts, EVENT_FACTS_MAX);
	if (event_to_fields(e, &facts, &fields) < 0)
		a->failed = true;
	for (size_t i = 0; i < EVENT_FIELDS && !a->failed; i++)
		args_copy(a, fields.at[2 * i + 1]);
	buf_done(&facts);
}

void
args_send(struct args *a, struct store *s, enum script script,
    int64_t deadline_us, redis_done *done, void *ctx)
{
	if (a->failed)
		redis_refuse(s, ERR_NOMEM, done, ctx);
	else
		redis_script(s, script, a->nkeys, a->at, a->count, deadline_us,
		    done, ctx);
	arena_free(a->arena);
	free(a->at);
}
