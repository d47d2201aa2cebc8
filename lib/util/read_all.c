/* SPDX-License-Identifier: BSD-2-Clause */
/* Files, read to their end. */
#include "util/read_all.h"

#include <errno.h>
#include <unistd.h>

#include "util/err.h"

int
read_all(int fd, struct buf *out)
{
	for (;;) {
		int rc = buf_reserve(out, READ_PIECE);
		ssize_t n;

		if (rc < 0)
			return rc;
		n = read(fd, out->at + out->len, READ_PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? 0 : ERR_IO;
		out->len += (size_t)n;
	}
}
