/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_COPY_H
#define MILTER_COPY_H

#include <stdbool.h>

#include "util/slice.h"

/*
 * Mail that this milter sends in again through the MTA's internal listener,
 * where it meets it a second time: copies for some of a message's recipients,
 * and Postern's own mail.  It is known by the field COPY_FIELD, which names a
 * place in this process's memory (milter/meeting.h) and is taken off.
 */
struct message;

#define COPY_PREFIX "X-Postern-" /* of fields that nobody outside may write */
#define COPY_FIELD COPY_PREFIX "Copy" /* or a pass: proto/own_mail.h */
/* Only the milter can add it; Postfix acts on it and takes it off. */
#define COPY_NEXT_HOP_FIELD COPY_PREFIX "Next-Hop"

enum copy_kind {
	COPY_SPLIT,  /* some of the message's recipients, of one treatment */
	COPY_BCC,    /* for the archive host */
	COPY_NOTICE, /* Postern's own mail */
};
/* What a copy takes over from the message that it is one of. */
struct copy_token {
	enum copy_kind kind;
	struct slice tenant;
	struct slice queue_id; /* of that message */
	struct slice sender;   /* its envelope sender, canonical */
	struct slice client;   /* address of its client; or empty */
	struct slice client_name, helo;
	struct slice sasl_user; /* or empty */
	struct slice next_hop;  /* COPY_BCC: "[host]:port"; else empty */
	/* What was found out about the message, which its copies share: */
	struct slice preflight; /* checks found wanting; or empty */
	struct slice stream;    /* kind of mail; or absent */
	bool unscanned;         /* nobody could scan it: they are marked, too */
	bool held;              /* it waits to be looked at: so do they */
};

/*
 * The header is complete: fields that only Postern may write go, whoever
 * wrote them, and a copy becomes what it is.  0; ERR_DENIED: on the internal
 * listener, but not ours; ERR_CANCELED: what it is a copy of has gone;
 * ERR_NOMEM.
 */
int copy_enter(struct message *msg);

#endif /* MILTER_COPY_H */
