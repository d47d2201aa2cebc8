/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests and answers of the scanner: what parses prints the same again, and
 * no shorter piece of it means anything. */
#include <stdint.h>
#include <stdlib.h>

#include "milter/scan_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
request(struct slice in)
{
	uint8_t octets[SCAN_REQUEST_LEN];
	struct scan_request r, again;
	int n = scan_request_parse(in, &r);

	if (n <= 0)
		return;
	if (n != SCAN_REQUEST_LEN || (size_t)n > in.len)
		abort();
	for (int i = 0; i < n; i++)
		if (scan_request_parse((struct slice){ in.at, (size_t)i },
			&again) != 0)
			abort();
	scan_request_format(&r, octets);
	if (memcmp(octets, in.at, sizeof(octets)) != 0)
		abort();
}

static void
answer(struct slice in)
{
	uint8_t octets[SCAN_ANSWER_MAX];
	struct scan_answer a, again;
	int n = scan_answer_parse(in, &a);

	if (n <= 0)
		return;
	if ((size_t)n > in.len || strlen(a.name) >= SCAN_NAME_MAX)
		abort();
	for (int i = 0; i < n; i++)
		if (scan_answer_parse((struct slice){ in.at, (size_t)i },
			&again) != 0)
			abort();
	size_t len = scan_answer_format(&a, octets);
	if (len > (size_t)n ||
	    scan_answer_parse((struct slice){ (char *)octets, len }, &again) !=
		(int)len ||
	    again.id != a.id || again.outcome != a.outcome ||
	    strcmp(again.name, a.name) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };

	request(in);
	answer(in);
	return 0;
}
