/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SENDING_STORE_H
#define STORE_SENDING_STORE_H

#include <stdint.h>

#include "util/slice.h"

/* How much was sent from each sending address on a day, by all hosts. */
struct store;

/* total: with those that were added.  ERR_UNAVAIL, ERR_TIMEOUT. */
typedef void sending_counted(int rc, uint64_t total, void *ctx);
/* more: attempts to add; 0: only ask. */
void sending_count(struct store *s, struct slice address, unsigned yyyymmdd,
    uint64_t more, int64_t deadline_us, sending_counted *counted, void *ctx);

#endif /* STORE_SENDING_STORE_H */
