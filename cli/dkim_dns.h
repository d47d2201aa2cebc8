/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_DKIM_DNS_H
#define CLI_DKIM_DNS_H

#include <stdbool.h>

#include "util/slice.h"

/* What the DNS says of a DKIM key. */
struct arena;
struct sign_key;

/* Selector, "._domainkey.", domain and a NUL. */
#define DKIM_DNS_NAME_MAX 512
void dkim_dns_name(struct slice domain, struct slice selector,
    char ret_name[DKIM_DNS_NAME_MAX]);
/*
 * Asks for the record and waits.  servers: as dns_txt_wait; subdomains: as
 * dkim_record_match.  An enum dkim_match; < 0: the DNS does not tell
 * (ERR_TIMEOUT, ERR_UNAVAIL, ...).
 */
int dkim_dns_look(const char *servers, const char *name,
    const struct sign_key *key, bool subdomains, struct arena *arena);

#endif /* CLI_DKIM_DNS_H */
