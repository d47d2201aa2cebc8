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
char event_type_letter(enum event_type type); /* 'q', ... */
int event_type_of_letter(char letter, enum event_type *ret_type);

/*
 * Packed form, the one that a stream's entry has as its only value, and that
 * webhooks keep: columns with tabs between, empty ones left out at the end.
 *	1 type, a letter; behind it the status, "*" and the count, "." and the
 *	  class, and "!" when repeated, each where there is one: "q", "f2.3",
 *	  "f3.11!", "k2*3"
 *	2 recipient
 *	3 message: an event's id as it is, or, without a "/", how many ms its
 *	  entry is older than this one, with "-" and its number where that is
 *	  not 0: only who reads the stream knows what that is
 *	4 when: how many ms before base_ms, the time of the entry's id; empty: 0
 *	5 queue id; absent where message leads to an event that has it
 *	6 tenant; empty: "default"
 *	7 reason  8 relay  9 origin
 *	10 ... the facts: return_path, sender, from, subject, message_id,
 *	  api_data, source_ip, sender_ip, forward_to, preflight, copy_of,
 *	  stream; "<>" is the null reverse-path
 * Values are cut at EVENT_VALUE_MAX octets, control octets in them become
 * blanks.  lib/store/script/append.inc.lua writes the same form.
 */
#define EVENT_VALUE_MAX 998
#define EVENT_FACTS 12
#define EVENT_FACTS_MAX (EVENT_FACTS * (EVENT_VALUE_MAX + 1))
#define EVENT_PACKED_MAX (EVENT_FACTS_MAX + 8 * EVENT_VALUE_MAX)
enum event_column {
	EVENT_COLUMN_HEAD,
	EVENT_COLUMN_RECIPIENT,
	EVENT_COLUMN_MESSAGE,
	EVENT_COLUMN_WHEN,
	EVENT_COLUMN_QUEUE_ID,
	EVENT_COLUMN_TENANT,
	EVENT_COLUMN_REASON,
	EVENT_COLUMN_RELAY,
	EVENT_COLUMN_ORIGIN,
	EVENT_COLUMN_FACTS,
	EVENT_COLUMNS = EVENT_COLUMN_FACTS + EVENT_FACTS
};
/* Appends to out; the id is not in it.  ERR_NOMEM, ERR_LIMIT. */
int event_pack(const struct event *e, int64_t base_ms, struct buf *out);
/* ret_event borrows from text.  ERR_SYNTAX: no type, or a bad number. */
int event_unpack(struct slice text, int64_t base_ms, struct event *ret_event);

/*
 * Fields: names of one letter and values, always the same ones in the same
 * order.  What scripts are called with, and what streams and webhooks had
 * before there was the packed form.
 *	t type (a letter)  n tenant  r recipient  q queue id  m message
 *	s status, or status*count  c class  d 1: repeated  w when, ms  x reason
 *	y relay  o origin  f facts, as above
 */
#define EVENT_FIELDS 13
struct event_fields {
	struct slice at[2 * EVENT_FIELDS]; /* name, value, name, value */
	char created[24], status[48], class[24];
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
/* "STATUS", "STATUS*COUNT" or "*COUNT"; ERR_SYNTAX. */
int event_status_parse(struct slice value, struct event *e);
/* Only the facts: to and from that one field. */
int event_facts_format(const struct event *e, struct buf *out);
void event_facts_parse(struct slice text, struct event *e);

/* The API's JSON object; names as in openapi.json. */
int event_to_json(const struct event *e, struct buf *out);

#endif /* PROTO_EVENT_H */
