/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_BLOCKS_H
#define CLI_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/cli_store.h"
#include "proto/address.h"
#include "util/slice.h"

/* One run of "postern blocks", and what its callbacks leave. */
struct blocks_run {
	struct cli_store store;
	const struct host_config *config;
	struct slice tenant, note, contains, stream; /* absent: not given */
	int64_t expires_s;                           /* as in block_put */
	char room[ADDRESS_MAX];
	struct slice address;
	bool over, changed, json, exempt;
	int gone_status; /* of the block that was lifted */
	uint64_t gone_count;
	int rc;
	char cursor[4096];
	size_t cursor_len;
};

/* Until a callback has set over; its rc. */
int blocks_wait(struct blocks_run *r);

#endif /* CLI_BLOCKS_H */
