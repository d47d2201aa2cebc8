/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_BLOCK_JSON_H
#define PROTO_BLOCK_JSON_H

#include "proto/block.h"

/*
 * A blocked or exempt address as the API and the command line show it: one
 * JSON object, names as in openapi.json (Block).
 */
int block_to_json(struct slice address, const struct block *b, struct buf *out);

#endif /* PROTO_BLOCK_JSON_H */
