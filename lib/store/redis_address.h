/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_REDIS_ADDRESS_H
#define STORE_REDIS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "util/slice.h"

/*
 * Where Redis is: "unix:PATH", "inet:HOST:PORT" or
 * "sentinel:NAME@HOST:PORT,HOST:PORT".  HOST is an address ("[::1]" for IPv6)
 * or a name of /etc/hosts, which is read here and now: nothing asks DNS later,
 * as that would stop the loop.
 */
#define REDIS_ADDRESS_MAX 8

struct redis_endpoint {
	struct sockaddr_storage sa;
	socklen_t len;
	char text[150]; /* for log lines */
};

struct redis_address {
	bool sentinel;
	char master[100]; /* NAME of the sentinels' master */
	struct redis_endpoint at[REDIS_ADDRESS_MAX];
	size_t count;
};

/* ERR_SYNTAX with a text for a person. */
int redis_address_parse(const char *text, struct redis_address *ret_address,
    char *error, size_t error_size);
/* host: an address, not a name.  ERR_SYNTAX. */
int redis_endpoint_literal(struct slice host, struct slice port,
    struct redis_endpoint *ret_endpoint);

#endif /* STORE_REDIS_ADDRESS_H */
