/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_RECEIVED_FIELD_H
#define MILTER_RECEIVED_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * Values of Received fields (RFC 5321, 4.4).  Pure; what a client said of
 * itself is checked, and becomes "unknown" when it can not stand there.
 * Whether there was room stands in out->rc.
 */
#define RECEIVED_MAX 2000

/* What our own field tells; absent slices are left out or "unknown". */
struct received_facts {
	bool local; /* no client: sendmail(1) */
	bool tls, authenticated;
	struct slice helo, client_name, client; /* client: its address */
	struct slice server_name, server;
	struct slice queue_id;
	int64_t arrived_ms; /* wall clock */
};

/* "from HELO (NAME [ADDRESS]) by HOST ([ADDRESS]) with ... id ...; date" */
void received_print(const struct received_facts *f, struct buf *out);
/* "from NAME by HOST; date": no address, not even inside of a name. */
void received_print_abbreviated(const struct received_facts *f,
    struct buf *out);
/* The same of a field that is there: no users and no software, either. */
void received_abbreviate(struct slice value, struct buf *out);

#endif /* MILTER_RECEIVED_FIELD_H */
