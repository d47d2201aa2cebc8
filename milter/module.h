/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_MODULE_H
#define MILTER_MODULE_H

#include <stddef.h>

#include "milter/message.h"

enum verdict {
	VERDICT_NEXT,     /* nothing to say: ask the next module */
	VERDICT_TEMPFAIL, /* 4.x.x: the client shall try again */
	VERDICT_REJECT,   /* 5.x.x */
};

/*
 * A milter module: sees a struct message, returns a verdict, asks for edits
 * with message_*().  Only milter/mlfi*.c know libmilter.
 *
 * Called from the thread of the connection; several at once for different
 * messages.  No wait is longer than the store's deadline.
 * state   state_size zeroed octets, one per message; release() is called
 *         before they go, on every way out, when body() or eom() was.
 * NULL: not interested in that stage.
 */
/* Messages that a module is asked about. */
enum message_kind {
	KIND_FIRST = 1 << 0,  /* from outside */
	KIND_SPLIT = 1 << 1,  /* our copies: for some of its recipients, */
	KIND_BCC = 1 << 2,    /* for the archive, */
	KIND_NOTICE = 1 << 3, /* and Postern's own mail */
	KIND_ALL = 15,
	KIND_RETURN = 1 << 4, /* from outside, and it comes back here */
};
enum body_want {
	BODY_NOT,    /* body() is not called */
	BODY_STREAM, /* body() gets each piece */
	BODY_BUFFER, /* that, and the message is kept (message_kept_fd) */
};

struct module {
	const char *name; /* in log lines */
	size_t state_size;
	unsigned kinds; /* enum message_kind bits */

	/* The header is complete, nothing is edited.  NULL: BODY_STREAM if
	 * there is a body(), else BODY_NOT. */
	enum body_want (*begin)(struct message *msg, void *state);
	/* A piece of the body. */
	enum verdict (
	    *body)(struct message *msg, void *state, struct slice octets);
	/*
	 * How this recipient's copy would differ: recipients for whom all
	 * modules answer the same stay in one message, others go into copies
	 * (milter/split.c), each of which meets the module again.  Called at
	 * the end of the message, before any eom() behind module_split.
	 */
	uint64_t (*treatment)(struct message *msg, void *state,
	    const struct message_rcpt *rcpt);
	/* End of message.  Edits of the modules before it are in msg. */
	enum verdict (*eom)(struct message *msg, void *state);
	void (*release)(void *state);
};

/* In the order in which they are asked; ends with NULL. */
extern const struct module *const milter_modules[];
#define MILTER_MODULES_MAX 24

extern const struct module module_commit;
extern const struct module module_dkim;
extern const struct module module_envelope_sender;
extern const struct module module_facts;
extern const struct module module_feedback;
extern const struct module module_forward;
extern const struct module module_hold;
extern const struct module module_inbound;
extern const struct module module_preflight;
extern const struct module module_received;
extern const struct module module_scan;
extern const struct module module_size;
extern const struct module module_smime;
extern const struct module module_split;
extern const struct module module_suppression;
extern const struct module module_unsubscribe;
extern const struct module module_unsubscribe_limit;

#endif /* MILTER_MODULE_H */
