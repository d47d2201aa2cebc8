/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses: the canonical form is stable, inside its room, and printable. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char room[ADDRESS_MAX], again[ADDRESS_MAX];
	struct slice in = { (const char *)data, size }, first, second;

	(void)address_domain_ok(in);
	if (address_canonical(in, room, &first) < 0)
		return 0;
	if (first.at != room || first.len > sizeof(room))
		abort();
	for (size_t i = 0; i < first.len; i++)
		if ((unsigned char)first.at[i] < ' ' ||
		    (first.at[i] >= 'A' && first.at[i] <= 'Z'))
			abort();
	if (address_canonical(first, again, &second) < 0 ||
	    !slice_eq(first, second))
		abort();
	/* In quotes or not: the same address. */
	if (address_mailbox(in, again, &second) == 0 && second.len > 0) {
		char third_room[ADDRESS_MAX];
		struct slice third;

		if (address_canonical(second, third_room, &third) < 0 ||
		    !slice_eq(first, third))
			abort();
	}
	if (first.len > 0 && address_local(first).len == 0)
		abort();
	if (address_domain(first).len + address_local(first).len > first.len)
		abort();
	return 0;
}
