/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SMIME_EXPIRY_H
#define MILTER_SMIME_EXPIRY_H

#include <stddef.h>
#include <stdint.h>

struct settings;

/*
 * Warns in the log of each certificate that is used and ends within its
 * tenant's warn_days, or has ended.  now_s: wall clock.  Returns how many.
 */
size_t smime_expiry_warn(const struct settings *s, int64_t now_s);

#endif /* MILTER_SMIME_EXPIRY_H */
