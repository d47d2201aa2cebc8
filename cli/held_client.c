/* SPDX-License-Identifier: BSD-2-Clause */
/* Held mail for commands: one call, one answer. */
#include "cli/held_client.h"

#include <stdio.h>
#include <time.h>

#include "cli/store_client.h"
#include "store/audit_store.h"
#include "store/event_store.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"

#define PAGE 500
#define CURSOR_OCTETS 1024
#define ACTOR_OCTETS 300
#define LOOK_NS 100000000L

struct answer {
	bool over;
	int rc;
	struct arena *arena;
	struct slice *hosts;
	size_t *counts;
	char cursor[CURSOR_OCTETS];
	size_t cursor_len;
	hold_row *row;
	void *ctx;
	struct hold_record *record;
};

static int
finish(struct cli_store *s, struct answer *a)
{
	cli_store_wait(s, &a->over);
	return a->over ? a->rc : ERR_UNAVAIL;
}

static int64_t
deadline(const struct cli_store *s)
{
	return store_long_deadline(s->store);
}

static void
on_done(int rc, void *ctx)
{
	struct answer *a = ctx;

	a->rc = rc;
	a->over = true;
}

static void
on_hosts(int rc, const struct slice *hosts, size_t count, void *ctx)
{
	struct answer *a = ctx;

	for (size_t i = 0; rc >= 0 && i < count && i < HELD_HOSTS_MAX; i++) {
		a->hosts[i] = arena_dup(a->arena, hosts[i]);
		rc = a->hosts[i].at != NULL ? (int)i + 1 : ERR_NOMEM;
	}
	on_done(rc, a);
}

int
held_client_hosts(struct cli_store *s, struct arena *arena,
    struct slice ret_hosts[HELD_HOSTS_MAX])
{
	struct answer a = { .arena = arena, .hosts = ret_hosts };

	host_list(s->store, deadline(s), on_hosts, &a);
	return finish(s, &a);
}

static void
on_row(const struct hold_record *r, void *ctx)
{
	struct answer *a = ctx;

	a->row(r, a->ctx);
}

static void
on_page(int rc, struct slice next, void *ctx)
{
	struct answer *a = ctx;

	a->cursor_len = 0;
	if (rc == 0 && next.at != NULL && next.len <= sizeof(a->cursor)) {
		memcpy(a->cursor, next.at, next.len);
		a->cursor_len = next.len;
	}
	on_done(rc, a);
}

int
held_client_list(struct cli_store *s, struct slice host, struct slice tenant,
    hold_row *row, void *ctx)
{
	struct answer a = { .row = row, .ctx = ctx };
	struct hold_query q = { .host = host, .tenant = tenant, .limit = PAGE };
	int rc;

	do {
		a.over = false;
		q.cursor = (struct slice){ a.cursor_len > 0 ? a.cursor : NULL,
			a.cursor_len };
		hold_page(s->store, &q, deadline(s), on_row, on_page, &a);
		rc = finish(s, &a);
	} while (rc == 0 && a.cursor_len > 0);
	return rc;
}

static void
on_found(int rc, const struct hold_record *r, void *ctx)
{
	struct answer *a = ctx;

	if (rc == 0 && a->record != NULL) {
		struct hold_record *to = a->record;
		struct slice *texts[] = { &to->queue_id, &to->tenant, &to->rule,
			&to->sender, &to->recipient, &to->subject };

		*to = *r;
		for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
			if (texts[i]->at == NULL)
				continue;
			*texts[i] = arena_dup(a->arena, *texts[i]);
			if (texts[i]->at == NULL)
				rc = ERR_NOMEM;
		}
	}
	on_done(rc, a);
}

int
held_client_find(struct cli_store *s, struct slice host, struct slice queue_id,
    struct arena *arena, struct hold_record *ret_record)
{
	struct answer a = { .arena = arena, .record = ret_record };

	hold_find(s->store, host, queue_id, deadline(s), on_found, &a);
	return finish(s, &a);
}

int
held_client_ask(struct cli_store *s, struct slice host, enum hold_ask verb,
    struct slice queue_id)
{
	struct answer a = { .over = false };
	struct buf actor;

	buf_init(&actor, ACTOR_OCTETS);
	(void)buf_add_text(&actor, "cli:");
	(void)buf_add_slice(&actor, client_author());
	hold_ask(s->store, host, verb, queue_id, buf_slice(&actor), deadline(s),
	    on_done, &a);
	buf_done(&actor);
	return finish(s, &a);
}

int
held_client_keep(struct cli_store *s, struct slice host, struct slice queue_id)
{
	struct answer a = { .over = false };

	hold_move(s->store, host, queue_id, INT64_MAX, deadline(s), on_done,
	    &a);
	return finish(s, &a);
}

int
held_client_gone(struct cli_store *s, struct slice host, struct slice queue_id,
    int64_t ms)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	int64_t end_us = clock_deadline_ms(ms);

	for (;;) {
		int rc = held_client_find(s, host, queue_id, NULL, NULL);

		if (rc == ERR_NOTFOUND)
			return 1;
		if (rc < 0)
			return rc;
		if (clock_mono_us() >= end_us)
			return 0;
		(void)nanosleep(&pause, NULL);
	}
}

int
held_client_audit(struct cli_store *s, struct slice tenant, struct slice host,
    struct slice queue_id, const char *action)
{
	struct answer a = { .over = false };
	const struct audit_entry entry = {
		.tenant = tenant,
		.actor = client_author(),
		.client = SLICE("cli"),
		.action = slice_of(action),
		.target = queue_id,
		.detail = host,
	};

	audit_append(s->store, &entry, deadline(s), on_done, &a);
	return finish(s, &a);
}

static void
on_counts(int rc, const size_t counts[HOLD_REASONS], void *ctx)
{
	struct answer *a = ctx;

	if (rc == 0)
		memcpy(a->counts, counts, HOLD_REASONS * sizeof(*counts));
	on_done(rc, a);
}

int
held_client_counts(struct cli_store *s, struct slice host,
    size_t ret_counts[HOLD_REASONS])
{
	struct answer a = { .counts = ret_counts };

	hold_count(s->store, host, deadline(s), on_counts, &a);
	return finish(s, &a);
}
