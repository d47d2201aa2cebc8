/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_CLI_SETTINGS_H
#define CLI_CLI_SETTINGS_H

/* The settings in force, for commands that look at all tenants. */
struct cli_store;
struct master_key;
struct settings;

#define CLI_TENANTS_MAX 10000

/*
 * master  NULL: secrets stay closed.
 * Redis trouble, ERR_LIMIT, ERR_CONFIG (a document that does not compile).
 */
int cli_settings_load(struct cli_store *s, const struct master_key *master,
    struct settings **ret_settings);

#endif /* CLI_CLI_SETTINGS_H */
