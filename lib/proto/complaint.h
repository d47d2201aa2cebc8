/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_COMPLAINT_H
#define PROTO_COMPLAINT_H

#include "proto/bounce_parts.h"
#include "util/slice.h"

/*
 * Reports of feedback loops: RFC 5965, with RFC 6591, 6692 and 9477, and what
 * is none of them: Microsoft's JMRP, Amazon's SNS, Apple Mail's unsubscribing.
 */
#define COMPLAINT_RECIPIENTS_MAX 100

enum complaint_type {
	COMPLAINT_ABUSE,        /* its reader calls it spam */
	COMPLAINT_FRAUD,        /* its reader, or his provider: phishing */
	COMPLAINT_OPT_OUT,      /* its reader wants no more of it */
	COMPLAINT_VIRUS,        /* a machine found one */
	COMPLAINT_OTHER,        /* that, an unknown type, or none */
	COMPLAINT_NOT_SPAM,     /* its reader calls it none: no complaint */
	COMPLAINT_AUTH_FAILURE, /* RFC 6591: nobody complained */
};
struct complaint {
	enum complaint_type type;
	struct slice reporter; /* address that wrote the report; or absent */
	/* As it names them, each once; they may be wrong, or cut. */
	struct slice *recipients;
	size_t count;
};
/*
 * parts   of a whole mail; slices point into it or its arena
 * failed  it has a report of deliveries (RFC 3464), too: then only a report of
 *         a feedback loop makes it a complaint
 * 1: it is one; 0: not; ERR_NOMEM.
 */
int complaint_read(const struct bounce_parts *parts, bool failed,
    struct complaint *ret_complaint);

const char *complaint_word(enum complaint_type type); /* "not-spam" */
/* Did its reader complain, so that it may count towards a block? */
bool complaint_is_readers(enum complaint_type type);
/* Is it no complaint at all? */
bool complaint_is_none(enum complaint_type type);

#endif /* PROTO_COMPLAINT_H */
