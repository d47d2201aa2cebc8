/* SPDX-License-Identifier: BSD-2-Clause */
/* The last good settings on this host's disk. */
#include "store/settings_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/json.h"
#include "util/err.h"
#include "util/read_all.h"

#define FILE_MAX_OCTETS ((size_t)256 * 1024 * 1024)
#define NAME "settings.json"

int
settings_file_read(const char *directory, struct json **ret_file)
{
	char path[PATH_MAX], error[200];
	struct buf text;
	int fd, rc;

	if (snprintf(path, sizeof(path), "%s/%s", directory, NAME) >=
	    (int)sizeof(path))
		return ERR_LIMIT;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	buf_init(&text, FILE_MAX_OCTETS);
	rc = read_all(fd, &text);
	(void)close(fd);
	if (rc == 0)
		rc = json_parse(buf_slice(&text), FILE_MAX_OCTETS, ret_file,
		    error, sizeof(error));
	buf_done(&text);
	return rc;
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

/* A rename is kept once its directory is. */
static void
sync_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)fsync(fd);
	(void)close(fd);
}

int
settings_file_write(const char *directory, const struct json *file)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	struct buf text;
	int fd, rc;

	if (snprintf(path, sizeof(path), "%s/%s", directory, NAME) >=
		(int)sizeof(path) ||
	    snprintf(temporary, sizeof(temporary), "%s/.%s.XXXXXX", directory,
		NAME) >= (int)sizeof(temporary))
		return ERR_LIMIT;
	buf_init(&text, FILE_MAX_OCTETS);
	rc = json_print(file, JSON_COMPACT, &text);
	if (rc < 0)
		goto done;
	rc = ERR_IO;
	fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		goto done;
	rc = write_all(fd, buf_slice(&text));
	if (close(fd) < 0 && rc == 0)
		rc = ERR_IO;
	if (rc == 0 && rename(temporary, path) < 0)
		rc = ERR_IO;
	if (rc == 0)
		sync_directory(directory);
	else
		(void)unlink(temporary);
done:
	buf_done(&text);
	return rc;
}
