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
 * with message_*().  milter/mlfi.c is the only file that knows libmilter.
 *
 * Called from the thread of the connection; several at once for different
 * messages.  No wait is longer than the store's deadline.
 * state   state_size zeroed octets, one per message; release() is called
 *         before they go, on every way out, when body() or eom() was.
 * NULL: not interested in that stage.
 */
struct module {
	const char *name; /* in log lines */
	size_t state_size;

	/* A piece of the body; the header is complete, nothing is edited. */
	enum verdict (
	    *body)(struct message *msg, void *state, struct slice octets);
	/* End of message.  Edits of the modules before it are in msg. */
	enum verdict (*eom)(struct message *msg, void *state);
	void (*release)(void *state);
};

/* In the order in which they are asked; ends with NULL. */
extern const struct module *const milter_modules[];
#define MILTER_MODULES_MAX 16

extern const struct module module_dkim;
extern const struct module module_facts;
extern const struct module module_received;
extern const struct module module_return_path;
extern const struct module module_suppression;

#endif /* MILTER_MODULE_H */
