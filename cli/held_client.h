/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_HELD_CLIENT_H
#define CLI_HELD_CLIENT_H

#include "cli/cli_store.h"
#include "store/hold_store.h"

/* Held mail, asked for in a straight line: each call waits for its answer. */
struct arena;

#define HELD_HOSTS_MAX 256
/* Names of the hosts, in the arena; the count, or ERR_*. */
int held_client_hosts(struct cli_store *s, struct arena *arena,
    struct slice ret_hosts[HELD_HOSTS_MAX]);
/* All held mail of one host; row() gets ctx. */
int held_client_list(struct cli_store *s, struct slice host,
    struct slice tenant, hold_row *row, void *ctx);
/* Slices of the record lie in the arena.  ERR_NOTFOUND. */
int held_client_find(struct cli_store *s, struct slice host,
    struct slice queue_id, struct arena *arena, struct hold_record *ret_record);
int held_client_ask(struct cli_store *s, struct slice host, enum hold_ask verb,
    struct slice queue_id);
/* It stays until somebody releases it. */
int held_client_keep(struct cli_store *s, struct slice host,
    struct slice queue_id);
/* 1: it is off the list; 0: not within ms. */
int held_client_gone(struct cli_store *s, struct slice host,
    struct slice queue_id, int64_t ms);
int held_client_audit(struct cli_store *s, struct slice tenant,
    struct slice host, struct slice queue_id, const char *action);
int held_client_counts(struct cli_store *s, struct slice host,
    size_t ret_counts[HOLD_REASONS]);

#endif /* CLI_HELD_CLIENT_H */
