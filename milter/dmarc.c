/* SPDX-License-Identifier: BSD-2-Clause */
/* DMARC records of senders' domains, asked in the background. */
#include "milter/dmarc.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/dns.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/map.h"

#define DOMAINS_MAX 10000 /* about 2 MB; when full, all are forgotten */
#define WALKS_MAX 50      /* questions under way; more are not asked */
#define DNS_TIMEOUT_MS 5000
#define NAME_OCTETS 270 /* "_dmarc.", a domain, NUL */
/* Names asked for one domain: as many as DMARC's tree walk has. */
#define STEPS_MAX 8
/* How long an answer is used, in seconds. */
#define PRESENT_S 3600
#define ABSENT_S 600 /* somebody may be publishing it right now */
#define TROUBLE_S 60

struct domain {
	enum preflight_record record;
	int64_t until_us; /* monotonic */
	bool asking;
};

struct dmarc {
	struct event_base *base;
	struct store *store;
	struct dns *dns; /* the loop's thread only; NULL: not needed yet */
	pthread_mutex_t lock;
	struct map *domains; /* under the lock, as is: */
	size_t walks;
};

/* From the domain up.  On the loop's thread but for its making. */
struct walk {
	struct dmarc *dmarc;
	char domain[NAME_OCTETS];
	struct slice at; /* the part that is asked for now */
	int steps;
};

struct dmarc *
dmarc_new(struct event_base *base, struct store *store)
{
	struct dmarc *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->base = base;
	d->store = store;
	d->domains = map_new(DOMAINS_MAX);
	if (d->domains == NULL || pthread_mutex_init(&d->lock, NULL) != 0) {
		map_free(d->domains, NULL);
		free(d);
		return NULL;
	}
	return d;
}

void
dmarc_free(struct dmarc *d)
{
	if (d == NULL)
		return;
	dns_free(d->dns); /* ends the walks */
	map_free(d->domains, free);
	(void)pthread_mutex_destroy(&d->lock);
	free(d);
}

static void
settle(struct walk *w, enum preflight_record record, int64_t seconds)
{
	struct dmarc *d = w->dmarc;
	struct domain *domain;

	(void)pthread_mutex_lock(&d->lock);
	domain = map_get(d->domains, slice_of(w->domain));
	if (domain != NULL) {
		/* Trouble does not make us forget what we knew. */
		if (record != PREFLIGHT_RECORD_UNKNOWN)
			domain->record = record;
		domain->until_us = clock_deadline_ms(seconds * 1000);
		domain->asking = false;
	}
	d->walks--;
	(void)pthread_mutex_unlock(&d->lock);
	free(w);
}

static void ask(struct walk *w);

static void
answered(int rc, const struct slice *texts, size_t count, void *ctx)
{
	struct walk *w = ctx;
	struct slice label;

	if (rc < 0 && rc != ERR_NOTFOUND) {
		settle(w, PREFLIGHT_RECORD_UNKNOWN, TROUBLE_S);
		return;
	}
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (preflight_is_dmarc(texts[i])) {
			settle(w, PREFLIGHT_RECORD_PRESENT, PRESENT_S);
			return;
		}
	/* The next one up; a top-level domain's does not count. */
	(void)slice_split(&w->at, '.', &label);
	if (w->at.at == NULL || ++w->steps == STEPS_MAX ||
	    memchr(w->at.at, '.', w->at.len) == NULL)
		settle(w, PREFLIGHT_RECORD_ABSENT, ABSENT_S);
	else
		ask(w);
}

static void
ask(struct walk *w)
{
	char name[NAME_OCTETS];

	(void)snprintf(name, sizeof(name), "_dmarc.%.*s", SLICE_F(w->at));
	dns_txt(w->dmarc->dns, name, clock_deadline_ms(DNS_TIMEOUT_MS),
	    answered, w);
}

static void
begin(void *ctx)
{
	static struct log_limit limit;
	struct walk *w = ctx;
	struct dmarc *d = w->dmarc;
	unsigned long missed;
	int rc = 0;

	if (d->dns == NULL)
		rc = dns_new(d->base, NULL, &d->dns);
	if (rc == 0) {
		ask(w);
		return;
	}
	if (log_limit_ok(&limit, 3600, &missed))
		log_warning("DMARC records can not be looked up: %s",
		    err_text(rc));
	settle(w, PREFLIGHT_RECORD_UNKNOWN, TROUBLE_S);
}

/* Under the lock.  NULL: no memory. */
static struct domain *
entry_of(struct dmarc *d, struct slice name)
{
	struct domain *domain = map_get(d->domains, name);

	if (domain != NULL)
		return domain;
	if (map_count(d->domains) == DOMAINS_MAX) {
		struct map *fresh = map_new(DOMAINS_MAX);

		if (fresh == NULL)
			return NULL;
		map_free(d->domains, free);
		d->domains = fresh;
	}
	domain = calloc(1, sizeof(*domain));
	if (domain != NULL && map_set(d->domains, name, domain, NULL) < 0) {
		free(domain);
		domain = NULL;
	}
	return domain;
}

/* Under the lock.  NULL: not now. */
static struct walk *
walk_new(struct dmarc *d, struct slice name)
{
	struct walk *w;

	if (d->walks == WALKS_MAX || name.len + 8 > sizeof(w->domain) ||
	    (w = calloc(1, sizeof(*w))) == NULL)
		return NULL;
	w->dmarc = d;
	memcpy(w->domain, name.at, name.len);
	w->at = (struct slice){ w->domain, name.len };
	d->walks++;
	return w;
}

enum preflight_record
dmarc_look(struct dmarc *d, struct slice name)
{
	enum preflight_record record = PREFLIGHT_RECORD_UNKNOWN;
	struct walk *w = NULL;
	struct domain *domain;

	(void)pthread_mutex_lock(&d->lock);
	domain = entry_of(d, name);
	if (domain != NULL) {
		record = domain->record;
		if (!domain->asking && domain->until_us <= clock_mono_us())
			w = walk_new(d, name);
		domain->asking = domain->asking || w != NULL;
	}
	(void)pthread_mutex_unlock(&d->lock);
	if (w != NULL && store_post(d->store, begin, w) < 0)
		settle(w, PREFLIGHT_RECORD_UNKNOWN, TROUBLE_S);
	return record;
}
