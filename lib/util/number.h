/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_NUMBER_H
#define UTIL_NUMBER_H

#include <stdint.h>

#include "util/slice.h"

/*
 * Strict decimal: digits only, the whole slice, no sign, no blank.
 * ERR_SYNTAX: not that; ERR_LIMIT: outside min..max.
 */
int number_parse(struct slice s, uint64_t min, uint64_t max,
    uint64_t *ret_value);

/* Enough for any 64-bit number and its NUL. */
#define NUMBER_TEXT_MAX 21
/* Decimal text of value in room; returns its length. */
size_t number_format(uint64_t value, char room[NUMBER_TEXT_MAX]);

#endif /* UTIL_NUMBER_H */
