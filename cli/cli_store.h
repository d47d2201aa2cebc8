/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_CLI_STORE_H
#define CLI_CLI_STORE_H

#include <stdbool.h>

/* A command's connection to Redis, and the loop it waits in. */
struct event_base;
struct host_config;
struct store;

struct cli_store {
	struct event_base *base;
	struct store *store;
	const char
	    *provider_file; /* of the configuration, which lives longer */
};

/*
 * Opens what postern.conf says.  A failure is told on stderr: ERR_CONFIG,
 * ERR_NOMEM, those of secret_file_read.  Redis itself may still be away: then
 * each command fails by its deadline.
 */
int cli_store_open(const struct host_config *config,
    struct cli_store *ret_store);
void cli_store_close(struct cli_store *s); /* also when nothing is open */
/* Runs the loop until a callback has set *over. */
void cli_store_wait(struct cli_store *s, const bool *over);

#endif /* CLI_CLI_STORE_H */
