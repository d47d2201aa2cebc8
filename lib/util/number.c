/* SPDX-License-Identifier: BSD-2-Clause */
/* Strict decimal numbers. */
#include "util/number.h"

#include <string.h>

#include "util/err.h"

int
number_parse(struct slice s, uint64_t min, uint64_t max, uint64_t *ret_value)
{
	uint64_t n = 0;

	if (s.len == 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < '0' || s.at[i] > '9')
			return ERR_SYNTAX;
	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit = (uint64_t)(s.at[i] - '0');

		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, digit, &n))
			return ERR_LIMIT;
	}
	if (n < min || n > max)
		return ERR_LIMIT;
	*ret_value = n;
	return 0;
}

size_t
number_format(uint64_t value, char room[NUMBER_TEXT_MAX])
{
	char digits[NUMBER_TEXT_MAX];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	for (size_t i = 0; i < n; i++)
		room[i] = digits[n - 1 - i];
	room[n] = '\0';
	return n;
}
