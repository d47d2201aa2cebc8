/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_SOCKETS_H
#define POLICYD_SOCKETS_H

#include "net/listener.h"

/*
 * The listening sockets of one parameter: opened while privileged, heard on
 * the loop, paused while there are too many clients.  Of static storage,
 * zeroed.
 */
struct sockets {
	int fds[LISTENER_MAX];
	int count;
	struct listener *listeners[LISTENER_MAX];
};

/* Logs what is wrong.  An empty text: none. */
int sockets_open(struct sockets *s, const char *text, const char *group);
/* ERR_NOMEM: sockets_close() undoes what was done. */
int sockets_start(struct sockets *s, struct event_base *base,
    listener_accepted *accepted, void *ctx);
/* full: further clients wait in the kernel's queue. */
void sockets_full(struct sockets *s, bool full);
void sockets_close(struct sockets *s);

#endif /* POLICYD_SOCKETS_H */
