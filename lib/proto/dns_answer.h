/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_DNS_ANSWER_H
#define PROTO_DNS_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * What an answer of the DNS (RFC 1035, 4) says about the mail exchangers of a
 * domain: a pure parser, as c-ares' own hides how long the answer holds.
 */
#define DNS_NAME_MAX 253 /* as text, without the final dot */
#define DNS_MX_MAX 32    /* hosts of one answer; the rest is left out */

struct dns_mx {
	struct slice host; /* lower case, without final dot; "" in a null MX */
	unsigned preference;
};

struct dns_mx_answer {
	/* Best first; hosts of one preference by name.  Each stands once. */
	struct dns_mx mx[DNS_MX_MAX];
	size_t count;
	size_t unusable; /* records whose host is no host name */
	/*
	 * Seconds: the shortest of the records (aliases, too); without records
	 * that of the negative answer (RFC 2308, 5), 0 where it has none.
	 */
	uint32_t ttl_s;
	unsigned rcode;
	char room[DNS_MX_MAX + 1][DNS_NAME_MAX + 1]; /* of the hosts */
};

/*
 * Whatever the octets are.  The hosts live as long as *ret_answer does, which
 * must not be copied.  A null MX (RFC 7505) beside other records is left out.
 * 0, or ERR_SYNTAX: no answer, or cut short.
 */
int dns_mx_answer_parse(const uint8_t *at, size_t len,
    struct dns_mx_answer *ret_answer);

#endif /* PROTO_DNS_ANSWER_H */
