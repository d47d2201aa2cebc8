/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of Postfix's configuration, kept to be put back. */
#include "policyd/queue_saved.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/err.h"
#include "util/read_all.h"

#define FILE_OCTETS_MAX ((size_t)8 * 1024 * 1024)

int
queue_saved_read(struct queue_saved *s, const char *folder, const char *name)
{
	int n = snprintf(s->path, sizeof(s->path), "%s/%s", folder, name);
	struct stat st;
	int fd, rc;

	buf_init(&s->text, FILE_OCTETS_MAX);
	if (n < 0 || (size_t)n >= sizeof(s->path))
		return ERR_LIMIT;
	fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return ERR_IO;
	}
	s->mode = st.st_mode & 07777;
	s->user = st.st_uid;
	s->group = st.st_gid;
	rc = read_all(fd, &s->text);
	(void)close(fd);
	return rc;
}

void
queue_saved_done(struct queue_saved *s)
{
	buf_done(&s->text);
}

static int
write_all(int fd, struct slice text)
{
	while (text.len > 0) {
		ssize_t n = write(fd, text.at, text.len);

		if (n < 0 && errno != EINTR)
			return ERR_IO;
		text = slice_skip(text, n > 0 ? (size_t)n : 0);
	}
	return fsync(fd) == 0 ? 0 : ERR_IO;
}

int
queue_file_write(const char *path, struct slice text, mode_t mode, uid_t user,
    gid_t group)
{
	char temporary[PATH_MAX];
	int fd, rc,
	    n = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);

	if (n < 0 || (size_t)n >= sizeof(temporary))
		return ERR_LIMIT;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return ERR_IO;
	rc = write_all(fd, text);
	if (rc == 0 && (fchown(fd, user, group) < 0 || fchmod(fd, mode) < 0))
		rc = ERR_IO;
	if (close(fd) < 0 && rc == 0)
		rc = ERR_IO;
	if (rc == 0 && rename(temporary, path) < 0)
		rc = ERR_IO;
	if (rc < 0)
		(void)unlink(temporary);
	return rc;
}

int
queue_saved_restore(const struct queue_saved *s)
{
	return queue_file_write(s->path, buf_slice(&s->text), s->mode, s->user,
	    s->group);
}
