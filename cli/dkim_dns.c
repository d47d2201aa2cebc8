/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of DKIM keys, looked up.  RFC 6376, 3.6.2. */
#include "cli/dkim_dns.h"

#include <stdio.h>

#include "net/dns.h"
#include "proto/dkim_record.h"
#include "util/err.h"

#define TIMEOUT_MS 10000

void
dkim_dns_name(struct slice domain, struct slice selector,
    char ret_name[DKIM_DNS_NAME_MAX])
{
	(void)snprintf(ret_name, DKIM_DNS_NAME_MAX, "%.*s._domainkey.%.*s",
	    SLICE_F(selector), SLICE_F(domain));
}

int
dkim_dns_look(const char *servers, const char *name, const struct sign_key *key,
    bool subdomains, struct arena *arena)
{
	struct slice texts[DNS_TEXTS_MAX];
	size_t count = 0;
	int rc = dns_txt_wait(servers, name, TIMEOUT_MS, arena, texts,
	    DNS_TEXTS_MAX, &count);

	if (rc == ERR_NOTFOUND)
		return DKIM_MATCH_NONE;
	return rc < 0 ? rc : dkim_record_match(texts, count, key, subdomains);
}
