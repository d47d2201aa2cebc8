/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_PROVIDERS_H
#define POLICYD_PROVIDERS_H

#include <stdint.h>

#include "policyd/provider_cache.h"

/*
 * Who takes the mail of a domain: from a cache, at once.  What is not known,
 * or no longer fresh, is asked for in the background: of the other hosts (in
 * Redis), then of the DNS.  Nobody waits for it.
 */
struct event_base;
struct providers;
struct store;

struct providers_options {
	struct event_base *base;
	struct store *store;     /* NULL: not shared */
	const char *dns_servers; /* as dns_new() has it; NULL: the system's */
	int64_t dns_timeout_ms;
	size_t max_domains;
};
/* ERR_SYNTAX (dns_servers), ERR_UNAVAIL, ERR_NOMEM. */
int providers_new(const struct providers_options *options,
    struct providers **ret_providers);
void providers_set_timeout(struct providers *p, int64_t dns_timeout_ms);
/* No further questions; before the store closes.  Takes NULL. */
void providers_stop(struct providers *p);
/* Behind the store's last callback.  Takes NULL. */
void providers_free(struct providers *p);

/* How long answers hold, whatever the DNS says, in seconds. */
#define PROVIDER_TTL_LEAST 60
#define PROVIDER_TTL_MOST 86400
#define PROVIDER_TTL_NEGATIVE_MOST 3600 /* no such domain, no MX record */
/* How long an old answer is given while there is no newer one (RFC 8767). */
#define PROVIDER_STALE_S (3 * 86400)
/* Questions at once, and those that wait for their turn. */
#define PROVIDER_QUESTIONS_MAX 200
#define PROVIDER_WAITING_MAX 10000

enum provider_found {
	PROVIDER_FRESH,
	PROVIDER_STALE, /* what was true; being asked for again */
	PROVIDER_UNKNOWN
};
/*
 * domain: lower case.  *ret_provider lives until the loop goes on; NULL where
 * it is not known.  A domain without MX records is its own host (RFC 5321,
 * 5.1).  What is no domain name (an address literal, UTF-8) is not asked for
 * and stays unknown.
 */
enum provider_found providers_find(struct providers *p, struct slice domain,
    struct provider **ret_provider);
/* It is going to be asked for: begin to find out. */
void providers_warm(struct providers *p, struct slice domain);

/*
 * What provider.generation is compared with: it moves on when filters may have
 * changed.
 */
uint64_t providers_generation(const struct providers *p);
void providers_settings(struct providers *p);

/* To the log. */
void providers_tell(const struct providers *p);

#endif /* POLICYD_PROVIDERS_H */
