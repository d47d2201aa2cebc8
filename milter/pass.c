/* SPDX-License-Identifier: BSD-2-Clause */
/* The modules, asked in their order about one message. */
#include "milter/pass.h"

#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

int
pass_init(struct pass *p)
{
	*p = (struct pass){ .began = false };
	return message_init(&p->msg);
}

void
pass_end(struct pass *p)
{
	if (p->began)
		for (size_t i = 0; milter_modules[i] != NULL; i++)
			if (milter_modules[i]->release != NULL)
				milter_modules[i]->release(p->states[i]);
	p->began = false;
	p->rc = 0;
	message_reset(&p->msg);
}

void
pass_done(struct pass *p)
{
	pass_end(p);
	message_done(&p->msg);
}

void
pass_begin(struct pass *p)
{
	pass_end(p);
}

/* The header is complete: from now on modules are asked. */
static int
begin(struct pass *p)
{
	if (p->began)
		return 0;
	for (size_t i = 0; milter_modules[i] != NULL; i++) {
		size_t size = milter_modules[i]->state_size;

		p->states[i] =
		    size > 0 ? arena_alloc(p->msg.arena, size) : NULL;
		if (size > 0 && p->states[i] == NULL)
			return ERR_NOMEM;
	}
	p->began = true;
	return 0;
}

void
pass_body(struct pass *p, struct slice octets)
{
	if (p->rc < 0 || (p->rc = begin(p)) < 0)
		return;
	for (size_t i = 0; milter_modules[i] != NULL; i++)
		if (milter_modules[i]->body != NULL)
			(void)milter_modules[i]->body(&p->msg, p->states[i],
			    octets);
}

static enum verdict
refuse(struct pass *p)
{
	if (p->rc == ERR_LIMIT) {
		message_reply(&p->msg, "5.3.4", "Message header too large");
		return VERDICT_REJECT;
	}
	if (p->rc == ERR_CANCELED)
		message_reply(&p->msg, "4.3.2", "Ending, try later");
	else
		message_reply(&p->msg, "4.3.0", "Out of memory, try later");
	return VERDICT_TEMPFAIL;
}

enum verdict
pass_eom(struct pass *p)
{
	struct message *msg = &p->msg;
	enum verdict verdict = VERDICT_NEXT;

	msg->began_us = clock_mono_us();
	msg->arrived_ms = clock_wall_us() / 1000;
	if (p->rc < 0 || (p->rc = begin(p)) < 0)
		return refuse(p);
	if (msg->queue_id.len == 0) {
		message_reply(msg, "4.3.5",
		    "Mail system set-up error: no queue "
		    "id for the milter");
		return VERDICT_TEMPFAIL;
	}
	for (size_t i = 0; milter_modules[i] != NULL; i++) {
		if (milter_modules[i]->eom == NULL)
			continue;
		verdict = milter_modules[i]->eom(msg, p->states[i]);
		if (verdict != VERDICT_NEXT)
			break;
	}
	if (verdict != VERDICT_NEXT && msg->reply_text == NULL)
		message_reply(msg,
		    verdict == VERDICT_REJECT ? "5.7.1" : "4.3.0",
		    verdict == VERDICT_REJECT ? "Message refused"
					      : "Message put off, try later");
	return verdict;
}

void
pass_log(const struct pass *p, const char *action)
{
	const struct message *msg = &p->msg;
	struct log_line l;

	log_line(&l, msg->queue_id);
	log_line_add(&l, "from", msg->sender);
	if (msg->tenant != NULL)
		log_line_add(&l, "tenant", msg->tenant->name);
	log_line_add(&l, "dkim",
	    msg->signatures.len > 0 ? msg->signatures : SLICE("none"));
	log_line_number(&l, "suppressed", (int64_t)msg->suppressed);
	if (msg->would_suppress > 0)
		log_line_number(&l, "would_suppress",
		    (int64_t)msg->would_suppress);
	if (msg->spooled)
		log_line_add(&l, "facts", SLICE("spooled"));
	if (action != NULL)
		log_line_add(&l, "action", slice_of(action));
	if (action != NULL && msg->reply_text != NULL) {
		log_line_add(&l, "dsn", slice_of(msg->reply_dsn));
		log_line_add(&l, "reason", slice_of(msg->reply_text));
	}
	log_line_number(&l, "delay_ms",
	    (clock_mono_us() - msg->began_us) / 1000);
	log_line_end(&l, LOG_L_INFO);
}
