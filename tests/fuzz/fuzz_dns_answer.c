/* SPDX-License-Identifier: BSD-2-Clause */
/* What a name server may send as an answer. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/address.h"
#include "proto/dns_answer.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_mx_answer a;
	int rc = dns_mx_answer_parse(data, size, &a);

	if (rc < 0) {
		if (rc != ERR_SYNTAX)
			abort();
		return 0;
	}
	if (a.count > DNS_MX_MAX || a.rcode > 15)
		abort();
	for (size_t i = 0; i < a.count; i++) {
		struct slice host = a.mx[i].host;

		if (i > 0 && a.mx[i].preference < a.mx[i - 1].preference)
			abort();
		if (host.len == 0 ? a.count > 1 : !address_domain_ok(host))
			abort();
		for (size_t k = 0; k < host.len; k++)
			if (host.at[k] >= 'A' && host.at[k] <= 'Z')
				abort();
		for (size_t k = 0; k < i; k++)
			if (slice_eq(host, a.mx[k].host))
				abort();
	}
	return 0;
}
