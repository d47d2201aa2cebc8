/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The facts of the message, left in Redis under its queue id before the MTA
 * is told that it may have it: one write.  Where Redis is away they wait in
 * the spool; where that is full, the message is put off.
 */
#include "milter/milter.h"
#include "milter/module.h"
#include "milter/spool.h"
#include "proto/encoded_word.h"
#include "service/metrics.h"
#include "store/message_store.h"
#include "store/store.h"
#include "util/err.h"
#include "util/log.h"

#define VALUE_MAX 1000      /* octets kept of one field */
#define RAW_MAX (16 * 1024) /* octets of it that are looked at */
#define LINE_MAX_OCTETS (16 * 1024 * 1024)

/* The field's value as a person reads it; absent if there is no such field. */
static struct slice
decoded(struct message *msg, const char *name)
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
	f.facts = (struct event){ .created_ms = msg->arrived_ms,
		.type = EVENT_QUEUED,
		.tenant = msg->tenant->name,
		.queue_id = msg->queue_id,
		.sender = msg->sender,
		.return_path =
		    msg->new_sender.at != NULL ? msg->new_sender : msg->sender,
		.from = decoded(msg, "From"),
		.subject = decoded(msg, "Subject"),
		.message_id = decoded(msg, "Message-ID"),
		.api_data = decoded(msg, "X-Api-Data"),
		.source_ip = msg->client };
	*ret_facts = f;
	return 0;
}

struct putting {
	const struct message_facts *facts;
	struct store_wait *wait;
};

static void
stored(int rc, void *ctx)
{
	struct putting *p = ctx;

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
keep(struct message *msg, const struct message_facts *facts)
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

static enum verdict
facts_eom(struct message *msg, void *state)
{
	static struct log_limit limit;
	struct message_facts facts;
	struct putting p = { &facts, NULL };
	unsigned long missed;
	int rc;

	(void)state;
	if (collect(msg, &facts) < 0)
		return VERDICT_TEMPFAIL;
	rc = store_wait(msg->host->store, put, &p);
	if (rc == 0) {
		spool_kick(msg->host->spool);
		metrics_add(METRIC_MILTER_FACTS_STORED, 1);
		return VERDICT_NEXT;
	}
	if (err_is_temporary(rc) && keep(msg, &facts) == 0) {
		metrics_add(METRIC_MILTER_FACTS_SPOOLED, 1);
		return VERDICT_NEXT;
	}
	metrics_add(METRIC_MILTER_FACTS_FAILED, 1);
	if (log_limit_ok(&limit, 60, &missed))
		log_error("facts can not be kept: %s, and the spool is full or "
			  "broken; mail is put off (%lu more messages)",
		    err_text(rc), missed);
	message_reply(msg, "4.3.1", "Message facts can not be kept, try later");
	return VERDICT_TEMPFAIL;
}

const struct module module_facts = {
	.name = "facts",
	.kinds = KIND_ALL,
	.eom = facts_eom,
};
