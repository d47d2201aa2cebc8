/* SPDX-License-Identifier: BSD-2-Clause */
/* Any answer of clamd: a verdict has a printable name, and never before its
 * end is there. */
#include <stdint.h>
#include <stdlib.h>

#include "milter/clamd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct scan_verdict v = { .name = "" }, part;
	int n = clamd_reply_parse(in, &v);

	if (n <= 0)
		return 0;
	if ((size_t)n > size || n > CLAMD_REPLY_MAX)
		abort();
	if ((v.result == SCAN_CLEAN) != (v.name[0] == '\0'))
		abort();
	for (const char *c = v.name; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			abort();
	for (int i = 0; i < n; i++)
		if (clamd_reply_parse((struct slice){ in.at, (size_t)i },
			&part) != 0)
			abort();
	return 0;
}
