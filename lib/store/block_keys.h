/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_BLOCK_KEYS_H
#define STORE_BLOCK_KEYS_H

#include "store/keys.h"

/* The keys of every script that looks at one address of the suppression list,
 * in the order of block_record.inc.lua. */
struct block_keys {
	struct key entries, counting, evidence;
};
#define BLOCK_KEYS 3
void block_keys(struct slice tenant, struct slice address,
    struct block_keys *ret_keys, struct slice argv[BLOCK_KEYS]);

#endif /* STORE_BLOCK_KEYS_H */
