/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_INBOUND_STORE_H
#define STORE_INBOUND_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/event.h"
#include "store/content_box.h"
#include "util/slice.h"

/*
 * Mails for applications, kept until their webhooks have taken them: a record,
 * and the mail in sealed pieces, in the slot of the host that received it.  So
 * its last step and its event are one script: whatever is killed, it is there
 * with one event, or its sender still has it.  Its id comes from what it is:
 * a mail that is handed over again is the same one.
 */
struct store;

/* Octets: that of the host (verp_host), and of the mail, as hex digits. */
#define INBOUND_ID_LEN 32
#define INBOUND_ID_MAX (INBOUND_ID_LEN + 1)
/* ERR_CRYPTO, ERR_NOMEM. */
int inbound_id(struct slice host, struct slice tenant, struct slice sender,
    struct slice recipient, struct slice mail, char ret_id[INBOUND_ID_MAX]);
bool inbound_id_ok(struct slice id);
/* Whether the mail with this id, which is one, lies at that host. */
bool inbound_id_of_host(struct slice id, struct slice host);

#define INBOUND_PURPOSE "inbound"   /* of its content's pieces */
#define INBOUND_TAKEN_S (5 * 86400) /* longer than Postfix tries */

/* Slices are borrowed. */
struct inbound_record {
	struct slice id, tenant;
	int64_t created_us, expires_ms;
	struct slice recipient, sender; /* canonical; empty: null sender */
	struct slice filter;
	struct slice from, subject; /* decoded */
	struct slice message_id;
	struct slice webhooks; /* that wait for it: names, one a line */
	uint64_t size, pieces;
};

/* ---- keeping one, in this order; each may be repeated ---- */

enum inbound_begun {
	INBOUND_FULL,  /* octets_max of all mails of the host */
	INBOUND_GO_ON, /* its room is reserved: put the pieces */
	INBOUND_KNOWN  /* it was kept before: nothing is to be done */
};
typedef void inbound_begin_done(int rc, enum inbound_begun begun, void *ctx);
void inbound_begin(struct store *s, struct slice host,
    const struct inbound_record *r, uint64_t octets_max, int64_t deadline_us,
    inbound_begin_done *done, void *ctx);
/* ERR_NOTFOUND: not begun, or too long ago. */
typedef void inbound_done(int rc, void *ctx);
void inbound_put(struct store *s, struct slice host, struct slice id,
    uint64_t number, struct slice box, int64_t deadline_us, inbound_done *done,
    void *ctx);
void inbound_finish(struct store *s, struct slice host,
    const struct inbound_record *r, const struct event *event,
    int64_t deadline_us, inbound_done *done, void *ctx);

/* ---- reading it ---- */

/* ERR_NOTFOUND; r lives inside the call. */
typedef void inbound_found(int rc, const struct inbound_record *r, void *ctx);
void inbound_find(struct store *s, struct slice host, struct slice id,
    int64_t deadline_us, inbound_found *found, void *ctx);
/* box lives inside the call; ERR_NOTFOUND. */
typedef void inbound_got(int rc, struct slice box, void *ctx);
void inbound_get(struct store *s, struct slice host, struct slice id,
    uint64_t number, int64_t deadline_us, inbound_got *got, void *ctx);

/*
 * Mails of one host, newest first.  before_us: 0, or that of the last row
 * before.  looked: index entries looked at, those of mails that are over among
 * them: fewer than limit is the end; last_us: the time of the last of them.
 */
typedef void inbound_row(const struct inbound_record *r, void *ctx);
typedef void inbound_page_end(int rc, unsigned looked, int64_t last_us,
    void *ctx);
void inbound_page(struct store *s, struct slice host, struct slice tenant,
    int64_t before_us, unsigned limit, int64_t deadline_us, inbound_row *row,
    inbound_page_end *end, void *ctx);

/* ---- when it was taken ---- */

/*
 * This webhook has it; when it was the last, the content goes.  webhook absent:
 * it goes at once.  ERR_NOTFOUND.
 */
void inbound_taken(struct store *s, struct slice host, struct slice tenant,
    struct slice id, struct slice webhook, int64_t deadline_us,
    inbound_done *done, void *ctx);

#endif /* STORE_INBOUND_STORE_H */
