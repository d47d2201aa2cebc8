/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SUPPRESS_H
#define MILTER_SUPPRESS_H

#include "milter/lookup.h"
#include "milter/module.h"

/*
 * Asks the suppression list about these recipients (lookups[].rcpt is filled
 * in) and takes off those that are blocked, or only counts them: by the
 * tenant's settings, whose mode is not off.  The verdict says what becomes of
 * the message: VERDICT_TEMPFAIL where the list can not be read and the tenant
 * does not let mail pass then.
 */
enum verdict suppress_recipients(struct message *msg, struct lookup *lookups,
    size_t count);

#endif /* MILTER_SUPPRESS_H */
