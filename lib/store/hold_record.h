/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_HOLD_RECORD_H
#define STORE_HOLD_RECORD_H

#include "store/hold_store.h"
#include "util/buf.h"

/*
 * A held message's record as it lies in Redis: two letters (reason, and "d" of
 * one that was tried before, else "-"), then with a tab between: priority,
 * arrival in ms, number of recipients, tenant, rule, sender, recipient,
 * subject.  Queue id and time of release stand in the keys.  Scripts read the
 * letters and the two numbers behind them.
 */

/* Octets that are kept of a text; about 20,000 records must be cheap. */
#define HOLD_TEXT_MAX 120
#define HOLD_RECORD_MAX (6 * HOLD_TEXT_MAX)

/* Tabs and controls in the texts become blanks.  ERR_LIMIT, ERR_NOMEM. */
int hold_record_format(const struct hold_record *r, struct buf *out);
/* Slices lie in text; queue_id and release_ms are left alone.  ERR_SYNTAX. */
int hold_record_parse(struct slice text, struct hold_record *ret_record);

/* As it begins a record. */
char hold_reason_letter(enum hold_reason reason);
/* Its time by its list, "r" ready or "d" due, and its score there. */
int64_t hold_release_ms(struct slice list, struct slice score);

#endif /* STORE_HOLD_RECORD_H */
