/* SPDX-License-Identifier: BSD-2-Clause */
/* A mail for an application as JSON, and as multipart/form-data (RFC 7578). */
#include "apid/inbound_body.h"

#include "proto/json.h"
#include "proto/rfc3339.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/utf8.h"

/* ---- JSON ---- */

static void
name_of(struct buf *out, const char *name)
{
	if (out->len > 0 && out->at[out->len - 1] != '{')
		(void)buf_add_char(out, ',');
	(void)buf_addf(out, "\"%s\":", name);
}

/* Whatever an address holds, JSON is UTF-8. */
static void
string(struct buf *out, struct slice value)
{
	struct buf safe;

	if (utf8_ok(value)) {
		(void)json_print_string(value.at != NULL ? value : SLICE(""),
		    out);
		return;
	}
	buf_init(&safe, 3 * value.len);
	utf8_safe(value, &safe);
	(void)json_print_string(buf_slice(&safe), out);
	buf_done(&safe);
}

static void
member(struct buf *out, const char *name, struct slice value)
{
	name_of(out, name);
	string(out, value);
}

static void
member_number(struct buf *out, const char *name, uint64_t value)
{
	name_of(out, name);
	(void)buf_addf(out, "%llu", (unsigned long long)value);
}

static void
member_bool(struct buf *out, const char *name, bool value)
{
	name_of(out, name);
	(void)buf_add_text(out, value ? "true" : "false");
}

static void
member_time(struct buf *out, const char *name, int64_t us)
{
	char room[RFC3339_MAX];

	member(out, name, (struct slice){ room, rfc3339_format(us, room) });
}

static bool
has_return_path(const struct mail_view *v)
{
	for (size_t i = 0; i < v->field_count; i++)
		if (slice_eq(v->fields[i].name, SLICE("return-path")))
			return true;
	return false;
}

static void
header_row(struct buf *out, struct slice name, struct slice value)
{
	if (out->at[out->len - 1] != '[')
		(void)buf_add_char(out, ',');
	(void)buf_add_char(out, '{');
	member(out, "name", name);
	member(out, "value", value);
	(void)buf_add_char(out, '}');
}

/* RFC 5321, 4.4: the final delivery adds Return-Path, which is here. */
static void
headers(const struct inbound_told *told, struct buf *out)
{
	const struct mail_view *v = told->view;
	struct buf path;

	if (buf_add_char(out, '[') < 0)
		return;
	buf_init(&path, told->record->sender.len + 2);
	(void)buf_add_char(&path, '<');
	(void)buf_add_slice(&path, told->record->sender);
	(void)buf_add_char(&path, '>');
	if (!has_return_path(v))
		header_row(out, SLICE("return-path"), buf_slice(&path));
	buf_done(&path);
	for (size_t i = 0; i < v->field_count && out->rc == 0; i++)
		header_row(out, v->fields[i].name, v->fields[i].value);
	(void)buf_add_char(out, ']');
}

/* ---- the standard form ---- */

static struct slice
cut_text(struct slice s)
{
	if (s.len <= INBOUND_TEXT_MAX)
		return s;
	s.len = INBOUND_TEXT_MAX;
	while (s.len > 0 && ((unsigned char)s.at[s.len] & 0xc0) == 0x80)
		s.len--;
	return s;
}

static void
member_text(struct buf *out, const char *name, const char *cut,
    struct slice text)
{
	if (text.at == NULL)
		return;
	member(out, name, cut_text(text));
	if (text.len > INBOUND_TEXT_MAX)
		member_bool(out, cut, true);
}

static void
file_row(const struct inbound_told *told, size_t i, bool content,
    struct buf *out)
{
	const struct mail_file *f = &told->view->files[i];

	(void)buf_add_text(out, i > 0 ? ",{" : "{");
	member_number(out, "number", i + 1);
	member(out, "filename", f->name);
	member(out, "content_type", f->type);
	if (f->content_id.at != NULL)
		member(out, "content_id", f->content_id);
	member_bool(out, "inline", f->is_inline);
	member_number(out, "size", f->content.len);
	if (content) {
		name_of(out, "content");
		(void)buf_add_char(out, '"');
		(void)crypto_base64_encode(f->content, out);
		(void)buf_add_char(out, '"');
	} else {
		name_of(out, "url");
		(void)buf_addf(out, "\"/v1/inbound/%.*s/attachments/%zu\"",
		    SLICE_F(told->record->id), i + 1);
	}
	(void)buf_add_char(out, '}');
}

static void
members_of_record(const struct inbound_record *r, struct buf *out)
{
	member(out, "id", r->id);
	member_time(out, "created", r->created_us);
	member_time(out, "expires", r->expires_ms * 1000);
	member(out, "filter", r->filter);
	member(out, "envelope_from", r->sender);
	member(out, "envelope_to", r->recipient);
	member(out, "from", r->from);
	member(out, "subject", r->subject);
	member(out, "message_id", r->message_id);
	member_number(out, "size", r->size);
}

static void
waiting(struct slice names, struct buf *out)
{
	struct slice one;
	bool first = true;

	name_of(out, "waiting_for");
	(void)buf_add_char(out, '[');
	while (slice_split(&names, '\n', &one)) {
		if (one.len == 0)
			continue;
		if (!first)
			(void)buf_add_char(out, ',');
		string(out, one);
		first = false;
	}
	(void)buf_add_char(out, ']');
}

int
inbound_row_to_json(const struct inbound_record *r, struct buf *out)
{
	(void)buf_add_char(out, '{');
	members_of_record(r, out);
	waiting(r->webhooks, out);
	return buf_add_char(out, '}');
}

/* inline_max: octets of files that come with it. */
static int
data(const struct inbound_told *told, size_t inline_max, struct buf *out)
{
	const struct mail_view *v = told->view;

	(void)buf_add_char(out, '{');
	if (told->event.at != NULL)
		member(out, "event", told->event);
	members_of_record(told->record, out);
	name_of(out, "headers");
	headers(told, out);
	member_text(out, "text", "text_truncated", v->text);
	member_text(out, "html", "html_truncated", v->html);
	name_of(out, "attachments");
	(void)buf_add_char(out, '[');
	for (size_t i = 0; i < v->file_count && out->rc == 0; i++) {
		bool content = v->files[i].content.len <= inline_max;

		if (content)
			inline_max -= v->files[i].content.len;
		file_row(told, i, content && inline_max > 0, out);
	}
	(void)buf_add_char(out, ']');
	if (v->cut)
		member_bool(out, "parts_truncated", true);
	name_of(out, "raw_url");
	(void)buf_addf(out, "\"/v1/inbound/%.*s/raw\"",
	    SLICE_F(told->record->id));
	return buf_add_char(out, '}');
}

int
inbound_to_json(const struct inbound_told *told, struct buf *out)
{
	return data(told, 0, out);
}

static int
standard(const struct inbound_told *told, int64_t now_us, struct buf *out)
{
	(void)buf_add_char(out, '{');
	member(out, "type", SLICE("inbound.received"));
	member_time(out, "timestamp", now_us);
	name_of(out, "data");
	(void)data(told, INBOUND_INLINE_MAX, out);
	return buf_add_char(out, '}');
}

/* ---- Customers Mail Cloud: JSON ---- */

static struct slice
composition(const struct tenant *t)
{
	return t->title.len > 0 ? t->title : t->name;
}

static int
cmc_json(const struct webhook *hook, const struct tenant *t,
    const struct inbound_told *told, struct buf *out)
{
	const struct mail_view *v = told->view;

	(void)buf_add_char(out, '{');
	if (hook->api_key.len > 0)
		member(out, "api_key", hook->api_key);
	member(out, "server_composition", composition(t));
	member(out, "filter", told->record->filter);
	name_of(out, "headers");
	headers(told, out);
	member(out, "subject", v->subject);
	member(out, "envelope-from", told->record->sender);
	member(out, "envelope-to", told->record->recipient);
	if (v->text.at != NULL)
		member(out, "text", v->text);
	if (v->html.at != NULL)
		member(out, "html", v->html);
	member_number(out, "attachments", v->file_count);
	return buf_add_char(out, '}');
}

/* ---- Customers Mail Cloud: a form ---- */

struct form {
	struct slice boundary;
	struct buf *out;
};

static void
begin_part(const struct form *f, const char *name)
{
	(void)buf_addf(f->out,
	    "--%.*s\r\nContent-Disposition: form-data; name=\"%s\"",
	    SLICE_F(f->boundary), name);
}

static void
field(const struct form *f, const char *name, struct slice value)
{
	begin_part(f, name);
	(void)buf_add_text(f->out, "\r\n\r\n");
	if (value.len > 0)
		(void)buf_add_slice(f->out, value);
	(void)buf_add_text(f->out, "\r\n");
}

/* RFC 7578, 4.2, and what browsers do: UTF-8, with these three escaped. */
static void
file_name(struct slice name, struct buf *out)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.at[i] == '"')
			(void)buf_add_text(out, "%22");
		else if (name.at[i] == '\r')
			(void)buf_add_text(out, "%0D");
		else if (name.at[i] == '\n')
			(void)buf_add_text(out, "%0A");
		else
			(void)buf_add_char(out, name.at[i]);
	}
}

static void
file(const struct form *f, const struct mail_file *file, size_t number)
{
	char name[40] = "attachment";
	struct buf digits;

	buf_init(&digits, sizeof(name));
	(void)buf_addf(&digits, "attachment%zu", number);
	begin_part(f, buf_text(&digits));
	buf_done(&digits);
	(void)buf_add_text(f->out, "; filename=\"");
	file_name(file->name, f->out);
	(void)buf_addf(f->out, "\"\r\nContent-Type: %.*s\r\n\r\n",
	    SLICE_F(file->type));
	(void)buf_add_slice(f->out, file->content);
	(void)buf_add_text(f->out, "\r\n");
}

static bool
occurs(struct slice boundary, const struct inbound_told *told)
{
	const struct mail_view *v = told->view;

	for (size_t i = 0; i < v->file_count; i++)
		if (slice_find(v->files[i].content, boundary) != NULL)
			return true;
	return slice_find(v->text, boundary) != NULL ||
	       slice_find(v->html, boundary) != NULL;
}

/* The id of the request, which no sender knows; longer until it is nowhere. */
static int
make_boundary(const struct inbound_told *told, struct slice id, struct buf *out)
{
	(void)buf_add_text(out, "postern-");
	(void)buf_add_slice(out, id);
	while (out->rc == 0 && occurs(buf_slice(out), told))
		(void)buf_add_text(out, "-x");
	return out->rc;
}

static int
form_fields(const struct webhook *hook, const struct tenant *t,
    const struct inbound_told *told, const struct form *f)
{
	const struct mail_view *v = told->view;
	struct buf list;

	if (hook->api_key.len > 0)
		field(f, "api_key", hook->api_key);
	field(f, "server_composition", composition(t));
	field(f, "filter", told->record->filter);
	buf_init(&list, f->out->max);
	headers(told, &list);
	field(f, "headers", buf_slice(&list));
	if (list.rc < 0 && f->out->rc == 0)
		f->out->rc = list.rc;
	buf_done(&list);
	field(f, "subject", v->subject);
	field(f, "envelope-from", told->record->sender);
	field(f, "envelope-to", told->record->recipient);
	if (v->text.at != NULL)
		field(f, "text", v->text);
	if (v->html.at != NULL)
		field(f, "html", v->html);
	buf_init(&list, 40);
	(void)buf_addf(&list, "%zu", v->file_count);
	field(f, "attachments", buf_slice(&list));
	buf_done(&list);
	return f->out->rc;
}

static int
cmc_form(const struct webhook *hook, const struct tenant *t,
    const struct inbound_told *told, struct slice id, struct buf *out,
    struct buf *content_type)
{
	struct buf boundary;
	struct form f = { .out = out };
	int rc;

	/* RFC 2046, 5.1.1: "no more than 70 characters". */
	buf_init(&boundary, 70);
	rc = make_boundary(told, id, &boundary);
	f.boundary = buf_slice(&boundary);
	if (rc == 0)
		rc = form_fields(hook, t, told, &f);
	for (size_t i = 0; i < told->view->file_count && out->rc == 0; i++)
		file(&f, &told->view->files[i], i + 1);
	if (rc == 0)
		rc = buf_addf(out, "--%.*s--\r\n", SLICE_F(f.boundary));
	if (rc == 0)
		rc = buf_addf(content_type,
		    "multipart/form-data; boundary=%.*s", SLICE_F(f.boundary));
	buf_done(&boundary);
	return rc;
}

int
inbound_body(const struct webhook *hook, const struct tenant *tenant,
    const struct inbound_told *told, struct slice id, int64_t now_us,
    struct buf *out, struct buf *content_type)
{
	buf_clear(content_type);
	if (hook->format == WEBHOOK_CMC_FORM)
		return cmc_form(hook, tenant, told, id, out, content_type);
	(void)buf_add_text(content_type, "application/json");
	return hook->format == WEBHOOK_CMC_JSON
		   ? cmc_json(hook, tenant, told, out)
		   : standard(told, now_us, out);
}
