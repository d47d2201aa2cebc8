/* SPDX-License-Identifier: BSD-2-Clause */
/* Passwords that a file holds, so that no configuration shows them. */
#include "util/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "util/crypto.h"
#include "util/err.h"

int
secret_file_read(const char *path, char ret_text[SECRET_FILE_MAX])
{
	size_t len = 0;
	ssize_t n;

	ret_text[0] = '\0';
	if (path == NULL || path[0] == '\0')
		return 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT   ? ERR_NOTFOUND
		       : errno == EACCES ? ERR_DENIED
					 : ERR_IO;
	while ((n = read(fd, ret_text + len, SECRET_FILE_MAX - len)) > 0)
		len += (size_t)n;
	(void)close(fd);
	char *end = memchr(ret_text, '\n', len);
	if (n < 0 || (end == NULL && len == SECRET_FILE_MAX)) {
		crypto_wipe(ret_text, SECRET_FILE_MAX);
		return n < 0 ? ERR_IO : ERR_LIMIT;
	}
	if (end == NULL)
		end = ret_text + len;
	if (end > ret_text && end[-1] == '\r')
		end--;
	*end = '\0';
	return 0;
}

const char *
secret_file_error(int rc)
{
	if (rc == ERR_NOTFOUND)
		return "there is no such file";
	if (rc == ERR_DENIED)
		return "may not be read by this user";
	return err_text(rc);
}
