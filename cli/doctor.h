/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <stdbool.h>

#include "util/arena.h"

/*
 * What "postern doctor" looks at.  A check prints one line for each thing it
 * has seen, and what to do where it is not well.
 */
struct cli;
struct host_config;
struct settings;

enum health { HEALTH_OK, HEALTH_WARN, HEALTH_FAIL };

struct doctor {
	struct cli *cli;
	const struct host_config *config;
	const char *dns_servers; /* NULL: those of the system */
	struct arena *arena;
	unsigned seen[HEALTH_FAIL + 1];
};

/* "OK    what": remedy is NULL then, else it says what to do. */
void doctor_report(struct doctor *d, enum health health, const char *remedy,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

void doctor_dkim(struct doctor *d);
void doctor_held(struct doctor *d);
void doctor_master_key(struct doctor *d);
void doctor_outbreaks(struct doctor *d);
void doctor_queue_helper(struct doctor *d);
void doctor_redis(struct doctor *d);
/* Part of doctor_dkim, which has loaded the settings. */
void doctor_smime(struct doctor *d, const struct settings *settings);
void doctor_sockets(struct doctor *d);
void doctor_maillog(struct doctor *d);
void doctor_postfix(struct doctor *d);

#endif /* CLI_DOCTOR_H */
