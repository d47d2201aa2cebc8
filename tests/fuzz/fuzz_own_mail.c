/* SPDX-License-Identifier: BSD-2-Clause */
/* Passes made up: none is let in that was not signed. */
#include <stdlib.h>

#include "proto/own_mail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[CRYPTO_SHA256_LEN] = { 7 };
	const struct slice text = { (const char *)data, size };
	char room[OWN_MAIL_VALUE_MAX];
	struct slice tenant, value;

	if (own_mail_parse(key, text, SLICE("a@b.example"), 1795000000,
		&tenant) == 0)
		abort();
	/* Any tenant that fits comes back as it was. */
	if (own_mail_format(key, text, SLICE("a@b.example"), 1795000000, room,
		&value) == 0 &&
	    memchr(text.at, ' ', text.len) == NULL &&
	    (own_mail_parse(key, value, SLICE("a@b.example"), 1795000000,
		 &tenant) < 0 ||
		!slice_eq(tenant, text)))
		abort();
	return 0;
}
