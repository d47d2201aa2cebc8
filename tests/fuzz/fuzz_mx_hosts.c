/* SPDX-License-Identifier: BSD-2-Clause */
/* A record of MX hosts from Redis, and the name of its site. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/address.h"
#include "proto/mx_hosts.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct mx_hosts h, back;
	char room[MX_SITE_MAX];
	struct buf out;
	int rc = mx_hosts_parse(text, &h);

	if (rc < 0) {
		if (rc != ERR_SYNTAX && rc != ERR_LIMIT)
			abort();
		return 0;
	}
	if (h.count > DNS_MX_MAX || h.until_s < 0)
		abort();
	for (size_t i = 0; i < h.count; i++)
		if (!address_domain_ok(h.at[i]) || h.at[i].at < text.at ||
		    h.at[i].at + h.at[i].len > text.at + text.len)
			abort();
	size_t len = mx_hosts_site(h.at, h.count, room);
	if (len == 0 || len > MX_SITE_MAX)
		abort();
	buf_init(&out, MX_HOSTS_TEXT_MAX);
	if (mx_hosts_format(&h, &out) < 0 ||
	    mx_hosts_parse(buf_slice(&out), &back) < 0 ||
	    back.count != h.count || back.until_s != h.until_s)
		abort();
	buf_done(&out);
	return 0;
}
