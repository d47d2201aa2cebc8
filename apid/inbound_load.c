/* SPDX-License-Identifier: BSD-2-Clause */
/* Mails for applications out of Redis, piece by piece. */
#include "apid/inbound_load.h"

#include <stdlib.h>

#include "store/event_store.h"
#include "store/store.h"
#include "util/err.h"

#define HOST_MAX 256

struct load {
	struct load *next; /* waiting for its turn */
	struct inbound_loaded *mail;
	char host[HOST_MAX + 1];
	char id[INBOUND_ID_MAX];
	struct slice tenant; /* in the mail's arena */
	uint64_t piece;
	inbound_load_done *loaded;
	void *ctx;
};

static struct {
	struct store *store;
	const struct master_key *master;
	size_t claimed; /* octets */
	struct load *first, **last;
} loader;

void
inbound_load_start(struct store *s, const struct master_key *master)
{
	loader.store = s;
	loader.master = master;
	loader.last = &loader.first;
}

/* ---- which host ---- */

struct finding {
	char id[INBOUND_ID_MAX];
	inbound_host_found *found;
	void *ctx;
};

static void
on_hosts(int rc, const struct slice *hosts, size_t count, void *ctx)
{
	struct finding f = *(struct finding *)ctx;
	struct slice host = { NULL, 0 };

	free(ctx);
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (inbound_id_of_host(slice_of(f.id), hosts[i]))
			host = hosts[i];
	f.found(rc, host, f.ctx);
}

void
inbound_host(struct slice id, inbound_host_found *found, void *ctx)
{
	struct finding *f = calloc(1, sizeof(*f));

	if (f == NULL || !inbound_id_ok(id)) {
		int rc = f == NULL ? ERR_NOMEM : 0;

		free(f);
		found(rc, (struct slice){ NULL, 0 }, ctx);
		return;
	}
	memcpy(f->id, id.at, id.len);
	f->found = found;
	f->ctx = ctx;
	host_list(loader.store, store_long_deadline(loader.store), on_hosts, f);
}

/* ---- one after the other ---- */

static void
end(struct load *l, int rc)
{
	inbound_load_done *loaded = l->loaded;
	struct inbound_loaded *mail = l->mail;
	void *ctx = l->ctx;

	free(l);
	if (rc < 0) {
		inbound_unload(mail);
		mail = NULL;
	}
	loaded(rc, mail, ctx);
}

static void next_piece(struct load *l);

static void
on_piece(int rc, struct slice box, void *ctx)
{
	struct load *l = ctx;
	const struct content_piece piece = { INBOUND_PURPOSE, l->tenant,
		slice_of(l->id), l->piece, l->mail->record.pieces };

	if (rc == 0)
		rc = content_open(loader.master, &piece, box, &l->mail->mail);
	if (rc < 0) {
		end(l, rc);
		return;
	}
	l->piece++;
	next_piece(l);
}

static void
next_piece(struct load *l)
{
	if (l->piece == l->mail->record.pieces) {
		end(l,
		    l->mail->mail.len == l->mail->record.size ? 0 : ERR_CRYPTO);
		return;
	}
	inbound_get(loader.store, slice_of(l->host), slice_of(l->id), l->piece,
	    store_long_deadline(loader.store), on_piece, l);
}

/* A mail that is too large for all of it goes alone. */
static bool
claim(struct load *l)
{
	size_t size = (size_t)l->mail->record.size;

	if (loader.claimed > 0 && loader.claimed + size > INBOUND_LOAD_MAX)
		return false;
	l->mail->claimed = size > 0 ? size : 1;
	loader.claimed += l->mail->claimed;
	return true;
}

static void
next_waiting(void)
{
	struct load *l;

	while ((l = loader.first) != NULL && claim(l)) {
		loader.first = l->next;
		if (loader.first == NULL)
			loader.last = &loader.first;
		next_piece(l);
	}
}

void
inbound_unload(struct inbound_loaded *mail)
{
	if (mail == NULL)
		return;
	loader.claimed -= mail->claimed;
	buf_done(&mail->mail);
	arena_free(mail->arena);
	free(mail);
	next_waiting();
}

/* ---- the record ---- */

static int
keep_record(struct load *l, const struct inbound_record *r)
{
	struct inbound_loaded *m = l->mail;
	struct slice *texts[] = { &m->record.id, &m->record.recipient,
		&m->record.sender, &m->record.filter, &m->record.from,
		&m->record.subject, &m->record.message_id,
		&m->record.webhooks };

	if (!slice_eq(r->tenant, l->tenant))
		return ERR_NOTFOUND;
	m->record = *r;
	m->record.tenant = l->tenant;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		*texts[i] = arena_dup(m->arena, *texts[i]);
		if (texts[i]->at == NULL)
			return ERR_NOMEM;
	}
	/* Pieces that its size has not are nobody's. */
	if (r->pieces != content_pieces(r->size))
		return ERR_SYNTAX;
	buf_init(&m->mail, (size_t)r->size);
	return 0;
}

static void
on_found(int rc, const struct inbound_record *r, void *ctx)
{
	struct load *l = ctx;

	if (rc == 0) {
		struct arena *larger =
		    arena_new(MAIL_VIEW_ROOM((size_t)r->size));

		if (larger == NULL) {
			end(l, ERR_NOMEM);
			return;
		}
		l->tenant = arena_dup(larger, l->tenant);
		arena_free(l->mail->arena);
		l->mail->arena = larger;
		rc = l->tenant.at != NULL ? keep_record(l, r) : ERR_NOMEM;
	}
	if (rc < 0) {
		end(l, rc);
		return;
	}
	if (loader.first == NULL && claim(l)) {
		next_piece(l);
		return;
	}
	*loader.last = l;
	loader.last = &l->next;
}

static void
find(struct load *l, struct slice host)
{
	if (host.at == NULL || host.len > HOST_MAX) {
		end(l, ERR_NOTFOUND);
		return;
	}
	memcpy(l->host, host.at, host.len);
	inbound_find(loader.store, slice_of(l->host), slice_of(l->id),
	    store_long_deadline(loader.store), on_found, l);
}

static void
on_host(int rc, struct slice host, void *ctx)
{
	struct load *l = ctx;

	if (rc < 0)
		end(l, rc);
	else
		find(l, host);
}

static struct load *
load_new(struct slice tenant, struct slice id)
{
	struct load *l = calloc(1, sizeof(*l));

	if (l == NULL || (l->mail = calloc(1, sizeof(*l->mail))) == NULL ||
	    (l->mail->arena = arena_new(4096)) == NULL) {
		if (l != NULL)
			free(l->mail);
		free(l);
		return NULL;
	}
	l->tenant = arena_dup(l->mail->arena, tenant);
	memcpy(l->id, id.at, id.len);
	return l;
}

void
inbound_load(struct slice host, struct slice tenant, struct slice id,
    inbound_load_done *loaded, void *ctx)
{
	struct load *l;

	if (!inbound_id_ok(id)) {
		loaded(ERR_NOTFOUND, NULL, ctx);
		return;
	}
	if ((l = load_new(tenant, id)) == NULL) {
		loaded(ERR_NOMEM, NULL, ctx);
		return;
	}
	l->loaded = loaded;
	l->ctx = ctx;
	if (host.at != NULL)
		find(l, host);
	else
		inbound_host(id, on_host, l);
}
