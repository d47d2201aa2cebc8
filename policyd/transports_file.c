/* SPDX-License-Identifier: BSD-2-Clause */
/* Small files of the state directory, written whole. */
#include "policyd/transports_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/err.h"

#define PIECE 65536

static int
make_path(const char *directory, const char *before, const char *name,
    const char *behind, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/%s%s%s", directory, before, name,
	    behind);

	return n > 0 && n < PATH_MAX ? 0 : ERR_LIMIT;
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
transports_file_write(const char *directory, const char *name,
    struct slice text)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	int fd, rc = make_path(directory, "", name, "", path);

	if (rc == 0)
		rc = make_path(directory, ".", name, ".XXXXXX", temporary);
	if (rc < 0)
		return rc;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return ERR_IO;
	rc = write_all(fd, text);
	if (close(fd) < 0 && rc == 0)
		rc = ERR_IO;
	if (rc == 0 && rename(temporary, path) < 0)
		rc = ERR_IO;
	if (rc < 0)
		(void)unlink(temporary);
	return rc;
}

int
transports_file_read(const char *directory, const char *name, struct buf *out)
{
	char path[PATH_MAX];
	ssize_t n = 1;
	int fd, rc = make_path(directory, "", name, "", path);

	if (rc < 0)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	while (rc == 0 && n > 0) {
		rc = buf_reserve(out, PIECE);
		if (rc < 0)
			break;
		n = read(fd, out->at + out->len, PIECE);
		if (n < 0 && errno != EINTR)
			rc = ERR_IO;
		out->len += n > 0 ? (size_t)n : 0;
	}
	(void)close(fd);
	return rc;
}
