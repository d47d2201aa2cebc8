/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POSTFIX_CONF_PLAN_EDIT_H
#define POSTFIX_CONF_PLAN_EDIT_H

#include "postfix-conf/plan.h"

/* For the files of the plan only. */

/* ERR_NOMEM. */
int postfix_edits_new(struct arena *arena, struct postfix_edits *edits);
/* ERR_LIMIT. */
int postfix_edit_add(struct postfix_edits *edits, struct postfix_edit edit);

/*
 * A text of a table with the sockets and domains put in, for @policyd@,
 * @milter@, @map@, @own@, @reinject@, @transports@, @domains@, @recipients@.
 * Absent: no memory.
 */
struct slice postfix_expand(struct arena *arena, const char *text,
    const struct postfix_wanted *wanted);

/*
 * "localhost=:, $myhostname=:, ...": for an inline table that leaves the mail
 * of these domains where it goes.  Absent: no memory, or far too many.
 */
struct slice postfix_own_domains(struct arena *arena,
    const struct postfix_now *now);

/* NAME/TYPE of "NAME/TYPE/PARAMETER", when it is this parameter. */
bool postfix_service_parameter(struct slice full, const char *parameter,
    struct slice *ret_service);

#endif /* POSTFIX_CONF_PLAN_EDIT_H */
