/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_REINJECT_H
#define MILTER_REINJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "milter/copy.h"

/*
 * Sends mail in again through the MTA's internal listener (milter_reinject of
 * postern.conf), which hands it to this milter.
 */
struct message;
struct milter;

struct reinject_copy {
	const struct copy_token *token;
	struct slice sender; /* without angle brackets; empty: null sender */
	const struct slice *recipients; /* the same */
	size_t recipient_count;
};

/*
 * Copies of a message as it came (message_kept_fd): the MTA has all of them
 * or none.  At most meeting_seats() of them.
 * _begin   sends them in; they wait at the end of their passes.
 * _ready   waits until all have arrived there.
 * _queue_id  what the MTA calls the i-th then, if it takes it.
 * _commit  lets them go, and waits for the MTA's answers; ret_taken[i] tells
 *          whether it has taken the i-th, where there was an error.
 * _end     on every way out; not committed: none is sent.
 * ERR_UNAVAIL, ERR_TIMEOUT, ERR_DENIED, ERR_IO, ERR_NOMEM; why is logged.
 */
struct reinjection;
int reinject_begin(struct message *msg, const struct reinject_copy *copies,
    size_t count, int64_t deadline_us, struct reinjection **ret_reinjection);
int reinject_ready(struct reinjection *r, int64_t deadline_us);
int reinject_commit(struct reinjection *r, int64_t deadline_us, int *ret_rcs);
struct slice reinject_queue_id(const struct reinjection *r, size_t i);
void reinject_end(struct reinjection *r); /* takes NULL */

/*
 * A mail of Postern's own: the whole text, lines in LF or CRLF.  queue_id: for
 * log lines; may be empty.  Errors as above.
 */
int reinject_text(const struct milter *host, struct slice queue_id,
    const struct reinject_copy *copy, struct slice text, int64_t deadline_us);

#endif /* MILTER_REINJECT_H */
