/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_HOLD_JSON_H
#define STORE_HOLD_JSON_H

#include "store/hold_store.h"
#include "util/buf.h"

/* What a held message waits for: "time", "turn", or a "person". */
const char *hold_waits_word(const struct hold_record *r);
/* One JSON object; names as in openapi.json.  ERR_LIMIT, ERR_NOMEM. */
int hold_to_json(struct slice host, const struct hold_record *r,
    struct buf *out);

#endif /* STORE_HOLD_JSON_H */
