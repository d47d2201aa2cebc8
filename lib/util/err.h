/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_ERR_H
#define UTIL_ERR_H

#include <stdbool.h>

/*
 * Every function that can fail for more than one reason returns int:
 * 0 (or a count) on success, one of these negative codes on failure.
 * The class decides what the mail system sees: a TEMP failure may be
 * tried again (4.x.x), a PERM failure may not (5.x.x).  RFC 3463, 2.
 */
/* clang-format off */
#define ERR_LIST(X) \
	X(ERR_NOMEM, -1, TEMP, "out of memory") \
	X(ERR_SYNTAX, -2, PERM, "malformed input") \
	X(ERR_LIMIT, -3, PERM, "input exceeds a limit") \
	X(ERR_TIMEOUT, -4, TEMP, "no answer in time") \
	X(ERR_UNAVAIL, -5, TEMP, "backend unavailable") \
	X(ERR_NOTFOUND, -6, PERM, "no such record") \
	X(ERR_CONFIG, -7, PERM, "unusable configuration value") \
	X(ERR_IO, -8, TEMP, "input or output failed") \
	X(ERR_DENIED, -9, PERM, "not permitted") \
	X(ERR_CONFLICT, -10, TEMP, "changed by somebody else meanwhile") \
	X(ERR_CRYPTO, -11, PERM, "cryptographic check failed") \
	X(ERR_CANCELED, -12, TEMP, "canceled")

enum err {
#define X(name, num, class, text) name = num,
	ERR_LIST(X)
#undef X
};
/* clang-format on */

/* Static text for a code; never NULL, also for codes not listed. */
const char *err_text(int code);

/* Whether the same request may succeed later. */
bool err_is_temporary(int code);

#endif /* UTIL_ERR_H */
