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

static bool
is_code(struct slice s)
{
	return s.len > 3 && s.at[0] >= '2' && s.at[0] <= '5' &&
	       is_digit(s.at[1]) && is_digit(s.at[2]) &&
	       (s.at[3] == ' ' || s.at[3] == '-');
}

size_t
classify_normalize(struct slice text, char room[CLASSIFY_TEXT_MAX])
{
	static const struct slice said = { "said: ", 6 };
	struct slice first = { text.at, 0 };
	size_t n = 0;

	text = slice_trim(text);
	if (is_code(text))
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
		if (begins && first.len == 0 && n >= said.len &&
		    memcmp(room + n - said.len, said.at, said.len) == 0 &&
		    is_code(slice_skip(text, i)))
			first = (struct slice){ text.at + i, 3 };
		if (c <= ' ' || c == 127) {
			if (n > 0 && !begins)
				room[n++] = ' ';
		} else {
			room[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
		}
	}
	return n;
}

/* ---- patterns ---- */

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

/* One alternative. */
static bool
match_one(struct slice rest, struct slice text)
{
	struct slice head = { NULL, 0 };
	const char *p;

	(void)slice_split(&rest, '*', &head);
	while ((p = slice_find(text, head)) != NULL) {
		text = slice_skip(text, (size_t)(p - text.at) + head.len);
		if (match_rest(rest, text))
			return true;
	}
	return false;
}

bool
classify_match(struct slice pattern, struct slice text)
{
	struct slice alternative;

	while (slice_split(&pattern, '|', &alternative))
		if (match_one(alternative, text))
			return true;
	return false;
}

static unsigned
pair_of(const char *at)
{
	return ((unsigned)(unsigned char)at[0] * 67 +
		   (unsigned)(unsigned char)at[1]) %
	       CLASSIFY_PAIRS;
}

void
classify_text_init(struct classify_text *t, struct slice normalized)
{
	memset(t->pairs, 0, sizeof(t->pairs));
	t->text = normalized;
	for (size_t i = 0; i + 1 < normalized.len; i++) {
		unsigned pair = pair_of(normalized.at + i);

		t->pairs[pair / 64] |= UINT64_C(1) << pair % 64;
	}
}

static bool
has_pairs(struct slice alternative, const struct classify_text *t)
{
	for (size_t i = 0; i + 1 < alternative.len; i++) {
		unsigned pair = pair_of(alternative.at + i);

		if (alternative.at[i] == '*' || alternative.at[i + 1] == '*')
			continue;
		if ((t->pairs[pair / 64] >> pair % 64 & 1) == 0)
			return false;
	}
	return true;
}

bool
classify_text_match(struct slice pattern, const struct classify_text *t)
{
	struct slice alternative;

	while (slice_split(&pattern, '|', &alternative))
		if (has_pairs(alternative, t) &&
		    match_one(alternative, t->text))
			return true;
	return false;
}

/* ---- codes ---- */

/* The status a code stands for when the text says nothing; 0: none. */
static int
code_status(const struct enhanced_code *code, bool *ret_strong)
{
	*ret_strong = false;
	if (code->class == 0)
		return STATUS_NONE;
	for (size_t i = 0; i < classify_code_count; i++)
		if (classify_codes[i].subject == code->subject &&
		    classify_codes[i].detail == code->detail) {
			*ret_strong = classify_codes[i].strong;
			return classify_codes[i].status;
		}
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
	bool strong;

	v->vague = true;
	if ((v->status = code_status(&v->enhanced, &strong)) != STATUS_NONE) {
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
by_rules(const struct classify_text *t, struct classify_verdict *v)
{
	bool strong;

	for (size_t i = 0; i < classify_rule_count; i++) {
		const struct classify_rule *r = &classify_rules[i];

		if (!classify_text_match(r->pattern, t))
			continue;
		int by_code = code_status(&v->enhanced, &strong);
		bool code = r->vague && strong;

		v->status = code ? by_code : r->status;
		v->rule = code ? "enhanced-code" : r->name;
		/* A code that says the same is no longer vague. */
		v->vague = r->vague && by_code != r->status;
		return;
	}
	by_code(v);
}

/*
 * What was refused in answer to MAIL FROM is about the sender, whatever it
 * calls unknown; as Postfix and Exim tell it.
 */
static void
blame_sender(const struct classify_text *t, struct classify_verdict *v)
{
	static const struct slice at_mail_from =
	    SLICE("in reply to mail from command|after mail from:|"
		  "in response to mail from|for mail from command");

	if (v->status != STATUS_USER_UNKNOWN &&
	    v->status != STATUS_HOST_UNKNOWN)
		return;
	if (!classify_text_match(at_mail_from, t))
		return;
	v->status = STATUS_REFUSED;
	v->rule = "sender";
}

static void
soften(struct classify_verdict *v)
{
	unsigned class =
	    v->reply_code != 0 ? v->reply_code / 100 : v->enhanced.class;

	if (class != 4 || v->status == STATUS_FULL ||
	    v->status == STATUS_SIZE || v->status == STATUS_HOST_UNKNOWN)
		return;
	v->status = STATUS_TIMEOUT;
}

/*
 * Cisco's gateways put a name for the code before the reply that they quote:
 * "5.1.0 - Unknown address error 550-'5.7.1 ... denied'".  The quoted words
 * count, where there are any.
 */
static struct slice
unwrap(struct slice text)
{
	struct enhanced_code code, inner;
	size_t n = enhanced_code_parse(text, &code);

	if (n == 0 || !slice_starts(slice_skip(text, n), SLICE(" - ")))
		return text;
	const char *open = memchr(text.at, '\'', text.len);
	if (open == NULL)
		return text;
	struct slice quoted = slice_skip(text, (size_t)(open - text.at) + 1);
	if (enhanced_code_parse(quoted, &inner) == 0 && !is_code(quoted) &&
	    quoted.len < 8)
		return text;
	return quoted;
}

void
classify_reply(const struct classify_input *in,
    struct classify_verdict *ret_verdict)
{
	struct slice text = in->text;
	struct classify_verdict v = { .status = STATUS_NONE };
	struct enhanced_code said = { 0 };
	struct classify_text lower;
	struct smtp_reply reply;
	char room[CLASSIFY_TEXT_MAX];

	if (text.len > CLASSIFY_TEXT_MAX)
		text.len = CLASSIFY_TEXT_MAX;
	if (text.at == NULL)
		text = SLICE("");
	text = unwrap(text);
	smtp_reply_parse(text, &reply);
	(void)enhanced_code_parse(slice_trim(in->dsn), &said);
	/* A success is a greeting that was quoted along. */
	v.reply_code = reply.code >= 400 ? reply.code : 0;
	v.enhanced = choose_code(reply.enhanced, said);
	classify_text_init(&lower,
	    (struct slice){ room, classify_normalize(text, room) });
	by_rules(&lower, &v);
	blame_sender(&lower, &v);
	soften(&v);
	v.class = bounce_class_of_status(v.status);
	*ret_verdict = v;
}
