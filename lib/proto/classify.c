/* SPDX-License-Identifier: BSD-2-Clause */
/* SMTP replies and diagnostics to error statuses; the rules are beside. */
#include "proto/classify.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Octets of a repeated "550-5.1.1 " or "550 5.1.1 " at s; 0: none. */
static size_t
repeated_code(struct slice s, struct slice first)
{
	struct enhanced_code code;

	if (first.len != 3 || !slice_starts(s, first) || s.len < 5 ||
	    (s.at[3] != '-' && s.at[3] != ' '))
		return 0;
	size_t n = enhanced_code_parse(slice_skip(s, 4), &code);
	if (n > 0 && s.len > 4 + n && s.at[4 + n] == ' ')
		return n + 5;
	return s.at[3] == '-' ? 4 : 0;
}

size_t
classify_normalize(struct slice text, char room[CLASSIFY_TEXT_MAX])
{
	struct slice first = { text.at, 0 };
	size_t n = 0;

	text = slice_trim(text);
	if (text.len > 3 && is_digit(text.at[0]) && is_digit(text.at[1]) &&
	    is_digit(text.at[2]))
		first = (struct slice){ text.at, 3 };
	for (size_t i = 0; i < text.len && n < CLASSIFY_TEXT_MAX; i++) {
		unsigned char c = (unsigned char)text.at[i];
		bool begins = n > 0 && room[n - 1] == ' ';
		size_t skip =
		    begins ? repeated_code(slice_skip(text, i), first) : 0;

		if (skip > 0) {
			i += skip - 1;
			continue;
		}
		if (c <= ' ' || c == 127) {
			if (n > 0 && !begins)
				room[n++] = ' ';
		} else {
			room[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
		}
	}
	return n;
}

/* The fragments behind the first, each near the one before it? */
static bool
match_rest(struct slice rest, struct slice text)
{
	struct slice part;

	while (slice_split(&rest, '*', &part)) {
		struct slice near = text;

		if (near.len > CLASSIFY_GAP + part.len)
			near.len = CLASSIFY_GAP + part.len;
		const char *p = slice_find(near, part);
		if (p == NULL)
			return false;
		text = slice_skip(text, (size_t)(p - text.at) + part.len);
	}
	return true;
}

bool
classify_match(struct slice pattern, struct slice text)
{
	struct slice alternative;

	while (slice_split(&pattern, '|', &alternative)) {
		struct slice from = text, head;
		const char *p;

		(void)slice_split(&alternative, '*', &head);
		while ((p = slice_find(from, head)) != NULL) {
			from =
			    slice_skip(from, (size_t)(p - from.at) + head.len);
			if (match_rest(alternative, from))
				return true;
		}
	}
	return false;
}

/* The status a code stands for when the text says nothing; 0: none. */
static int
code_status(const struct enhanced_code *code)
{
	if (code->class == 0)
		return STATUS_NONE;
	for (size_t i = 0; i < classify_code_count; i++)
		if (classify_codes[i].subject == code->subject &&
		    classify_codes[i].detail == code->detail)
			return classify_codes[i].status;
	/* RFC 3463, 3.7 and 3.8: content and security are policy. */
	if (code->subject == 6 || code->subject == 7)
		return STATUS_REFUSED;
	return STATUS_NONE;
}

/* The more telling of two: x.0.0 tells least. */
static struct enhanced_code
choose_code(struct enhanced_code text, struct enhanced_code dsn)
{
	if (text.class == 0)
		return dsn;
	if (text.subject == 0 && text.detail == 0 && dsn.class != 0 &&
	    dsn.subject != 0)
		return dsn;
	return text;
}

static void
by_code(struct classify_verdict *v)
{
	if ((v->status = code_status(&v->enhanced)) != STATUS_NONE) {
		v->rule = "enhanced-code";
		return;
	}
	v->rule = "reply-code";
	switch (v->reply_code) {
	case 551:
		v->status = STATUS_USER_UNKNOWN;
		return;
	case 552:
		v->status = STATUS_FULL;
		return;
	case 521:
	case 556:
		v->status = STATUS_SERVER;
		return;
	default:
		v->status = STATUS_OTHER;
		v->rule = "none";
	}
}

static void
soften(struct classify_verdict *v)
{
	unsigned class =
	    v->reply_code != 0 ? v->reply_code / 100 : v->enhanced.class;

	if (class != 4 || v->status == STATUS_FULL ||
	    v->status == STATUS_HOST_UNKNOWN)
		return;
	v->status = STATUS_TIMEOUT;
}

void
classify_reply(struct slice text, struct slice dsn,
    struct classify_verdict *ret_verdict)
{
	struct classify_verdict v = { .status = STATUS_NONE };
	struct enhanced_code said = { 0 };
	struct smtp_reply reply;
	char room[CLASSIFY_TEXT_MAX];

	if (text.len > CLASSIFY_TEXT_MAX)
		text.len = CLASSIFY_TEXT_MAX;
	if (text.at == NULL)
		text = SLICE("");
	smtp_reply_parse(text, &reply);
	(void)enhanced_code_parse(slice_trim(dsn), &said);
	v.reply_code = reply.code;
	v.enhanced = choose_code(reply.enhanced, said);
	struct slice lower = { room, classify_normalize(text, room) };
	for (size_t i = 0; i < classify_rule_count; i++) {
		if (!classify_match(classify_rules[i].pattern, lower))
			continue;
		v.status = classify_rules[i].status;
		v.rule = classify_rules[i].name;
		break;
	}
	if (v.status == STATUS_NONE)
		by_code(&v);
	soften(&v);
	*ret_verdict = v;
}
