/* SPDX-License-Identifier: BSD-2-Clause */
/* The bodies of webhooks: Standard Webhooks, and Customers Mail Cloud's. */
#include "apid/webhook_body.h"

#include "apid/uri.h"
#include "proto/json.h"
#include "proto/rfc3339.h"
#include "util/err.h"

static const char *const kind_words[WEBHOOK_KINDS] = {
	[WEBHOOK_KIND_DELIVERIES] = "deliveries",
	[WEBHOOK_KIND_BOUNCES] = "bounces",
	[WEBHOOK_KIND_BLOCKS] = "blocks",
	[WEBHOOK_KIND_COMPLAINTS] = "complaints",
	[WEBHOOK_KIND_ALARMS] = "alarms",
	[WEBHOOK_KIND_INBOUND] = "inbound",
};

const char *
webhook_kind_word(enum webhook_kind kind)
{
	return kind_words[kind];
}

unsigned
webhook_kinds(const struct webhook *hook, enum event_type type, bool repeated)
{
	unsigned bits = 0;

	switch (type) {
	case EVENT_FAILED:
	case EVENT_BOUNCED:
		if ((hook->events & WEBHOOK_BOUNCES) != 0 && !repeated)
			bits |= 1U << WEBHOOK_KIND_BOUNCES;
		if (type == EVENT_BOUNCED)
			break;
		/* fall through */
	case EVENT_QUEUED:
	case EVENT_SUCCEEDED:
	case EVENT_DEFERRED:
		if ((hook->events & WEBHOOK_DELIVERIES) != 0 &&
		    (hook->deliveries & 1U << type) != 0)
			bits |= 1U << WEBHOOK_KIND_DELIVERIES;
		break;
	case EVENT_BLOCKED:
	case EVENT_UNBLOCKED:
	case EVENT_EXEMPTED:
		if ((hook->events & WEBHOOK_BLOCKS) != 0)
			bits |= 1U << WEBHOOK_KIND_BLOCKS;
		break;
	case EVENT_COMPLAINED:
		if ((hook->events & WEBHOOK_COMPLAINTS) != 0 && !repeated)
			bits |= 1U << WEBHOOK_KIND_COMPLAINTS;
		break;
	case EVENT_ALARM:
		if ((hook->events & WEBHOOK_ALARMS) != 0)
			bits |= 1U << WEBHOOK_KIND_ALARMS;
		break;
	case EVENT_INBOUND: /* for some: the filter says */
		if ((hook->events & WEBHOOK_INBOUND) != 0)
			bits |= 1U << WEBHOOK_KIND_INBOUND;
		break;
	case EVENT_OBSERVED: /* nothing happened to the mail */
	case EVENT_NTYPES:
		break;
	}
	return bits;
}

/* ---- Customers Mail Cloud ---- */

/* "name":"value" with a comma before all but the first; never absent. */
static void
member(struct buf *out, const char *name, struct slice value)
{
	if (out->len > 0 && out->at[out->len - 1] != '{')
		(void)buf_add_char(out, ',');
	(void)buf_addf(out, "\"%s\":", name);
	(void)json_print_string(value.at != NULL ? value : SLICE(""), out);
}

/* "2020-09-28 10:00:00" */
static void
member_created(struct buf *out, const struct event *e)
{
	char room[RFC3339_MAX];

	(void)rfc3339_format(e->created_ms * 1000, room);
	room[10] = ' ';
	member(out, "created", (struct slice){ room, 19 });
}

/* The address in a From field: what stands in the last angle brackets. */
static struct slice
from_address(const struct event *e)
{
	struct slice from = e->from.len > 0 ? e->from : e->sender;
	const char *open =
	    from.len > 0 ? memrchr(from.at, '<', from.len) : NULL;
	const char *close =
	    from.len > 0 ? memrchr(from.at, '>', from.len) : NULL;

	if (open == NULL || close == NULL || close < open)
		return from;
	return (struct slice){ open + 1, (size_t)(close - open) - 1 };
}

static void
cmc_delivery(const struct event *e, struct buf *out)
{
	static const struct slice none = { "", 0 };
	bool queued = e->type == EVENT_QUEUED;

	member_created(out, e);
	member(out, "returnPath",
	    e->return_path.len > 0 ? e->return_path : e->sender);
	member(out, "from", from_address(e));
	member(out, "to", e->recipient);
	member(out, "messageId", e->message_id);
	member(out, "reason", e->reason);
	member(out, "senderIp", queued ? none : e->sender_ip);
	member(out, "sourceIp", queued ? e->source_ip : none);
	member(out, "status", slice_of(event_type_word(e->type)));
	member(out, "subject", e->subject);
	member(out, "apiData", e->api_data);
}

/* What it is about, in the order of that product. */
static void
cmc_message(const struct event *e, struct buf *out)
{
	member(out, "from", from_address(e));
	member(out, "to", e->recipient);
	member(out, "messageId", e->message_id);
	member(out, "returnPath",
	    e->return_path.len > 0 ? e->return_path : e->sender);
	member(out, "subject", e->subject);
	member(out, "apiData", e->api_data);
	member(out, "reason", e->reason);
}

static void
cmc_bounce(const struct event *e, struct buf *out)
{
	char digits[4] = { (char)('0' + e->status / 10 % 10),
		(char)('0' + e->status % 10) };

	member_created(out, e);
	member(out, "status", slice_of(digits + (e->status < 10)));
	cmc_message(e, out);
}

/* The words for cancel and delete are the product's verbs; it never said. */
static void
cmc_block(const struct event *e, struct buf *out)
{
	member(out, "address", e->recipient);
	member_created(out, e);
	member(out, "status",
	    e->type == EVENT_BLOCKED     ? SLICE("registered")
	    : e->type == EVENT_UNBLOCKED ? SLICE("canceled")
					 : SLICE("deleted"));
}

/* That product has neither complaints nor alarms: its shape, our words. */
static void
cmc_complaint(const struct event *e, struct buf *out)
{
	member_created(out, e);
	cmc_message(e, out);
}

static void
cmc_alarm(const struct event *e, struct buf *out)
{
	member_created(out, e);
	member(out, "type", e->origin);
	member(out, "target", e->recipient);
	member(out, "reason", e->reason);
}

static void
cmc_event(enum webhook_kind kind, const struct event *events, size_t count,
    struct buf *out)
{
	static void (*const print[WEBHOOK_KINDS])(const struct event *,
	    struct buf *) = {
		[WEBHOOK_KIND_DELIVERIES] = cmc_delivery,
		[WEBHOOK_KIND_BOUNCES] = cmc_bounce,
		[WEBHOOK_KIND_BLOCKS] = cmc_block,
		[WEBHOOK_KIND_COMPLAINTS] = cmc_complaint,
		[WEBHOOK_KIND_ALARMS] = cmc_alarm,
	};

	(void)buf_addf(out, "{\"%s\":[", kind_words[kind]);
	for (size_t i = 0; i < count; i++) {
		(void)buf_add_text(out, i > 0 ? ",{" : "{");
		print[kind](&events[i], out);
		(void)buf_add_char(out, '}');
	}
	(void)buf_add_text(out, "]}");
}

static struct slice
composition(const struct tenant *t)
{
	return t->title.len > 0 ? t->title : t->name;
}

static int
cmc_json(const struct webhook *hook, const struct tenant *t,
    enum webhook_kind kind, const struct event *events, size_t count,
    struct buf *out)
{
	(void)buf_add_char(out, '{');
	if (hook->api_key.len > 0)
		member(out, "api_key", hook->api_key);
	member(out, "event_type", slice_of(kind_words[kind]));
	member(out, "server_composition", composition(t));
	(void)buf_add_text(out, ",\"event\":");
	cmc_event(kind, events, count, out);
	return buf_add_char(out, '}');
}

static int
cmc_form(const struct webhook *hook, const struct tenant *t,
    enum webhook_kind kind, const struct event *events, size_t count,
    struct buf *out)
{
	struct buf event;

	if (hook->api_key.len > 0) {
		(void)buf_add_text(out, "api_key=");
		(void)uri_encode(hook->api_key, out);
		(void)buf_add_char(out, '&');
	}
	(void)buf_add_text(out, "server_composition=");
	(void)uri_encode(composition(t), out);
	(void)buf_addf(out, "&event_type=%s&event=", kind_words[kind]);
	buf_init(&event, out->max);
	cmc_event(kind, events, count, &event);
	(void)uri_encode(buf_slice(&event), out);
	if (event.rc < 0 && out->rc == 0)
		out->rc = event.rc;
	buf_done(&event);
	return out->rc;
}

/* ---- Standard Webhooks ---- */

static int
standard(enum webhook_kind kind, const struct event *events, size_t count,
    int64_t now_us, struct buf *out)
{
	char room[RFC3339_MAX];

	(void)rfc3339_format(now_us, room);
	(void)buf_addf(out,
	    "{\"type\":\"%s.batch\",\"timestamp\":\"%s\",\"data\":[",
	    kind_words[kind], room);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			(void)buf_add_char(out, ',');
		(void)event_to_json(&events[i], out);
	}
	return buf_add_text(out, "]}");
}

int
webhook_body(const struct webhook *hook, const struct tenant *tenant,
    enum webhook_kind kind, const struct event *events, size_t count,
    int64_t now_us, struct buf *out)
{
	switch (hook->format) {
	case WEBHOOK_STANDARD:
		return standard(kind, events, count, now_us, out);
	case WEBHOOK_CMC_JSON:
		return cmc_json(hook, tenant, kind, events, count, out);
	case WEBHOOK_CMC_FORM:
		return cmc_form(hook, tenant, kind, events, count, out);
	}
	return ERR_CONFIG;
}

const char *
webhook_content_type(const struct webhook *hook)
{
	return hook->format == WEBHOOK_CMC_FORM
		   ? "application/x-www-form-urlencoded"
		   : "application/json";
}
