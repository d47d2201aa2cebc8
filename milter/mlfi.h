/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_MLFI_H
#define MILTER_MLFI_H

#include <stddef.h>
#include <stdint.h>

/*
 * The milter protocol: the only user of libmilter, which has a thread for each
 * connection.  One listening socket for the process.
 */
struct milter;

/*
 * Privileged: opens the socket ("unix:PATH" or "inet:HOST:PORT").
 * group: owner group of a unix socket, mode 0660; "": 0600
 * ERR_SYNTAX, ERR_CONFLICT (another one answers there), ERR_IO with a text.
 */
int mlfi_open(const char *address, const char *user, const char *group,
    int64_t timeout_ms, char *error, size_t error_size);
/* Serves until mlfi_stop(); host is used by all threads. */
int mlfi_run(const struct milter *host);
/* Accept no more; returns at once. */
void mlfi_stop(void);
/*
 * To be called every MLFI_NUDGE_MS, by the thread that calls mlfi_stop().
 * libmilter gives a session that has something to say to a thread that was
 * idle when it looked, but another session may have got it meanwhile; then it
 * waits until any thread becomes free, which takes as long as the scan or the
 * copies of other messages, and for ever if a copy is what waits.  One more
 * session makes libmilter look again.
 */
#define MLFI_NUDGE_MS 50
void mlfi_nudge(void);
/* Messages being looked at. */
unsigned mlfi_messages(void);
void mlfi_close(void); /* removes the socket file where allowed */

#endif /* MILTER_MLFI_H */
