/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_DMARC_H
#define MILTER_DMARC_H

#include "proto/preflight.h"
#include "util/slice.h"

/*
 * Which domains have a DMARC record (RFC 7489, 6.6.3), of their own or at a
 * domain above: asked of the DNS in the background, and kept for a while.  No
 * message waits for it: what is not known yet is unknown.  The DNS is not used
 * before the first question.
 */
struct dmarc;
struct event_base;
struct store;

/* questions go to the loop's thread by store_post.  NULL: no memory. */
struct dmarc *dmarc_new(struct event_base *base, struct store *store);
/* On the loop's thread, after store_close; takes NULL. */
void dmarc_free(struct dmarc *d);
/* domain: address_domain_ok, lower case.  Any thread. */
enum preflight_record dmarc_look(struct dmarc *d, struct slice domain);

#endif /* MILTER_DMARC_H */
