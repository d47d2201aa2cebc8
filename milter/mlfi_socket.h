/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_MLFI_SOCKET_H
#define MILTER_MLFI_SOCKET_H

#include <stddef.h>

/*
 * What libmilter does not do for the listening socket that it opens: the
 * address in our words, owner and mode, TCP_NODELAY.
 */
struct mlfi_socket {
	char libmilter[300]; /* "unix:PATH", "inet:PORT@HOST" */
	char path[200];      /* of a unix socket, else empty */
};

/*
 * Before: makes the directory, removes a socket that nobody answers at.
 * ERR_SYNTAX, ERR_CONFLICT (somebody answers), ERR_IO; a text in error.
 */
int mlfi_socket_prepare(const char *address, const char *group,
    struct mlfi_socket *ret_where, char *error, size_t error_size);
/* After: owner, mode 0660 (0600 without a group), TCP_NODELAY. */
int mlfi_socket_finish(const struct mlfi_socket *where, const char *user,
    const char *group, char *error, size_t error_size);
/* Connects to it, and hangs up; does not wait. */
void mlfi_socket_knock(void);
/* Nobody is let in any more. */
void mlfi_socket_shut(void);
/* Removes the file, where we may. */
void mlfi_socket_remove(void);

#endif /* MILTER_MLFI_SOCKET_H */
