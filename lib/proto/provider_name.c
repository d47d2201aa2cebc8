/* SPDX-License-Identifier: BSD-2-Clause */
/* The mailbox provider of a recipient: a shaping filter, or its domain. */
#include "proto/provider_name.h"

#include <string.h>

/* As it stands in Postfix's log: what names no host of the world. */
static const char *const no_hosts[] = { "none", "local", "virtual", "unknown",
	NULL };

static bool
host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.';
}

/* A name of hosts in lower case without final dot; absent: it is none. */
static struct slice
host_name(struct slice s, char room[PROVIDER_NAME_ROOM])
{
	struct slice none = { NULL, 0 };

	if (s.len > 0 && s.at[s.len - 1] == '.')
		s.len--;
	if (s.len == 0 || s.len > PROVIDER_NAME_ROOM)
		return none;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		/* Domains of RFC 6531 are names, too. */
		if (!host_char(c) && ((unsigned char)c & 0x80) == 0)
			return none;
		room[i] = c;
	}
	return (struct slice){ room, s.len };
}

struct slice
provider_relay_host(struct slice relay, char room[PROVIDER_NAME_ROOM])
{
	const char *end =
	    relay.len > 0 ? memchr(relay.at, '[', relay.len) : NULL;
	struct slice none = { NULL, 0 }, host;

	/* A relay without address is a socket, a command, or nobody. */
	if (end == NULL || end == relay.at)
		return none;
	host = (struct slice){ relay.at, (size_t)(end - relay.at) };
	for (size_t i = 0; no_hosts[i] != NULL; i++)
		if (slice_eq_nocase(host, slice_of(no_hosts[i])))
			return none;
	return host_name(host, room);
}

struct provider_name
provider_name_of(const struct shaping *s, struct slice recipient,
    const struct slice *mx, size_t mx_count, struct slice relay,
    char room[PROVIDER_NAME_ROOM])
{
	const struct shaping_filter *f;
	struct slice host = { NULL, 0 }, domain = { NULL, 0 };

	if (mx_count == 0) {
		host = provider_relay_host(relay, room);
		mx = &host;
		mx_count = host.len > 0 ? 1 : 0;
	}
	f = shaping_match(s, recipient, mx, mx_count);
	if (f != NULL)
		return (struct provider_name){ f->name, true };
	for (size_t i = recipient.len; i > 0 && domain.at == NULL; i--)
		if (recipient.at[i - 1] == '@')
			domain = host_name(slice_skip(recipient, i), room);
	if (domain.len == 0)
		domain = SLICE("other");
	return (struct provider_name){ domain, false };
}
