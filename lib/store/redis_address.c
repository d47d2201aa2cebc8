/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of Redis and its sentinels. */
#include "store/redis_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/un.h>

#include "util/err.h"
#include "util/number.h"

static int
parse_unix(struct slice path, struct redis_endpoint *ret_endpoint)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct redis_endpoint e = { .len = sizeof(un) };

	if (path.len == 0 || path.len >= sizeof(un.sun_path))
		return ERR_SYNTAX;
	memcpy(un.sun_path, path.at, path.len);
	memcpy(&e.sa, &un, sizeof(un));
	(void)snprintf(e.text, sizeof(e.text), "unix:%.*s", SLICE_F(path));
	*ret_endpoint = e;
	return 0;
}

int
redis_endpoint_literal(struct slice host, struct slice port,
    struct redis_endpoint *ret_endpoint)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct redis_endpoint e = { .len = 0 };
	char text[INET6_ADDRSTRLEN];
	uint64_t number;

	if (number_parse(port, 1, 65535, &number) < 0)
		return ERR_SYNTAX;
	if (host.len == 0 || host.len >= sizeof(text))
		return ERR_SYNTAX;
	memcpy(text, host.at, host.len);
	text[host.len] = '\0';
	if (inet_pton(AF_INET, text, &in4.sin_addr) == 1) {
		in4.sin_port = htons((uint16_t)number);
		e.len = sizeof(in4);
		memcpy(&e.sa, &in4, sizeof(in4));
	} else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1) {
		in6.sin6_port = htons((uint16_t)number);
		e.len = sizeof(in6);
		memcpy(&e.sa, &in6, sizeof(in6));
	} else {
		return ERR_SYNTAX;
	}
	(void)snprintf(e.text, sizeof(e.text), "inet:%.*s:%.*s", SLICE_F(host),
	    SLICE_F(port));
	*ret_endpoint = e;
	return 0;
}

/* hosts(5): address, name, aliases.  The first line with the name counts. */
static bool
hosts_line(struct slice line, struct slice name, struct slice *ret_address)
{
	struct slice word, address = { NULL, 0 };
	const char *hash = memchr(line.at, '#', line.len);

	if (hash != NULL)
		line.len = (size_t)(hash - line.at);
	line = slice_trim(line);
	while (line.len > 0) {
		size_t n = 0;

		while (n < line.len && line.at[n] != ' ' && line.at[n] != '\t')
			n++;
		word = (struct slice){ line.at, n };
		line = slice_trim(slice_skip(line, n));
		if (address.at == NULL) {
			address = word;
		} else if (slice_eq_nocase(word, name)) {
			*ret_address = address;
			return true;
		}
	}
	return false;
}

static int
parse_name(struct slice host, struct slice port,
    struct redis_endpoint *ret_endpoint)
{
	FILE *f = fopen("/etc/hosts", "re");
	char line[1024];
	struct slice address;
	int rc = ERR_SYNTAX;

	if (f == NULL)
		return ERR_SYNTAX;
	while (rc < 0 && fgets(line, sizeof(line), f) != NULL)
		if (hosts_line(slice_of(line), host, &address))
			rc =
			    redis_endpoint_literal(address, port, ret_endpoint);
	(void)fclose(f);
	return rc;
}

static int
parse_inet(struct slice text, struct redis_endpoint *ret_endpoint)
{
	const char *colon =
	    text.len > 0 ? memrchr(text.at, ':', text.len) : NULL;
	int rc;

	if (colon == NULL)
		return ERR_SYNTAX;
	struct slice host = { text.at, (size_t)(colon - text.at) };
	struct slice port = slice_skip(text, host.len + 1);

	if (host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
		host = (struct slice){ host.at + 1, host.len - 2 };
	rc = redis_endpoint_literal(host, port, ret_endpoint);
	return rc < 0 ? parse_name(host, port, ret_endpoint) : rc;
}

static int
parse_sentinel(struct slice text, struct redis_address *a)
{
	struct slice rest = text, name, one;

	if (!slice_split(&rest, '@', &name) || name.len == 0 ||
	    name.len >= sizeof(a->master) || rest.at == NULL)
		return ERR_SYNTAX;
	a->sentinel = true;
	memcpy(a->master, name.at, name.len);
	while (slice_split(&rest, ',', &one)) {
		if (a->count == REDIS_ADDRESS_MAX)
			return ERR_SYNTAX;
		if (parse_inet(slice_trim(one), &a->at[a->count]) < 0)
			return ERR_SYNTAX;
		a->count++;
	}
	return 0;
}

int
redis_address_parse(const char *text, struct redis_address *ret_address,
    char *error, size_t error_size)
{
	struct redis_address a = { .count = 0 };
	struct slice s = slice_of(text);
	int rc = ERR_SYNTAX;

	if (slice_starts(s, SLICE("unix:"))) {
		rc = parse_unix(slice_skip(s, 5), &a.at[0]);
		a.count = 1;
	} else if (slice_starts(s, SLICE("inet:"))) {
		rc = parse_inet(slice_skip(s, 5), &a.at[0]);
		a.count = 1;
	} else if (slice_starts(s, SLICE("sentinel:"))) {
		rc = parse_sentinel(slice_skip(s, 9), &a);
	}
	if (rc < 0) {
		(void)snprintf(error, error_size,
		    "\"%.200s\": not unix:PATH, inet:HOST:PORT or "
		    "sentinel:NAME@HOST:PORT,... (HOST: an address or a "
		    "name in /etc/hosts)",
		    text != NULL ? text : "");
		return rc;
	}
	*ret_address = a;
	return 0;
}
