/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_RELAY_H
#define PROTO_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who may hand mail to a tenant's service by SMTP; part of struct tenant. */
struct schema_network;

enum relay_authentication {
	RELAY_OFF, /* Postfix's own rules */
	RELAY_NETWORK_OR_AUTH,
	RELAY_AUTH_OPTIONAL,
	RELAY_NETWORK_AND_AUTH,
	RELAY_NETWORK
};
enum relay_mechanism { RELAY_PLAIN = 1 << 0, RELAY_LOGIN = 1 << 1 };

struct relay_settings {
	enum relay_authentication authentication;
	bool refuse_others;
	const struct schema_network *networks;
	size_t network_count;
	bool plain_text_auth;
	unsigned mechanisms; /* enum relay_mechanism bits */
	unsigned lock_failures;
	int64_t lock_period_ms;
	unsigned max_sessions, max_sessions_per_client; /* 0: no limit */
	int64_t interval_ms, interval_per_client_ms;    /* 0: none */
	uint64_t max_size;                              /* octets; 0: none */
};

#endif /* PROTO_RELAY_H */
