/* SPDX-License-Identifier: BSD-2-Clause */
/* The modules, asked in their order about one message. */
#include "milter/pass.h"

#include "milter/body.h"
#include "milter/copy.h"
#include "milter/meeting.h"
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
	/* Behind the modules: what they hold of it. */
	meeting_leave(p->msg.guest);
	p->began = false;
	p->rc = 0;
	p->verdict = VERDICT_NEXT;
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

static enum message_kind
kind_of(const struct message *msg)
{
	if (msg->copy == NULL)
		return msg->comes_back ? KIND_RETURN : KIND_FIRST;
	switch (msg->copy->kind) {
	case COPY_SPLIT:
		return KIND_SPLIT;
	case COPY_BCC:
		return KIND_BCC;
	case COPY_NOTICE:
		break;
	}
	return KIND_NOTICE;
}

static bool
is_asked(const struct pass *p, size_t i)
{
	return (milter_modules[i]->kinds & p->kind) != 0;
}

static int
make_states(struct pass *p)
{
	for (size_t i = 0; milter_modules[i] != NULL; i++) {
		size_t size = milter_modules[i]->state_size;

		p->states[i] =
		    size > 0 ? arena_alloc(p->msg.arena, size) : NULL;
		if (size > 0 && p->states[i] == NULL)
			return ERR_NOMEM;
	}
	p->msg.states = p->states;
	p->began = true;
	return 0;
}

static enum body_want
ask_want(struct pass *p, size_t i)
{
	const struct module *m = milter_modules[i];

	if (!is_asked(p, i))
		return BODY_NOT;
	if (m->begin != NULL)
		return m->begin(&p->msg, p->states[i]);
	return m->body != NULL ? BODY_STREAM : BODY_NOT;
}

/* The header is complete: from now on modules are asked. */
static int
begin(struct pass *p)
{
	bool keep = false, want = false;
	int rc;

	if (p->began)
		return 0;
	if ((rc = copy_enter(&p->msg)) < 0 || (rc = make_states(p)) < 0)
		return rc;
	if (p->msg.copy == NULL)
		message_look_back(&p->msg);
	p->kind = kind_of(&p->msg);
	for (size_t i = 0; milter_modules[i] != NULL; i++) {
		p->wants[i] = ask_want(p, i);
		keep = keep || p->wants[i] == BODY_BUFFER;
		want = want || p->wants[i] != BODY_NOT;
	}
	if (want && p->no_body)
		return ERR_CONFLICT;
	if (keep && (p->msg.body = body_new(&p->msg)) == NULL)
		return ERR_NOMEM;
	return 0;
}

void
pass_body(struct pass *p, struct slice octets)
{
	if (p->rc < 0 || (p->rc = begin(p)) < 0)
		return;
	if (p->msg.body != NULL)
		body_add(p->msg.body, octets);
	for (size_t i = 0;
	     milter_modules[i] != NULL && p->verdict == VERDICT_NEXT; i++)
		if (p->wants[i] != BODY_NOT && milter_modules[i]->body != NULL)
			p->verdict = milter_modules[i]->body(&p->msg,
			    p->states[i], octets);
}

void
pass_treatments(struct message *msg, const struct message_rcpt *rcpt,
    uint64_t ret_treatments[MILTER_MODULES_MAX])
{
	memset(ret_treatments, 0, MILTER_MODULES_MAX * sizeof(uint64_t));
	for (size_t i = 0; milter_modules[i] != NULL; i++)
		if (milter_modules[i]->treatment != NULL)
			ret_treatments[i] = milter_modules[i]->treatment(msg,
			    msg->states[i], rcpt);
}

/* Why it can not be taken as it is. */
static const struct refusal {
	int rc;
	enum verdict verdict;
	const char *dsn, *text;
} refusals[] = {
	{ ERR_LIMIT, VERDICT_REJECT, "5.3.4", "Message header too large" },
	{ ERR_DENIED, VERDICT_REJECT, "5.7.1", "Mail is not taken here" },
	{ ERR_CONFLICT, VERDICT_TEMPFAIL, "4.3.2",
	    "Settings have changed, try again" },
	{ ERR_CANCELED, VERDICT_TEMPFAIL, "4.3.2", "Ending, try later" },
	{ ERR_UNAVAIL, VERDICT_TEMPFAIL, "4.3.0",
	    "Settings are not known yet, try later" },
	/* any other */
	{ 0, VERDICT_TEMPFAIL, "4.3.0", "Out of memory, try later" },
};

static enum verdict
refuse(struct pass *p)
{
	const struct refusal *r = refusals;

	while (r->rc != 0 && r->rc != p->rc)
		r++;
	message_reply(&p->msg, r->dsn, r->text);
	return r->verdict;
}

static enum verdict
ask_modules(struct pass *p)
{
	enum verdict verdict = p->verdict;

	for (size_t i = 0; milter_modules[i] != NULL && verdict == VERDICT_NEXT;
	     i++)
		if (is_asked(p, i) && milter_modules[i]->eom != NULL)
			verdict = milter_modules[i]->eom(&p->msg, p->states[i]);
	return verdict;
}

enum verdict
pass_eom(struct pass *p)
{
	struct message *msg = &p->msg;
	enum verdict verdict;

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
	verdict = ask_modules(p);
	if (verdict != VERDICT_NEXT && msg->reply_text == NULL)
		message_reply(msg,
		    verdict == VERDICT_REJECT ? "5.7.1" : "4.3.0",
		    verdict == VERDICT_REJECT ? "Message refused"
					      : "Message put off, try later");
	return verdict;
}

/* "key\0value\0": message_note. */
static void
log_notes(struct log_line *l, const struct message *msg)
{
	struct slice rest, key, value;

	if (msg->notes == NULL)
		return;
	rest = buf_slice(msg->notes);
	while (
	    slice_split(&rest, '\0', &key) && slice_split(&rest, '\0', &value))
		log_line_add(l, key.at, value);
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
	log_notes(&l, msg);
	if (msg->hold_reason.at != NULL)
		log_line_add(&l, "hold", msg->hold_reason);
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
