/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_REINJECT_H
#define MILTER_REINJECT_H

#include "milter/message.h"
#include "proto/copy_token.h"

/*
 * Mail that goes in again through the MTA's internal listener (milter_reinject
 * of postern.conf), with a signed X-Postern-Copy field.
 */
struct reinject_copy {
	const struct copy_token *token; /* made_s is filled in */
	struct slice sender;            /* empty: the null reverse-path */
	const struct slice *recipients;
	size_t recipient_count;
};
/*
 * The message as it came (message_kept_fd), once for each copy, in order over
 * one session.  ret_done: how many the MTA has.  ERR_UNAVAIL, ERR_TIMEOUT,
 * ERR_DENIED; why is logged.
 */
int reinject_message(struct message *msg, const struct reinject_copy *copies,
    size_t count, size_t *ret_done);
/* A mail of Postern's own: whole text, lines in LF, with its header. */
int reinject_text(const struct milter *host, const struct reinject_copy *copy,
    struct slice text);

#endif /* MILTER_REINJECT_H */
