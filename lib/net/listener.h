/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <stddef.h>

#include "util/slice.h"

/*
 * Listening sockets, "unix:PATH" or "inet:HOST:PORT" (HOST: an address, or
 * empty for all; [..] round IPv6).  inet sockets get TCP_NODELAY, which
 * accepted sockets inherit on Linux.  A unix socket left over from a dead
 * process is replaced, one that answers is not (ERR_CONFLICT).  A socket that
 * systemd passed (sd_listen_fds(3)) and that has the address asked for is
 * used as it is.
 */
#define LISTENER_MAX 8

/* Whether listener_open would understand text; opens nothing. */
int listener_check(const char *text, char *error, size_t error_size);

/*
 * Makes the directory of a unix socket's path when it is not there: owner as
 * the process, group as given, mode 0750 (0700 without a group).  Its parent
 * must exist.  For sockets that a library opens itself (libmilter).
 * 0, ERR_SYNTAX, ERR_NOTFOUND (no such group), ERR_IO with a text in error.
 */
int listener_make_directory(const char *path, const char *group, char *error,
    size_t error_size);

/*
 * Opens every address in text (blanks between); privileged step.
 * group   owner group of unix sockets, mode 0660; "" or NULL: mode 0600
 * ret_fds LISTENER_MAX of them, close-on-exec, non-blocking, listening
 * The directory of a unix socket is made when it is missing.
 * Returns how many, or ERR_SYNTAX, ERR_LIMIT (too many), ERR_CONFLICT,
 * ERR_NOTFOUND (no such group), ERR_IO with a text for a person in error; then
 * none is open.
 */
int listener_open(const char *text, const char *group,
    int ret_fds[LISTENER_MAX], char *error, size_t error_size);

/* Close; unix socket files made by listener_open are removed where allowed. */
void listener_close(int fd);

struct event_base;
struct listener;
/*
 * Hands every accepted descriptor (close-on-exec, non-blocking) to accepted().
 * When descriptors run out accepting pauses for 100 ms instead of spinning
 * (logged by the caller through full()).
 * pause/resume: back-pressure at the client maximum; the rest waits in the
 * kernel's queue.  All of these, listener_stop too, may be called from inside
 * accepted() and full().  NULL: no memory.
 */
typedef void listener_accepted(int fd, void *ctx);
typedef void listener_full(void *ctx);
struct listener *listener_start(struct event_base *base, int fd,
    listener_accepted *accepted, listener_full *full, void *ctx);
void listener_pause(struct listener *l);
void listener_resume(struct listener *l);
void listener_stop(struct listener *l); /* does not close the descriptor */

#endif /* NET_LISTENER_H */
