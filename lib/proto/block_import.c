/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of addresses that another service no longer sends to, as blocks. */
#include "proto/block_import.h"

#include <stdio.h>

#include "proto/block_import_json.h"
#include "proto/classify.h"
#include "proto/import_time.h"
#include "proto/json.h"
#include "proto/status.h"
#include "util/err.h"
#include "util/number.h"
#include "util/utf8.h"

static const char *const format_words[IMPORT_FORMATS] = { "auto", "postern",
	"ses", "mailgun", "sendgrid", "resend", "plain" };

const char *
import_format_word(enum import_format format)
{
	return format < IMPORT_FORMATS ? format_words[format] : "unknown";
}

int
import_format_parse(struct slice word, enum import_format *ret_format)
{
	for (unsigned i = 0; i < IMPORT_FORMATS; i++)
		if (slice_eq(word, slice_of(format_words[i]))) {
			*ret_format = (enum import_format)i;
			return 0;
		}
	return ERR_SYNTAX;
}

void
block_import_init(struct block_import *im, int64_t now_s)
{
	*im = (struct block_import){ .now_s = now_s, .line = 1 };
	for (size_t i = 0; i < COLUMN_COUNT_OF_THEM; i++)
		im->column[i] = -1;
}

void
block_import_done(struct block_import *im)
{
	json_free(im->tree);
	im->tree = NULL;
}

/* ---- columns ---- */

/* Lower case, letters and digits only. */
static const struct {
	const char *name;
	enum import_column column;
} names[] = {
	{ "address", COLUMN_ADDRESS },
	{ "email", COLUMN_ADDRESS },
	{ "emailaddress", COLUMN_ADDRESS },
	{ "recipient", COLUMN_ADDRESS },
	{ "reason", COLUMN_REASON },
	{ "error", COLUMN_REASON },
	{ "message", COLUMN_REASON },
	{ "description", COLUMN_REASON },
	{ "code", COLUMN_CODE },
	{ "status", COLUMN_STATUS },
	{ "created", COLUMN_CREATED },
	{ "createdat", COLUMN_CREATED },
	{ "since", COLUMN_CREATED },
	{ "lastupdatetime", COLUMN_CREATED },
	{ "date", COLUMN_CREATED },
	{ "timestamp", COLUMN_CREATED },
	{ "origin", COLUMN_ORIGIN },
	{ "type", COLUMN_ORIGIN },
	{ "state", COLUMN_STATE },
	{ "stream", COLUMN_STREAM },
	{ "note", COLUMN_NOTE },
	{ "expires", COLUMN_EXPIRES },
	{ "count", COLUMN_COUNT },
	{ "firsterror", COLUMN_FIRST },
	{ "lasterror", COLUMN_LAST },
	{ "tags", COLUMN_TAGS },
	{ "tag", COLUMN_TAGS },
	{ "ip", COLUMN_IP },
};

enum import_column
import_column_named(struct slice name, struct import_fields *fields)
{
	char room[32];
	size_t len = 0;
	struct slice plain;

	for (size_t i = 0; i < name.len && len < sizeof(room); i++) {
		char c = name.at[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			room[len++] = c;
	}
	plain = (struct slice){ room, len };
	fields->sends_grid |= slice_eq(plain, SLICE("created"));
	fields->created_at |= slice_eq(plain, SLICE("createdat"));
	fields->email |= slice_eq(plain, SLICE("email"));
	fields->emailaddress |= slice_eq(plain, SLICE("emailaddress"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_eq(plain, slice_of(names[i].name)))
			return names[i].column;
	return COLUMN_COUNT_OF_THEM;
}

static bool
has(const struct import_fields *f, enum import_column column)
{
	return f->at[column].at != NULL;
}

static bool
is_word(struct slice s, const char *word)
{
	return slice_eq_nocase(slice_trim(s), slice_of(word));
}

static enum import_format
format_of(const struct import_fields *f)
{
	struct slice reason = f->at[COLUMN_REASON];

	if (has(f, COLUMN_STATE))
		return IMPORT_POSTERN;
	if (f->emailaddress || is_word(reason, "BOUNCE") ||
	    is_word(reason, "COMPLAINT"))
		return IMPORT_SES;
	if (f->email && f->sends_grid)
		return IMPORT_SENDGRID;
	if (f->email && f->created_at)
		return IMPORT_RESEND;
	if (f->created_at || has(f, COLUMN_CODE) || has(f, COLUMN_TAGS))
		return IMPORT_MAILGUN;
	return IMPORT_PLAIN;
}

/* ---- what a record says ---- */

enum why {
	WHY_UNKNOWN, /* only that it is on the list */
	WHY_BOUNCE,  /* a text or code says more */
	WHY_INVALID, /* the address is malformed */
	WHY_COMPLAINT,
	WHY_UNSUBSCRIBED
};

static enum why
why_word(struct slice word)
{
	if (is_word(word, "bounce") || is_word(word, "hard_bounce"))
		return WHY_BOUNCE;
	if (is_word(word, "complaint") || is_word(word, "spam_complaint"))
		return WHY_COMPLAINT;
	if (is_word(word, "unsubscribe") || is_word(word, "unsubscribed"))
		return WHY_UNSUBSCRIBED;
	return WHY_UNKNOWN;
}

static enum why
why_of(enum import_format format, const struct import_fields *f)
{
	bool text = has(f, COLUMN_REASON) || has(f, COLUMN_CODE);

	switch (format) {
	case IMPORT_SES:
		return why_word(f->at[COLUMN_REASON]);
	case IMPORT_MAILGUN:
		if (has(f, COLUMN_TAGS))
			return WHY_UNSUBSCRIBED;
		return text ? WHY_BOUNCE : WHY_COMPLAINT;
	case IMPORT_SENDGRID:
		if (has(f, COLUMN_IP))
			return WHY_COMPLAINT;
		if (!text)
			return WHY_UNSUBSCRIBED;
		return has(f, COLUMN_STATUS) ? WHY_BOUNCE : WHY_INVALID;
	case IMPORT_RESEND:
		if (has(f, COLUMN_ORIGIN))
			return why_word(f->at[COLUMN_ORIGIN]);
		return why_word(f->at[COLUMN_REASON]);
	case IMPORT_AUTO:
	case IMPORT_POSTERN:
	case IMPORT_PLAIN:
	case IMPORT_FORMATS:
		break;
	}
	return text ? WHY_BOUNCE : WHY_UNKNOWN;
}

/* "550" and "no such user" to one reply. */
static struct slice
reply_of(struct block_import *im, const struct import_fields *f)
{
	struct slice code = slice_trim(f->at[COLUMN_CODE]);
	struct slice text = slice_trim(f->at[COLUMN_REASON]);
	int n;

	/* A long one is no code. */
	if (code.len == 0 || code.len > 10 || slice_starts(text, code))
		return text;
	if (text.len > BLOCK_TEXT_MAX)
		text.len = BLOCK_TEXT_MAX;
	while (!utf8_ok(text))
		text.len--; /* no half character */
	n = snprintf(im->text, sizeof(im->text), "%.*s %.*s", SLICE_F(code),
	    SLICE_F(text));
	return (struct slice){ im->text, n > 0 ? (size_t)n : 0 };
}

/* False: it was not the recipient's fault. */
static bool
take_bounce(struct block_import *im, const struct import_fields *f,
    enum why why, struct block *b)
{
	struct classify_verdict v;
	struct classify_input in = {
		.text = reply_of(im, f),
		.dsn = slice_trim(f->at[COLUMN_STATUS]),
	};

	b->reason = in.text;
	if (is_word(in.text, "bounce") || (in.text.len == 0 && in.dsn.len == 0))
		b->status = STATUS_OTHER;
	else {
		classify_reply(&in, &v);
		b->status = v.status;
		if (why == WHY_INVALID && v.vague)
			b->status = STATUS_ADDRESS;
		else if (!bounce_class_may_block(v.class))
			return im->any_fault;
	}
	b->count = 1;
	return true;
}

static bool
take_why(struct block_import *im, enum import_format format,
    const struct import_fields *f, struct block *b)
{
	enum why why = why_of(format, f);

	b->origin = SLICE("import");
	switch (why) {
	case WHY_UNKNOWN:
		return true;
	case WHY_COMPLAINT:
		b->origin = SLICE("complaint");
		return true;
	case WHY_UNSUBSCRIBED:
		b->origin = SLICE("unsubscribe");
		b->status = STATUS_UNSUBSCRIBED;
		return true;
	case WHY_BOUNCE:
	case WHY_INVALID:
		break;
	}
	return take_bounce(im, f, why, b);
}

static int64_t
number_of(struct slice text)
{
	uint64_t n = 0;

	if (number_parse(slice_trim(text), 0, INT64_MAX, &n) < 0)
		return 0;
	return (int64_t)n;
}

static int64_t
time_of(struct slice text)
{
	int64_t s = 0;

	return import_time_parse(text, &s) == 0 ? s : 0;
}

static struct slice
value_of(const struct block_import *im, struct slice text)
{
	return im->kind == FILE_CSV ? csv_unguarded(text) : text;
}

/* Our own export: what it says is what it was. */
static const char *
take_own(const struct block_import *im, const struct import_fields *f,
    struct block *b)
{
	int64_t status = number_of(f->at[COLUMN_STATUS]);

	if (is_word(f->at[COLUMN_STATE], "exempt"))
		b->state = BLOCK_EXEMPT;
	else if (!is_word(f->at[COLUMN_STATE], "blocked"))
		return "state: neither \"blocked\" nor \"exempt\"";
	if (status != STATUS_NONE &&
	    (status > STATUS_OTHER || !status_known((int)status)))
		return "status: not an error status";
	b->status = (int)status;
	b->count = (uint64_t)number_of(f->at[COLUMN_COUNT]);
	b->first_s = time_of(f->at[COLUMN_FIRST]);
	b->last_s = time_of(f->at[COLUMN_LAST]);
	b->origin = slice_trim(f->at[COLUMN_ORIGIN]);
	if (b->origin.len == 0)
		b->origin = SLICE("import");
	b->reason = value_of(im, f->at[COLUMN_REASON]);
	return NULL;
}

static const char *
take_stream(const struct block_import *im, const struct import_fields *f,
    struct block *b)
{
	b->stream = im->stream.at != NULL
			? im->stream
			: slice_trim(value_of(im, f->at[COLUMN_STREAM]));
	if (b->stream.len > BLOCK_STREAM_MAX)
		return "stream: too long";
	for (size_t i = 0; i < b->stream.len; i++)
		if ((unsigned char)b->stream.at[i] <= ' ' ||
		    b->stream.at[i] == 0x7f)
			return "stream: not the name of one";
	return NULL;
}

static const char *
take_times(const struct block_import *im, const struct import_fields *f,
    struct block *b)
{
	struct slice created = slice_trim(f->at[COLUMN_CREATED]);
	struct slice expires = slice_trim(f->at[COLUMN_EXPIRES]);

	b->since_s = im->now_s;
	if (created.len > 0 && import_time_parse(created, &b->since_s) < 0)
		return "not a date";
	if (b->since_s > im->now_s)
		b->since_s = im->now_s;
	if (expires.len > 0 && import_time_parse(expires, &b->expires_s) < 0)
		return "expires: not a date";
	if (im->expires_s > 0)
		b->expires_s = im->expires_s;
	return NULL;
}

static void
take_record(struct block_import *im, const struct import_fields *f,
    struct import_row *row)
{
	enum import_format format =
	    im->format != IMPORT_AUTO ? im->format : format_of(f);
	struct slice address = slice_trim(value_of(im, f->at[COLUMN_ADDRESS]));
	struct block *b = &row->block;

	row->kind = IMPORT_WRONG;
	*b = (struct block){ .state = BLOCK_BLOCKED };
	if (address.len == 0) {
		row->error = "no address";
		return;
	}
	if (address_canonical(address, im->room, &row->address) < 0 ||
	    address_domain(row->address).len == 0) {
		row->error = "not a mail address";
		return;
	}
	row->error = take_stream(im, f, b);
	if (row->error == NULL)
		row->error = take_times(im, f, b);
	if (row->error == NULL && format == IMPORT_POSTERN)
		row->error = take_own(im, f, b);
	else if (row->error == NULL && !take_why(im, format, f, b)) {
		row->kind = im->exempt ? IMPORT_ROW : IMPORT_SKIPPED;
	}
	if (row->error != NULL)
		return;
	b->note =
	    im->note.at != NULL ? im->note : value_of(im, f->at[COLUMN_NOTE]);
	if (im->exempt)
		b->state = BLOCK_EXEMPT;
	if (row->kind == IMPORT_WRONG)
		row->kind = IMPORT_ROW;
}

static int
not_utf8(struct block_import *im)
{
	(void)snprintf(im->error, sizeof(im->error),
	    "line %llu: not UTF-8, but another character set, such as that of "
	    "a Windows program: save it as \"CSV UTF-8\" and import that",
	    (unsigned long long)im->line);
	return ERR_SYNTAX;
}

/* ---- CSV ---- */

/* "address", "address,BOUNCE": files without a header. */
static bool
no_header(struct block_import *im, const struct csv_record *r)
{
	struct slice address, s = slice_trim(r->field[0]);

	if (memchr(s.at, '@', s.len) == NULL ||
	    address_canonical(s, im->room, &address) < 0)
		return false;
	im->column[COLUMN_ADDRESS] = 0;
	if (r->count > 1)
		im->column[COLUMN_REASON] = 1;
	return true;
}

/* 0: those are data; 1: it was a header. */
static int
read_header(struct block_import *im, const struct csv_record *r)
{
	struct import_fields f = { .email = false };

	im->header_read = true;
	for (size_t i = 0; i < r->count; i++) {
		enum import_column c = import_column_named(r->field[i], &f);

		if (c != COLUMN_COUNT_OF_THEM && im->column[c] < 0) {
			im->column[c] = (int)i;
			f.at[c] = SLICE("");
		}
	}
	if (im->column[COLUMN_ADDRESS] >= 0) {
		/* What a row of SES looks like is told by its values. */
		if (im->format == IMPORT_AUTO) {
			enum import_format format = format_of(&f);

			if (format != IMPORT_PLAIN)
				im->format = format;
		}
		return 1;
	}
	if (no_header(im, r))
		return 0;
	(void)snprintf(im->error, sizeof(im->error),
	    "no column with addresses (\"address\" or \"email\") in the first "
	    "line");
	return ERR_SYNTAX;
}

static int
csv_next(struct block_import *im, char *at, size_t len, bool final,
    struct import_row *row, struct import_fields *f, bool *ret_found,
    uint64_t *ret_lines)
{
	struct csv_record r;
	int used, rc;

	if (im->separator == '\0') {
		struct slice text = { at, len };

		if (csv_skip_line(text, final) == 0 && len < IMPORT_RECORD_MAX)
			return 0;
		im->separator = csv_separator(text);
	}
	used = csv_read(at, len, im->separator, final, &r);
	if (used < 0) {
		size_t line = csv_skip_line((struct slice){ at, len }, final);

		if (line == 0 && len < IMPORT_RECORD_MAX)
			return 0; /* the rest of it is no record, either */
		row->kind = IMPORT_WRONG;
		row->error = used == ERR_LIMIT ? "too long, or too many fields"
					       : "quotes are not closed, or "
						 "text stands behind them";
		*ret_lines = line > 0;
		return line > 0 ? (int)line : (int)len;
	}
	if (used > 0)
		*ret_lines = r.lines;
	for (size_t i = 0; used > 0 && i < r.count; i++)
		if (!utf8_ok(r.field[i]))
			return not_utf8(im);
	if (used == 0 || (r.count == 1 && slice_trim(r.field[0]).len == 0))
		return used;
	if (!im->header_read) {
		rc = read_header(im, &r);
		if (rc != 0)
			return rc < 0 ? rc : used;
	}
	for (size_t c = 0; c < COLUMN_COUNT_OF_THEM; c++)
		if (im->column[c] >= 0 && (size_t)im->column[c] < r.count)
			f->at[c] = r.field[im->column[c]];
	*ret_found = true;
	return used;
}

/* ---- the file ---- */

/* The first octets: what it is; how many are to be passed over, or an error. */
static int
look_at_file(struct block_import *im, struct slice text, bool final)
{
	size_t n = 0;

	if (text.len < 4 && !final)
		return 0;
	if (slice_starts(text, SLICE("\xff\xfe")) ||
	    slice_starts(text, SLICE("\xfe\xff"))) {
		(void)snprintf(im->error, sizeof(im->error),
		    "UTF-16: save it as \"CSV UTF-8\" and import that");
		return ERR_SYNTAX;
	}
	if (slice_starts(text, SLICE(CSV_BOM)))
		n = sizeof(CSV_BOM) - 1;
	while (n < text.len && memchr(" \t\r\n", text.at[n], 4) != NULL) {
		im->line += text.at[n] == '\n';
		n++;
	}
	if (n < text.len)
		im->kind = text.at[n] == '{' || text.at[n] == '[' ? FILE_JSON
								  : FILE_CSV;
	return (int)n;
}

/* The next line: JSON is judged before it is parsed. */
static bool
json_text_ok(const char *at, size_t len, bool final)
{
	struct slice text = { at, len };

	text.len = csv_skip_line(text, final);
	return utf8_ok(text);
}

int
block_import_next(struct block_import *im, char *at, size_t len, bool final,
    struct import_row *ret_row)
{
	struct import_fields f = { .email = false };
	bool found = false;
	uint64_t lines = 0;
	int used;

	*ret_row =
	    (struct import_row){ .kind = IMPORT_NOTHING, .line = im->line };
	if (im->kind == FILE_UNKNOWN) {
		used = look_at_file(im, (struct slice){ at, len }, final);
		if (used != 0 || im->kind == FILE_UNKNOWN)
			return used;
	}
	if (im->kind == FILE_JSON && !json_text_ok(at, len, final))
		return not_utf8(im);
	if (im->kind == FILE_JSON)
		used = import_json_next(im, (struct slice){ at, len }, final,
		    ret_row, &f, &found, &lines);
	else
		used =
		    csv_next(im, at, len, final, ret_row, &f, &found, &lines);
	if (used <= 0)
		return used;
	im->line += lines;
	if (found)
		take_record(im, &f, ret_row);
	return used;
}
