/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_PROVIDER_STORE_H
#define STORE_PROVIDER_STORE_H

#include <stdint.h>

#include "proto/mx_hosts.h"
#include "util/slice.h"

/*
 * The MX hosts of domains, which the hosts of an installation tell each other.
 * A record is gone when the DNS's answer no longer holds.
 */
struct store;

/*
 * rc 0: hosts, which live inside the call only; ERR_NOTFOUND: nobody has told;
 * else trouble, or a record that is none (ERR_SYNTAX, ERR_LIMIT).
 */
typedef void provider_got(int rc, const struct mx_hosts *hosts, void *ctx);
/* domain: lower case.  Exactly one call, by the deadline, never from inside. */
void provider_get(struct store *s, struct slice domain, int64_t deadline_us,
    provider_got *got, void *ctx);
/* For ttl_s seconds (at least 1).  Nobody waits for it, and it may be lost. */
void provider_put(struct store *s, struct slice domain,
    const struct mx_hosts *hosts, uint32_t ttl_s);

#endif /* STORE_PROVIDER_STORE_H */
