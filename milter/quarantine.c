/* SPDX-License-Identifier: BSD-2-Clause */
/* A refused message on its way to Redis. */
#include "milter/quarantine.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store.h"
#include "util/err.h"

/* One command, asked for from this thread. */
struct task {
	struct store_wait *wait;
	struct quarantine_record *record;
	uint64_t tenant_octets;
	struct quarantine_chunk chunk;
	struct slice box;
};

static void
done(int rc, void *ctx)
{
	struct task *t = ctx;

	store_wait_done(t->wait, rc);
}

static void
begun(int rc, enum quarantine_content content, void *ctx)
{
	struct task *t = ctx;

	if (rc == 0)
		t->record->content = content;
	done(rc, t);
}

static void
start_begin(struct store *s, struct store_wait *w, void *ctx)
{
	struct task *t = ctx;

	t->wait = w;
	quarantine_begin(s, t->record, t->tenant_octets, store_long_deadline(s),
	    begun, t);
}

static void
start_put(struct store *s, struct store_wait *w, void *ctx)
{
	struct task *t = ctx;

	t->wait = w;
	quarantine_put(s, &t->chunk, t->box, store_long_deadline(s), done, t);
}

static void
start_finish(struct store *s, struct store_wait *w, void *ctx)
{
	struct task *t = ctx;

	t->wait = w;
	quarantine_finish(s, t->record->tenant, t->record->id,
	    store_long_deadline(s), done, t);
}

/* Each of them may be repeated. */
static int
insist(struct store *s, struct task *t,
    void (*start)(struct store *s, struct store_wait *w, void *ctx),
    const struct quarantine_patience *patience)
{
	int rc;

	do
		rc = store_wait(s, start, t);
	while (
	    rc < 0 && err_is_temporary(rc) && patience->again(patience->ctx));
	return rc;
}

static int
read_piece(int fd, uint64_t from, char *to, size_t len)
{
	while (len > 0) {
		ssize_t n = pread(fd, to, len, (off_t)from);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_IO;
		to += n;
		from += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int
put_content(const struct milter *host, struct task *t, int fd,
    const struct quarantine_patience *patience)
{
	const struct quarantine_record *r = t->record;
	char *piece = malloc(QUARANTINE_CHUNK);
	struct buf box;
	int rc = piece != NULL ? 0 : ERR_NOMEM;

	buf_init(&box, QUARANTINE_CHUNK + CRYPTO_BOX_EXTRA);
	t->chunk = (struct quarantine_chunk){ r->tenant, r->id, 0, r->chunks };
	for (uint64_t i = 0; i < r->chunks && rc == 0; i++) {
		uint64_t from = i * QUARANTINE_CHUNK;
		size_t len = r->size - from < QUARANTINE_CHUNK
				 ? (size_t)(r->size - from)
				 : QUARANTINE_CHUNK;

		t->chunk.number = i;
		buf_clear(&box);
		if ((rc = read_piece(fd, from, piece, len)) < 0 ||
		    (rc = quarantine_seal(host->master, &t->chunk,
			 (struct slice){ piece, len }, &box)) < 0)
			break;
		t->box = buf_slice(&box);
		rc = insist(host->store, t, start_put, patience);
	}
	buf_done(&box);
	free(piece);
	return rc;
}

int
quarantine_message(const struct milter *host, struct quarantine_record *record,
    int fd, uint64_t tenant_octets, const struct quarantine_patience *patience)
{
	struct task t = { .record = record, .tenant_octets = tenant_octets };
	int rc = insist(host->store, &t, start_begin, patience);

	if (rc < 0 || record->content != QUARANTINE_COMING)
		return rc;
	if ((rc = put_content(host, &t, fd, patience)) == 0)
		rc = insist(host->store, &t, start_finish, patience);
	if (rc == 0)
		record->content = QUARANTINE_KEPT;
	return rc;
}
