/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SERVER_INFO_H
#define STORE_SERVER_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * How the Redis server keeps what it is told: for "postern doctor".
 */
struct store;

struct server_info {
	struct slice version;      /* "7.0.15"; absent: not said */
	struct slice role;         /* "master" */
	bool appendonly;           /* writes go to a file at once or soon */
	bool append_ok;            /* and the last write to it was good */
	struct slice append_fsync; /* "everysec"; absent: not allowed to ask */
	struct slice eviction;     /* "noeviction"; anything else loses keys */
};

/* What INFO answers; slices point into text.  Pure. */
void server_info_parse(struct slice text, struct server_info *ret_info);

/* rc and a record that is valid inside the call only. */
typedef void server_info_got(int rc, const struct server_info *info, void *ctx);
void server_info_get(struct store *s, int64_t deadline_us, server_info_got *got,
    void *ctx);

#endif /* STORE_SERVER_INFO_H */
