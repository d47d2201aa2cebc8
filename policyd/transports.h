/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_TRANSPORTS_H
#define POLICYD_TRANSPORTS_H

#include <stdbool.h>

#include "util/slice.h"

/*
 * Postfix's services of the shaping filters: rendered from each revision of the
 * settings into the state directory, and put in force by the queue helper.
 */
struct policyd;

/*
 * Whether mail may be given to this transport: Postfix has it.  Without a
 * queue helper nobody knows, and the answer is yes.
 */
bool transports_have(const struct policyd *d, struct slice name);

#endif /* POLICYD_TRANSPORTS_H */
