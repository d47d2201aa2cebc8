/* SPDX-License-Identifier: BSD-2-Clause */
/* Facts of a message: collected, and left in Redis or in the spool. */
#include "milter/facts.h"

#include "milter/copy.h"
#include "milter/hold.h"
#include "milter/milter.h"
#include "milter/spool.h"
#include "proto/encoded_word.h"
#include "service/metrics.h"
#include "store/event_store.h"
#include "store/message_store.h"
#include "store/store.h"
#include "util/err.h"
#include "util/log.h"

#define VALUE_MAX 1000      /* octets kept of one field */
#define RAW_MAX (16 * 1024) /* octets of it that are looked at */
#define LINE_MAX_OCTETS (16 * 1024 * 1024)

struct slice
facts_decoded(struct message *msg, const char *name)
{
	const struct message_field *f = message_find(msg, name, 0);
	struct slice raw, kept = { NULL, 0 };
	struct buf text;

	if (f == NULL)
		return kept;
	raw = f->field.value;
	if (raw.len > RAW_MAX)
		raw.len = RAW_MAX;
	buf_init(&text, VALUE_MAX);
	if (encoded_word_decode(raw, &text) == 0)
		kept = message_keep(msg, buf_slice(&text));
	buf_done(&text);
	return kept;
}

static struct event
event_of(struct message *msg)
{
	return (struct event){ .created_ms = msg->arrived_ms,
		.type = EVENT_QUEUED,
		.tenant = msg->tenant->name,
		.queue_id = msg->queue_id,
		.sender = msg->sender,
		.return_path =
		    msg->new_sender.at != NULL ? msg->new_sender : msg->sender,
		.from = facts_decoded(msg, "From"),
		.subject = facts_decoded(msg, "Subject"),
		.message_id = facts_decoded(msg, "Message-ID"),
		.api_data = facts_decoded(msg, "X-Api-Data"),
		.source_ip = msg->client,
		.preflight = msg->preflight,
		.stream = msg->stream,
		.forward_to = msg->forward_bounces ? msg->sender
						   : (struct slice){ NULL, 0 },
		.copy_of = msg->copy != NULL ? msg->copy->queue_id
					     : (struct slice){ NULL, 0 } };
}

static int
collect(struct message *msg, struct message_facts *ret_facts)
{
	struct slice *lists =
	    arena_calloc(msg->arena, 3 * (msg->rcpt_count + 1), sizeof(*lists));
	struct slice *going = lists, *off = lists + msg->rcpt_count + 1;
	struct slice *reason = off + msg->rcpt_count + 1;
	struct message_facts f = { .host = msg->host->host_name,
		.queue_id = msg->queue_id };

	if (lists == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < msg->rcpt_count; i++) {
		const struct message_rcpt *r = &msg->rcpts[i];

		if (!message_is_told(msg, r))
			continue;
		switch (r->fate) {
		case RCPT_GOES:
			going[f.recipient_count++] = r->address;
			break;
		case RCPT_SUPPRESSED:
			off[f.suppressed_count] = r->address;
			reason[f.suppressed_count++] = r->reason;
			break;
		case RCPT_COPIED: /* the copy tells */
		case RCPT_REDIRECTED:
			break;
		}
	}
	f.recipients = going;
	f.suppressed = off;
	f.suppressed_reason = reason;
	f.facts = event_of(msg);
	f.archive = msg->copy != NULL && msg->copy->kind == COPY_BCC;
	f.hold = msg->hold;
	*ret_facts = f;
	return 0;
}

struct putting {
	const struct message_facts *facts;
	struct store_wait *wait;
	bool held;
};

static void
stored(int rc, bool held, void *ctx)
{
	struct putting *p = ctx;

	p->held = held;
	store_wait_done(p->wait, rc);
}

static void
put(struct store *s, struct store_wait *w, void *ctx)
{
	struct putting *p = ctx;

	p->wait = w;
	message_put(s, p->facts, store_deadline(s), stored, p);
}

static int
put_in_spool(struct message *msg, const struct message_facts *facts)
{
	struct buf line;
	int rc;

	buf_init(&line, LINE_MAX_OCTETS);
	rc = message_facts_print(facts, &line);
	if (rc == 0)
		rc = spool_add(msg->host->spool, buf_slice(&line));
	buf_done(&line);
	msg->spooled = rc == 0;
	return rc;
}

/* In Redis, or in the spool. */
static int
leave(struct message *msg, const struct message_facts *facts)
{
	struct putting p = { facts, NULL, false };
	int rc;

	msg->hold_asked = facts->hold != NULL;
	rc = store_wait(msg->host->store, put, &p);
	if (rc == 0) {
		spool_kick(msg->host->spool);
		metrics_add(METRIC_MILTER_FACTS_STORED, 1);
		return p.held ? hold_mark(msg) : 0;
	}
	/* An archive's deliveries must be known for such before they are; and
	 * nobody would release what is held without being listed. */
	if (err_is_temporary(rc) && !facts->archive &&
	    (facts->hold == NULL || !hold_is_certain(facts->hold)) &&
	    put_in_spool(msg, facts) == 0) {
		metrics_add(METRIC_MILTER_FACTS_SPOOLED, 1);
		return 0;
	}
	metrics_add(METRIC_MILTER_FACTS_FAILED, 1);
	return rc;
}

int
facts_keep(struct message *msg)
{
	struct message_facts facts;
	int rc = collect(msg, &facts);

	return rc < 0 ? rc : leave(msg, &facts);
}

/* ---- what does not go on ---- */

int
facts_refused(struct message *msg, enum status status, struct slice origin,
    struct slice reason)
{
	static struct log_limit limit;
	struct message_facts f = { .host = msg->host->host_name,
		.queue_id = msg->queue_id,
		.facts = event_of(msg),
		.suppressed_status = status,
		.suppressed_origin = origin };
	struct slice *lists =
	    arena_calloc(msg->arena, 2 * (msg->rcpt_count + 1), sizeof(*lists));
	unsigned long missed;
	int rc = ERR_NOMEM;

	if (lists != NULL) {
		struct slice *reasons = lists + msg->rcpt_count + 1;

		for (size_t i = 0; i < msg->rcpt_count; i++) {
			if (msg->rcpts[i].added)
				continue;
			lists[f.suppressed_count] = msg->rcpts[i].address;
			reasons[f.suppressed_count++] = reason;
		}
		f.suppressed = lists;
		f.suppressed_reason = reasons;
		rc = leave(msg, &f);
	}
	if (rc < 0 && log_limit_ok(&limit, 60, &missed))
		log_error("events of refused messages can not be kept: %s, "
			  "and the spool is full or broken (%lu more "
			  "messages)",
		    err_text(rc), missed);
	return rc;
}

struct observing {
	struct slice host;
	const struct event *event;
	struct store_wait *wait;
};

static void
appended(int rc, struct slice id, void *ctx)
{
	struct observing *o = ctx;

	(void)id;
	store_wait_done(o->wait, rc);
}

static void
append(struct store *s, struct store_wait *w, void *ctx)
{
	struct observing *o = ctx;

	o->wait = w;
	event_append(s, o->host, o->event, store_deadline(s), appended, o);
}

void
facts_observed(struct message *msg, struct slice origin, struct slice reason)
{
	struct event e = event_of(msg);
	struct observing o = { msg->host->host_name, &e, NULL };

	e.type = EVENT_OBSERVED;
	e.origin = origin;
	e.reason = reason;
	(void)store_wait(msg->host->store, append, &o);
}
