/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of Received fields: those of others, and our own.  RFC 5321, 4.4. */
#include "milter/received_field.h"

#include <string.h>

#include "proto/header.h"
#include "proto/mail_date.h"

#define WORD_MAX 255

struct parts {
	struct slice from, by, date;
};

static size_t
skip_comment(struct slice s, size_t i)
{
	size_t depth = 0;

	for (; i < s.len; i++) {
		if (s.at[i] == '\\')
			i++;
		else if (s.at[i] == '(')
			depth++;
		else if (s.at[i] == ')' && --depth == 0)
			return i + 1;
	}
	return s.len;
}

/* The next word outside of comments, or ";"; false: no more. */
static bool
next_word(struct slice *rest, struct slice *ret_word)
{
	size_t i = 0, n;

	for (;;) {
		while (i < rest->len && memchr(" \t\r\n", rest->at[i], 4))
			i++;
		if (i >= rest->len || rest->at[i] != '(')
			break;
		i = skip_comment(*rest, i);
	}
	if (i >= rest->len)
		return false;
	n = i;
	if (rest->at[n] == ';')
		n++;
	else
		while (n < rest->len && !memchr(" \t\r\n(;", rest->at[n], 6))
			n++;
	*ret_word = (struct slice){ rest->at + i, n - i };
	*rest = slice_skip(*rest, n);
	return true;
}

static struct parts
parse_received(struct slice value)
{
	struct slice rest = value, word;
	struct parts p = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };

	while (next_word(&rest, &word)) {
		if (slice_eq(word, SLICE(";")))
			p.date = slice_trim(rest);
		else if (slice_eq_nocase(word, SLICE("from")) && !p.from.at)
			(void)next_word(&rest, &p.from);
		else if (slice_eq_nocase(word, SLICE("by")) && !p.by.at)
			(void)next_word(&rest, &p.by);
	}
	return p;
}

/* Four numbers in a row, as in ec2-192-0-2-1.example. */
static bool
has_address(struct slice s)
{
	size_t numbers = 0, digits = 0;

	for (size_t i = 0; i <= s.len; i++) {
		char c = i < s.len ? s.at[i] : '\0';

		if (c >= '0' && c <= '9') {
			digits++;
			continue;
		}
		if (digits > 0 && digits <= 3 && ++numbers == 4)
			return true;
		if (digits == 0 || digits > 3 || (c != '-' && c != '.'))
			numbers = 0;
		digits = 0;
	}
	return false;
}

/* A host name, no address: letters somewhere in its last label. */
static bool
is_name(struct slice s)
{
	bool letter = false;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
			letter = true;
		else if (c == '.')
			letter = false;
		else if (!((c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return letter && s.len <= WORD_MAX && !has_address(s);
}

static void
add_name(struct buf *out, struct slice s)
{
	(void)buf_add_slice(out, is_name(s) ? s : SLICE("unknown"));
}

void
received_abbreviate(struct slice value, struct buf *out)
{
	struct parts p = parse_received(value);

	if (p.from.len > 0) {
		(void)buf_add_text(out, "from ");
		add_name(out, p.from);
		(void)buf_add_char(out, ' ');
	}
	(void)buf_add_text(out, "by ");
	add_name(out, p.by);
	if (p.date.len > 0 && p.date.len < 100) {
		(void)buf_add_text(out, "; ");
		(void)header_unfold(p.date, out);
	}
}

/* What a client called itself: visible, and can not end a comment. */
static bool
is_word(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~' ||
		    memchr("()<>\\\";,@", s.at[i], 9) != NULL)
			return false;
	return s.len > 0 && s.len <= WORD_MAX;
}

static void
add_word(struct buf *out, struct slice s)
{
	(void)buf_add_slice(out, is_word(s) ? s : SLICE("unknown"));
}

static void
add_address(struct buf *out, struct slice s)
{
	(void)buf_add_char(out, '[');
	if (memchr(s.at, ':', s.len) != NULL &&
	    !slice_starts_nocase(s, SLICE("IPv6:")))
		(void)buf_add_text(out, "IPv6:");
	add_word(out, s);
	(void)buf_add_char(out, ']');
}

static void
add_date(struct buf *out, int64_t wall_ms)
{
	char room[MAIL_DATE_MAX];

	(void)buf_add(out, room, mail_date_format(wall_ms, room));
}

static void
add_client(struct buf *out, const struct received_facts *f)
{
	(void)buf_add_text(out, "from ");
	add_word(out, f->helo);
	(void)buf_add_text(out, " (");
	add_word(out, f->client_name);
	if (f->client.len > 0) {
		(void)buf_add_char(out, ' ');
		add_address(out, f->client);
	}
	(void)buf_add_text(out, ")\n\t");
}

/* RFC 3848.  Without either it is not known whether it was SMTP or ESMTP. */
static void
add_protocol(struct buf *out, const struct received_facts *f)
{
	if (f->local || !(f->tls || f->authenticated))
		return;
	(void)buf_add_text(out, " with ESMTP");
	(void)buf_add_text(out, f->tls ? "S" : "");
	(void)buf_add_text(out, f->authenticated ? "A" : "");
}

void
received_print(const struct received_facts *f, struct buf *out)
{
	if (!f->local)
		add_client(out, f);
	(void)buf_add_text(out, "by ");
	add_word(out, f->server_name);
	if (f->server.len > 0 && !f->local) {
		(void)buf_add_text(out, " (");
		add_address(out, f->server);
		(void)buf_add_char(out, ')');
	}
	add_protocol(out, f);
	(void)buf_add_text(out, " id ");
	add_word(out, f->queue_id);
	(void)buf_add_text(out, ";\n\t");
	add_date(out, f->arrived_ms);
}

void
received_print_abbreviated(const struct received_facts *f, struct buf *out)
{
	if (!f->local) {
		(void)buf_add_text(out, "from ");
		add_name(out, f->helo);
		(void)buf_add_char(out, ' ');
	}
	(void)buf_add_text(out, "by ");
	add_name(out, f->server_name);
	(void)buf_add_text(out, "; ");
	add_date(out, f->arrived_ms);
}
