/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_WEBHOOK_BODY_H
#define APID_WEBHOOK_BODY_H

#include "proto/event.h"
#include "proto/settings.h"
#include "util/buf.h"

/* What a webhook carries.  Pure. */
enum webhook_kind {
	WEBHOOK_KIND_DELIVERIES,
	WEBHOOK_KIND_BOUNCES,
	WEBHOOK_KIND_BLOCKS,
	WEBHOOK_KIND_COMPLAINTS,
	WEBHOOK_KIND_ALARMS,
	WEBHOOK_KIND_INBOUND, /* one mail at a time */
	WEBHOOK_KINDS
};
const char *webhook_kind_word(enum webhook_kind kind);

/* Bits 1 << kind: as what does this endpoint want this event?  Inbound mail is
 * wanted only where its filter is for the endpoint, which is not asked here. */
unsigned webhook_kinds(const struct webhook *hook, enum event_type type,
    bool repeated);

/*
 * The body of one batch.  WEBHOOK_STANDARD: {"type":"deliveries.batch",
 * "timestamp","data":[event, ...]}; the CMC forms as that product sends them.
 */
int webhook_body(const struct webhook *hook, const struct tenant *tenant,
    enum webhook_kind kind, const struct event *events, size_t count,
    int64_t now_us, struct buf *out);
const char *webhook_content_type(const struct webhook *hook);

#endif /* APID_WEBHOOK_BODY_H */
