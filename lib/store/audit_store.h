/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_AUDIT_STORE_H
#define STORE_AUDIT_STORE_H

#include <stdint.h>

#include "util/slice.h"

/*
 * The audit log: who changed what by API or command line,
 * and who logged in by SMTP; one stream for each
 * tenant and day, kept for store_audit_days().
 */
struct store;

struct audit_entry {
	struct slice tenant;
	struct slice actor;  /* API user, or "cli:root" */
	struct slice client; /* address it came from */
	struct slice action; /* "block", "unblock", "exempt", ... */
	struct slice target; /* what was changed: an address, a name */
	struct slice detail; /* absent: none */
};
typedef void audit_done(int rc, void *ctx);
void audit_append(struct store *s, const struct audit_entry *entry,
    int64_t deadline_us, audit_done *done, void *ctx);

#endif /* STORE_AUDIT_STORE_H */
