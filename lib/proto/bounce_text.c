/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounces in plain words: qmail, Exim, Sendmail's transcripts, and the rest. */
#include "proto/bounce_mail.h"

#include "proto/mime.h"
#include "util/err.h"

#define REPORTS_MAX 50  /* in one text */
#define REASON_LINES 14 /* behind the address */
#define LINES_MAX 400   /* looked at */

static bool
is_atext(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

static bool
is_domain_octet(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '.' || c == '-' || c == '_';
}

struct slice
bounce_text_address(struct slice s)
{
	struct slice rest = s;
	const char *p;

	while (rest.len > 0 && (p = memchr(rest.at, '@', rest.len)) != NULL) {
		const char *from = p, *to = p + 1, *end = s.at + s.len;

		while (from > s.at && is_atext(from[-1]))
			from--;
		while (from < p && strchr("'`=*-/.", *from) != NULL)
			from++;
		while (to < end && is_domain_octet(*to))
			to++;
		while (to > p + 1 && strchr(".-_", to[-1]) != NULL)
			to--;
		if (from < p && to > p + 3)
			return (struct slice){ from, (size_t)(to - from) };
		rest = slice_skip(rest, (size_t)(p - rest.at) + 1);
	}
	return (struct slice){ NULL, 0 };
}

bool
bounce_text_is_delay(struct slice text)
{
	static const struct slice words = SLICE(
	    "will be retried|will continue to try|will keep trying|"
	    "will retry|will try again|still trying|keep trying to|"
	    "continue trying|retries will|attempts to deliver*will continue|"
	    "attempt*will continue|delivery attempts will|"
	    "has not yet been delivered|not yet been delivered|"
	    "could not be delivered yet|has been delayed|is delayed|"
	    "delivery*delayed|delayed*hours|warning only|"
	    "warning message only|this is a warning|"
	    "do not need to resend|don't need to resend|"
	    "do not need to send|no action is required|temporarily deferred");
	static const struct slice final =
	    SLICE("giving up|gave up|permanent|could not be delivered for|"
		  "has been returned|returned to sender|expired|"
		  "will not be retried|not be retried");
	char room[CLASSIFY_TEXT_MAX];
	struct slice lower = { room, classify_normalize(text, room) };

	return classify_match(words, lower) && !classify_match(final, lower);
}

/* Does the returned message begin with this line? */
static bool
is_copy_mark(struct slice line)
{
	static const struct slice marks =
	    SLICE("below this line is a copy|this is a copy of the message|"
		  "original message follows|original message header|"
		  "copy of your message|copy of the original|"
		  "message header follow|headers of the original|"
		  "unsent message below|original message -|message follows|"
		  "original message|returned message|"
		  "message text follows|the following is a copy|"
		  "your message reads|received: from|return-path: ");
	char room[CLASSIFY_TEXT_MAX];
	size_t n = classify_normalize(line, room);
	struct slice lower = { room, n };

	if (slice_starts(lower, SLICE("received: from")) ||
	    slice_starts(lower, SLICE("return-path:")))
		return true;
	return n > 0 && n < 120 &&
	       (room[0] == '-' || room[0] == '=' || room[0] == '*' ||
		   room[0] == '_') &&
	       classify_match(marks, lower);
}

/* ---- which address, and which lines tell of it ---- */

struct text {
	struct slice lines[LINES_MAX];
	size_t count;
	struct slice mine;
	struct arena *arena;
	struct bounce_report *reports;
	size_t report_count;
};

static bool
is_mine(const struct text *t, struct slice address)
{
	struct slice rest = t->mine;

	while (rest.len >= address.len) {
		if (strncasecmp(rest.at, address.at, address.len) == 0)
			return true;
		rest = slice_skip(rest, 1);
	}
	return false;
}

/*
 * A line that names a failing recipient by its layout: the address stands at
 * its beginning, or behind one of the words that systems put there.
 */
static bool
names_recipient(struct slice line, struct slice *ret_address)
{
	static const struct slice labels[] = { SLICE("recipient:"),
		SLICE("recipient address:"), SLICE("to:"), SLICE("user:"),
		SLICE("failed recipient:"), SLICE("email:"), SLICE("mail to"),
		SLICE("could not be delivered to"), SLICE("address:"),
		SLICE("original-recipient:"), SLICE("final-recipient:"),
		SLICE("rcpt to:"), SLICE(">>> rcpt to:"),
		SLICE("your message to"), SLICE("mensaje a") };
	struct slice s = slice_trim(line);
	struct slice address = bounce_text_address(s);

	if (address.at == NULL)
		return false;
	size_t before = (size_t)(address.at - s.at);
	if (before <= 4 && memchr(s.at, '@', before + 1) == NULL) {
		size_t i = 0;

		while (i < before && strchr("<(['\"*-+ >", s.at[i]) != NULL)
			i++;
		*ret_address = address;
		return i == before;
	}
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
		if (slice_starts_nocase(s, labels[i]) &&
		    before <= labels[i].len + 12) {
			*ret_address = address;
			return true;
		}
	return false;
}

/* Lines from..to as one text. */
static struct slice
join(struct text *t, size_t from, size_t to)
{
	if (from >= to || from >= t->count)
		return SLICE("");
	if (to > t->count)
		to = t->count;
	const char *begin = t->lines[from].at;
	struct slice last = t->lines[to - 1];
	struct slice all = { begin, (size_t)(last.at + last.len - begin) };

	if (all.len > CLASSIFY_TEXT_MAX)
		all.len = CLASSIFY_TEXT_MAX;
	return mime_unfold(all, t->arena);
}

static bool
have(const struct text *t, struct slice address)
{
	for (size_t i = 0; i < t->report_count; i++)
		if (slice_eq_nocase(t->reports[i].recipient, address))
			return true;
	return false;
}

static void
add(struct text *t, struct slice address, struct slice reason)
{
	if (t->report_count == REPORTS_MAX || have(t, address))
		return;
	struct bounce_report *r = &t->reports[t->report_count++];
	*r = (struct bounce_report){ .kind = BOUNCE_FAILED,
		.recipient = address,
		.final = address,
		.reason = reason };
}

/* Whether a verdict rests on something the text really says. */
static bool
is_telling(const struct classify_verdict *v)
{
	return strcmp(v->rule, "none") != 0 &&
	       strcmp(v->rule, "reply-code") != 0 &&
	       strcmp(v->rule, "mailbox") != 0;
}

static void
judge(struct text *t, struct bounce_report *r, struct slice all)
{
	struct slice none = { NULL, 0 };
	struct classify_verdict whole;

	classify_reply(r->reason, none, &r->verdict);
	if (!is_telling(&r->verdict)) {
		classify_reply(all, none, &whole);
		if (is_telling(&whole)) {
			whole.reply_code = whole.reply_code != 0
					       ? whole.reply_code
					       : r->verdict.reply_code;
			r->verdict = whole;
		}
	}
	if (r->reason.len == 0)
		r->reason = all;
	if (r->reason.len > BOUNCE_REASON_MAX)
		r->reason.len = BOUNCE_REASON_MAX;
	(void)t;
}

static void
find_by_layout(struct text *t)
{
	for (size_t i = 0; i < t->count; i++) {
		struct slice address, other;
		size_t end = i + 1;

		if (!names_recipient(t->lines[i], &address) ||
		    is_mine(t, address))
			continue;
		while (end < t->count && end < i + REASON_LINES &&
		       (!names_recipient(t->lines[end], &other) ||
			   slice_eq_nocase(other, address)))
			end++;
		add(t, address, join(t, i, end));
	}
}

static void
find_listed(struct text *t, struct slice failed)
{
	struct slice piece;

	while (slice_split(&failed, ',', &piece)) {
		struct slice address = bounce_text_address(piece);
		size_t at = 0;

		if (address.at == NULL)
			continue;
		while (
		    at < t->count && slice_find(t->lines[at], address) == NULL)
			at++;
		add(t, address,
		    at < t->count ? join(t, at, at + REASON_LINES)
				  : join(t, 0, t->count));
	}
}

static void
find_any(struct text *t)
{
	for (size_t i = 0; i < t->count; i++) {
		struct slice rest = t->lines[i], address;

		while ((address = bounce_text_address(rest)).at != NULL) {
			rest = slice_skip(rest,
			    (size_t)(address.at + address.len - rest.at));
			if (is_mine(t, address) ||
			    slice_starts_nocase(address,
				SLICE("postmaster@")) ||
			    slice_starts_nocase(address,
				SLICE("mailer-daemon@")))
				continue;
			add(t, address, join(t, i, i + REASON_LINES));
			return;
		}
	}
}

int
bounce_text_read(struct slice text, struct slice failed, struct slice mine,
    struct arena *arena, struct bounce_mail *ret_mail)
{
	struct text *t = arena_alloc(arena, sizeof(*t));
	struct slice line;

	if (t == NULL)
		return ERR_NOMEM;
	t->mine = mine;
	t->arena = arena;
	t->reports = arena_calloc(arena, REPORTS_MAX, sizeof(*t->reports));
	if (t->reports == NULL)
		return ERR_NOMEM;
	while (t->count < LINES_MAX && mime_line(&text, &line)) {
		if (is_copy_mark(line))
			break;
		t->lines[t->count++] = line;
	}
	find_listed(t, failed);
	if (t->report_count == 0)
		find_by_layout(t);
	if (t->report_count == 0)
		find_any(t);
	struct slice all = join(t, 0, t->count);
	for (size_t i = 0; i < t->report_count; i++)
		judge(t, &t->reports[i], all);
	ret_mail->reports = t->reports;
	ret_mail->count = t->report_count;
	return 0;
}
