/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_LIMIT_JSON_H
#define STORE_LIMIT_JSON_H

#include "store/limit_view.h"
#include "util/buf.h"

/* JSON objects of API and command line; names as in openapi.json.  ERR_LIMIT,
 * ERR_NOMEM. */
int limit_rule_to_json(const struct limit_rule *r, struct buf *out);
int limit_view_to_json(const struct limit_rule *r, struct slice value,
    const struct limit_view *v, struct buf *out);

#endif /* STORE_LIMIT_JSON_H */
