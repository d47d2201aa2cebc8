/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_RETRY_AFTER_H
#define PROTO_RETRY_AFTER_H

#include <stdint.h>

#include "util/slice.h"

/*
 * The time that a text asks to wait, in ms; -1: it names none.
 * text  in lower case.  "retry after 300 seconds", "try again in an hour",
 *       "5分後に再送"; a number without a unit is seconds.
 */
int64_t retry_after_ms(struct slice text);

#endif /* PROTO_RETRY_AFTER_H */
