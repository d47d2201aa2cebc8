/* SPDX-License-Identifier: BSD-2-Clause */
/* Policy requests: octets used, slices inside, no line break in a value. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/policy_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input, not only that nothing crashes. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *in = (const char *)data;
	struct policy_request req, again;
	ssize_t n = policy_request_parse(in, size, &req);

	if (n <= 0)
		return 0;
	if ((size_t)n > size || n > POLICY_REQUEST_MAX)
		abort();
	for (size_t i = 0; i < POLICY_NATTR; i++) {
		struct slice s = req.attr[i];

		if (s.at != NULL && (s.at < in || s.at + s.len >= in + n))
			abort(); /* a slice leaves its request */
		if (s.at != NULL && memchr(s.at, '\n', s.len) != NULL)
			abort(); /* a line break could forge an attribute */
	}
	/* What follows a request does not change how it reads. */
	if (policy_request_parse(in, (size_t)n, &again) != n)
		abort();
	return 0;
}
