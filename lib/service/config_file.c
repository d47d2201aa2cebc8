/* SPDX-License-Identifier: BSD-2-Clause */
/* The syntax of main.cf: name = value, comments, continuation lines. */
#include "service/config_file.h"

#include <stdbool.h>

#include "util/buf.h"
#include "util/err.h"

struct parser {
	struct buf entry; /* the logical line so far */
	unsigned line;    /* where it began; 0: there is none */
	bool broken;      /* its first line was refused already */
	int rc;
	config_file_entry *on_entry;
	config_file_error *on_error;
	void *ctx;
};

static void
refuse(struct parser *p, unsigned line, const char *text)
{
	p->on_error(p->ctx, line, text);
	p->rc = ERR_SYNTAX;
}

static bool
is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '_')
			return false;
	}
	return name.len > 0;
}

static bool
has_control(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.at[i] < 0x20 && s.at[i] != '\t') ||
		    s.at[i] == 0x7f)
			return true;
	return false;
}

/* The logical line is complete. */
static void
finish(struct parser *p)
{
	struct slice value = buf_slice(&p->entry), name;
	bool has_sign = value.len > 0 && memchr(value.at, '=', value.len);

	if (p->line == 0 || p->broken)
		return;
	(void)slice_split(&value, '=', &name);
	name = slice_trim(name);
	if (!has_sign)
		refuse(p, p->line, "\"name = value\" expected");
	else if (!is_name(name))
		refuse(p, p->line, "a name has letters, digits and _ only");
	else
		p->on_entry(p->ctx, p->line, name, slice_trim(value));
}

static void
take_line(struct parser *p, unsigned number, struct slice line)
{
	struct slice text = slice_trim(line);
	bool continued;

	if (text.len == 0 || text.at[0] == '#')
		return;
	continued = line.at[0] == ' ' || line.at[0] == '\t';
	if (!continued) {
		finish(p);
		buf_clear(&p->entry);
		p->line = number;
		p->broken = false;
	}
	if (has_control(text)) {
		refuse(p, number, "control character");
		p->broken = true;
	} else if (p->line == 0) {
		refuse(p, number, "continues a line that is not there");
	} else {
		if (continued)
			(void)buf_add_char(&p->entry, ' ');
		(void)buf_add_slice(&p->entry, text);
	}
}

int
config_file_parse(struct slice text, config_file_entry *entry,
    config_file_error *error, void *ctx)
{
	struct parser p = { .on_entry = entry, .on_error = error, .ctx = ctx };
	struct slice line;
	unsigned number = 0;
	int rc;

	if (text.len > CONFIG_FILE_MAX)
		return ERR_LIMIT;
	/* Joining adds less than the line ends it takes away. */
	buf_init(&p.entry, CONFIG_FILE_MAX);
	while (slice_split(&text, '\n', &line)) {
		take_line(&p, ++number, line);
		if (p.entry.rc < 0)
			break;
	}
	rc = p.entry.rc;
	if (rc == 0) {
		finish(&p);
		rc = p.rc;
	}
	buf_done(&p.entry);
	return rc;
}
