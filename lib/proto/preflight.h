/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_PREFLIGHT_H
#define PROTO_PREFLIGHT_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/header.h"
#include "proto/settings.h"
#include "util/buf.h"
#include "util/slice.h"

/*
 * What large mailbox providers (Gmail, Yahoo, Microsoft) refuse or file as
 * spam, found before the mail leaves.  Pure.
 */

/* With more recipients in one message it is bulk mail, whatever it says. */
#define PREFLIGHT_BULK_RECIPIENTS 100
/* RFC 5322, 2.1.1: "998 characters, excluding the CRLF" */
#define PREFLIGHT_LINE_MAX 998

enum preflight_record {
	PREFLIGHT_RECORD_UNKNOWN, /* counts as present */
	PREFLIGHT_RECORD_PRESENT,
	PREFLIGHT_RECORD_ABSENT
};

struct preflight_input {
	const struct header_field *fields; /* as they came */
	size_t field_count, recipients;
	bool aligned;                /* a key of ours signs for From's domain */
	bool unsubscribes;           /* we add the unsubscribe fields */
	bool long_line;              /* in the body */
	enum preflight_record dmarc; /* of From's domain */
};
/* What is wanting: enum preflight_check bits. */
unsigned preflight_check(const struct preflight_input *in);

/*
 * The domain of the one author; address_domain_ok.  room: ADDRESS_MAX octets.
 * False: no From field, several, or no single domain in it.
 */
bool preflight_author(const struct header_field *fields, size_t count,
    char *room, struct slice *ret_domain);
/* The text of a TXT record at _dmarc.DOMAIN: RFC 7489, 6.3 and 6.6.3. */
bool preflight_is_dmarc(struct slice text);

/* The words of the settings, with that octet between. */
void preflight_words(unsigned found, char between, struct buf *out);
/* For the reply: what is wrong, with the standards that say so. */
void preflight_text(unsigned found, struct buf *out);
/* Its enhanced status code: of the first that is wanting. */
const char *preflight_dsn(unsigned found);

#endif /* PROTO_PREFLIGHT_H */
