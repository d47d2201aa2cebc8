/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_QUARANTINE_CLIENT_H
#define CLI_QUARANTINE_CLIENT_H

#include "cli/store_client.h"
#include "store/quarantine_store.h"

/*
 * Refused messages, asked for in a straight line: each call waits for its
 * answer.  Failures are told by the caller.
 */
struct arena;

/* A page; cursor: "" for the first one, and after the last one. */
int quarantine_client_page(struct store_client *c, struct slice tenant,
    char cursor[QUARANTINE_ID_MAX], quarantine_row *row, void *ctx);
/* ret_record's texts live in arena.  ERR_NOTFOUND. */
int quarantine_client_find(struct store_client *c, struct slice tenant,
    struct slice id, struct arena *arena, struct quarantine_record *ret_record);
/* Its content, piece by piece; < 0 of sink() ends it with that. */
typedef int quarantine_sink(struct slice plain, void *ctx);
int quarantine_client_read(struct store_client *c,
    const struct quarantine_record *r, quarantine_sink *sink, void *ctx);
int quarantine_client_delete(struct store_client *c, struct slice tenant,
    struct slice id);
/* Who does what to it: written before it is done. */
int quarantine_client_audit(struct store_client *c, struct slice tenant,
    struct slice id, const char *action);

#endif /* CLI_QUARANTINE_CLIENT_H */
