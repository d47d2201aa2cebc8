/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_INBOUND_BODY_H
#define APID_INBOUND_BODY_H

#include "proto/mail_view.h"
#include "proto/settings.h"
#include "store/inbound_store.h"
#include "util/buf.h"

/*
 * A mail for an application as its webhook and the API tell it.  Pure.
 *
 * WEBHOOK_CMC_FORM is multipart/form-data with the files as parts;
 * WEBHOOK_CMC_JSON has no files; WEBHOOK_STANDARD has {"type":
 * "inbound.received","timestamp","data"}: files up to INBOUND_INLINE_MAX octets
 * together come as base64, others by their place in the API, and texts are cut
 * at INBOUND_TEXT_MAX.
 */
#define INBOUND_INLINE_MAX (1024 * 1024)
#define INBOUND_TEXT_MAX (1024 * 1024)

struct inbound_told {
	const struct inbound_record *record;
	const struct mail_view *view;
	struct slice event; /* id; absent in the API */
};
/*
 * id            of the request: a form's boundary is made of it
 * content_type  emptied, then filled
 * ERR_LIMIT, ERR_NOMEM.
 */
int inbound_body(const struct webhook *hook, const struct tenant *tenant,
    const struct inbound_told *told, struct slice id, int64_t now_us,
    struct buf *out, struct buf *content_type);

/* The standard form's data, all files by their place. */
int inbound_to_json(const struct inbound_told *told, struct buf *out);
/* A row of the list: what the record says. */
int inbound_row_to_json(const struct inbound_record *r, struct buf *out);

#endif /* APID_INBOUND_BODY_H */
