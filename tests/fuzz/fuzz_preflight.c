/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pre-flight checks on any header: more fields of another name change nothing;
 * who has one author's domain has no fault in From.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proto/address.h"
#include "proto/preflight.h"

#define FIELDS_MAX 30

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = { (const char *)data, size }, line, name, domain;
	struct header_field fields[FIELDS_MAX + 1];
	struct preflight_input in = { .fields = fields, .aligned = true };
	char room[ADDRESS_MAX];
	unsigned found;

	(void)preflight_is_dmarc(rest);
	/* Fields end in NUL here. */
	while (in.field_count < FIELDS_MAX && slice_split(&rest, '\0', &line)) {
		if (slice_split(&line, ':', &name) && line.at != NULL)
			fields[in.field_count++] =
			    (struct header_field){ name, line };
	}
	found = preflight_check(&in);
	if (preflight_author(fields, in.field_count, room, &domain)) {
		if (!address_domain_ok(domain))
			abort();
	} else if (in.field_count == 0 && (found & PREFLIGHT_FROM) == 0) {
		abort();
	}
	fields[in.field_count++] =
	    (struct header_field){ SLICE("X-More"), SLICE(" ") };
	if (preflight_check(&in) != found)
		abort();
	return 0;
}
