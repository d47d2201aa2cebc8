/* SPDX-License-Identifier: BSD-2-Clause */
/* Host names of blocklists in replies (RFC 5782). */
#include "proto/classify.h"

static char
lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
}

static bool
is_letter(char c)
{
	return lower(c) >= 'a' && lower(c) <= 'z';
}

static bool
in_name(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
	       c == '_';
}

/* The name that begins at s, if it is one: dots, and letters behind the last.
 */
static struct slice
host_at(struct slice s)
{
	struct slice none = { NULL, 0 }, name = { s.at, 0 };
	const char *dot;

	while (name.len < s.len && in_name(s.at[name.len]))
		name.len++;
	if (name.len < s.len && s.at[name.len] == '@')
		return none;
	while (name.len > 0 &&
	       (s.at[name.len - 1] == '.' || s.at[name.len - 1] == '-'))
		name.len--;
	dot = name.len > 0 ? memrchr(name.at, '.', name.len) : NULL;
	if (dot == NULL || dot == name.at || name.at + name.len - dot < 3 ||
	    name.len > 253)
		return none;
	for (const char *p = dot + 1; p < name.at + name.len; p++)
		if (!is_letter(*p))
			return none;
	return name;
}

/* Does a label say what it is: "dnsbl.example", "bl.example.net"? */
static bool
is_list(struct slice name)
{
	static const struct slice labels[] = { SLICE("bl"), SLICE("rbl"),
		SLICE("dnsbl"), SLICE("blacklist"), SLICE("blocklist"),
		SLICE("blackhole"), SLICE("zen"), SLICE("sbl"), SLICE("xbl"),
		SLICE("pbl"), SLICE("dbl"), SLICE("cbl"), SLICE("bad"),
		SLICE("uribl"), SLICE("surbl"), SLICE("spam") };
	struct slice label;

	while (slice_split(&name, '.', &label) && name.at != NULL)
		for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
			if (slice_eq_nocase(label, labels[i]) ||
			    (label.len > 5 &&
				(slice_starts_nocase(label, SLICE("dnsbl")) ||
				    slice_eq_nocase(slice_skip(label,
							label.len - 3),
					SLICE("rbl")))))
				return true;
	return false;
}

/* Do the words before it introduce a list? */
static bool
is_introduced(struct slice before)
{
	static const struct slice words[] = { SLICE("listed at"),
		SLICE("listed in"), SLICE("listed on"), SLICE("listed by"),
		SLICE("blocked using"), SLICE("rejected using"),
		SLICE("blacklisted at"), SLICE("blacklisted in"),
		SLICE("blacklisted by"), SLICE("blacklisted on"),
		SLICE("blocked by rbl"), SLICE("found in rbl"),
		SLICE("found in dnsbl"), SLICE("by dnsbl"), SLICE("by rbl"),
		SLICE("blacklist"), SLICE("blocklist"), SLICE("rbl:"),
		SLICE("the rbl"), SLICE("in rbl"), SLICE("dnsbl:"),
		SLICE("dnsbl") };

	while (before.len > 0 &&
	       strchr(" :('\"[<=", before.at[before.len - 1]) != NULL)
		before.len--;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (before.len >= words[i].len &&
		    slice_eq_nocase(slice_skip(before,
					before.len - words[i].len),
			words[i]))
			return true;
	return false;
}

struct slice
classify_list_host(struct slice text)
{
	struct slice none = { NULL, 0 };

	for (size_t i = 0; i < text.len; i++) {
		if (!in_name(text.at[i]) ||
		    (i > 0 &&
			(in_name(text.at[i - 1]) || text.at[i - 1] == '@')))
			continue;
		struct slice name = host_at(slice_skip(text, i));
		if (name.len > 0 &&
		    (is_list(name) ||
			is_introduced((struct slice){ text.at, i })))
			return name;
	}
	return none;
}
