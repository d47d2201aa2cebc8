/* SPDX-License-Identifier: BSD-2-Clause */
/* Domains and their providers, in the order of their last use. */
#include "policyd/provider_cache.h"

#include <stdlib.h>

#include "proto/mx_hosts.h"
#include "util/err.h"
#include "util/map.h"

/* Of an entry in a map: its copy of the key, and its places in the table. */
#define MAP_OCTETS 128

struct domain {
	struct provider_domain known; /* first: users point at it */
	struct domain *newer, *older;
	char name[];
};

struct group {
	struct provider provider; /* first */
	struct slice text;        /* the hosts, with blanks between */
	unsigned domains;
	size_t octets;
	struct slice hosts[]; /* behind them: text, site */
};

struct provider_cache {
	struct map *domains, *groups;
	struct domain *newest, *oldest;
	size_t max, octets;
};

struct provider_cache *
provider_cache_new(size_t max_domains)
{
	struct provider_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->max = max_domains;
	c->domains = map_new(max_domains + 1);
	c->groups = map_new(max_domains + 1);
	if (c->domains == NULL || c->groups == NULL) {
		provider_cache_free(c);
		return NULL;
	}
	return c;
}

void
provider_cache_free(struct provider_cache *c)
{
	if (c == NULL)
		return;
	map_free(c->domains, free);
	map_free(c->groups, free);
	free(c);
}

static size_t
domain_octets(const struct domain *d)
{
	return sizeof(*d) + 2 * d->known.domain.len + MAP_OCTETS;
}

static void
unlink_domain(struct provider_cache *c, struct domain *d)
{
	*(d->newer != NULL ? &d->newer->older : &c->newest) = d->older;
	*(d->older != NULL ? &d->older->newer : &c->oldest) = d->newer;
}

static void
link_newest(struct provider_cache *c, struct domain *d)
{
	d->newer = NULL;
	d->older = c->newest;
	*(c->newest != NULL ? &c->newest->newer : &c->oldest) = d;
	c->newest = d;
}

static void
group_drop(struct provider_cache *c, struct provider *p)
{
	struct group *g = (struct group *)(void *)p;

	if (g == NULL || --g->domains > 0)
		return;
	(void)map_remove(c->groups, g->text);
	c->octets -= g->octets;
	free(g);
}

static void
forget(struct provider_cache *c, struct domain *d)
{
	unlink_domain(c, d);
	(void)map_remove(c->domains, d->known.domain);
	group_drop(c, d->known.provider);
	c->octets -= domain_octets(d);
	free(d);
}

/* Those used longest ago go; keep stays. */
static void
make_room(struct provider_cache *c, const struct domain *keep)
{
	while (c->oldest != NULL && c->oldest != keep &&
	       (map_count(c->domains) > c->max ||
		   c->octets > c->max * PROVIDER_CACHE_OCTETS))
		forget(c, c->oldest);
}

struct provider_domain *
provider_cache_peek(struct provider_cache *c, struct slice domain)
{
	return map_get(c->domains, domain);
}

struct provider_domain *
provider_cache_get(struct provider_cache *c, struct slice domain)
{
	struct domain *d = map_get(c->domains, domain);

	if (d == NULL)
		return NULL;
	if (d != c->newest) {
		unlink_domain(c, d);
		link_newest(c, d);
	}
	return &d->known;
}

struct provider_domain *
provider_cache_add(struct provider_cache *c, struct slice domain)
{
	struct domain *d = calloc(1, sizeof(*d) + domain.len);

	if (d == NULL)
		return NULL;
	memcpy(d->name, domain.at, domain.len);
	d->known.domain = (struct slice){ d->name, domain.len };
	if (map_set(c->domains, d->known.domain, d, NULL) < 0) {
		free(d);
		return NULL;
	}
	link_newest(c, d);
	c->octets += domain_octets(d);
	make_room(c, d);
	return &d->known;
}

/* NULL: no memory. */
static struct group *
group_new(const struct slice *hosts, size_t count, struct slice text)
{
	char site[MX_SITE_MAX], *room;
	size_t n = mx_hosts_site(hosts, count, site);
	size_t size =
	    sizeof(struct group) + count * sizeof(*hosts) + text.len + n;
	struct group *g = calloc(1, size);
	struct slice rest;

	if (g == NULL)
		return NULL;
	room = (char *)&g->hosts[count];
	if (text.len > 0)
		memcpy(room, text.at, text.len);
	memcpy(room + text.len, site, n);
	g->text = rest = (struct slice){ room, text.len };
	g->octets = size + text.len + MAP_OCTETS;
	g->provider.hosts = g->hosts;
	g->provider.site = (struct slice){ room + text.len, n };
	while (g->provider.count < count &&
	       slice_split(&rest, ' ', &g->hosts[g->provider.count]))
		g->provider.count++;
	return g;
}

/* The group of these hosts, with one domain more.  NULL: no memory. */
static struct group *
group_of(struct provider_cache *c, const struct slice *hosts, size_t count)
{
	char room[DNS_MX_MAX * (DNS_NAME_MAX + 1)];
	struct slice text = { room, 0 };
	struct group *g;

	if (count > DNS_MX_MAX)
		count = DNS_MX_MAX;
	for (size_t i = 0; i < count; i++) {
		if (hosts[i].len > DNS_NAME_MAX)
			return NULL; /* never: a parser's */
		if (text.len > 0)
			room[text.len++] = ' ';
		memcpy(room + text.len, hosts[i].at, hosts[i].len);
		text.len += hosts[i].len;
	}
	g = map_get(c->groups, text);
	if (g == NULL) {
		g = group_new(hosts, count, text);
		if (g == NULL)
			return NULL;
		if (map_set(c->groups, g->text, g, NULL) < 0) {
			free(g);
			return NULL;
		}
		c->octets += g->octets;
	}
	g->domains++;
	return g;
}

int
provider_cache_set(struct provider_cache *c, struct provider_domain *d,
    const struct slice *hosts, size_t count)
{
	struct group *g = group_of(c, hosts, count);

	if (g == NULL)
		return ERR_NOMEM;
	group_drop(c, d->provider);
	d->provider = &g->provider;
	make_room(c, (const struct domain *)(const void *)d);
	return 0;
}

size_t
provider_cache_count(const struct provider_cache *c)
{
	return map_count(c->domains);
}

size_t
provider_cache_octets(const struct provider_cache *c)
{
	return c->octets;
}
