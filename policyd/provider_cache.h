/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_PROVIDER_CACHE_H
#define POLICYD_PROVIDER_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * What is known of recipient domains: bounded, and the one used longest ago is
 * forgotten first.  Domains with the same MX hosts share one provider.
 */
struct provider_cache;

struct provider {
	const struct slice *hosts; /* best first */
	size_t count;              /* 0: takes no mail */
	struct slice site;         /* as mx_hosts_site() */
	/* For who matches filters: the first by host name, of that state of
	 * the settings; 0: none yet. */
	uint64_t generation;
	size_t by_host;
};

struct provider_domain {
	struct slice domain;
	struct provider *provider; /* NULL: not known */
	/* On the monotonic clock: */
	int64_t until_us;   /* it holds */
	int64_t refresh_us; /* to be asked for again, when it is used */
	int64_t retry_us;   /* not to be asked for before */
	unsigned failures;  /* in a row */
	bool asked;         /* a question is under way */
};

/* What one domain may take on average, with its share of the providers: half
 * of them with two hosts of their own take as much. */
#define PROVIDER_CACHE_OCTETS 512
/* NULL: no memory. */
struct provider_cache *provider_cache_new(size_t max_domains);
void provider_cache_free(struct provider_cache *c); /* takes NULL */

/* NULL: not there.  Pointers live until the next add or set. */
struct provider_domain *provider_cache_peek(struct provider_cache *c,
    struct slice domain);
/* The same; it counts as used. */
struct provider_domain *provider_cache_get(struct provider_cache *c,
    struct slice domain);
/* A new one, of which nothing is known.  NULL: no memory. */
struct provider_domain *provider_cache_add(struct provider_cache *c,
    struct slice domain);
/* Its hosts, best first.  ERR_NOMEM: it keeps those that it had. */
int provider_cache_set(struct provider_cache *c, struct provider_domain *d,
    const struct slice *hosts, size_t count);

size_t provider_cache_count(const struct provider_cache *c); /* domains */
size_t provider_cache_octets(const struct provider_cache *c);

#endif /* POLICYD_PROVIDER_CACHE_H */
