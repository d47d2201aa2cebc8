/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_LIMIT_VALUE_H
#define POLICYD_LIMIT_VALUE_H

#include "policyd/rule.h"
#include "proto/limit_value.h"

/*
 * What a limit counts by, for this request: the parts named in keys (enum
 * limit_key bits), in the order of the enum, tabs between; in the request's
 * arena, or borrowed from it.  Absent when a part is missing, as the SASL user
 * of a client that has not logged in: the limit does not apply.
 */
struct slice limit_value(struct request *r, unsigned keys);

#endif /* POLICYD_LIMIT_VALUE_H */
