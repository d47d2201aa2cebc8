/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef NET_DNS_H
#define NET_DNS_H

#include <stddef.h>
#include <stdint.h>

#include "proto/dns_answer.h"
#include "util/arena.h"
#include "util/slice.h"

/*
 * Questions to the DNS on the event loop, each with a deadline; the only user
 * of c-ares.  One thread, the loop's.
 */
struct event_base;
struct dns;

/*
 * servers  addresses with commas between, "192.0.2.1,[2001:db8::1]:53"; NULL:
 *          those of the system.
 * ERR_SYNTAX: not a list of addresses; ERR_UNAVAIL, ERR_NOMEM.
 */
int dns_new(struct event_base *base, const char *servers, struct dns **ret_dns);
/* Outstanding questions are called back with ERR_CANCELED. */
void dns_free(struct dns *d); /* takes NULL */

#define DNS_TEXTS_MAX 64 /* records of one answer; the rest is left out */
/*
 * Exactly one call for each question, maybe from inside dns_txt:
 * rc 0           texts are the TXT records, the strings of each joined
 *                (RFC 7208, 3.3); valid inside the call only
 * ERR_NOTFOUND   no such name, or no such record
 * ERR_TIMEOUT    no answer by the deadline
 * ERR_UNAVAIL    servers refuse or fail;  ERR_SYNTAX: not a name
 */
typedef void dns_texts(int rc, const struct slice *texts, size_t count,
    void *ctx);
void dns_txt(struct dns *d, const char *name, int64_t deadline_us,
    dns_texts *done, void *ctx);

/*
 * The same for a command line: waits.  At most max texts, in the arena.
 */
int dns_txt_wait(const char *servers, const char *name, int64_t timeout_ms,
    struct arena *arena, struct slice *ret_texts, size_t max,
    size_t *ret_count);

/*
 * The mail exchangers of a domain, best first; rc as in dns_txt.  Of
 * ERR_NOTFOUND (no such domain, or no MX record) ttl_s is the negative answer's
 * (RFC 2308).  A domain with addresses but without MX record is ERR_NOTFOUND
 * here: what follows from RFC 5321, 5.1, is the caller's.
 * ERR_SYNTAX: records, but none with a host name, too; ttl_s is theirs.
 */
typedef void dns_mxs(int rc, const struct dns_mx *mx, size_t count,
    uint32_t ttl_s, void *ctx);
void dns_mx(struct dns *d, const char *domain, int64_t deadline_us,
    dns_mxs *done, void *ctx);

#endif /* NET_DNS_H */
