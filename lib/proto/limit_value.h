/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_LIMIT_VALUE_H
#define PROTO_LIMIT_VALUE_H

#include "proto/settings.h"
#include "util/buf.h"
#include "util/slice.h"

/*
 * What a rate limit counts by, as text: the parts that its key names, in the
 * order of enum limit_key, tabs between.  People write blanks for tabs; no part
 * has one.
 */

/*
 * A client's address as a limit sees it: IPv4 as it is, IPv6 its /64, as one
 * customer has a whole one.  room: LIMIT_CLIENT_MAX octets.
 */
#define LIMIT_CLIENT_MAX 64
struct slice limit_client(struct slice client, char room[LIMIT_CLIENT_MAX]);

/* "sasl_user" and so on, of one bit. */
const char *limit_key_word(enum limit_key key);
/* "sasl_user recipient_domain" of several. */
void limit_keys_format(unsigned keys, struct buf *out);

/*
 * What a person wrote to the value that is counted, each part as the policy
 * server makes it: addresses canonical, domains in lower case.  ERR_SYNTAX: not
 * as many parts as the key has, or no address where there should be one;
 * ERR_LIMIT, ERR_NOMEM: of out.
 */
int limit_value_parse(unsigned keys, struct slice text, struct buf *out);
void limit_value_format(struct slice value, struct buf *out);

#endif /* PROTO_LIMIT_VALUE_H */
