/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_POSTFIX_CONFIG_H
#define CLI_POSTFIX_CONFIG_H

#include "postfix-conf/plan.h"
#include "util/arena.h"

/* Postfix's configuration, read and written by postconf(1). */
struct host_config;

#define POSTFIX_RETURN_DOMAINS_MAX 1024

/* One parameter's value, expanded; ERR_CONFIG when postconf fails. */
int postfix_config_value(struct arena *arena, const char *folder,
    const char *name, struct slice *ret_value);
/* What is set in main.cf and master.cf now, and the defaults. */
int postfix_config_read(struct arena *arena, const char *folder,
    struct postfix_now *ret_now);
/* The sockets, as Postfix must name them; without domains. */
int postfix_config_wanted(struct arena *arena, const struct host_config *config,
    const char *folder, struct postfix_wanted *ret_wanted);
/*
 * What the settings in force want of Postfix: the return_path domains of all
 * tenants, added to those that are there, and when mail is tried again.
 * Without Redis there is nothing to add: that is told on stderr, and no
 * failure.  ERR_LIMIT, ERR_NOMEM.
 */
int postfix_config_settings(struct arena *arena,
    const struct host_config *config,
    struct slice domains[POSTFIX_RETURN_DOMAINS_MAX], size_t count,
    struct postfix_wanted *wanted);

int postfix_config_apply(const char *folder, const struct postfix_edits *edits);

#endif /* CLI_POSTFIX_CONFIG_H */
