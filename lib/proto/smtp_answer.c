/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers of an SMTP server, RFC 5321, 4.2. */
#include "proto/smtp_answer.h"

#include "util/err.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One line without its end; false: it is none of an answer. */
static bool
read_line(struct slice line, unsigned *ret_code, bool *ret_last,
    struct slice *ret_text)
{
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	if (line.len < 3 || line.at[0] < '2' || line.at[0] > '5' ||
	    !is_digit(line.at[1]) || !is_digit(line.at[2]))
		return false;
	*ret_code = (unsigned)(line.at[0] - '0') * 100 +
		    (unsigned)(line.at[1] - '0') * 10 +
		    (unsigned)(line.at[2] - '0');
	*ret_last = line.len == 3 || line.at[3] == ' ';
	*ret_text = slice_skip(line, line.len == 3 ? 3 : 4);
	return line.len == 3 || line.at[3] == ' ' || line.at[3] == '-';
}

static void
add_text(struct smtp_answer *a, size_t *len, struct slice text)
{
	size_t room = sizeof(a->text) - 1;

	if (*len > 0 && *len < room)
		a->text[(*len)++] = '\n';
	for (size_t i = 0; i < text.len && *len < room; i++) {
		char c = text.at[i];

		/* It goes into logs. */
		a->text[(*len)++] = c >= ' ' && c != '\177' ? c : '?';
	}
	a->text[*len] = '\0';
}

ssize_t
smtp_answer_parse(struct slice in, struct smtp_answer *ret_answer)
{
	struct smtp_answer a = { .code = 0 };
	size_t pos = 0, len = 0, lines = 0;

	while (pos < in.len) {
		const char *lf = memchr(in.at + pos, '\n', in.len - pos);
		unsigned code;
		struct slice text;
		bool last;

		if (lf == NULL)
			break;
		struct slice line = { in.at + pos, (size_t)(lf - in.at) - pos };

		pos += line.len + 1;
		if (pos > SMTP_ANSWER_MAX || ++lines > SMTP_ANSWER_LINES)
			return ERR_LIMIT;
		if (!read_line(line, &code, &last, &text) ||
		    (a.code != 0 && a.code != code))
			return ERR_SYNTAX;
		a.code = code;
		add_text(&a, &len, text);
		if (last) {
			*ret_answer = a;
			return (ssize_t)pos;
		}
	}
	return in.len >= SMTP_ANSWER_MAX ? ERR_LIMIT : 0;
}

bool
smtp_answer_offers(const struct smtp_answer *ehlo, const char *keyword)
{
	struct slice rest = slice_of(ehlo->text), line;

	/* The first line is the server's greeting. */
	(void)slice_split(&rest, '\n', &line);
	while (slice_split(&rest, '\n', &line)) {
		struct slice word;

		if (slice_split(&line, ' ', &word) &&
		    slice_eq_nocase(word, slice_of(keyword)))
			return true;
	}
	return false;
}
