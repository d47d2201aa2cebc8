/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_QUEUE_SAVED_H
#define POLICYD_QUEUE_SAVED_H

#include <limits.h>
#include <sys/types.h>

#include "util/buf.h"

/* Files of Postfix's configuration directory, replaced whole, as root. */
struct queue_saved {
	char path[PATH_MAX];
	mode_t mode;
	uid_t user;
	gid_t group;
	struct buf text;
};
/* ERR_NOTFOUND, ERR_IO, ERR_LIMIT, ERR_NOMEM; *s is to be done in any case. */
int queue_saved_read(struct queue_saved *s, const char *folder,
    const char *name);
/* As it was: octets, owner, group and mode.  ERR_IO. */
int queue_saved_restore(const struct queue_saved *s);
void queue_saved_done(struct queue_saved *s);

/* A file with this text, whole or not at all.  ERR_IO, ERR_LIMIT. */
int queue_file_write(const char *path, struct slice text, mode_t mode,
    uid_t user, gid_t group);

#endif /* POLICYD_QUEUE_SAVED_H */
