/* SPDX-License-Identifier: BSD-2-Clause */
/* Refused messages for commands: one call, one answer. */
#include "cli/quarantine_client.h"

#include <stdlib.h>

#include "store/audit_store.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/err.h"

struct answer {
	bool over;
	int rc;
	char *cursor; /* QUARANTINE_ID_MAX */
	quarantine_row *row;
	void *ctx;
	struct arena *arena;
	struct quarantine_record *record;
	const struct master_key *master;
	const struct quarantine_chunk *chunk;
	struct buf plain;
};

static int
finish(struct store_client *c, struct answer *a)
{
	cli_store_wait(&c->store, &a->over);
	return a->over ? a->rc : ERR_UNAVAIL;
}

static int64_t
deadline(const struct store_client *c)
{
	return store_long_deadline(c->store.store);
}

static void
on_done(int rc, void *ctx)
{
	struct answer *a = ctx;

	a->rc = rc;
	a->over = true;
}

static void
on_row(const struct quarantine_record *r, void *ctx)
{
	struct answer *a = ctx;

	a->row(r, a->ctx);
}

static void
on_page(int rc, struct slice next, void *ctx)
{
	struct answer *a = ctx;

	a->cursor[0] = '\0';
	if (rc == 0 && next.at != NULL && next.len < QUARANTINE_ID_MAX) {
		memcpy(a->cursor, next.at, next.len);
		a->cursor[next.len] = '\0';
	}
	on_done(rc, a);
}

int
quarantine_client_page(struct store_client *c, struct slice tenant,
    char cursor[QUARANTINE_ID_MAX], quarantine_row *row, void *ctx)
{
	struct answer a = { .cursor = cursor, .row = row, .ctx = ctx };
	struct slice from = slice_of(cursor);

	if (from.len == 0)
		from.at = NULL;
	quarantine_page(c->store.store, tenant, from, 200, deadline(c), on_row,
	    on_page, &a);
	return finish(c, &a);
}

static void
on_found(int rc, const struct quarantine_record *r, void *ctx)
{
	struct answer *a = ctx;

	if (rc == 0) {
		struct quarantine_record *to = a->record;
		struct slice *texts[] = { &to->id, &to->tenant, &to->host,
			&to->queue_id, &to->client, &to->sender,
			&to->recipients, &to->from, &to->subject,
			&to->message_id, &to->virus };

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
quarantine_client_find(struct store_client *c, struct slice tenant,
    struct slice id, struct arena *arena, struct quarantine_record *ret_record)
{
	struct answer a = { .arena = arena, .record = ret_record };

	quarantine_find(c->store.store, tenant, id, deadline(c), on_found, &a);
	return finish(c, &a);
}

static void
on_box(int rc, struct slice box, void *ctx)
{
	struct answer *a = ctx;

	if (rc == 0)
		rc = quarantine_open(a->master, a->chunk, box, &a->plain);
	on_done(rc, a);
}

int
quarantine_client_read(struct store_client *c,
    const struct quarantine_record *r, quarantine_sink *sink, void *ctx)
{
	struct quarantine_chunk chunk = { r->tenant, r->id, 0, r->chunks };
	struct answer a = { .master = &c->master, .chunk = &chunk };
	int rc = 0;

	buf_init(&a.plain, QUARANTINE_CHUNK);
	for (; chunk.number < chunk.count && rc == 0; chunk.number++) {
		buf_clear(&a.plain);
		a.over = false;
		quarantine_get(c->store.store, &chunk, deadline(c), on_box, &a);
		if ((rc = finish(c, &a)) == 0)
			rc = sink(buf_slice(&a.plain), ctx);
	}
	buf_done(&a.plain);
	return rc;
}

int
quarantine_client_delete(struct store_client *c, struct slice tenant,
    struct slice id)
{
	struct answer a = { .over = false };

	quarantine_delete(c->store.store, tenant, id, deadline(c), on_done, &a);
	return finish(c, &a);
}

int
quarantine_client_audit(struct store_client *c, struct slice tenant,
    struct slice id, const char *action)
{
	struct answer a = { .over = false };
	const struct audit_entry entry = {
		.tenant = tenant,
		.actor = client_author(),
		.client = SLICE("cli"),
		.action = slice_of(action),
		.target = id,
	};

	audit_append(c->store.store, &entry, deadline(c), on_done, &a);
	return finish(c, &a);
}
