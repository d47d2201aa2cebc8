/* SPDX-License-Identifier: BSD-2-Clause */
/* HTML of a mail that came back, as a person would read it. */
#include <stdint.h>

#include "proto/bounce_parts.h"
#include "util/utf8.h"

#define ENTITY_MAX 10 /* "&thetasym;" is none that a bounce needs */

struct html {
	struct slice in;
	char *to;
	size_t n;
};

/* The number of "#64" or "#x40"; 0: none, or no character. */
static uint32_t
reference(struct slice name)
{
	bool hex = name.len > 1 && (name.at[1] | 32) == 'x';
	uint32_t c = 0;

	for (size_t i = hex ? 2 : 1; i < name.len; i++) {
		char d = name.at[i];
		uint32_t v = d >= '0' && d <= '9' ? (uint32_t)(d - '0')
			     : hex && (d | 32) >= 'a' && (d | 32) <= 'f'
				 ? (uint32_t)((d | 32) - 'a') + 10
				 : 99;
		if (v > 15)
			return 0;
		c = c * (hex ? 16 : 10) + v;
		if (c > 0xffff)
			return 0;
	}
	return c >= 0xd800 && c <= 0xdfff ? 0 : c;
}

/* What stands for the entity at the head of h->in; octets of it; 0: none. */
static size_t
put_entity(struct html *h)
{
	static const struct {
		struct slice name;
		uint32_t c;
	} names[] = { { SLICE("amp"), '&' }, { SLICE("lt"), '<' },
		{ SLICE("gt"), '>' }, { SLICE("quot"), '"' },
		{ SLICE("apos"), '\'' }, { SLICE("nbsp"), ' ' },
		{ SLICE("commat"), '@' } };
	size_t max = h->in.len < ENTITY_MAX ? h->in.len : ENTITY_MAX;
	const char *end = memchr(h->in.at, ';', max);
	uint32_t c = 0;

	if (end == NULL || end < h->in.at + 3)
		return 0;
	struct slice name = { h->in.at + 1, (size_t)(end - h->in.at) - 1 };
	if (name.at[0] == '#')
		c = reference(name);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (slice_eq_nocase(name, names[i].name))
			c = names[i].c;
	if (c == 0)
		return 0;
	/* Never longer than the entity: three octets stand for five. */
	h->n += utf8_put(c == 0xa0 ? ' ' : c, h->to + h->n);
	return name.len + 2;
}

/* A whole element of which nothing is shown; octets of it; 0: none here. */
static size_t
hidden(struct slice in)
{
	static const struct {
		struct slice open, close;
	} elements[] = { { SLICE("<!--"), SLICE("-->") },
		{ SLICE("<style"), SLICE("</style") },
		{ SLICE("<script"), SLICE("</script") },
		{ SLICE("<title"), SLICE("</title") } };

	for (size_t i = 0; i < sizeof(elements) / sizeof(*elements); i++) {
		struct slice close = elements[i].close;

		if (!slice_starts_nocase(in, elements[i].open))
			continue;
		for (size_t at = 4; at + close.len <= in.len; at++) {
			const char *p =
			    memchr(in.at + at, close.at[0], in.len - at);

			if (p == NULL)
				break;
			at = (size_t)(p - in.at);
			if (slice_starts_nocase(slice_skip(in, at), close))
				return at + close.len;
		}
		return in.len;
	}
	return 0;
}

/* "a < b" is none, and "<a@b.example>" that nobody escaped is an address. */
static bool
is_tag(struct slice in)
{
	struct slice tag = { in.at, in.len < 80 ? in.len : 80 };
	const char *end = memchr(tag.at, '>', tag.len);
	char c = in.len > 1 ? in.at[1] : ' ';

	if (c != '/' && c != '!' && c != '?' &&
	    ((c | 32) < 'a' || (c | 32) > 'z'))
		return false;
	if (end == NULL)
		return true;
	tag.len = (size_t)(end - tag.at);
	return memchr(tag.at, '@', tag.len) == NULL ||
	       bounce_text_address(tag).at != tag.at + 1;
}

static bool
breaks_line(struct slice in)
{
	static const struct slice tags[] = { SLICE("<br"), SLICE("<p"),
		SLICE("<td"), SLICE("<tr"), SLICE("<div"), SLICE("<li"),
		SLICE("</p"), SLICE("</td"), SLICE("</th"), SLICE("</tr"),
		SLICE("</div"), SLICE("</li"), SLICE("</h"), SLICE("<h") };

	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++)
		if (slice_starts_nocase(in, tags[i]))
			return true;
	return false;
}

/* Octets of the tag at the head. */
static size_t
skip_tag(struct html *h)
{
	size_t n = hidden(h->in);
	const char *end;

	if (n > 0) {
		h->in = slice_skip(h->in, n);
		if (h->in.len == 0)
			return 0;
	} else if (breaks_line(h->in)) {
		h->to[h->n++] = '\n';
	}
	end = memchr(h->in.at, '>', h->in.len);
	return end == NULL ? h->in.len : (size_t)(end - h->in.at) + 1;
}

struct slice
bounce_html_text(struct slice html, struct arena *arena)
{
	struct html h = { html, arena_alloc(arena, html.len + 1), 0 };

	if (h.to == NULL)
		return (struct slice){ NULL, 0 };
	while (h.in.len > 0) {
		size_t n = 0;

		if (h.in.at[0] == '<' && is_tag(h.in))
			n = skip_tag(&h);
		else if (h.in.at[0] == '&')
			n = put_entity(&h);
		if (n == 0 && h.in.len > 0) {
			h.to[h.n++] = h.in.at[0];
			n = 1;
		}
		h.in = slice_skip(h.in, n);
	}
	return (struct slice){ h.to, h.n };
}
