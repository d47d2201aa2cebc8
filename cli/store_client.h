/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_STORE_CLIENT_H
#define CLI_STORE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/cli_store.h"
#include "store/settings_store.h"
#include "util/crypto.h"

/*
 * Settings, asked for in a straight line: each call waits for its answer.
 * Failures are told on stderr; what is returned is an ERR_* code.
 */
struct cli;
struct json;

struct store_client {
	struct cli_store store;
	struct master_key master;
};

/* ERR_CONFIG, ...: as cli_store_open; also when there is no master key. */
int store_client_open(struct cli *cli, struct store_client *ret_client);
void store_client_close(struct store_client *c);

/* NULL in *ret_doc: there is none.  revision 0: the one in operation. */
int store_client_draft(struct store_client *c, struct slice name,
    int64_t *ret_base, struct json **ret_doc);
int store_client_revision(struct store_client *c, struct slice name,
    int64_t revision, int64_t *ret_revision, struct json **ret_doc);
/*
 * Validates (every error to stderr, with source in front), seals doc in place
 * and keeps it as the draft.  base < 0: made from the revision in operation.
 */
int store_client_put(struct store_client *c, struct slice name, int64_t base,
    struct json *doc, const char *source);
/*
 * The revision, or an error.  Both compile the document beside those of all
 * other tenants first, as the daemons will: ERR_CONFIG, told on stderr.
 */
int64_t store_client_apply(struct store_client *c, struct slice name,
    struct slice note);
int64_t store_client_rollback(struct store_client *c, struct slice name,
    int64_t revision);
int store_client_discard(struct store_client *c, struct slice name);
int store_client_names(struct store_client *c, settings_names_end *end,
    void *ctx);
int store_client_history(struct store_client *c, struct slice name,
    settings_history_end *end, void *ctx);

/* Every error to stderr: "SOURCE: /path: text".  ERR_CONFIG if any. */
int client_validate(const struct json *doc, struct slice name,
    const struct master_key *master, const char *source);
/* Who is at the keyboard, for the history. */
struct slice client_author(void);

#endif /* CLI_STORE_CLIENT_H */
