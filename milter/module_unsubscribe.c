/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One-click unsubscribe (RFC 8058, RFC 2369): the first filter that matches
 * names the list, and each recipient gets a link of its own.  Recipients with
 * different links can not share a message: module_split gives each a copy,
 * which comes by here again and then gets its fields.
 */
#include "milter/milter.h"
#include "milter/module.h"
#include "proto/filter.h"
#include "proto/unsubscribe_token.h"
#include "service/metrics.h"
#include "util/err.h"
#include "util/log.h"

#define FIELD "List-Unsubscribe"
#define FIELD_POST "List-Unsubscribe-Post"
/* RFC 5322, 2.1.1: "Each line of characters MUST be no more than 998". */
#define LINE_MAX_OCTETS 998
/* Copies that one message may become; said in postern-milter(8). */
#define LINKS_MAX 1000

struct unsubscribe_state {
	bool looked;
	bool kept; /* left alone: it has fields of its own */
	/* Of each filter about the header, once it was asked. */
	enum answer {
		NOT_ASKED,
		MATCHES,
		NOT
	} *
	    answers; /* NULL: no filters */
};

static const struct unsubscribe_settings *
settings_of(const struct message *msg)
{
	return &msg->tenant->unsubscribe;
}

static bool
match(struct message *msg, const struct unsubscribe_filter *f,
    struct slice address)
{
	static struct log_limit limit;
	struct filter_values *values = message_values(msg);
	unsigned long missed;
	int rc = values != NULL ? filter_match(f->filter, values, address) : 0;

	if (rc == ERR_LIMIT && log_limit_ok(&limit, 60, &missed))
		log_warning("%.*s: unsubscribe filter %.*s of tenant %.*s "
			    "gives up: its expression takes too long; it does "
			    "not match (%lu more messages since the last "
			    "warning)",
		    SLICE_F(msg->queue_id), SLICE_F(f->name),
		    SLICE_F(msg->tenant->name), missed);
	return rc == 1;
}

/* Filters about the header are asked once for all recipients. */
static bool
match_once(struct message *msg, struct unsubscribe_state *s, size_t i,
    struct slice address)
{
	const struct unsubscribe_filter *f = &settings_of(msg)->filters[i];

	if (filter_is_recipient(f->filter))
		return match(msg, f, address);
	if (s->answers[i] == NOT_ASKED)
		s->answers[i] = match(msg, f, address) ? MATCHES : NOT;
	return s->answers[i] == MATCHES;
}

/* The list that this recipient would leave; NULL: none. */
static const struct unsubscribe_filter *
list_of(struct message *msg, struct unsubscribe_state *s,
    const struct message_rcpt *r)
{
	const struct unsubscribe_settings *u = settings_of(msg);

	for (size_t i = 0; i < u->filter_count; i++)
		if (match_once(msg, s, i, r->address))
			return &u->filters[i];
	return NULL;
}

/* Decides once what all recipients share. */
static void
look(struct message *msg, struct unsubscribe_state *s)
{
	const struct unsubscribe_settings *u = settings_of(msg);

	if (s->looked)
		return;
	s->looked = true;
	if (u->filter_count == 0)
		return;
	s->kept = u->existing == UNSUBSCRIBE_KEEP &&
		  message_find(msg, FIELD, 0) != NULL;
	s->answers =
	    arena_calloc(msg->arena, u->filter_count, sizeof(*s->answers));
}

/* FNV-1a.  Two addresses with one number are found by unsubscribe_eom. */
static uint64_t
number_of(struct slice address)
{
	uint64_t number = 0xcbf29ce484222325U;

	for (size_t i = 0; i < address.len; i++)
		number =
		    (number ^ (unsigned char)address.at[i]) * 0x100000001b3U;
	return number != 0 ? number : 1;
}

static uint64_t
unsubscribe_treatment(struct message *msg, void *state,
    const struct message_rcpt *rcpt)
{
	struct unsubscribe_state *s = state;

	look(msg, s);
	if (s->answers == NULL || s->kept || list_of(msg, s, rcpt) == NULL)
		return 0;
	return number_of(rcpt->address);
}

/* ---- the fields ---- */

/* RFC 6068, 2: what may stand in the local part of a mailto address. */
static void
add_mailto(struct buf *out, struct slice address)
{
	static const char digits[] = "0123456789ABCDEF";
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789"
				    "-._~!$'*+@";

	for (size_t i = 0; i < address.len; i++) {
		unsigned char c = (unsigned char)address.at[i];

		if (c != '\0' && strchr(plain, c) != NULL) {
			(void)buf_add_char(out, (char)c);
			continue;
		}
		(void)buf_add_char(out, '%');
		(void)buf_add_char(out, digits[c >> 4]);
		(void)buf_add_char(out, digits[c & 15]);
	}
}

/* "<https://...>,\n\t<mailto:...>", folded so that each has its line. */
static int
format(const struct unsubscribe_settings *u, struct slice token,
    struct buf *out)
{
	size_t first;

	(void)buf_add_char(out, '<');
	(void)buf_add_slice(out, u->url);
	(void)buf_add_slice(out, token);
	(void)buf_add_char(out, '>');
	first = sizeof(FIELD ": ,") - 1 + out->len;
	if (u->mailto.len > 0) {
		size_t before = out->len;

		(void)buf_add_text(out, ",\n\t<mailto:");
		add_mailto(out, u->mailto);
		(void)buf_add_text(out, "?subject=");
		(void)buf_add_slice(out, token);
		(void)buf_add_char(out, '>');
		if (out->rc == 0 && out->len - before > LINE_MAX_OCTETS)
			return ERR_LIMIT;
	}
	return out->rc == 0 && first > LINE_MAX_OCTETS ? ERR_LIMIT : out->rc;
}

static void
delete_fields(struct message *msg, const char *name)
{
	for (size_t i = 0; i < msg->field_count; i++)
		if (slice_eq_nocase(msg->fields[i].field.name, slice_of(name)))
			message_delete_field(msg, i);
}

static int
add_fields(struct message *msg, const struct unsubscribe_filter *list,
    struct slice address)
{
	struct unsubscribe_token token = { .tenant = msg->tenant->name,
		.list = list->name,
		.address = address,
		.made_s = msg->arrived_ms / 1000 };
	char room[UNSUBSCRIBE_TOKEN_MAX];
	struct slice text;
	struct buf value;
	int rc = unsubscribe_token_format(msg->host->unsubscribe_key, &token,
	    room, &text);

	if (rc < 0)
		return rc;
	buf_init(&value, 4 * LINE_MAX_OCTETS);
	rc = format(settings_of(msg), text, &value);
	if (rc == 0) {
		/* Those that are there would make two of each. */
		delete_fields(msg, FIELD);
		delete_fields(msg, FIELD_POST);
		rc = message_add_top(msg, FIELD_POST,
		    SLICE("List-Unsubscribe=One-Click"));
	}
	if (rc == 0)
		rc = message_add_top(msg, FIELD, buf_slice(&value));
	buf_done(&value);
	return rc;
}

static enum verdict
no_fields(struct message *msg, const struct unsubscribe_filter *list, int rc)
{
	static struct log_limit limit;
	unsigned long missed;

	if (rc != ERR_LIMIT)
		return VERDICT_TEMPFAIL;
	if (log_limit_ok(&limit, 60, &missed))
		log_warning("%.*s: no unsubscribe link for list %.*s: the "
			    "address is too long; mail leaves without (%lu "
			    "more messages since the last warning)",
		    SLICE_F(msg->queue_id), SLICE_F(list->name), missed);
	return VERDICT_NEXT;
}

/*
 * All that are left must have the same link.  Others are here only if the
 * message could not be split: nobody may get somebody else's link.
 */
static enum verdict
unsubscribe_eom(struct message *msg, void *state)
{
	struct unsubscribe_state *s = state;
	const struct message_rcpt *only = NULL;
	const struct unsubscribe_filter *list = NULL;
	int rc;

	look(msg, s);
	if (settings_of(msg)->filter_count == 0)
		return VERDICT_NEXT;
	if (s->answers == NULL || message_values(msg) == NULL)
		return VERDICT_TEMPFAIL;
	for (size_t i = 0; i < msg->rcpt_count; i++) {
		const struct message_rcpt *r = &msg->rcpts[i];
		const struct unsubscribe_filter *its;

		if (r->fate != RCPT_GOES)
			continue;
		its = list_of(msg, s, r);
		if (its != NULL && s->kept) {
			metrics_add(METRIC_MILTER_UNSUBSCRIBE_KEPT, 1);
			message_note(msg, "unsubscribe", SLICE("kept"));
			return VERDICT_NEXT;
		}
		if (only != NULL &&
		    (its != list || (its != NULL && !slice_eq(r->address,
							only->address)))) {
			message_reply(msg, "4.3.0",
			    "Message can not be split, try later");
			return VERDICT_TEMPFAIL;
		}
		only = r;
		list = its;
	}
	if (list == NULL)
		return VERDICT_NEXT;
	if ((rc = add_fields(msg, list, only->address)) < 0)
		return no_fields(msg, list, rc);
	metrics_add(METRIC_MILTER_UNSUBSCRIBE_ADDED, 1);
	message_note(msg, "unsubscribe", list->name);
	return VERDICT_NEXT;
}

const struct module module_unsubscribe = {
	.name = "unsubscribe",
	.kinds = KIND_FIRST | KIND_SPLIT,
	.state_size = sizeof(struct unsubscribe_state),
	.treatment = unsubscribe_treatment,
	.eom = unsubscribe_eom,
};

/*
 * Before the message is split: what would become more copies than a client's
 * patience lasts for is refused for good, as it would be every time.
 */
static enum verdict
limit_eom(struct message *msg, void *state)
{
	struct unsubscribe_state *s = state;
	size_t links = 0;

	if (msg->rcpt_count <= LINKS_MAX)
		return VERDICT_NEXT;
	look(msg, s);
	if (s->answers == NULL || s->kept)
		return VERDICT_NEXT;
	/* Those that a forwarding rule added are not the client's fault. */
	for (size_t i = 0; i < msg->rcpt_count; i++)
		links += msg->rcpts[i].fate == RCPT_GOES &&
			 !msg->rcpts[i].added &&
			 list_of(msg, s, &msg->rcpts[i]) != NULL;
	if (links <= LINKS_MAX)
		return VERDICT_NEXT;
	message_reply(msg, "5.5.3",
	    "Too many recipients for unsubscribe links of their own: at most "
	    "1000 in a message");
	return VERDICT_REJECT;
}

const struct module module_unsubscribe_limit = {
	.name = "unsubscribe_limit",
	.kinds = KIND_FIRST,
	.state_size = sizeof(struct unsubscribe_state),
	.eom = limit_eom,
};
