/* SPDX-License-Identifier: BSD-2-Clause */
/* Mailboxes: it ends, and what is handed out is an address or empty. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/mailbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = { (const char *)data, size }, address, same;
	char room[ADDRESS_MAX], again[ADDRESS_MAX];
	size_t left = size + 1;

	while (mailbox_next(&rest, room, &address)) {
		if (rest.len >= left)
			abort();
		left = rest.len;
		if (address.len > 0 &&
		    (address_canonical(address, again, &same) < 0 ||
			!slice_eq(address, same)))
			abort();
	}
	return 0;
}
