/* SPDX-License-Identifier: BSD-2-Clause */
/* Who takes the mail of a domain: a cache, and the questions that fill it. */
#include "policyd/providers.h"

#include <stdlib.h>

#include "net/dns.h"
#include "proto/address.h"
#include "service/metrics.h"
#include "store/provider_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define SECOND_US INT64_C(1000000)
/* Behind a failure; doubled with each further one, to RETRY_MOST_S. */
#define RETRY_S 15
#define RETRY_MOST_S 300
/* Failures in a row that are more than some domains with broken servers. */
#define FAILURES_MANY 20

/* About one domain; lives until its answer. */
struct question {
	struct providers *providers;
	struct question *next; /* that waits */
	int64_t known_until_us;
	size_t len;
	char name[DNS_NAME_MAX + 1];
};

struct providers {
	struct provider_cache *cache;
	struct store *store;
	struct dns *dns;
	int64_t dns_timeout_ms;
	struct question *first, *last; /* that wait */
	size_t waiting, under_way;
	bool closing, pumping;
	unsigned failures; /* in a row, of the DNS */
	struct log_limit failing;
	uint64_t generation;
};

static void pump(struct providers *p);

/* ---- answers ---- */

static struct slice
name_of(const struct question *q)
{
	return (struct slice){ q->name, q->len };
}

static void
question_end(struct question *q)
{
	struct providers *p = q->providers;
	struct provider_domain *d =
	    p->closing ? NULL : provider_cache_peek(p->cache, name_of(q));

	if (d != NULL)
		d->asked = false;
	p->under_way--;
	free(q);
	pump(p);
}

/* Known for ttl_s from now on. */
static void
learn(struct question *q, const struct slice *hosts, size_t count,
    int64_t ttl_s)
{
	struct provider_cache *cache = q->providers->cache;
	struct provider_domain *d = provider_cache_peek(cache, name_of(q));
	int64_t now = clock_mono_us();

	/* Forgotten meanwhile, as others were used more. */
	if (d == NULL)
		d = provider_cache_add(cache, name_of(q));
	if (d == NULL || provider_cache_set(cache, d, hosts, count) < 0)
		return;
	d->until_us = now + ttl_s * SECOND_US;
	/* What is in use is asked for again before it ends. */
	d->refresh_us = d->until_us - ttl_s * SECOND_US / 10;
	d->failures = 0;
	metrics_set(METRIC_POLICYD_PROVIDER_DOMAINS,
	    provider_cache_count(cache));
	metrics_set(METRIC_POLICYD_PROVIDER_OCTETS,
	    provider_cache_octets(cache));
}

static int64_t
clamp(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

static void
learn_from_dns(struct question *q, const struct slice *hosts, size_t count,
    int64_t ttl_s)
{
	struct providers *p = q->providers;
	struct mx_hosts record = { .count = count };

	metrics_add(METRIC_POLICYD_PROVIDER_DNS, 1);
	if (p->failures >= FAILURES_MANY)
		log_info("dns: answers again");
	p->failures = 0;
	learn(q, hosts, count, ttl_s);
	if (p->store == NULL || !store_is_up(p->store))
		return;
	record.until_s = clock_wall_us() / SECOND_US + ttl_s;
	for (size_t i = 0; i < count; i++)
		record.at[i] = hosts[i];
	provider_put(p->store, name_of(q), &record, (uint32_t)ttl_s);
}

/* What is known stays; the next question comes later. */
static void
failed(struct question *q, int rc)
{
	struct providers *p = q->providers;
	struct provider_domain *d = provider_cache_peek(p->cache, name_of(q));
	unsigned long missed;

	metrics_add(METRIC_POLICYD_PROVIDER_FAILED, 1);
	if (++p->failures >= FAILURES_MANY &&
	    log_limit_ok(&p->failing, 60, &missed))
		log_warning("dns: %s: %u questions in a row have failed: "
			    "transports go by what is known",
		    err_text(rc), p->failures);
	if (d == NULL)
		return;
	d->retry_us = clock_mono_us() + clamp((int64_t)RETRY_S << d->failures,
					    RETRY_S, RETRY_MOST_S) *
					    SECOND_US;
	if (d->failures < 8)
		d->failures++;
}

static void
dns_answered(int rc, const struct dns_mx *mx, size_t count, uint32_t ttl_s,
    void *ctx)
{
	struct question *q = ctx;
	struct slice hosts[DNS_MX_MAX];

	if (q->providers->closing) {
		question_end(q);
		return;
	}
	for (size_t i = 0; i < count; i++)
		hosts[i] = mx[i].host;
	/* RFC 7505: a null MX, "this domain accepts no mail". */
	if (count == 1 && hosts[0].len == 0)
		count = 0;
	if (rc == ERR_NOTFOUND) {
		/* RFC 5321, 5.1: "the address RR is treated as if it was
		 * associated with an implicit MX RR". */
		hosts[0] = name_of(q);
		learn_from_dns(q, hosts, 1,
		    clamp(ttl_s, PROVIDER_TTL_LEAST,
			PROVIDER_TTL_NEGATIVE_MOST));
	} else if (rc == 0 || rc == ERR_SYNTAX) {
		learn_from_dns(q, hosts, count,
		    clamp(ttl_s, PROVIDER_TTL_LEAST, PROVIDER_TTL_MOST));
	} else {
		failed(q, rc);
	}
	question_end(q);
}

static void
ask_dns(struct question *q)
{
	struct providers *p = q->providers;

	dns_mx(p->dns, q->name, clock_deadline_ms(p->dns_timeout_ms),
	    dns_answered, q);
}

/* Another host may have asked already, later than this one. */
static void
redis_answered(int rc, const struct mx_hosts *hosts, void *ctx)
{
	struct question *q = ctx;
	int64_t left_s;

	if (q->providers->closing) {
		question_end(q);
		return;
	}
	left_s = rc == 0 ? hosts->until_s - clock_wall_us() / SECOND_US : 0;
	/* As long as this host would have believed the DNS, clocks aside. */
	if (left_s > PROVIDER_TTL_MOST)
		left_s = PROVIDER_TTL_MOST;
	if (left_s <= 0 ||
	    clock_mono_us() + (left_s - 1) * SECOND_US <= q->known_until_us) {
		ask_dns(q);
		return;
	}
	metrics_add(METRIC_POLICYD_PROVIDER_REDIS, 1);
	learn(q, hosts->at, hosts->count, left_s);
	question_end(q);
}

/* ---- questions ---- */

static void
begin(struct question *q)
{
	struct providers *p = q->providers;

	p->under_way++;
	if (p->store != NULL && store_is_up(p->store))
		provider_get(p->store, name_of(q), store_deadline(p->store),
		    redis_answered, q);
	else
		ask_dns(q);
}

/* Those that wait, as far as there is room; answers may come at once. */
static void
pump(struct providers *p)
{
	if (p->pumping || p->closing)
		return;
	p->pumping = true;
	while (p->first != NULL && p->under_way < PROVIDER_QUESTIONS_MAX) {
		struct question *q = p->first;

		p->first = q->next;
		if (p->first == NULL)
			p->last = NULL;
		p->waiting--;
		begin(q);
	}
	p->pumping = false;
}

static void
ask(struct providers *p, struct provider_domain *d)
{
	struct question *q;

	if (d->asked || p->closing || clock_mono_us() < d->retry_us)
		return;
	q = p->waiting < PROVIDER_WAITING_MAX ? calloc(1, sizeof(*q)) : NULL;
	if (q == NULL) {
		metrics_add(METRIC_POLICYD_PROVIDER_DROPPED, 1);
		d->retry_us = clock_mono_us() + SECOND_US;
		return;
	}
	q->providers = p;
	q->known_until_us = d->provider != NULL ? d->until_us : 0;
	q->len = d->domain.len;
	memcpy(q->name, d->domain.at, q->len);
	d->asked = true;
	if (p->last != NULL)
		p->last->next = q;
	else
		p->first = q;
	p->last = q;
	p->waiting++;
	pump(p);
}

/* A name in the DNS; what is in the last label only numbers is none. */
static bool
can_be_asked(struct slice domain)
{
	bool letter = false;

	if (!address_domain_ok(domain) ||
	    memchr(domain.at, '.', domain.len) == NULL)
		return false;
	for (size_t i = domain.len; i-- > 0 && domain.at[i] != '.';)
		letter = letter || domain.at[i] < '0' || domain.at[i] > '9';
	return letter;
}

enum provider_found
providers_find(struct providers *p, struct slice domain,
    struct provider **ret_provider)
{
	struct provider_domain *d = provider_cache_get(p->cache, domain);
	int64_t now = clock_mono_us();

	*ret_provider = NULL;
	if (d == NULL && can_be_asked(domain))
		d = provider_cache_add(p->cache, domain);
	if (d == NULL)
		return PROVIDER_UNKNOWN;
	/* An answer at once may move others out, but not the newest. */
	if (d->provider == NULL || now >= d->refresh_us)
		ask(p, d);
	if (d->provider == NULL ||
	    now >= d->until_us + PROVIDER_STALE_S * SECOND_US)
		return PROVIDER_UNKNOWN;
	*ret_provider = d->provider;
	return now < d->until_us ? PROVIDER_FRESH : PROVIDER_STALE;
}

void
providers_warm(struct providers *p, struct slice domain)
{
	struct provider *unused;

	(void)providers_find(p, domain, &unused);
}

/* ---- the whole ---- */

int
providers_new(const struct providers_options *options,
    struct providers **ret_providers)
{
	struct providers *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL)
		return ERR_NOMEM;
	p->store = options->store;
	p->dns_timeout_ms = options->dns_timeout_ms;
	p->generation = 1;
	p->cache = provider_cache_new(options->max_domains);
	rc = p->cache != NULL
		 ? dns_new(options->base, options->dns_servers, &p->dns)
		 : ERR_NOMEM;
	if (rc < 0) {
		providers_free(p);
		return rc;
	}
	*ret_providers = p;
	return 0;
}

void
providers_set_timeout(struct providers *p, int64_t dns_timeout_ms)
{
	p->dns_timeout_ms = dns_timeout_ms;
}

void
providers_stop(struct providers *p)
{
	if (p == NULL)
		return;
	p->closing = true;
	while (p->first != NULL) {
		struct question *q = p->first;

		p->first = q->next;
		free(q);
	}
	p->last = NULL;
	p->waiting = 0;
	dns_free(p->dns); /* answers all of its questions */
	p->dns = NULL;
}

void
providers_free(struct providers *p)
{
	if (p == NULL)
		return;
	providers_stop(p);
	provider_cache_free(p->cache);
	free(p);
}

uint64_t
providers_generation(const struct providers *p)
{
	return p->generation;
}

void
providers_settings(struct providers *p)
{
	p->generation++;
}

void
providers_tell(const struct providers *p)
{
	log_info("state: providers: domains=%zu, octets=%zu, questions=%zu, "
		 "waiting=%zu, failures=%u",
	    provider_cache_count(p->cache), provider_cache_octets(p->cache),
	    p->under_way, p->waiting, p->failures);
}
