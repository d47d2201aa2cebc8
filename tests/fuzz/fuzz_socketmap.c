/* SPDX-License-Identifier: BSD-2-Clause */
/* A client's stream: requests one after the other, cut anywhere. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/socketmap.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
inside(struct slice s, const char *at, ssize_t n)
{
	if (s.at < at || s.at + s.len > at + n)
		abort();
}

/* What is asked comes back as a value, a key with control octets does not. */
static void
answer(struct socketmap_request r)
{
	struct buf out;
	int rc;

	buf_init(&out, MAP_REPLY_MAX + 20);
	rc = socketmap_reply_format(MAP_OK, r.key, &out);
	if (rc < 0 && (rc != ERR_SYNTAX || out.len != 0))
		abort();
	if (rc == 0 && (out.len < r.key.len + 6 || out.at[out.len - 1] != ','))
		abort();
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data;

	while (size > 0) {
		struct socketmap_request r, part;
		ssize_t n = socketmap_request_parse(at, size, &r);

		/* No part of it may say something else. */
		for (size_t cut = 1; cut < size && cut < 64; cut++) {
			ssize_t m = socketmap_request_parse(at, cut, &part);

			if (m != 0 && m != n)
				abort();
		}
		if (n <= 0)
			break;
		if ((size_t)n > size || n > MAP_REQUEST_OCTETS_MAX ||
		    r.name.len == 0 || memchr(r.name.at, ' ', r.name.len))
			abort();
		inside(r.name, at, n);
		inside(r.key, at, n);
		answer(r);
		at += n;
		size -= (size_t)n;
	}
	return 0;
}
