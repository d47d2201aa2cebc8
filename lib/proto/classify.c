/* SPDX-License-Identifier: BSD-2-Clause */
/* SMTP replies and diagnostics to error statuses, by the rules of a set. */
#include "proto/classify.h"

#include "proto/bounce_rules.h"
#include "proto/retry_after.h"

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

/* ---- who says it ---- */

#define HOST_MAX 255

/* Lower case into room, cut where the name of a host ends. */
static struct slice
host_name(struct slice s, char room[HOST_MAX])
{
	size_t n = 0;

	while (n < s.len && n < HOST_MAX) {
		char c = s.at[n];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 'a' - 'A');
		if ((c < 'a' || c > 'z') && !is_digit(c) && c != '.' &&
		    c != '-' && c != '_')
			break;
		room[n++] = c;
	}
	while (n > 0 && room[n - 1] == '.')
		n--;
	if (memchr(room, '.', n) == NULL) /* "none", "local" */
		return (struct slice){ NULL, 0 };
	return (struct slice){ room, n };
}

/*
 * As Postfix and Exim tell it, "host mx.b.example[192.0.2.1] said:", and
 * Sendmail, "while talking to mx.b.example.:".
 */
static struct slice
told_host(struct slice lower, char room[HOST_MAX])
{
	static const struct slice talking = SLICE("while talking to ");
	static const struct slice host = SLICE("host ");
	const char *p = slice_find(lower, talking);
	struct slice name;

	if (p != NULL)
		return host_name(slice_skip(lower,
				     (size_t)(p - lower.at) + talking.len),
		    room);
	while ((p = slice_find(lower, host)) != NULL) {
		lower = slice_skip(lower, (size_t)(p - lower.at) + host.len);
		name = host_name(lower, room);
		struct slice rest = slice_skip(lower, name.len);
		if (slice_starts(rest, SLICE("[")) ||
		    slice_starts(rest, SLICE(" [")))
			return name;
	}
	return (struct slice){ NULL, 0 };
}

static struct slice
remote_host(const struct classify_input *in, struct slice lower,
    char room[HOST_MAX])
{
	struct slice s = slice_trim(in->remote);

	/* A Remote-MTA field, RFC 3464, 2.3.5. */
	if (slice_starts_nocase(s, SLICE("dns;")))
		s = slice_trim(slice_skip(s, 4));
	struct slice name = host_name(s, room);
	return name.len > 0 ? name : told_host(lower, room);
}

static struct slice
domain_of(struct slice recipient, char room[HOST_MAX])
{
	const char *at = recipient.len > 0
			     ? memrchr(recipient.at, '@', recipient.len)
			     : NULL;

	if (at != NULL)
		recipient =
		    slice_skip(recipient, (size_t)(at - recipient.at) + 1);
	return host_name(recipient, room);
}

/* ---- the verdict ---- */

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

/*
 * What was refused in answer to MAIL FROM is about the sender, whatever it
 * calls unknown.
 */
static void
blame_sender(const struct bounce_answer *answer, struct classify_verdict *v)
{
	if (answer->command != RULE_MAIL ||
	    (v->status != STATUS_USER_UNKNOWN &&
		v->status != STATUS_HOST_UNKNOWN))
		return;
	v->status = STATUS_REFUSED;
	v->class = CLASS_SENDER;
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

/* Does a verdict of this class come with the name of a list? */
static bool names_list(enum bounce_class class)
{
	return class == CLASS_BLOCKLIST || class == CLASS_REPUTATION ||
	       class == CLASS_SPAM || class == CLASS_POLICY;
}

#define RETRY_MAX_MS ((int64_t)30 * 24 * 3600 * 1000)

static void
judge(const struct classify_input *in, struct slice text,
    struct bounce_question *q, struct classify_verdict *v)
{
	const struct bounce_rules *rules =
	    in->rules != NULL ? in->rules : bounce_rules_default();
	struct bounce_answer answer = { .rule = NULL };

	v->status = STATUS_OTHER;
	v->class = CLASS_OTHER;
	v->rule = "none";
	v->vague = true;
	if (rules == NULL)
		return;
	bounce_rules_ask(rules, q, &answer);
	if (answer.rule != NULL) {
		v->status = answer.rule->status;
		v->class = answer.rule->class;
		v->rule = answer.rule->name;
		v->vague = answer.vague;
	}
	blame_sender(&answer, v);
	if (names_list(v->class))
		v->blocklist = answer.blocklist.at != NULL
				   ? answer.blocklist
				   : classify_list_host(text);
	if (!answer.waits)
		return;
	int64_t ms = retry_after_ms(q->text);
	if (ms > 0 && ms <= RETRY_MAX_MS)
		v->retry_after_s = (unsigned)((ms + 999) / 1000);
}

void
classify_reply(const struct classify_input *in,
    struct classify_verdict *ret_verdict)
{
	struct classify_verdict v = { .status = STATUS_NONE };
	char room[CLASSIFY_TEXT_MAX], host[HOST_MAX], domain[HOST_MAX];
	struct slice text = in->text;
	struct enhanced_code said = { 0 };
	struct smtp_reply reply;

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
	struct bounce_question q = { .enhanced = v.enhanced,
		.reply_code = v.reply_code,
		.command = rule_command_parse(in->command),
		.local = in->local };
	q.text = (struct slice){ room, classify_normalize(text, room) };
	q.remote = remote_host(in, q.text, host);
	q.domain = domain_of(in->recipient, domain);
	judge(in, text, &q, &v);
	soften(&v);
	*ret_verdict = v;
}
