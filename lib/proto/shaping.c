/* SPDX-License-Identifier: BSD-2-Clause */
/* Which shaping filter a recipient has, and how its transports are called. */
#include "proto/shaping.h"

#include <stdio.h>
#include <string.h>

#include "util/regex.h"

static bool
any_matches(const struct shaping_filter *f, struct slice value)
{
	for (size_t i = 0; i < f->pattern_count; i++)
		if (regex_match(f->patterns[i], value, NULL) > 0)
			return true;
	return false;
}

static bool
all_match(const struct shaping_filter *f, const struct slice *mx,
    size_t mx_count)
{
	for (size_t i = 0; i < mx_count; i++)
		if (!any_matches(f, mx[i]))
			return false;
	return mx_count > 0;
}

size_t
shaping_match_hosts(const struct shaping *s, const struct slice *mx,
    size_t mx_count)
{
	size_t i = 0;

	while (
	    i < s->filter_count && !(s->filters[i].host_name &&
				       all_match(&s->filters[i], mx, mx_count)))
		i++;
	return i;
}

const struct shaping_filter *
shaping_match_recipient(const struct shaping *s, struct slice recipient,
    size_t by_host)
{
	size_t i = 0;

	while (i < s->filter_count && i < by_host &&
	       (s->filters[i].host_name ||
		   !any_matches(&s->filters[i], recipient)))
		i++;
	return i < s->filter_count ? &s->filters[i] : NULL;
}

const struct shaping_filter *
shaping_match(const struct shaping *s, struct slice recipient,
    const struct slice *mx, size_t mx_count)
{
	return shaping_match_recipient(s, recipient,
	    shaping_match_hosts(s, mx, mx_count));
}

bool
shaping_needs_mx(const struct shaping *s)
{
	for (size_t i = 0; i < s->filter_count; i++)
		if (s->filters[i].host_name)
			return true;
	return false;
}

const struct shaping_filter *
shaping_filter_named(const struct shaping *s, struct slice name)
{
	for (size_t i = 0; i < s->filter_count; i++)
		if (slice_eq(s->filters[i].name, name))
			return &s->filters[i];
	return NULL;
}

static bool
has_address(const struct sending_address *a, struct slice host)
{
	return a->host.len == 0 || slice_eq_nocase(a->host, host);
}

size_t
shaping_address_next(const struct shaping *s, const struct shaping_filter *f,
    struct slice host, size_t from)
{
	for (; from < f->address_count; from++)
		if (has_address(&s->addresses[f->addresses[from]], host))
			return from;
	return SHAPING_NO_ADDRESS;
}

size_t
shaping_transport_count(const struct shaping *s, struct slice host)
{
	size_t count = 0;

	for (size_t i = 0; i < s->filter_count; i++) {
		const struct shaping_filter *f = &s->filters[i];
		size_t at = shaping_address_next(s, f, host, 0), had = count;

		for (; at != SHAPING_NO_ADDRESS;
		     at = shaping_address_next(s, f, host, at + 1))
			count++;
		if (count == had)
			count++;
	}
	return count;
}

static size_t
put(char *room, size_t n, struct slice text)
{
	if (text.len > SHAPING_TRANSPORT_MAX - n)
		text.len = SHAPING_TRANSPORT_MAX - n; /* never: the schema */
	if (text.len > 0)
		memcpy(room + n, text.at, text.len);
	return n + text.len;
}

size_t
shaping_transport(const struct shaping *s, const struct shaping_filter *f,
    size_t address, char room[SHAPING_TRANSPORT_MAX])
{
	size_t n = put(room, 0, SLICE(SHAPING_TRANSPORT_PREFIX));

	n = put(room, n, f->name);
	if (address >= f->address_count)
		return n;
	n = put(room, n, SLICE("_"));
	return put(room, n, s->addresses[f->addresses[address]].name);
}

size_t
shaping_next_hop(const struct shaping_filter *f,
    char room[SHAPING_NEXT_HOP_MAX])
{
	bool literal = f->forward_host.len > 0 && f->forward_host.at[0] == '[';
	int n;

	if (f->forward_host.len == 0)
		return 0;
	n = snprintf(room, SHAPING_NEXT_HOP_MAX, "%s%.*s%s:%u",
	    literal ? "" : "[", SLICE_F(f->forward_host), literal ? "" : "]",
	    f->forward_port);
	return n > 0 && n < SHAPING_NEXT_HOP_MAX ? (size_t)n : 0;
}

const struct shaping_filter *
shaping_transport_named(const struct shaping *s, struct slice name,
    size_t *ret_address)
{
	struct slice rest = name, filter;
	const struct shaping_filter *f;

	if (!slice_split(&rest, '_', &filter))
		return NULL;
	f = shaping_filter_named(s, filter);
	if (f == NULL)
		return NULL;
	if (rest.at == NULL) {
		*ret_address = SHAPING_NO_ADDRESS;
		return f;
	}
	for (size_t i = 0; i < f->address_count; i++) {
		if (!slice_eq(s->addresses[f->addresses[i]].name, rest))
			continue;
		*ret_address = i;
		return f;
	}
	return NULL;
}
