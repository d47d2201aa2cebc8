/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_CLI_SETTINGS_H
#define CLI_CLI_SETTINGS_H

#include "util/slice.h"

/* The settings in force, for commands that look at all tenants. */
struct cli_store;
struct master_key;
struct json;
struct settings;

#define CLI_TENANTS_MAX 100000

/*
 * master  NULL: secrets stay closed.
 * Redis trouble, ERR_LIMIT, ERR_CONFIG (a document that does not compile).
 */
int cli_settings_load(struct cli_store *s, const struct master_key *master,
    struct settings **ret_settings);
/*
 * Whether the daemons will take doc as the settings of that name, beside those
 * of all others that are in force: each error is told on stderr, and the
 * result is ERR_CONFIG.  When the others do not compile even without it,
 * nothing can be said: that is told, too, and no error.
 */
int cli_settings_check(struct cli_store *s, const struct master_key *master,
    struct slice name, const struct json *doc);

#endif /* CLI_CLI_SETTINGS_H */
