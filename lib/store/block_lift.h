/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_BLOCK_LIFT_H
#define STORE_BLOCK_LIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * Taking back what errors have done: by a later success, or because the error
 * was of an outbreak.  Callbacks run once, on the loop's thread.
 */
struct store;

typedef void block_lifted(int rc, bool lifted, void *ctx);
/*
 * The block that this very error made; lifted: also when the call is repeated.
 * Another block, or one by hand, stays.
 */
void block_lift(struct store *s, struct slice tenant, struct slice address,
    struct slice event_id, int64_t deadline_us, block_lifted *lifted,
    void *ctx);

/*
 * Which successes are looked at: of the addresses that have errors which a
 * success ends.  One script call for all of a tenant on a page, so that a
 * success costs no command of its own.
 */
#define LIFT_HASH_LEN 8
struct lift_address {
	struct slice hash; /* LIFT_HASH_LEN octets of its SHA-256 */
	bool error;        /* it gets such an error now; else: look it up */
};
#define LIFT_ADDRESSES_MAX 200
/* there: for each, whether it had one before. */
typedef void lift_looked(int rc, const bool *there, size_t count, void *ctx);
void lift_look(struct store *s, struct slice tenant,
    const struct lift_address *list, size_t count, int64_t deadline_us,
    lift_looked *looked, void *ctx);
/* It has none any more.  Nobody waits for it. */
void lift_forget(struct store *s, struct slice tenant, struct slice hash);

struct block_success {
	struct slice tenant, address, event_id;
	int64_t at_s;
	struct slice statuses; /* that it ends: ",3,5," */
};
enum success_result {
	SUCCESS_NOTHING,
	SUCCESS_LIFTED, /* it was blocked; also when the call is repeated */
	SUCCESS_CLEAN,  /* none of these statuses is counted any more */
};
typedef void block_succeeded(int rc, enum success_result result, void *ctx);
/* Ends a block by errors of these statuses, if it is older; counts of them
 * begin anew. */
void block_success(struct store *s, const struct block_success *success,
    int64_t deadline_us, block_succeeded *succeeded, void *ctx);

#endif /* STORE_BLOCK_LIFT_H */
