/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_OUTBREAK_JSON_H
#define STORE_OUTBREAK_JSON_H

#include "store/outbreak_store.h"
#include "util/buf.h"

/* As the API and the command line show it; names as in openapi.json. */
int outbreak_to_json(const struct outbreak *o, struct buf *out);

#endif /* STORE_OUTBREAK_JSON_H */
