/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_MX_HOSTS_H
#define PROTO_MX_HOSTS_H

#include <stdint.h>

#include "proto/dns_answer.h"
#include "util/buf.h"
#include "util/slice.h"

/*
 * The hosts that take the mail of a domain: the record by which one host of
 * ours tells the others, and the name of the site that they are.  Pure.
 */
struct mx_hosts {
	struct slice at[DNS_MX_MAX]; /* best first; lower case, host names */
	size_t count;                /* 0: the domain takes no mail */
	int64_t until_s; /* wall clock: the DNS's answer holds so long */
};

/*
 * "UNTIL HOST HOST ...", as it lies in Redis.  Slices live as long as text.
 * ERR_SYNTAX: not that; ERR_LIMIT: too many hosts.
 */
int mx_hosts_parse(struct slice text, struct mx_hosts *ret_hosts);
#define MX_HOSTS_TEXT_MAX (32 + DNS_MX_MAX * (DNS_NAME_MAX + 1))
/* ERR_LIMIT, ERR_NOMEM. */
int mx_hosts_format(const struct mx_hosts *hosts, struct buf *out);

/*
 * One name for all domains whose mail the same hosts take, by which logs can
 * be counted: their labels folded from the right, as KumoMTA does it,
 *	(alt1|alt2)?.gmail-smtp-in.l.google.com
 * A name that would be too long is the first host (by name) and a number of
 * the others: "mx1.example.com+1a2b3c4d".  No hosts: "none".
 * The order of the hosts makes no difference.  Returns the length, no NUL.
 */
#define MX_SITE_MAX 300
size_t mx_hosts_site(const struct slice *hosts, size_t count,
    char room[MX_SITE_MAX]);

#endif /* PROTO_MX_HOSTS_H */
