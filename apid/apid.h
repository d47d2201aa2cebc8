/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_APID_H
#define APID_APID_H

#include <stdint.h>

#include "util/slice.h"

/* What the parts of the daemon share; filled by main.c. */
struct auth;
struct http;
struct request;
struct settings_watch;
struct store;
struct webhooks;

struct apid {
	struct store *store;
	struct settings_watch *watch;
	struct auth *auth;
	struct http *http;
	struct webhooks *webhooks;
	struct slice host; /* name of this host in events */
};
extern struct apid apid;

/* From a complete request to its handler; api.c. */
void api_handle(struct request *req, void *ctx);

#endif /* APID_APID_H */
