/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_EVENT_INDEX_H
#define STORE_EVENT_INDEX_H

#include "store/event_rows.h"

/*
 * Where the events of an address, a queue id or a Message-ID are, from the
 * index that append.inc.lua writes: one short string a day for each thing
 * looked for.  A place may be another's, with the same 16 bits of a hash: who
 * reads it looks at the event.
 */
#define EVENT_INDEX_SHARDS 4096
struct event_index_key {
	unsigned shard;
	uint16_t tag;
};
enum event_index_kind { INDEX_ADDRESS, INDEX_QUEUE_ID, INDEX_MESSAGE_ID };
/* ERR_CRYPTO, ERR_LIMIT: longer than any. */
int event_index_key(enum event_index_kind kind, struct slice text,
    struct event_index_key *ret_key);

struct event_place {
	char day[STREAM_DAY_LEN];
	struct stream_id id;
};
/*
 * Places on the days of from_ms..to_ms, in order, each once; they live in the
 * arena.  done: from the loop.
 */
typedef void event_places(int rc, struct event_place *places, size_t count,
    void *ctx);
void event_index_read(struct store *s, struct slice host,
    const struct event_index_key *keys, size_t count, int64_t from_ms,
    int64_t to_ms, struct arena *arena, int64_t deadline_us, event_places *done,
    void *ctx);

#endif /* STORE_EVENT_INDEX_H */
