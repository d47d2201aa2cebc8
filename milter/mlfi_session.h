/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_MLFI_SESSION_H
#define MILTER_MLFI_SESSION_H

#include <libmilter/mfapi.h>

#include "milter/message.h"
#include "milter/sessions.h"

/*
 * At MAIL FROM: counts the session; true if it is one too many, with the MTA's
 * reply set.
 * answered  the MTA waits for a reply here; else the session, which began
 *           before there was any limit, goes on
 */
bool mlfi_session_full(SMFICTX *ctx, struct session *session,
    const struct message *msg, bool answered);

/*
 * At DATA, where it is negotiated: false, and the reply is set, if the
 * receiving server of a recipient has too many mails at once.
 */
bool mlfi_session_inbound(SMFICTX *ctx, struct session *session,
    struct message *msg);

#endif /* MILTER_MLFI_SESSION_H */
