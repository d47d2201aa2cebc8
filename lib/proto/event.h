/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_EVENT_H
#define PROTO_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bounce_class.h"
#include "util/buf.h"
#include "util/slice.h"

/*
 * What happened to one recipient of one message, or to one blocked address.
 * The one record that streams, API and webhooks share.
 */
enum event_type {
	EVENT_QUEUED,    /* Postfix has taken responsibility */
	EVENT_SUCCEEDED, /* final: the destination has */
	EVENT_DEFERRED,  /* will be tried again */
	EVENT_FAILED,    /* final: gave up; status says why */
	EVENT_BOUNCED, /* a DSN came back after SUCCEEDED, or from elsewhere */
	EVENT_BLOCKED, /* the address was put on the suppression list */
	EVENT_UNBLOCKED,  /* and taken off it */
	EVENT_EXEMPTED,   /* never to be blocked by rule */
	EVENT_OBSERVED,   /* a rule that only observes would have acted on the
			     message; reason says how, origin which */
	EVENT_COMPLAINED, /* its reader called the message spam */
	EVENT_INBOUND,    /* mail came in for an application: recipient and
			     facts are its own, reason the id of its content,
			     origin the filter */
	EVENT_ALARM,      /* something is wrong that a person should look at:
			     reason says what, origin which watch it was
			     ("outbreak"), recipient the provider or domain */
	EVENT_NTYPES
};

/* Slices are borrowed; absent ones are left out of every form. */
struct event {
	struct slice id;    /* HOST/YYYYMMDD/MS-SEQ, unique for ever */
	int64_t created_ms; /* wall clock: when it happened */
	enum event_type type;
	struct slice tenant;
	struct slice recipient; /* canonical; the address for block events */
	struct slice queue_id;
	struct slice message;    /* id of the queued event that has the facts */
	int status;              /* enum status, 0: none */
	uint64_t count;          /* block events: errors counted, 0: unknown */
	enum bounce_class class; /* of failed, deferred and bounced ones */
	bool repeated;       /* error told before by another event of the same
				message and recipient: not counted again */
	struct slice reason; /* SMTP reply or bounce text */
	struct slice relay;  /* host and address that answered */
	struct slice origin; /* block events: bounce, api, cli, import, ...;
				failed and observed ones: what of Postern has
				refused the message (virus, ...), or by what
				it was dropped (api, cli); absent: a
				destination, or the suppression list */
	/* Facts: on the first queued event of a message, and on every event
	 * once a reader has joined them. */
	struct slice return_path; /* envelope sender as it leaves */
	struct slice sender;      /* envelope sender as it came */
	struct slice from;        /* header From, decoded */
	struct slice subject;     /* decoded */
	struct slice message_id;  /* with its angle brackets */
	struct slice api_data;    /* header X-Api-Data */
	struct slice source_ip;   /* client; queued events */
	struct slice sender_ip;   /* ours, where known */
	struct slice copy_of;     /* queue id of the message that this one is a
				     copy of; absent: of none */
	struct slice forward_to;  /* who wants bounces of it forwarded; absent:
				     nobody */
	struct slice preflight;   /* checks found wanting, blanks between */
	struct slice stream;      /* kind of mail (settings: streams), of block
				     events whose block holds for; absent: of
				     none, for all */
};

const char *event_type_word(enum event_type type); /* "queued", ... */
int event_type_parse(struct slice word, enum event_type *ret_type);

/*
 * Stream form: field and value pairs with short names, always the same ones
 * in the same order, because a stream stores names only where they change:
 *	t type (a letter)  n tenant  r recipient  q queue id  m message
 *	s status, or status*count  d 1: repeated  w when, ms  x reason  y relay
 *o origin f facts, tabs between: return_path, sender, from, subject,
 *message_id, api_data, source_ip, sender_ip, forward_to, preflight, copy_of,
 *	  stream;
 *	  "<>" is the null reverse-path
 *
 * Values are cut at EVENT_VALUE_MAX octets; in facts, control octets become
 * blanks.
 */
#define EVENT_FIELDS 12
#define EVENT_VALUE_MAX 998
#define EVENT_FACTS_MAX (12 * (EVENT_VALUE_MAX + 1))
struct event_fields {
	struct slice at[2 * EVENT_FIELDS]; /* name, value, name, value */
	char created[24], status[48];
};
/* facts: room for that value, emptied first; it lives as long as ret_fields.
 * ERR_NOMEM. */
int event_to_fields(const struct event *e, struct buf *facts,
    struct event_fields *ret_fields);
/*
 * The inverse; an unknown name is skipped, id is not among the fields.
 * count: of slices, names and values.  ERR_SYNTAX: no type, or a bad number.
 */
int event_from_fields(const struct slice *at, size_t count,
    struct event *ret_event);
/* Only the facts: to and from that one field. */
int event_facts_format(const struct event *e, struct buf *out);
void event_facts_parse(struct slice text, struct event *e);

/* The API's JSON object; names as in openapi.json. */
int event_to_json(const struct event *e, struct buf *out);

#endif /* PROTO_EVENT_H */
