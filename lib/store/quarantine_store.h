/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_QUARANTINE_STORE_H
#define STORE_QUARANTINE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/content_box.h"
#include "util/buf.h"
#include "util/slice.h"

/*
 * Messages that were refused because of a virus, kept to be looked at: a
 * record, and the message in pieces, each sealed under the master key and
 * bound to tenant, id, number and count.  All of it goes by itself when its
 * time is over.  Facts stand in the open, as those of events do.
 */
struct master_key;
struct store;

/* Time and chance, of fixed length: the order of ids is that of time. */
#define QUARANTINE_ID_LEN 21
#define QUARANTINE_ID_MAX (QUARANTINE_ID_LEN + 1)
void quarantine_id(int64_t now_ms, char ret_id[QUARANTINE_ID_MAX]);
bool quarantine_id_ok(struct slice id);

enum quarantine_content {
	QUARANTINE_COMING, /* not all pieces are there (yet, or for ever) */
	QUARANTINE_KEPT,
	QUARANTINE_LARGE, /* not kept: the message is too large, */
	QUARANTINE_FULL,  /* or too much is kept already */
};
/* "kept", "too_large"; and for people: "too large to keep". */
const char *quarantine_content_word(enum quarantine_content content);
const char *quarantine_content_text(enum quarantine_content content);

/* Slices are borrowed; absent ones are left out. */
struct quarantine_record {
	struct slice id, tenant;
	int64_t created_ms, expires_ms;
	struct slice host, queue_id, client;
	struct slice sender;        /* empty: the null reverse-path */
	struct slice recipients;    /* one a line, the first 100 */
	struct slice from, subject; /* decoded */
	struct slice message_id;
	struct slice virus;
	uint64_t recipient_count, size, chunks;
	enum quarantine_content content;
};

/* One JSON object; names as in openapi.json.  ERR_LIMIT, ERR_NOMEM. */
int quarantine_to_json(const struct quarantine_record *r, struct buf *out);

/* Of each tenant. */
#define QUARANTINE_CONTENTS_MAX 1000 /* messages kept with their content */
#define QUARANTINE_RECORDS_MAX 10000 /* more: the oldest ones go */
/*
 * Writes the record; octets_max: of all contents of the tenant.  content COMING
 * asks for room for size octets; ret: COMING when there is, else why not.  May
 * be repeated.
 */
typedef void quarantine_begun(int rc, enum quarantine_content content,
    void *ctx);
void quarantine_begin(struct store *s, const struct quarantine_record *r,
    uint64_t octets_max, int64_t deadline_us, quarantine_begun *begun,
    void *ctx);

/* ---- the content ---- */

#define QUARANTINE_CHUNK CONTENT_PIECE
static inline uint64_t
quarantine_chunks(uint64_t size)
{
	return content_pieces(size);
}
/* Which one of how many. */
struct quarantine_chunk {
	struct slice tenant, id;
	uint64_t number, count; /* from 0 */
};
/* ERR_CRYPTO, ERR_LIMIT, ERR_NOMEM; appended to out. */
int quarantine_seal(const struct master_key *master,
    const struct quarantine_chunk *chunk, struct slice plain, struct buf *out);
/* ERR_CRYPTO: another key, another place, changed; ERR_SYNTAX. */
int quarantine_open(const struct master_key *master,
    const struct quarantine_chunk *chunk, struct slice box, struct buf *out);

/* ERR_NOTFOUND: the record is gone. */
typedef void quarantine_done(int rc, void *ctx);
void quarantine_put(struct store *s, const struct quarantine_chunk *chunk,
    struct slice box, int64_t deadline_us, quarantine_done *done, void *ctx);
/* All pieces are there. */
void quarantine_finish(struct store *s, struct slice tenant, struct slice id,
    int64_t deadline_us, quarantine_done *done, void *ctx);
/* box lives inside the call; ERR_NOTFOUND. */
typedef void quarantine_got(int rc, struct slice box, void *ctx);
void quarantine_get(struct store *s, const struct quarantine_chunk *chunk,
    int64_t deadline_us, quarantine_got *got, void *ctx);

/* ---- looking at it ---- */

/*
 * A page, newest first.  cursor: next of the page before, or absent; next is
 * absent at the end.  A page may have fewer rows than limit (1..500), or
 * none, before the end.  ERR_SYNTAX: not such a cursor.
 */
typedef void quarantine_row(const struct quarantine_record *r, void *ctx);
typedef void quarantine_page_end(int rc, struct slice next, void *ctx);
void quarantine_page(struct store *s, struct slice tenant, struct slice cursor,
    unsigned limit, int64_t deadline_us, quarantine_row *row,
    quarantine_page_end *end, void *ctx);
/* r is NULL unless rc is 0; ERR_NOTFOUND. */
typedef void quarantine_found(int rc, const struct quarantine_record *r,
    void *ctx);
void quarantine_find(struct store *s, struct slice tenant, struct slice id,
    int64_t deadline_us, quarantine_found *found, void *ctx);
/* ERR_NOTFOUND. */
void quarantine_delete(struct store *s, struct slice tenant, struct slice id,
    int64_t deadline_us, quarantine_done *done, void *ctx);

#endif /* STORE_QUARANTINE_STORE_H */
