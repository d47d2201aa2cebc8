/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Received fields tell the world.  RFC 5321, 4.4.  Postfix hides its own
 * line from milters, so this is about those of the hosts before it.
 */
#include "milter/module.h"
#include "util/buf.h"

#define RECEIVED_MAX 1000

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
	return letter && s.len <= 255;
}

/* "from NAME by NAME; date": no addresses, no users, no software. */
static void
abbreviate(struct slice value, struct buf *out)
{
	struct parts p = parse_received(value);

	if (p.from.len > 0) {
		(void)buf_add_text(out, "from ");
		(void)buf_add_slice(out,
		    is_name(p.from) ? p.from : SLICE("unknown"));
		(void)buf_add_char(out, ' ');
	}
	(void)buf_add_text(out, "by ");
	(void)buf_add_slice(out, is_name(p.by) ? p.by : SLICE("unknown"));
	if (p.date.len > 0 && p.date.len < 100) {
		(void)buf_add_text(out, "; ");
		(void)header_unfold(p.date, out);
	}
}

static int
abbreviate_field(struct message *msg, size_t i)
{
	struct slice old = msg->fields[i].field.value;
	struct buf out;
	int rc;

	buf_init(&out, RECEIVED_MAX);
	abbreviate(old, &out);
	rc = out.rc;
	if (rc == 0 && !slice_eq(slice_trim(old), buf_slice(&out)))
		rc = message_change_field(msg, i, buf_slice(&out));
	buf_done(&out);
	return rc;
}

static enum verdict
received_eom(struct message *msg, void *state)
{
	enum received_mode mode = msg->tenant->received;

	(void)state;
	if (mode == RECEIVED_NORMAL || mode == RECEIVED_KEEP)
		return VERDICT_NEXT;
	for (size_t i = 0; i < msg->field_count; i++) {
		if (!slice_eq_nocase(msg->fields[i].field.name,
			SLICE("Received")))
			continue;
		if (mode == RECEIVED_REMOVE)
			message_delete_field(msg, i);
		else if (abbreviate_field(msg, i) < 0)
			return VERDICT_TEMPFAIL;
	}
	return VERDICT_NEXT;
}

const struct module module_received = {
	.name = "received",
	.eom = received_eom,
};
