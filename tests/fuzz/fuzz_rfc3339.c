/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzz: points in time as text. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/rfc3339.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char room[RFC3339_MAX];
	int64_t us, again;
	size_t len;

	if (rfc3339_parse((struct slice){ (const char *)data, size }, &us) < 0)
		return 0;
	len = rfc3339_format(us, room);
	if (len >= RFC3339_MAX ||
	    rfc3339_parse((struct slice){ room, len }, &again) < 0 ||
	    (again != us / 1000 * 1000 && us < 253402300800000000))
		abort(); /* what was formatted means the same */
	return 0;
}
