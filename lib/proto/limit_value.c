/* SPDX-License-Identifier: BSD-2-Clause */
/* What rate limits count by, as people write it. */
#include "proto/limit_value.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "proto/address.h"
#include "util/err.h"

/* In the order of enum limit_key, as in the schema. */
static const char *const words[] = { "tenant", "sasl_user", "client", "sender",
	"sender_domain", "recipient", "recipient_domain" };
#define DOMAIN_MAX 255

struct slice
limit_client(struct slice client, char room[LIMIT_CLIENT_MAX])
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (client.len == 0 || client.len >= sizeof(text) ||
	    memchr(client.at, ':', client.len) == NULL)
		return client;
	memcpy(text, client.at, client.len);
	text[client.len] = '\0';
	if (inet_pton(AF_INET6, text, &address) != 1)
		return client;
	memset(&address.s6_addr[8], 0, 8);
	if (inet_ntop(AF_INET6, &address, text, sizeof(text)) == NULL)
		return client;
	int n = snprintf(room, LIMIT_CLIENT_MAX, "%s/64", text);

	return (struct slice){ room, (size_t)n };
}

const char *
limit_key_word(enum limit_key key)
{
	size_t i = 0;

	while (i + 1 < sizeof(words) / sizeof(words[0]) &&
	       (1U << i) != (unsigned)key)
		i++;
	return words[i];
}

void
limit_keys_format(unsigned keys, struct buf *out)
{
	const char *blank = "";

	for (unsigned bit = 1; bit <= LIMIT_BY_RECIPIENT_DOMAIN; bit <<= 1) {
		if ((keys & bit) == 0)
			continue;
		(void)buf_addf(out, "%s%s", blank,
		    limit_key_word((enum limit_key)bit));
		blank = " ";
	}
}

static int
add_domain(struct slice text, struct buf *out)
{
	int rc = 0;

	if (text.len > DOMAIN_MAX)
		return ERR_SYNTAX;
	for (size_t i = 0; i < text.len && rc == 0; i++) {
		char c = text.at[i];

		rc = buf_add_char(out,
		    c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
	}
	return rc;
}

static int
add_address(struct slice text, struct buf *out)
{
	char room[ADDRESS_MAX];
	struct slice address;

	/* The null reverse-path is a sender like others. */
	if (slice_eq(text, SLICE("<>")))
		return buf_add_slice(out, text);
	if (address_canonical(text, room, &address) < 0)
		return ERR_SYNTAX;
	return buf_add_slice(out, address);
}

static int
add_part(enum limit_key key, struct slice text, struct buf *out)
{
	char room[LIMIT_CLIENT_MAX];

	switch (key) {
	case LIMIT_BY_TENANT:
	case LIMIT_BY_SASL_USER:
		return buf_add_slice(out, text);
	case LIMIT_BY_CLIENT:
		return buf_add_slice(out, slice_find(text, SLICE("/64")) != NULL
					      ? text
					      : limit_client(text, room));
	case LIMIT_BY_SENDER:
	case LIMIT_BY_RECIPIENT:
		return add_address(text, out);
	case LIMIT_BY_SENDER_DOMAIN:
	case LIMIT_BY_RECIPIENT_DOMAIN:
		return add_domain(text, out);
	}
	return ERR_SYNTAX;
}

int
limit_value_parse(unsigned keys, struct slice text, struct buf *out)
{
	struct slice part;
	const char *tab = "";

	for (unsigned bit = 1; bit <= LIMIT_BY_RECIPIENT_DOMAIN; bit <<= 1) {
		int rc;

		if ((keys & bit) == 0)
			continue;
		if (!slice_split(&text, ' ', &part) || part.len == 0)
			return ERR_SYNTAX;
		rc = buf_add_text(out, tab);
		if (rc == 0)
			rc = add_part((enum limit_key)bit, part, out);
		if (rc < 0)
			return rc;
		tab = "\t";
	}
	return text.at == NULL ? 0 : ERR_SYNTAX;
}

void
limit_value_format(struct slice value, struct buf *out)
{
	for (size_t i = 0; i < value.len; i++)
		(void)buf_add_char(out,
		    value.at[i] == '\t' ? ' ' : value.at[i]);
}
