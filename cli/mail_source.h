/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_MAIL_SOURCE_H
#define CLI_MAIL_SOURCE_H

#include "util/buf.h"
#include "util/slice.h"

/*
 * Mails from files, mailboxes and directories, one after the other, through
 * one buffer: a mailbox of any size takes no more memory than its largest mail.
 *
 * A file that begins with "From " and a time is a mailbox of RFC 4155 (mbox);
 * any other is one mail.  Of a directory, all regular files below it are read
 * in the order of their names, but for those that begin with a dot; links to
 * directories are not followed.
 */
#define MAIL_SOURCE_MAX ((size_t)64 * 1024 * 1024) /* octets of one mail */
#define MAIL_SOURCE_DEPTH_MAX 32                   /* of directories */

struct mail_source {
	/*
	 * A mail; number counts from 1 in a mailbox and is 0 elsewhere.  Less
	 * than 0 ends everything with that error.
	 */
	int (*found)(void *ctx, const char *path, size_t number,
	    struct slice mail);
	/* What can not be read, and why; the rest is. */
	void (*failed)(void *ctx, const char *path, const char *why);
	void *ctx;
	struct buf buf; /* its own */
};

/* The three members above are the caller's. */
void mail_source_init(struct mail_source *s);
void mail_source_done(struct mail_source *s);
/*
 * path  a file, a directory, or "-" for standard input
 * 0; of what could not be read, the last error: ERR_NOTFOUND (not there),
 * ERR_DENIED, ERR_IO, ERR_LIMIT (a mail too large, directories too deep),
 * ERR_NOMEM; or what found() returned.
 */
int mail_source_read(struct mail_source *s, const char *path);

/*
 * Octets of the first mail of a mailbox: up to the next "From " line that a
 * header stands behind.  0: not known before there is more of it.
 * from  where to begin to search; raised, so that nothing is searched twice
 * end   nothing comes behind text
 */
size_t mail_source_mbox_next(struct slice text, size_t *from, bool end);

#endif /* CLI_MAIL_SOURCE_H */
