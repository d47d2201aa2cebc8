/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of the system's time zone database. */
#include "util/zone_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "util/err.h"

#define NAME_MAX_OCTETS 64

/* Letters, digits, "_+-", and "/" between them. */
static bool
name_ok(struct slice name)
{
	if (name.len < 1 || name.len > NAME_MAX_OCTETS || name.at[0] == '/' ||
	    name.at[name.len - 1] == '/')
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!isalnum((unsigned char)name.at[i]) &&
		    strchr("_+-/", name.at[i]) == NULL)
			return false;
	return memchr(name.at, '\0', name.len) == NULL;
}

int
zone_file_read(struct slice name, struct buf *out)
{
	char path[sizeof(ZONE_FILE_DIRECTORY) + NAME_MAX_OCTETS + 1];
	char piece[4096];
	ssize_t n;
	int rc = 0;

	if (!name_ok(name))
		return ERR_NOTFOUND;
	(void)snprintf(path, sizeof(path), "%s/%.*s", ZONE_FILE_DIRECTORY,
	    SLICE_F(name));
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? ERR_NOTFOUND
							   : ERR_IO;
	while (rc == 0 && (n = read(fd, piece, sizeof(piece))) != 0)
		rc = n < 0 ? errno == EISDIR ? ERR_NOTFOUND : ERR_IO
			   : buf_add(out, piece, (size_t)n);
	(void)close(fd);
	return rc;
}
