/* SPDX-License-Identifier: BSD-2-Clause */
/* Header fields.  RFC 5322, 2.2. */
#include "proto/header.h"

#include "util/err.h"

bool
header_name_ok(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= ' ' || name.at[i] > '~' || name.at[i] == ':')
			return false;
	return name.len > 0;
}

int
header_unfold(struct slice value, struct buf *out)
{
	int rc;

	value = slice_trim(value);
	if ((rc = buf_reserve(out, value.len)) < 0)
		return rc;
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];

		if (c == '\r' || c == '\n')
			continue;
		if (c < ' ' || c == 127)
			c = ' ';
		out->at[out->len++] = (char)c;
	}
	return 0;
}

void
header_parser_init(struct header_parser *p, size_t field_max, size_t fields_max,
    header_found *found, void *ctx)
{
	*p = (struct header_parser){ .found = found,
		.ctx = ctx,
		.fields_left = fields_max };
	buf_init(&p->text, field_max);
}

void
header_parser_done(struct header_parser *p)
{
	buf_done(&p->text);
}

bool
header_parser_ended(const struct header_parser *p)
{
	return p->state == HEADER_DONE;
}

struct slice
header_parser_body(const struct header_parser *p)
{
	return p->state == HEADER_DONE ? buf_slice(&p->text) : SLICE("");
}

static int
fail(struct header_parser *p, int rc)
{
	p->state = HEADER_FAILED;
	p->rc = rc;
	return rc;
}

static struct slice
without_line_end(struct slice line)
{
	if (line.len > 0 && line.at[line.len - 1] == '\n')
		line.len--;
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* name: blanks may stand before the colon (RFC 5322, 4.5.8). */
static bool
split_field(struct slice text, struct header_field *ret_field)
{
	struct slice name, rest = text;

	if (!slice_split(&rest, ':', &name) || rest.at == NULL)
		return false;
	while (name.len > 0 &&
	       (name.at[name.len - 1] == ' ' || name.at[name.len - 1] == '\t'))
		name.len--;
	if (!header_name_ok(name))
		return false;
	*ret_field = (struct header_field){ name, without_line_end(rest) };
	return true;
}

/* The first len octets of text are a whole field; tell it, and drop them. */
static int
tell(struct header_parser *p, size_t len)
{
	struct header_field field;
	int rc;

	if (len == 0)
		return 0;
	if (!split_field((struct slice){ p->text.at, len }, &field))
		return 0; /* checked when its first line was complete */
	if (p->fields_left == 0)
		return fail(p, ERR_LIMIT);
	p->fields_left--;
	if ((rc = p->found(p->ctx, &field)) < 0)
		return fail(p, rc);
	buf_consume(&p->text, len);
	p->scanned -= len;
	return 0;
}

/* A line that begins at p->scanned is complete, and ends before end. */
static int
take_line(struct header_parser *p, size_t end)
{
	struct slice line = { p->text.at + p->scanned, end - p->scanned };
	struct header_field ignored;
	bool first = p->scanned == 0;
	int rc;

	if (!first && (line.at[0] == ' ' || line.at[0] == '\t')) {
		p->scanned = end;
		return 0;
	}
	if ((rc = tell(p, p->scanned)) < 0)
		return rc;
	line.at = p->text.at;
	if (without_line_end(line).len == 0) {
		buf_consume(&p->text, line.len);
		p->state = HEADER_DONE;
	} else if (!split_field(line, &ignored)) {
		p->state = HEADER_DONE;
	} else {
		p->scanned = line.len;
	}
	return 0;
}

ssize_t
header_parser_feed(struct header_parser *p, struct slice in)
{
	size_t used = 0;
	int rc;

	if (p->state == HEADER_FAILED)
		return p->rc;
	while (p->state == HEADER_IN && used < in.len) {
		const char *nl = memchr(in.at + used, '\n', in.len - used);
		size_t end = nl != NULL ? (size_t)(nl - in.at) + 1 : in.len;

		if ((rc = buf_add(&p->text, in.at + used, end - used)) < 0)
			return fail(p, rc);
		used = end;
		if (nl != NULL && (rc = take_line(p, p->text.len)) < 0)
			return rc;
	}
	return (ssize_t)used;
}

int
header_parser_end(struct header_parser *p)
{
	int rc;

	if (p->state != HEADER_IN)
		return p->rc;
	/* A last line without line end. */
	if (p->text.len > p->scanned && (rc = take_line(p, p->text.len)) < 0)
		return rc;
	if (p->state == HEADER_IN && (rc = tell(p, p->scanned)) < 0)
		return rc;
	p->state = HEADER_DONE;
	return 0;
}
