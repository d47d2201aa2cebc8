/* SPDX-License-Identifier: BSD-2-Clause */
/* LMTP commands and message text, RFC 2033 and RFC 5321. */
#include "proto/lmtp_command.h"

#include "util/err.h"
#include "util/number.h"

static const struct {
	struct slice word;
	enum lmtp_verb verb;
	bool argument; /* may have one */
} verbs[] = {
	{ SLICE("LHLO"), LMTP_LHLO, true },
	{ SLICE("MAIL"), LMTP_MAIL, true },
	{ SLICE("RCPT"), LMTP_RCPT, true },
	{ SLICE("DATA"), LMTP_DATA, false },
	{ SLICE("RSET"), LMTP_RSET, false },
	{ SLICE("NOOP"), LMTP_NOOP, true },
	{ SLICE("QUIT"), LMTP_QUIT, false },
	{ SLICE("VRFY"), LMTP_VRFY, true },
};

/* "<...>": a quoted local part may hold '>'.  RFC 5321, 4.1.2. */
static int
take_path(struct slice *s, struct slice *ret_path)
{
	bool quoted = false;

	if (s->len == 0 || s->at[0] != '<')
		return ERR_SYNTAX;
	for (size_t i = 1; i < s->len; i++) {
		char c = s->at[i];

		if (quoted && c == '\\') {
			i++;
		} else if (c == '"') {
			quoted = !quoted;
		} else if (!quoted && (c == ' ' || c == '<')) {
			return ERR_SYNTAX;
		} else if (!quoted && c == '>') {
			*ret_path = (struct slice){ s->at + 1, i - 1 };
			*s = slice_skip(*s, i + 1);
			return 0;
		}
	}
	return ERR_SYNTAX;
}

static int
mail_parameter(struct slice name, struct slice value, struct lmtp_command *cmd)
{
	if (slice_eq_nocase(name, SLICE("SIZE")))
		return number_parse(value, 0, UINT64_MAX / 2, &cmd->size) < 0
			   ? ERR_SYNTAX
			   : 0;
	if (slice_eq_nocase(name, SLICE("BODY")))
		return slice_eq_nocase(value, SLICE("7BIT")) ||
			       slice_eq_nocase(value, SLICE("8BITMIME"))
			   ? 0
			   : ERR_SYNTAX;
	if (slice_eq_nocase(name, SLICE("SMTPUTF8"))) {
		cmd->utf8 = true;
		return value.len == 0 ? 0 : ERR_SYNTAX;
	}
	return ERR_NOTFOUND;
}

static int
parse_parameters(struct slice s, struct lmtp_command *cmd)
{
	struct slice word;
	int rc;

	if (s.len > 0 && s.at[0] != ' ')
		return ERR_SYNTAX;
	s = slice_trim(s);
	if (s.len == 0)
		return 0;
	while (slice_split(&s, ' ', &word)) {
		struct slice name;

		if (word.len == 0)
			continue;
		(void)slice_split(&word, '=', &name);
		if (word.at == NULL)
			word = (struct slice){ "", 0 };
		rc = cmd->verb == LMTP_MAIL ? mail_parameter(name, word, cmd)
					    : ERR_NOTFOUND;
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
parse_path(struct slice s, struct slice keyword, struct lmtp_command *cmd)
{
	int rc;

	if (!slice_starts_nocase(s, keyword))
		return ERR_SYNTAX;
	/* RFC 5321, 3.3 forbids the blank that some clients send here. */
	s = slice_trim(slice_skip(s, keyword.len));
	if ((rc = take_path(&s, &cmd->path)) < 0)
		return rc;
	return parse_parameters(s, cmd);
}

int
lmtp_command_parse(struct slice line, struct lmtp_command *ret_command)
{
	struct lmtp_command cmd = { .verb = LMTP_OTHER };
	struct slice word;
	size_t n = 0;
	int rc = 0;

	if (line.len > LMTP_LINE_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.at[i] < ' ' || line.at[i] == 127)
			return ERR_SYNTAX;
	while (n < line.len && line.at[n] != ' ')
		n++;
	word = (struct slice){ line.at, n };
	cmd.argument = slice_trim(slice_skip(line, n));
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (!slice_eq_nocase(word, verbs[i].word))
			continue;
		cmd.verb = verbs[i].verb;
		if (!verbs[i].argument && cmd.argument.len > 0)
			return ERR_SYNTAX;
	}
	if (cmd.verb == LMTP_LHLO && cmd.argument.len == 0)
		return ERR_SYNTAX;
	if (cmd.verb == LMTP_MAIL)
		rc = parse_path(cmd.argument, SLICE("FROM:"), &cmd);
	else if (cmd.verb == LMTP_RCPT)
		rc = parse_path(cmd.argument, SLICE("TO:"), &cmd);
	if (rc < 0)
		return rc;
	*ret_command = cmd;
	return 0;
}

/* What of CR LF . CR LF has been seen. */
enum { TEXT, CR, LINE_START, DOT, DOT_CR };

void
lmtp_data_begin(struct lmtp_data *d)
{
	*d = (struct lmtp_data){ .state = LINE_START };
}

static void
put(struct lmtp_data *d, struct buf *out, const char *at, size_t len)
{
	if (!d->too_large && buf_add(out, at, len) < 0)
		d->too_large = true;
}

/* One octet; true: the text ends with it. */
static bool
step(struct lmtp_data *d, char c, struct buf *out)
{
	switch (d->state) {
	case LINE_START:
		if (c == '.') {
			d->state = DOT;
			return false;
		}
		break;
	case DOT:
		if (c == '\r') {
			d->state = DOT_CR;
			return false;
		}
		break; /* the stuffed dot is dropped */
	case DOT_CR:
		if (c == '\n')
			return true;
		put(d, out, "\r", 1);
		d->state = CR;
		break;
	default:
		break;
	}
	put(d, out, &c, 1);
	if (c == '\r')
		d->state = CR;
	else if (c == '\n' && d->state == CR)
		d->state = LINE_START;
	else
		d->state = TEXT;
	return false;
}

size_t
lmtp_data_feed(struct lmtp_data *d, struct slice piece, struct buf *out,
    bool *ret_end)
{
	size_t i = 0;

	*ret_end = false;
	while (i < piece.len) {
		if (d->state == TEXT) {
			/* nothing happens before the next CR */
			const char *cr =
			    memchr(piece.at + i, '\r', piece.len - i);
			size_t n = cr == NULL ? piece.len - i
					      : (size_t)(cr - piece.at) - i;

			put(d, out, piece.at + i, n);
			if ((i += n) == piece.len)
				break;
		}
		if (step(d, piece.at[i++], out)) {
			*ret_end = true;
			break;
		}
	}
	return i;
}
