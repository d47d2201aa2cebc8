/* SPDX-License-Identifier: BSD-2-Clause */
/* The events of a message, summed up for each recipient. */
#include "proto/message_story.h"

#include <inttypes.h>

#include "proto/report.h"
#include "proto/status.h"
#include "util/arena.h"
#include "util/err.h"
#include "util/utf8.h"

#define ROOM_FIRST 8

static const char *const class_texts[BOUNCE_CLASS_COUNT] = {
	[CLASS_NONE] = "no reason is known",
	[CLASS_HOST_UNKNOWN] = "the domain is not in DNS",
	[CLASS_NO_MAIL] = "the domain takes no mail",
	[CLASS_USER_UNKNOWN] = "the address does not exist",
	[CLASS_MOVED] = "the address has moved",
	[CLASS_DISABLED] = "the mailbox is disabled",
	[CLASS_MAILBOX_FULL] = "the mailbox is full",
	[CLASS_SYSTEM_FULL] = "the destination's disk is full",
	[CLASS_BAD_ADDRESS] = "the address is malformed",
	[CLASS_RECIPIENT_POLICY] = "the recipient does not take this mail",
	[CLASS_GROUP] = "the list or group does not take mail from this sender",
	[CLASS_EXPIRED] = "only temporary errors until the retry period ended",
	[CLASS_CONNECTION] = "the destination could not be reached",
	[CLASS_DNS] = "DNS gave no answer",
	[CLASS_GREYLISTED] = "the destination asks to come again later",
	[CLASS_RATE] = "too much mail at once for the destination",
	[CLASS_BLOCKLIST] = "the sending address is on a blocklist",
	[CLASS_REPUTATION] = "the sender's reputation is too low",
	[CLASS_AUTHENTICATION] = "SPF, DKIM or DMARC did not pass",
	[CLASS_REVERSE_DNS] = "the sending address has no proper name in DNS",
	[CLASS_SENDER] = "the sender's address was refused",
	[CLASS_SPAM] = "it was taken for spam",
	[CLASS_VIRUS] = "a virus was seen in it",
	[CLASS_CONTENT] = "its content was refused",
	[CLASS_POLICY] = "the destination's policy refused it",
	[CLASS_FORWARDING] = "the address it was forwarded to failed",
	[CLASS_RELAY] = "the destination's server does not know the domain",
	[CLASS_LOOP] = "the destination sends it round in a loop",
	[CLASS_TLS] = "no encrypted connection could be made",
	[CLASS_SERVER] = "the destination's server is misconfigured",
	[CLASS_SIZE] = "it is too large for the destination",
	[CLASS_PROTOCOL] = "the SMTP dialogue failed",
	[CLASS_SUPPRESSED] = "the address is blocked here",
	[CLASS_UNSUBSCRIBED] = "the reader has unsubscribed",
	[CLASS_OTHER] = "the reply does not say why",
};

const char *story_class_text(enum bounce_class class)
{
	const char *text =
	    class < BOUNCE_CLASS_COUNT ? class_texts[class] : NULL;

	return text != NULL ? text : class_texts[CLASS_OTHER];
}

void
story_init(struct story *s, struct arena *arena)
{
	*s = (struct story){ .arena = arena };
}

/* A copy in the arena; absent stays absent. */
static int
keep(struct story *s, struct slice from, struct slice *to)
{
	if (from.at == NULL)
		return 0;
	*to = arena_dup(s->arena, from);
	return to->at != NULL ? 0 : ERR_NOMEM;
}

static int
keep_facts(struct story *s, const struct event *e)
{
	struct event *f = &s->facts;
	int rc = 0;

	if (s->has_facts || (e->from.at == NULL && e->sender.at == NULL &&
				e->message_id.at == NULL))
		return 0;
	s->has_facts = true;
	if (keep(s, e->tenant, &f->tenant) < 0 ||
	    keep(s, e->return_path, &f->return_path) < 0 ||
	    keep(s, e->sender, &f->sender) < 0 ||
	    keep(s, e->from, &f->from) < 0 ||
	    keep(s, e->subject, &f->subject) < 0 ||
	    keep(s, e->message_id, &f->message_id) < 0 ||
	    keep(s, e->api_data, &f->api_data) < 0 ||
	    keep(s, e->source_ip, &f->source_ip) < 0 ||
	    keep(s, e->copy_of, &f->copy_of) < 0)
		rc = ERR_NOMEM;
	return rc;
}

/* Its recipient, made at its first event. */
static int
find(struct story *s, const struct event *e,
    struct story_recipient **ret_recipient)
{
	struct story_recipient *r = s->recipients;

	for (size_t i = 0; i < s->count; i++, r++)
		if (slice_eq(r->address, e->recipient) &&
		    slice_eq(r->queue_id, e->queue_id)) {
			*ret_recipient = r;
			return 0;
		}
	if (s->count == STORY_RECIPIENTS_MAX)
		return ERR_LIMIT;
	if (s->count == s->room) {
		size_t room = s->room == 0 ? ROOM_FIRST : s->room * 2;

		r = arena_calloc(s->arena, room, sizeof(*r));
		if (r == NULL)
			return ERR_NOMEM;
		if (s->count > 0)
			memcpy(r, s->recipients, s->count * sizeof(*r));
		s->recipients = r;
		s->room = room;
	}
	r = &s->recipients[s->count];
	r->state = EVENT_QUEUED;
	r->state_ms = e->created_ms;
	if (keep(s, e->recipient, &r->address) < 0 ||
	    keep(s, e->queue_id, &r->queue_id) < 0)
		return ERR_NOMEM;
	s->count++;
	*ret_recipient = r;
	return 0;
}

static int
take_attempt(struct story *s, struct story_recipient *r, const struct event *e)
{
	r->attempts++;
	r->state = e->type;
	r->state_ms = e->created_ms;
	r->status = e->status;
	r->class = report_class(e);
	r->origin = (struct slice){ NULL, 0 };
	if (keep(s, e->reason, &r->reason) < 0 ||
	    keep(s, e->relay, &r->relay) < 0 ||
	    keep(s, e->origin, &r->origin) < 0)
		return ERR_NOMEM;
	return 0;
}

static int
take(struct story *s, struct story_recipient *r, const struct event *e)
{
	if (e->type == EVENT_QUEUED) {
		r->queued_ms = e->created_ms;
		return 0;
	}
	if (e->type == EVENT_COMPLAINED) {
		r->complained_ms = e->created_ms;
		return 0;
	}
	if (e->type != EVENT_BOUNCED)
		return take_attempt(s, r, e);
	r->bounced_ms = e->created_ms;
	r->bounced_status = e->status;
	r->bounced_class = report_class(e);
	return keep(s, e->reason, &r->bounced_reason);
}

int
story_add(struct story *s, const struct event *e)
{
	const unsigned told = 1U << EVENT_QUEUED | 1U << EVENT_SUCCEEDED |
			      1U << EVENT_DEFERRED | 1U << EVENT_FAILED |
			      1U << EVENT_BOUNCED | 1U << EVENT_COMPLAINED;
	struct story_recipient *r;
	int rc;

	if ((told & 1U << e->type) == 0)
		return 0;
	if ((rc = keep_facts(s, e)) < 0 || (rc = find(s, e, &r)) < 0)
		return rc;
	return take(s, r, e);
}

static bool
is_suppressed(const struct story_recipient *r)
{
	return r->state == EVENT_FAILED &&
	       (r->status == STATUS_SUPPRESSED ||
		   r->status == STATUS_UNSUBSCRIBED);
}

const char *
story_state_word(const struct story_recipient *r)
{
	if (r->complained_ms != 0)
		return "complained";
	if (r->bounced_ms != 0)
		return "bounced";
	if (is_suppressed(r))
		return "suppressed";
	return r->state == EVENT_SUCCEEDED ? "delivered"
	       : r->state == EVENT_FAILED  ? "failed"
					   : "waiting";
}

static void
add_time(int64_t ms, const struct zone *zone, struct buf *out)
{
	char room[REPORT_TIME_MAX];

	(void)buf_add(out, room, report_time_format(ms, zone, room));
}

/* "0.4 s", "2 min", "3.5 h": how long a person would say. */
static void
add_length(int64_t ms, struct buf *out)
{
	if (ms < 60 * 1000)
		(void)buf_addf(out, "%" PRId64 ".%d s", ms / 1000,
		    (int)(ms % 1000 / 100));
	else if (ms < 2 * 3600 * 1000)
		(void)buf_addf(out, "%" PRId64 " min", ms / 60000);
	else
		(void)buf_addf(out, "%" PRId64 ".%d h", ms / 3600000,
		    (int)(ms % 3600000 / 360000));
}

/* "user unknown (2): the address does not exist; at fault is the recipient" */
static void
add_error(int status, enum bounce_class class, struct buf *out)
{
	for (const char *c = bounce_class_word(class); *c != '\0'; c++)
		(void)buf_add_char(out, *c == '-' ? ' ' : *c);
	if (status != STATUS_NONE)
		(void)buf_addf(out, " (%d)", status);
	(void)buf_addf(out, ": %s", story_class_text(class));
	if (bounce_class_fault(class) != FAULT_NONE)
		(void)buf_addf(out, "; at fault is the %s",
		    fault_word(bounce_class_fault(class)));
}

static void
add_quote(struct slice reason, struct buf *out)
{
	if (reason.len == 0)
		return;
	(void)buf_add_text(out, "; it said \"");
	utf8_safe(reason, out);
	(void)buf_add_char(out, '"');
}

static void
add_waiting(const struct story_recipient *r, const struct zone *zone,
    struct buf *out)
{
	if (r->attempts == 0) {
		(void)buf_add_text(out, "accepted at ");
		add_time(r->queued_ms != 0 ? r->queued_ms : r->state_ms, zone,
		    out);
		(void)buf_add_text(out, ", not tried yet");
		return;
	}
	(void)buf_addf(out, "still tried: %u attempt%s, the last one at ",
	    r->attempts, r->attempts == 1 ? "" : "s");
	add_time(r->state_ms, zone, out);
	(void)buf_add_text(out, ", ");
	add_error(r->status, r->class, out);
	add_quote(r->reason, out);
}

static void
add_success(const struct story_recipient *r, const struct zone *zone,
    struct buf *out)
{
	(void)buf_add_text(out, "delivered at ");
	add_time(r->state_ms, zone, out);
	if (r->relay.len > 0) {
		(void)buf_add_text(out, " to ");
		utf8_safe(r->relay, out);
	}
	if (r->queued_ms != 0 && r->state_ms >= r->queued_ms) {
		(void)buf_add_text(out, ", ");
		add_length(r->state_ms - r->queued_ms, out);
		(void)buf_add_text(out, " after it was accepted");
	}
	if (r->attempts > 1)
		(void)buf_addf(out, ", at attempt %u", r->attempts);
}

static void
add_failure(const struct story_recipient *r, const struct zone *zone,
    struct buf *out)
{
	(void)buf_add_text(out,
	    is_suppressed(r) ? "not sent at " : "failed at ");
	add_time(r->state_ms, zone, out);
	(void)buf_add_text(out, ", ");
	add_error(r->status, r->class, out);
	if (r->origin.len > 0) {
		(void)buf_add_text(out, "; by ");
		utf8_safe(r->origin, out);
	}
	if (!is_suppressed(r))
		add_quote(r->reason, out);
}

int
story_sentence(const struct story_recipient *r, const struct zone *zone,
    struct buf *out)
{
	size_t start = out->len;

	if (r->state == EVENT_SUCCEEDED)
		add_success(r, zone, out);
	else if (r->state == EVENT_FAILED)
		add_failure(r, zone, out);
	else if (r->bounced_ms == 0 && r->complained_ms == 0)
		add_waiting(r, zone, out);
	if (r->bounced_ms != 0) {
		(void)buf_add_text(out, out->len > start ? ", but a" : "a");
		(void)buf_add_text(out, " bounce came back at ");
		add_time(r->bounced_ms, zone, out);
		(void)buf_add_text(out, ", ");
		add_error(r->bounced_status, r->bounced_class, out);
		add_quote(r->bounced_reason, out);
	}
	if (r->complained_ms != 0) {
		(void)buf_add_text(out, out->len > start ? "; its" : "its");
		(void)buf_add_text(out, " reader called it spam at ");
		add_time(r->complained_ms, zone, out);
	}
	return out->rc;
}
