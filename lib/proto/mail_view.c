/* SPDX-License-Identifier: BSD-2-Clause */
/* A mail as its header, its texts and its files.  RFC 2045, 2046, 2183. */
#include "proto/mail_view.h"

#include <stdio.h>

#include "proto/charset.h"
#include "proto/encoded_word.h"
#include "proto/mime.h"
#include "proto/mime_name.h"
#include "util/err.h"
#include "util/utf8.h"

#define SUBJECT_MAX 4096
#define FILE_NAME_MAX 255 /* octets, as file systems have it */
#define TYPE_MAX 100

struct reading {
	struct arena *arena;
	struct mail_view *view;
	struct mail_file *files;
	struct buf text, html;
	bool has_text, has_html;
};

/* ---- the header ---- */

/* As UTF-8 on one line. */
static struct slice
kept_value(struct slice value, struct arena *arena)
{
	struct buf out;
	struct slice kept;

	value = mime_unfold(value, arena);
	if (value.at == NULL || utf8_ok(value))
		return value;
	buf_init(&out, 3 * value.len);
	while (value.len > 0) {
		uint32_t c;
		size_t n = utf8_next(value, &c);

		if (n > 0)
			(void)buf_add(&out, value.at, n);
		else
			(void)buf_add_text(&out, "\xef\xbf\xbd");
		value = slice_skip(value, n > 0 ? n : 1);
	}
	kept = out.rc == 0 ? arena_dup(arena, buf_slice(&out))
			   : (struct slice){ NULL, 0 };
	buf_done(&out);
	return kept;
}

static struct slice
lower(struct slice s, size_t max, struct arena *arena)
{
	char *at = arena_alloc(arena, s.len + 1);

	if (at == NULL)
		return (struct slice){ NULL, 0 };
	if (s.len > max)
		s.len = max;
	for (size_t i = 0; i < s.len; i++)
		at[i] = s.at[i] >= 'A' && s.at[i] <= 'Z'
			    ? (char)(s.at[i] - 'A' + 'a')
			    : s.at[i];
	return (struct slice){ at, s.len };
}

static size_t
count_fields(struct slice header)
{
	struct slice name, value;
	size_t n = 0;

	while (
	    n < MAIL_VIEW_FIELDS_MAX && mime_field_next(&header, &name, &value))
		n++;
	return n;
}

static int
read_header(struct slice header, struct arena *arena, struct mail_view *view)
{
	size_t count = count_fields(header);
	struct mail_field *fields =
	    arena_calloc(arena, count + 1, sizeof(*fields));
	struct slice name, value, raw;
	struct buf subject;
	int rc;

	if (fields == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < count && mime_field_next(&header, &name, &value);
	     i++) {
		fields[i].name = lower(name, name.len, arena);
		fields[i].value = kept_value(value, arena);
		if (fields[i].name.at == NULL || fields[i].value.at == NULL)
			return ERR_NOMEM;
		if (view->subject.at == NULL &&
		    slice_eq(fields[i].name, SLICE("subject")))
			view->subject = value;
	}
	view->fields = fields;
	view->field_count = count;
	raw = view->subject;
	buf_init(&subject, SUBJECT_MAX);
	if ((rc = encoded_word_decode(raw.at != NULL ? raw : SLICE(""),
		 &subject)) == 0) {
		view->subject = arena_dup(arena, buf_slice(&subject));
		rc = view->subject.at != NULL ? 0 : ERR_NOMEM;
	}
	buf_done(&subject);
	return rc;
}

/* ---- parts ---- */

/* The transfer encoding off; in the arena, or in the mail itself. */
static int
decoded(const struct mime_part *part, struct arena *arena,
    struct slice *ret_content)
{
	struct buf out;
	int rc;

	if (part->encoding == MIME_IDENTITY) {
		*ret_content = part->body;
		return 0;
	}
	/* No encoding makes it longer. */
	buf_init(&out, part->body.len + 1);
	rc = mime_decode(part, &out);
	if (rc == 0) {
		*ret_content = arena_dup(arena, buf_slice(&out));
		rc = ret_content->at != NULL ? 0 : ERR_NOMEM;
	}
	buf_done(&out);
	return rc;
}

/* Well-formed UTF-8 without NUL, its line ends as they are. */
static int
add_utf8(struct slice s, struct buf *out)
{
	int rc = 0;

	while (s.len > 0 && rc == 0) {
		uint32_t c = 0;
		size_t good = 0, n;

		while (good < s.len &&
		       (n = utf8_next(slice_skip(s, good), &c)) > 0 && c != 0)
			good += n;
		rc = buf_add(out, s.at, good);
		s = slice_skip(s, good);
		if (s.len > 0 && rc == 0) {
			rc = buf_add_text(out, "\xef\xbf\xbd");
			s = slice_skip(s, 1);
		}
	}
	return rc;
}

/* Behind what there is of it: a list's footer is a part of its own. */
static int
add_text(struct slice content, struct slice charset, struct buf *out)
{
	struct buf text;
	int rc;

	if (out->len > 0 && out->at[out->len - 1] != '\n' &&
	    (rc = buf_add_text(out, "\r\n")) < 0)
		return rc;
	buf_init(&text, out->max);
	rc = charset_to_utf8(content, charset, &text);
	if (rc == 0)
		rc = add_utf8(buf_slice(&text), out);
	else if (rc == ERR_NOTFOUND)
		rc = add_utf8(content, out);
	buf_done(&text);
	return rc;
}

/* ---- files ---- */

static const char *
suffix_of(struct slice type)
{
	static const struct {
		const char *type, *suffix;
	} all[] = { { "application/pdf", "pdf" }, { "image/gif", "gif" },
		{ "image/jpeg", "jpg" }, { "image/png", "png" },
		{ "message/rfc822", "eml" }, { "text/calendar", "ics" },
		{ "text/csv", "csv" }, { "text/html", "html" },
		{ "text/plain", "txt" } };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (slice_eq(type, slice_of(all[i].type)))
			return all[i].suffix;
	return "bin";
}

/* By Content-Disposition, else by Content-Type; empty: neither says. */
static int
said_name(const struct mime_part *part, struct buf *out)
{
	struct slice disposition =
	    mime_field(part->header, "Content-Disposition");
	struct slice type = mime_field(part->header, "Content-Type");
	struct buf text;
	int rc;

	buf_init(&text, 3 * 4096);
	rc = mime_parameter_text(disposition, "filename", &text);
	if (rc == ERR_NOTFOUND || rc == ERR_LIMIT)
		rc = mime_parameter_text(type, "name", &text);
	if (rc == 0)
		rc = mime_file_name(buf_slice(&text), out);
	buf_done(&text);
	return rc == ERR_NOTFOUND || rc == ERR_LIMIT ? 0 : rc;
}

/* "type/subtype" of RFC 2045's tokens, lower case. */
static struct slice
good_type(struct slice type, struct arena *arena)
{
	static const char bad[] = "()<>@,;:\\\"[]?= \t";
	size_t slashes = 0;

	for (size_t i = 0; i < type.len; i++) {
		slashes += type.at[i] == '/';
		if (type.at[i] < '!' || type.at[i] > '~' ||
		    strchr(bad, type.at[i]) != NULL)
			return SLICE("application/octet-stream");
	}
	if (slashes != 1 || type.len > TYPE_MAX)
		return SLICE("application/octet-stream");
	return lower(type, TYPE_MAX, arena);
}

static struct slice
content_id(const struct mime_part *part, struct arena *arena)
{
	struct slice id = mime_field(part->header, "Content-ID");

	if (id.len >= 2 && id.at[0] == '<' && id.at[id.len - 1] == '>')
		id = (struct slice){ id.at + 1, id.len - 2 };
	return id.len > 0 ? kept_value(id, arena) : (struct slice){ NULL, 0 };
}

static int
add_file(struct reading *r, const struct mime_part *part, struct slice name,
    struct slice content)
{
	struct mail_file *f = &r->files[r->view->file_count];
	char made[40];

	f->type = good_type(part->type, r->arena);
	f->content = content;
	f->content_id = content_id(part, r->arena);
	f->is_inline =
	    slice_starts_nocase(mime_field(part->header, "Content-Disposition"),
		SLICE("inline"));
	if (name.len == 0) {
		int n = snprintf(made, sizeof(made), "attachment-%zu.%s",
		    r->view->file_count + 1, suffix_of(f->type));

		name = (struct slice){ made, (size_t)n };
	}
	f->name = arena_dup(r->arena, name);
	if (f->name.at == NULL || f->type.at == NULL)
		return ERR_NOMEM;
	r->view->file_count++;
	return 0;
}

static bool
is_attached(const struct mime_part *part)
{
	return slice_starts_nocase(mime_field(part->header,
				       "Content-Disposition"),
	    SLICE("attachment"));
}

static bool
is_container(const struct mime *mime, size_t i)
{
	return i + 1 < mime->count &&
	       mime->parts[i + 1].depth > mime->parts[i].depth;
}

/* What a person reads; a multipart without parts has lost its boundary. */
static bool
is_plain(const struct mime_part *part)
{
	return mime_is(part, "text/plain") || mime_is(part, "text") ||
	       (part->depth == 0 &&
		   slice_starts_nocase(part->type, SLICE("multipart/")));
}

static int
take_part(struct reading *r, const struct mime_part *part)
{
	struct slice content;
	struct buf name;
	int rc = decoded(part, r->arena, &content);

	buf_init(&name, FILE_NAME_MAX);
	if (rc == 0)
		rc = said_name(part, &name);
	if (rc < 0) {
		buf_done(&name);
		return rc;
	}
	if (name.len == 0 && !is_attached(part) && is_plain(part)) {
		r->has_text = true;
		rc = add_text(content, part->charset, &r->text);
	} else if (name.len == 0 && !is_attached(part) &&
		   mime_is(part, "text/html")) {
		r->has_html = true;
		rc = add_text(content, part->charset, &r->html);
	} else {
		rc = add_file(r, part, buf_slice(&name), content);
	}
	buf_done(&name);
	return rc;
}

static int
keep(struct arena *arena, bool has, const struct buf *text,
    struct slice *ret_text)
{
	*ret_text = (struct slice){ NULL, 0 };
	if (!has)
		return 0;
	*ret_text = arena_dup(arena, buf_slice(text));
	return ret_text->at != NULL ? 0 : ERR_NOMEM;
}

static int
take_parts(struct reading *r, const struct mime *mime)
{
	int rc = 0;

	for (size_t i = 0; i < mime->count && rc == 0; i++)
		if (!is_container(mime, i))
			rc = take_part(r, &mime->parts[i]);
	if (rc == 0)
		rc = keep(r->arena, r->has_text, &r->text, &r->view->text);
	if (rc == 0)
		rc = keep(r->arena, r->has_html, &r->html, &r->view->html);
	return rc;
}

int
mail_view_read(struct slice mail, struct arena *arena,
    struct mail_view *ret_view)
{
	struct mail_view view = { .field_count = 0 };
	struct reading r = { .arena = arena, .view = &view };
	struct mime mime;
	int rc = mime_parse_all(mail, MAIL_VIEW_PARTS_MAX, arena, &mime);

	if (rc < 0 ||
	    (rc = read_header(mime.parts[0].header, arena, &view)) < 0)
		return rc;
	r.files = arena_calloc(arena, mime.count, sizeof(*r.files));
	if (r.files == NULL)
		return ERR_NOMEM;
	view.cut = mime.cut;
	buf_init(&r.text, MAIL_VIEW_ROOM(mail.len));
	buf_init(&r.html, MAIL_VIEW_ROOM(mail.len));
	rc = take_parts(&r, &mime);
	buf_done(&r.text);
	buf_done(&r.html);
	if (rc < 0)
		return rc == ERR_LIMIT ? ERR_NOMEM : rc;
	view.files = r.files;
	*ret_view = view;
	return 0;
}
