/* SPDX-License-Identifier: BSD-2-Clause */
/* One line of a bounce in plain words: the address in it, and what it marks. */
#include "proto/bounce_parts.h"
#include "proto/mime.h"

#define LABEL_MAX 100 /* octets before an address in its line */
#define LABEL_GAP 3   /* between a label and the address */

bool
bounce_is_atext(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

bool
bounce_is_domain_octet(char c)
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

		while (from > s.at && bounce_is_atext(from[-1]))
			from--;
		while (from < p && strchr("'`=*-/.", *from) != NULL)
			from++;
		while (to < end && bounce_is_domain_octet(*to))
			to++;
		while (to > p + 1 && strchr(".-_", to[-1]) != NULL)
			to--;
		if (from < p && to > p + 3)
			return (struct slice){ from, (size_t)(to - from) };
		rest = slice_skip(rest, (size_t)(p - rest.at) + 1);
	}
	return (struct slice){ NULL, 0 };
}

/* ---- what a line says ---- */

/* "550 5.1.1 <a@b>... User unknown", Sendmail's. */
static bool
is_after_code(struct slice before)
{
	struct enhanced_code code;

	if (before.len < 4 || before.at[0] < '4' || before.at[0] > '5' ||
	    before.at[3] != ' ')
		return false;
	struct slice rest = slice_skip(before, 4);
	rest = slice_skip(rest, enhanced_code_parse(rest, &code));
	return slice_eq(slice_trim(rest), SLICE("<")) ||
	       slice_trim(rest).len == 0;
}

/* Does one of the labels stand before the address, or nearly? */
static bool
has_label(struct slice before, const struct slice *labels, size_t count)
{
	char room[CLASSIFY_TEXT_MAX];

	if (before.len > LABEL_MAX)
		before = slice_skip(before, before.len - LABEL_MAX);
	struct slice lower = { room, classify_normalize(before, room) };
	for (size_t i = 0; i < count; i++) {
		struct slice rest = lower;
		const char *p;

		while ((p = slice_find(rest, labels[i])) != NULL)
			rest = slice_skip(rest,
			    (size_t)(p - rest.at) + labels[i].len);
		if (rest.len < lower.len && rest.len <= LABEL_GAP)
			return true;
	}
	return false;
}

/* "Name <a@b>": the one in brackets, also where the name looks like one. */
static struct slice
mailbox_of(struct slice line, struct slice address)
{
	struct slice rest =
	    slice_skip(line, (size_t)(address.at + address.len - line.at));
	struct slice other;

	if (!slice_starts(rest, SLICE(" <")))
		return address;
	other = bounce_text_address(rest);
	return other.at == rest.at + 2 &&
		       other.at + other.len < line.at + line.len &&
		       other.at[other.len] == '>'
		   ? other
		   : address;
}

/* "kijitora@example.com <" before the address: its display name. */
static bool
is_quoted_phrase(struct slice before)
{
	return before.len > 2 && before.at[before.len - 1] == '<' &&
	       before.at[before.len - 2] == ' ' &&
	       memchr(before.at, '@', before.len) != NULL &&
	       memchr(before.at, ' ', before.len) == before.at + before.len - 2;
}

/*
 * By its layout: the address stands at the beginning, or behind one of the
 * words that systems put there.
 */
enum bounce_naming
bounce_line_names(struct slice line, struct slice *ret_address, bool *ret_coded)
{
	static const struct slice sure[] = { SLICE("recipient:"),
		SLICE("recipient address:"), SLICE("user:"),
		SLICE("failed recipient:"), SLICE("email:"), SLICE("mail to"),
		SLICE("delivered to"), SLICE("deliver to"),
		SLICE("original-recipient:"), SLICE("final-recipient:"),
		SLICE("rcpt to:"), SLICE("unknown user:"), SLICE("userid:"),
		SLICE("your message to"), SLICE("mensaje a"),
		SLICE("delivering your mail to"), SLICE("deliver message to"),
		SLICE("the following message to"), SLICE("attempts:"),
		SLICE("mailing list"), SLICE("couldn't deliver to"),
		SLICE("zugestellt werden:"), SLICE("failed for"),
		SLICE("original address:"), SLICE("message-id in") };
	static const struct slice perhaps[] = { SLICE("to:"), SLICE("address:"),
		SLICE("to"), SLICE("for"), SLICE("destinataire :"),
		SLICE("destinatario:"), SLICE("empfänger:"), SLICE("宛先:"),
		SLICE("宛先：") };
	struct slice s = slice_trim(line);
	struct slice address = bounce_text_address(s);

	if (address.at == NULL)
		return NAMES_NOBODY;
	address = mailbox_of(s, address);
	*ret_address = address;
	struct slice before = { s.at, (size_t)(address.at - s.at) };
	if (is_quoted_phrase(before))
		return NAMES_SURELY;
	size_t i = 0;
	while (i < before.len && strchr("<(['\"*-+ >", before.at[i]) != NULL)
		i++;
	*ret_coded = is_after_code(before);
	if ((i == before.len && i <= 4) || *ret_coded)
		return NAMES_SURELY;
	if (has_label(before, sure, sizeof(sure) / sizeof(*sure)))
		return NAMES_SURELY;
	return has_label(before, perhaps, sizeof(perhaps) / sizeof(*perhaps))
		   ? NAMES_PERHAPS
		   : NAMES_NOBODY;
}

/* ---- the message that came back, quoted ---- */

/* Fields that a returned message begins with, and how it is announced where
 * nothing decorates the line. */
static bool
is_bare_mark(struct slice line)
{
	static const struct slice marks[] = { SLICE("received: from"),
		SLICE("received:from"), SLICE("received: by "),
		SLICE("received: (qmail"), SLICE("return-path:"),
		SLICE("original message follows"),
		SLICE("original message attached"),
		SLICE("original message headers"),
		SLICE("original message header"), SLICE("original headers:"),
		SLICE("message headers follow"),
		SLICE("message header follows"), SLICE("old message:"),
		SLICE("below is a copy of the original"),
		SLICE("possibly truncated original message"),
		SLICE("original mail as follows"), SLICE("your message reads"),
		SLICE("ursprüngliche nachrichten"),
		SLICE("en-têtes de message d'origine"),
		SLICE("en-têtes du message d'origine"),
		SLICE("encabezados de mensaje"),
		SLICE("intestazioni originali"),
		SLICE("cabeçalhos da mensagem original"),
		SLICE("元のメッセージ ヘッダー") };
	static const struct slice quoted[] = { SLICE("from:"), SLICE("to:"),
		SLICE("subject:"), SLICE("received:"), SLICE("date:") };

	if (line.len > 1 && line.at[0] == '>') {
		line = slice_trim(slice_skip(line, 1));
		for (size_t i = 0; i < sizeof(quoted) / sizeof(*quoted); i++)
			if (slice_starts_nocase(line, quoted[i]))
				return true;
		return false;
	}
	/* The first octet tells nearly all of them apart. */
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (((line.at[0] ^ marks[i].at[0]) & ~32) == 0 &&
		    slice_starts_nocase(line, marks[i]))
			return true;
	return false;
}

/* "------ This is a copy of the message, including all the headers. ------" */
static bool
is_decorated_mark(struct slice line)
{
	static const struct slice marks =
	    SLICE("below this line is a copy|this is a copy of the message|"
		  "below the next line is a copy|is a copy of the message|"
		  "original message follows|original message header|"
		  "copy of your message|copy of the original|"
		  "message header follow|headers of the original|"
		  "unsent message|original message|message follows|"
		  "returned message|returned mail|message text follows|"
		  "the following is a copy|your message reads|"
		  "header of the original|message returned|original mail|"
		  "ursprüngliche nachricht|original-nachricht|"
		  "message d'origine|mensaje original|messaggio originale|"
		  "mensagem original|オリジナルメッセージ|元のメッセージ");
	char room[CLASSIFY_TEXT_MAX];

	if (line.len < 8 || line.len > 160 ||
	    memchr("-=*_|#", line.at[0], 6) == NULL)
		return false;
	return classify_match(marks,
	    (struct slice){ room, classify_normalize(line, room) });
}

void
bounce_copy_split(struct slice text, struct slice *ret_text,
    struct slice *ret_copy)
{
	struct slice rest = text, line;
	bool some = false;

	while (rest.len > 0) {
		const char *at = rest.at;

		if (!mime_line(&rest, &line))
			break;
		line = slice_trim(line);
		/* A text that is nothing but a copy is read all the same. */
		if (some && line.len > 0 &&
		    (is_bare_mark(line) || is_decorated_mark(line))) {
			*ret_copy = slice_skip(text, (size_t)(at - text.at));
			text.len = (size_t)(at - text.at);
			break;
		}
		some = some || line.len > 0;
	}
	*ret_text = text;
}
