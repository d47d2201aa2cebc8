/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a mail that came back, decoded; RFC 3462, RFC 2045. */
#include "proto/bounce_parts.h"

#include "proto/charset.h"
#include "proto/encoded_word.h"
#include "proto/mime.h"
#include "util/err.h"

#define MINE_MAX 2048                   /* of From, To and Delivered-To */
#define HEADER_MAX ((size_t)128 * 1024) /* octets that are read */
#define SUBJECT_MAX 1000
#define FROM_MAX 1000

bool
bounce_words_init(struct slice text, struct arena *arena,
    struct classify_text *ret_words)
{
	char *room = arena_alloc(arena, CLASSIFY_TEXT_MAX);

	if (room == NULL)
		return false;
	classify_text_init(ret_words,
	    (struct slice){ room, classify_normalize(text, room) });
	return true;
}

bool
bounce_words_in(struct slice text, struct slice pattern)
{
	char room[CLASSIFY_TEXT_MAX];
	struct slice lower = { room, classify_normalize(text, room) };

	return classify_match(pattern, lower);
}

static struct slice
transfer_decoded(struct arena *arena, const struct mime_part *part)
{
	struct slice copy = part->body;
	struct buf b;

	if (part->encoding == MIME_IDENTITY) {
		if (copy.len > BOUNCE_TEXT_MAX)
			copy.len = BOUNCE_TEXT_MAX;
		return copy;
	}
	buf_init(&b, BOUNCE_TEXT_MAX);
	(void)mime_decode(part, &b);
	copy = b.len > 0 ? arena_dup(arena, buf_slice(&b)) : SLICE("");
	buf_done(&b);
	return copy;
}

/* Japanese mail of old says nothing and is ISO 2022 all the same. */
static bool
is_iso_2022(struct slice text)
{
	return memchr(text.at, '\033', text.len) != NULL &&
	       slice_find(text, SLICE("\033$")) != NULL;
}

static struct slice
in_utf8(struct arena *arena, struct slice text, struct slice charset)
{
	struct buf b;

	if (text.len > 0 &&
	    (charset.len == 0 || slice_eq_nocase(charset, SLICE("us-ascii"))) &&
	    is_iso_2022(text))
		charset = SLICE("iso-2022-jp");
	if (charset.len == 0)
		return text;
	buf_init(&b, (size_t)2 * BOUNCE_TEXT_MAX);
	if (charset_to_utf8(text, charset, &b) != ERR_NOTFOUND && b.len > 0)
		text = arena_dup(arena, buf_slice(&b));
	buf_done(&b);
	return text;
}

static struct slice
decoded(struct arena *arena, const struct mime_part *part)
{
	return in_utf8(arena, transfer_decoded(arena, part), part->charset);
}

static struct slice
header_of(struct slice body)
{
	struct slice rest = body, name, value;

	while (mime_field_next(&rest, &name, &value))
		;
	return (struct slice){ body.at, body.len - rest.len };
}

/* ---- the mail's own header ---- */

static const struct {
	struct slice name;
	enum bounce_field field;
} field_names[] = {
	{ SLICE("From"), FIELD_FROM },
	{ SLICE("To"), FIELD_TO },
	{ SLICE("Subject"), FIELD_SUBJECT },
	{ SLICE("Return-Path"), FIELD_RETURN_PATH },
	{ SLICE("Delivered-To"), FIELD_DELIVERED_TO },
	{ SLICE("Auto-Submitted"), FIELD_AUTO_SUBMITTED },
	{ SLICE("Precedence"), FIELD_PRECEDENCE },
	{ SLICE("X-Failed-Recipients"), FIELD_FAILED },
	{ SLICE("X-Autoreply"), FIELD_AUTOREPLY },
	{ SLICE("X-Autorespond"), FIELD_AUTOREPLY },
	{ SLICE("X-MLServer"), FIELD_ML_SERVER },
	{ SLICE("List-Unsubscribe"), FIELD_LIST },
};

static void
read_fields(struct bounce_parts *m)
{
	struct slice rest = m->header, name, value;
	size_t count = sizeof(field_names) / sizeof(*field_names);

	while (mime_field_next(&rest, &name, &value))
		for (size_t i = 0; i < count; i++) {
			enum bounce_field f = field_names[i].field;

			if (name.len == field_names[i].name.len &&
			    m->field[f].at == NULL &&
			    slice_eq_nocase(name, field_names[i].name))
				m->field[f] = value;
		}
}

/* Addresses of the two who write and get this mail. */
static void
find_mine(struct bounce_parts *m)
{
	static const enum bounce_field fields[] = { FIELD_FROM, FIELD_TO,
		FIELD_DELIVERED_TO };
	char *to = arena_alloc(m->arena, MINE_MAX);
	size_t n = 0;

	if (to == NULL)
		return;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct slice v = m->field[fields[i]];

		for (size_t j = 0; j < v.len && j < MINE_MAX / 4; j++)
			to[n++] = (char)(v.at[j] >= 'A' && v.at[j] <= 'Z'
					     ? v.at[j] + 32
					     : v.at[j]);
		to[n++] = ' ';
	}
	m->mine = (struct slice){ to, n };
}

static void
find_subject(struct bounce_parts *m)
{
	struct slice raw = m->field[FIELD_SUBJECT];
	struct buf b;

	if (raw.len > SUBJECT_MAX)
		raw.len = SUBJECT_MAX;
	m->subject = in_utf8(m->arena, raw, (struct slice){ NULL, 0 });
	if (slice_find(raw, SLICE("=?")) == NULL)
		return;
	buf_init(&b, SUBJECT_MAX);
	if (encoded_word_decode(raw, &b) == 0 && b.len > 0)
		m->subject = arena_dup(m->arena, buf_slice(&b));
	buf_done(&b);
}

/* ---- its parts ---- */

/*
 * Fields of a report inside a text: some gateways send them as a plain part,
 * or quote a whole report.
 */
static bool
has_fields(struct slice text)
{
	struct slice line;
	bool address = false, more = false;

	while (mime_line(&text, &line)) {
		if (line.len < 8 || memchr("FOASfoas", line.at[0], 8) == NULL)
			continue;
		if (slice_starts_nocase(line, SLICE("Final-Recipient:")) ||
		    slice_starts_nocase(line, SLICE("Original-Recipient:")))
			address = true;
		else if (slice_starts_nocase(line, SLICE("Action:")) ||
			 slice_starts_nocase(line, SLICE("Status:")))
			more = true;
		if (address && more)
			return true;
	}
	return false;
}

static void
take_text(struct bounce_parts *m, struct slice text)
{
	if (m->report.at == NULL && text.len > 0 && has_fields(text))
		m->report = text;
	if (slice_trim(m->text).len == 0)
		m->text = text;
}

static bool
is_returned(const struct mime_part *p)
{
	return mime_is(p, "message/rfc822") || mime_is(p, "message/global") ||
	       mime_is(p, "text/rfc822-headers") ||
	       mime_is(p, "message/global-headers") ||
	       mime_is(p, "message/partial");
}

static void
take_returned(struct bounce_parts *m, const struct mime_part *p)
{
	if (m->returned.at != NULL)
		return;
	m->returned = header_of(decoded(m->arena, p));
	if (p->encoding == MIME_IDENTITY && mime_is(p, "message/rfc822"))
		m->inner = p->body;
}

static void
take(struct slice *field, struct bounce_parts *m, const struct mime_part *p)
{
	if (field->at == NULL)
		*field = decoded(m->arena, p);
}

/* Its own part counts, whatever a text before it had. */
static void
take_report(struct bounce_parts *m, const struct mime_part *p)
{
	if (m->has_report)
		return;
	m->has_report = true;
	m->report = decoded(m->arena, p);
}

static void
collect(struct bounce_parts *m, const struct mime *mime)
{
	struct slice html = { NULL, 0 };

	for (size_t i = 0; i < mime->count; i++) {
		const struct mime_part *p = &mime->parts[i];

		if (mime_is(p, "message/delivery-status") ||
		    mime_is(p, "message/global-delivery-status"))
			take_report(m, p);
		else if (mime_is(p, "message/feedback-report"))
			take(&m->feedback, m, p);
		else if (mime_is(p, "message/disposition-notification") ||
			 mime_is(p, "message/global-disposition-notification"))
			take(&m->receipt, m, p);
		else if (is_returned(p))
			take_returned(m, p);
		else if (mime_is(p, "text/html"))
			take(&html, m, p);
		else if (slice_starts_nocase(p->type, SLICE("text")))
			take_text(m, decoded(m->arena, p));
	}
	if (slice_trim(m->text).len == 0 && html.at != NULL)
		m->text = bounce_html_text(html, m->arena);
	/* A multipart whose boundary was lost on the way. */
	for (size_t i = 0; i < mime->count && m->text.len == 0; i++)
		if (mime->parts[i].body.len > 0)
			take_text(m, decoded(m->arena, &mime->parts[i]));
}

/* What is quoted, where nothing is attached. */
static void
split_copy(struct bounce_parts *m)
{
	struct slice text = m->text, copy = { NULL, 0 }, line;

	bounce_copy_split(text, &m->text, &copy);
	m->copy = copy;
	if (m->returned.at != NULL || copy.len == 0)
		return;
	/* The mark itself, and empty lines before the header. */
	for (int i = 0; i < 6 && copy.len > 0; i++) {
		struct slice rest = copy;

		if (!mime_line(&rest, &line) ||
		    (line.len > 0 && line.at[0] != '-' &&
			memchr(line.at, ':', line.len) != NULL))
			break;
		copy = rest;
	}
	m->returned = header_of(copy);
	m->inner = copy;
}

static bool
delays(const struct classify_text *words)
{
	static const struct slice says = SLICE(
	    "will be retried|will continue to try|will keep trying|"
	    "will retry|will try again|still trying|keep trying to|"
	    "continue trying|retries will|attempts to deliver*will continue|"
	    "attempt*will continue|delivery attempts will|"
	    "has not yet been delivered|not yet been delivered|"
	    "could not be delivered yet|has been delayed|is delayed|"
	    "delivery*delayed|delivery*was delayed|delayed*hours|warning only|"
	    "warning message only|this is a warning|still undelivered after|"
	    "do not need to resend|don't need to resend|"
	    "do not need to re-send|transient non-fatal errors|"
	    "do not need to send|no action is required|"
	    "only a temporary failure|noch nicht zugestellt|wird fortgesetzt|"
	    "wird weiterhin versucht|nicht erneut senden|"
	    "aún no ha sido entregado|sera renouvel|n'a pas encore été|"
	    "не был*ещё доставлен|再送を試み|再送します|配送が遅れて|遅延して");
	static const struct slice final =
	    SLICE("giving up|gave up|permanent|could not be delivered for|"
		  "has been returned|returned to sender|expired|"
		  "will not be retried|not be retried|will be deleted|"
		  "will not continue|no further");

	return classify_text_match(says, words) &&
	       !classify_text_match(final, words);
}

int
bounce_parts_read(struct slice message, const struct bounce_rules *rules,
    struct arena *arena, struct bounce_parts *ret_parts)
{
	struct bounce_parts *m = ret_parts;
	struct slice from;
	struct mime mime;
	int rc;

	if ((rc = mime_parse(message, arena, &mime)) < 0)
		return rc;
	*m = (struct bounce_parts){ .arena = arena, .rules = rules };
	m->header = mime.parts[0].header;
	if (m->header.len > HEADER_MAX)
		m->header.len = HEADER_MAX;
	m->is_report =
	    slice_eq_nocase(mime.parts[0].report, SLICE("delivery-status"));
	read_fields(m);
	collect(m, &mime);
	split_copy(m);
	find_mine(m);
	find_subject(m);
	from = m->field[FIELD_FROM];
	if (from.len > FROM_MAX)
		from.len = FROM_MAX;
	if (!bounce_words_init(from, arena, &m->from_words) ||
	    !bounce_words_init(m->subject, arena, &m->subject_words) ||
	    !bounce_words_init(m->text, arena, &m->text_words))
		return ERR_NOMEM;
	m->delays = delays(&m->text_words);
	return 0;
}
