/* SPDX-License-Identifier: BSD-2-Clause */
/* Events: their fields, and their JSON (times as in RFC 3339). */
#include "proto/event.h"

#include <time.h>

#include "proto/json.h"
#include "proto/status.h"
#include "util/err.h"
#include "util/number.h"

static const struct {
	char letter;
	const char *word;
} types[EVENT_NTYPES] = {
	[EVENT_QUEUED] = { 'q', "queued" },
	[EVENT_SUCCEEDED] = { 's', "succeeded" },
	[EVENT_DEFERRED] = { 'd', "deferred" },
	[EVENT_FAILED] = { 'f', "failed" },
	[EVENT_BOUNCED] = { 'b', "bounced" },
	[EVENT_BLOCKED] = { 'k', "blocked" },
	[EVENT_UNBLOCKED] = { 'u', "unblocked" },
	[EVENT_EXEMPTED] = { 'e', "exempted" },
	[EVENT_OBSERVED] = { 'o', "observed" },
	[EVENT_COMPLAINED] = { 'c', "complained" },
	[EVENT_INBOUND] = { 'i', "inbound" },
	[EVENT_ALARM] = { 'a', "alarm" },
};

const char *
event_type_word(enum event_type type)
{
	return type < EVENT_NTYPES ? types[type].word : "unknown";
}

int
event_type_parse(struct slice word, enum event_type *ret_type)
{
	for (unsigned i = 0; i < EVENT_NTYPES; i++)
		if (slice_eq(word, slice_of(types[i].word))) {
			*ret_type = (enum event_type)i;
			return 0;
		}
	return ERR_SYNTAX;
}

char
event_type_letter(enum event_type type)
{
	return type < EVENT_NTYPES ? types[type].letter : '?';
}

int
event_type_of_letter(char letter, enum event_type *ret_type)
{
	for (unsigned i = 0; i < EVENT_NTYPES; i++)
		if (letter == types[i].letter) {
			*ret_type = (enum event_type)i;
			return 0;
		}
	return ERR_SYNTAX;
}

/* ---- facts ---- */

/* In the order of their field. */
#define FACTS EVENT_FACTS
static void
facts_of(struct event *e, struct slice *ret_facts[FACTS])
{
	struct slice *const all[FACTS] = { &e->return_path, &e->sender,
		&e->from, &e->subject, &e->message_id, &e->api_data,
		&e->source_ip, &e->sender_ip, &e->forward_to, &e->preflight,
		&e->copy_of, &e->stream };

	memcpy(ret_facts, all, sizeof(all));
}
#define FACTS_PATHS 2 /* the first ones may be the null reverse-path */

/* A cut never leaves half a UTF-8 character. */
static struct slice
cut(struct slice s)
{
	size_t n = EVENT_VALUE_MAX;

	if (s.len <= n)
		return s;
	while (n > 0 && ((unsigned char)s.at[n] & 0xc0) == 0x80)
		n--;
	return (struct slice){ s.at, n };
}

static void
put_fact(struct slice s, bool path, struct buf *out)
{
	size_t start = out->len;

	if (path && s.at != NULL && s.len == 0)
		s = SLICE("<>");
	if (buf_add_slice(out, cut(s)) < 0)
		return;
	for (size_t i = start; i < out->len; i++)
		if ((unsigned char)out->at[i] < ' ' || out->at[i] == 0x7f)
			out->at[i] = ' ';
}

int
event_facts_format(const struct event *e, struct buf *out)
{
	struct event copy = *e;
	struct slice *facts[FACTS];
	size_t last = FACTS;

	facts_of(&copy, facts);
	while (last > 0 && facts[last - 1]->at == NULL)
		last--;
	for (size_t i = 0; i < last; i++) {
		if (i > 0)
			(void)buf_add_char(out, '\t');
		put_fact(*facts[i], i < FACTS_PATHS, out);
	}
	return out->rc;
}

void
event_facts_parse(struct slice text, struct event *e)
{
	struct slice *facts[FACTS], rest = text, value;

	facts_of(e, facts);
	for (size_t i = 0; i < FACTS && slice_split(&rest, '\t', &value); i++) {
		if (value.len == 0)
			continue;
		if (i < FACTS_PATHS && slice_eq(value, SLICE("<>")))
			value.len = 0;
		*facts[i] = value;
	}
}

/* ---- fields ---- */

int
event_to_fields(const struct event *e, struct buf *facts,
    struct event_fields *ret_fields)
{
	struct event_fields *f = ret_fields;
	int rc;

	buf_clear(facts);
	if ((rc = event_facts_format(e, facts)) < 0)
		return rc;
	struct slice status = { f->status, 0 }, created = { f->created, 0 };
	struct slice class = { f->class, 0 };
	if (e->status > 0)
		status.len = number_format((uint64_t)e->status, f->status);
	if (e->count > 0) {
		f->status[status.len++] = '*';
		status.len += number_format(e->count, f->status + status.len);
	}
	if (e->class > CLASS_NONE)
		class.len = number_format((uint64_t)e->class, f->class);
	if (e->created_ms > 0)
		created.len =
		    number_format((uint64_t)e->created_ms, f->created);
	const struct slice at[2 * EVENT_FIELDS] = {
		SLICE("t"),
		{ &types[e->type].letter, 1 }, /**/
		SLICE("n"),
		cut(e->tenant), /**/
		SLICE("r"),
		cut(e->recipient), /**/
		SLICE("q"),
		cut(e->queue_id), /**/
		SLICE("m"),
		cut(e->message), /**/
		SLICE("s"),
		status, /**/
		SLICE("c"),
		class, /**/
		SLICE("d"),
		e->repeated ? SLICE("1") : SLICE(""), /**/
		SLICE("w"),
		created, /**/
		SLICE("x"),
		cut(e->reason), /**/
		SLICE("y"),
		cut(e->relay), /**/
		SLICE("o"),
		cut(e->origin), /**/
		SLICE("f"),
		buf_slice(facts),
	};
	memcpy(f->at, at, sizeof(at));
	return 0;
}

/* "STATUS", "STATUS*COUNT" or "*COUNT" */
int
event_status_parse(struct slice value, struct event *e)
{
	struct slice rest = value, status;
	uint64_t n = 0, count = 0;

	if (!slice_split(&rest, '*', &status) ||
	    (status.len > 0 && number_parse(status, 0, 999, &n) < 0) ||
	    (rest.at != NULL && number_parse(rest, 0, UINT64_MAX, &count) < 0))
		return ERR_SYNTAX;
	e->status = (int)n;
	e->count = count;
	return 0;
}

static int
take_field(char name, struct slice value, struct event *e)
{
	uint64_t n;

	switch (name) {
	case 't':
		return value.len == 1
			   ? event_type_of_letter(value.at[0], &e->type)
			   : ERR_SYNTAX;
	case 'n':
		e->tenant = value;
		break;
	case 'r':
		e->recipient = value;
		break;
	case 'q':
		e->queue_id = value;
		break;
	case 'm':
		e->message = value;
		break;
	case 's':
		return event_status_parse(value, e);
	case 'c':
		if (number_parse(value, 0, BOUNCE_CLASS_COUNT - 1, &n) < 0)
			n = CLASS_NONE; /* of a later version */
		e->class = (enum bounce_class)n;
		break;
	case 'd':
		e->repeated = true;
		break;
	case 'w':
		if (number_parse(value, 0, INT64_MAX, &n) < 0)
			return ERR_SYNTAX;
		e->created_ms = (int64_t)n;
		break;
	case 'x':
		e->reason = value;
		break;
	case 'y':
		e->relay = value;
		break;
	case 'o':
		e->origin = value;
		break;
	case 'f':
		event_facts_parse(value, e);
		break;
	}
	return 0;
}

int
event_from_fields(const struct slice *at, size_t count, struct event *ret_event)
{
	struct event e = { .type = EVENT_NTYPES };

	for (size_t i = 0; i + 1 < count; i += 2) {
		if (at[i].len != 1 || at[i + 1].len == 0)
			continue;
		if (take_field(at[i].at[0], at[i + 1], &e) < 0)
			return ERR_SYNTAX;
	}
	if (e.type == EVENT_NTYPES)
		return ERR_SYNTAX;
	*ret_event = e;
	return 0;
}

/* ---- JSON ---- */

static void
put_name(struct buf *out, const char *name)
{
	if (out->len > 0 && out->at[out->len - 1] != '{')
		(void)buf_add_char(out, ',');
	(void)buf_add_char(out, '"');
	(void)buf_add_text(out, name);
	(void)buf_add_text(out, "\":");
}

static void
put_text(struct buf *out, const char *name, struct slice value)
{
	if (value.at == NULL)
		return;
	put_name(out, name);
	if (json_print_string(value, out) < 0 && out->rc == 0)
		out->rc = ERR_NOMEM;
}

static void
put_time(struct buf *out, const char *name, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm = { 0 };
	char text[40];

	if (ms < 0 || gmtime_r(&t, &tm) == NULL)
		return;
	size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	put_name(out, name);
	(void)buf_addf(out, "\"%.*s.%03dZ\"", (int)n, text, (int)(ms % 1000));
}

/* Words with blanks between, as an array. */
static void
put_words(struct buf *out, const char *name, struct slice words)
{
	struct slice word;
	bool first = true;

	if (words.len == 0)
		return;
	put_name(out, name);
	(void)buf_add_char(out, '[');
	while (slice_split(&words, ' ', &word)) {
		if (word.len == 0)
			continue;
		if (!first)
			(void)buf_add_char(out, ',');
		if (json_print_string(word, out) < 0 && out->rc == 0)
			out->rc = ERR_NOMEM;
		first = false;
	}
	(void)buf_add_char(out, ']');
}

int
event_to_json(const struct event *e, struct buf *out)
{
	char number[NUMBER_TEXT_MAX];

	(void)buf_add_char(out, '{');
	put_text(out, "id", e->id);
	put_time(out, "created", e->created_ms);
	put_text(out, "type", slice_of(event_type_word(e->type)));
	put_text(out, "tenant", e->tenant);
	put_text(out, "recipient", e->recipient);
	put_text(out, "queue_id", e->queue_id);
	put_text(out, "message", e->message);
	if (e->status > 0) {
		put_name(out, "status");
		(void)buf_add(out, number,
		    number_format((uint64_t)e->status, number));
		put_text(out, "status_name", slice_of(status_word(e->status)));
	}
	if (e->count > 0) {
		put_name(out, "count");
		(void)buf_add(out, number, number_format(e->count, number));
	}
	if (e->class != CLASS_NONE)
		put_text(out, "class", slice_of(bounce_class_word(e->class)));
	if (e->repeated) {
		put_name(out, "repeated");
		(void)buf_add_text(out, "true");
	}
	put_text(out, "reason", e->reason);
	put_text(out, "relay", e->relay);
	put_text(out, "origin", e->origin);
	put_text(out, "return_path", e->return_path);
	put_text(out, "sender", e->sender);
	put_text(out, "from", e->from);
	put_text(out, "subject", e->subject);
	put_text(out, "message_id", e->message_id);
	put_text(out, "api_data", e->api_data);
	put_text(out, "source_ip", e->source_ip);
	put_text(out, "sender_ip", e->sender_ip);
	put_words(out, "preflight", e->preflight);
	put_text(out, "copy_of", e->copy_of);
	put_text(out, "stream", e->stream);
	(void)buf_add_char(out, '}');
	return out->rc;
}
