/* SPDX-License-Identifier: BSD-2-Clause */
/* What a DKIM signature covers.  RFC 6376, 3.4, 3.7, 5.4; RFC 8463. */
#include "proto/dkim.h"

#include "proto/dkim_scan.h"
#include "util/err.h"
#include "util/number.h"

void
dkim_body_begin(struct dkim_body *b, enum dkim_canon canon, dkim_sink *sink,
    void *ctx)
{
	*b = (struct dkim_body){ .canon = canon, .sink = sink, .ctx = ctx };
}

/* What was held back turns out to be in the middle. */
static int
release(struct dkim_body *b)
{
	int rc = 0;

	for (; b->line_ends > 0 && rc >= 0; b->line_ends--)
		rc = b->sink(b->ctx, "\r\n", 2);
	if (b->blank && rc >= 0)
		rc = b->sink(b->ctx, " ", 1);
	b->blank = false;
	if (b->cr && rc >= 0)
		rc = b->sink(b->ctx, "\r", 1);
	b->cr = false;
	b->any = b->in_line = true;
	return rc < 0 ? rc : 0;
}

static int
take_octet(struct dkim_body *b, char c)
{
	int rc;

	if (c == '\n') {
		b->cr = b->blank = b->in_line = false;
		b->line_ends++;
		return 0;
	}
	if (b->cr && (rc = release(b)) < 0) /* a bare one */
		return rc;
	if (c == '\r') {
		b->cr = true;
		return 0;
	}
	if (b->canon == DKIM_RELAXED && (c == ' ' || c == '\t')) {
		b->blank = true;
		return 0;
	}
	if ((rc = release(b)) < 0)
		return rc;
	rc = b->sink(b->ctx, &c, 1);
	return rc < 0 ? rc : 0;
}

int
dkim_body_add(struct dkim_body *b, const char *octets, size_t len)
{
	int rc;

	while (len > 0) {
		size_t n = 0;

		if (b->in_line && !b->cr && !b->blank && b->line_ends == 0)
			n = dkim_scan((const void *)octets, len,
			    b->canon == DKIM_RELAXED);
		if (n > 0 && (rc = b->sink(b->ctx, octets, n)) < 0)
			return rc;
		octets += n;
		len -= n;
		if (len == 0)
			break;
		if ((rc = take_octet(b, *octets)) < 0)
			return rc;
		octets++;
		len--;
	}
	return 0;
}

int
dkim_body_end(struct dkim_body *b)
{
	int rc = 0;

	/* A CR at the very end is data, and so is what it stands behind. */
	if (b->cr && (rc = release(b)) < 0)
		return rc;
	/* RFC 6376, 3.4.3: no body at all is a single CRLF; 3.4.4: "" */
	if (b->any || b->canon == DKIM_SIMPLE)
		rc = b->sink(b->ctx, "\r\n", 2);
	return rc < 0 ? rc : 0;
}

/* RFC 6376, 3.4.2 */
static void
add_relaxed(const struct header_field *field, struct buf *out)
{
	struct slice value = slice_trim(field->value);
	bool blank = false;

	for (size_t i = 0; i < field->name.len; i++) {
		char c = field->name.at[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		out->at[out->len++] = c;
	}
	out->at[out->len++] = ':';
	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];

		if (c == '\r' || c == '\n')
			continue;
		if (c == ' ' || c == '\t') {
			blank = true;
			continue;
		}
		if (blank)
			out->at[out->len++] = ' ';
		blank = false;
		out->at[out->len++] = c;
	}
}

/* RFC 6376, 3.4.1: as it is; its line ends are CRLF when it leaves. */
static void
add_simple(const struct header_field *field, struct buf *out)
{
	memcpy(out->at + out->len, field->name.at, field->name.len);
	out->len += field->name.len;
	out->at[out->len++] = ':';
	for (size_t i = 0; i < field->value.len; i++) {
		char c = field->value.at[i];

		if (c == '\n' && (i == 0 || field->value.at[i - 1] != '\r'))
			out->at[out->len++] = '\r';
		out->at[out->len++] = c;
	}
}

int
dkim_field(enum dkim_canon canon, const struct header_field *field,
    enum dkim_place place, struct buf *out)
{
	size_t most = field->name.len + 2 + 2 * field->value.len + 2;
	int rc;

	if ((rc = buf_reserve(out, most)) < 0)
		return rc;
	if (canon == DKIM_RELAXED)
		add_relaxed(field, out);
	else
		add_simple(field, out);
	return place == DKIM_FIELD ? buf_add(out, "\r\n", 2) : 0;
}

static const struct {
	const char *name;
	bool oversign;
} signable[] = {
	{ "From", true },
	{ "Sender", false },
	{ "Reply-To", true },
	{ "Subject", true },
	{ "Date", true },
	{ "Message-ID", false },
	{ "To", true },
	{ "Cc", false },
	{ "MIME-Version", false },
	{ "Content-Type", false },
	{ "Content-Transfer-Encoding", false },
	{ "Resent-Date", false },
	{ "Resent-From", false },
	{ "Resent-To", false },
	{ "Resent-Cc", false },
	{ "In-Reply-To", false },
	{ "References", false },
	{ "List-Id", false },
	{ "List-Help", false },
	{ "List-Unsubscribe", false },
	{ "List-Unsubscribe-Post", false },
	{ "List-Subscribe", false },
	{ "List-Post", false },
	{ "List-Owner", false },
	{ "List-Archive", false },
	{ "Feedback-ID", false },
	{ "CFBL-Address", false },
	{ "CFBL-Feedback-ID", false },
};
#define SIGNABLE (sizeof(signable) / sizeof(signable[0]))

static size_t
signable_index(struct slice name)
{
	size_t i = 0;

	while (
	    i < SIGNABLE && !slice_eq_nocase(name, slice_of(signable[i].name)))
		i++;
	return i;
}

size_t
dkim_pick(const struct header_field *fields, size_t count,
    struct dkim_pick ret_picks[DKIM_PICKS_MAX])
{
	/* Indexes of the lowest ones of each name, lowest first. */
	size_t found[SIGNABLE][DKIM_INSTANCES_MAX], seen[SIGNABLE] = { 0 };
	size_t n = 0;

	for (size_t i = count; i-- > 0;) {
		size_t k = signable_index(fields[i].name);

		if (k == SIGNABLE)
			continue;
		if (seen[k] < DKIM_INSTANCES_MAX)
			found[k][seen[k]] = i;
		seen[k]++;
	}
	for (size_t k = 0; k < SIGNABLE; k++) {
		size_t use = seen[k];

		if (use > DKIM_INSTANCES_MAX)
			use = DKIM_INSTANCES_MAX;
		for (size_t i = 0; i < use && n < DKIM_PICKS_MAX; i++)
			ret_picks[n++] =
			    (struct dkim_pick){ signable[k].name, found[k][i] };
		/* Where some stay unsigned, one more would name one of them. */
		if (signable[k].oversign && seen[k] == use &&
		    n < DKIM_PICKS_MAX)
			ret_picks[n++] = (struct dkim_pick){ signable[k].name,
				DKIM_NO_FIELD };
	}
	return n;
}

#define COLUMNS 76
#define FIRST_COLUMN 16 /* behind "DKIM-Signature: " */

/* A tag with folding before it where the line would grow too long. */
static void
add_piece(struct buf *out, size_t *column, const char *before,
    struct slice piece)
{
	size_t len = strlen(before) + piece.len;

	if (*column + 1 + len > COLUMNS) {
		(void)buf_add(out, "\n\t", 2);
		*column = 8;
	} else if (*column > FIRST_COLUMN && before[0] != ':') {
		(void)buf_add_char(out, ' ');
		(*column)++;
	}
	(void)buf_add_text(out, before);
	(void)buf_add_slice(out, piece);
	*column += len;
}

/* Octets in base64 or what else may be broken anywhere. */
static void
add_broken(struct buf *out, size_t *column, struct slice text)
{
	while (text.len > 0) {
		size_t n = *column < COLUMNS ? COLUMNS - *column : 0;

		if (n == 0) {
			(void)buf_add(out, "\n\t", 2);
			*column = 8;
			continue;
		}
		if (n > text.len)
			n = text.len;
		(void)buf_add(out, text.at, n);
		*column += n;
		text = slice_skip(text, n);
	}
}

static void
add_names(const struct dkim_signature *s, struct buf *out, size_t *column)
{
	for (size_t i = 0; i < s->pick_count; i++)
		add_piece(out, column, i == 0 ? "h=" : ":",
		    slice_of(s->picks[i].name));
	(void)buf_add_char(out, ';');
	(*column)++;
}

static const char *
canon_word(enum dkim_canon canon)
{
	return canon == DKIM_RELAXED ? "relaxed" : "simple";
}

int
dkim_signature_begin(const struct dkim_signature *s, struct buf *out)
{
	struct slice hash = { (const char *)s->body_hash, CRYPTO_SHA256_LEN };
	char number[NUMBER_TEXT_MAX];
	size_t column = FIRST_COLUMN;
	struct buf text;

	if (s->time_s < 0)
		return ERR_LIMIT;
	buf_init(&text, 1000);
	(void)buf_addf(&text, "v=1; a=%s; c=%s/%s;", s->algorithm,
	    canon_word(s->header), canon_word(s->body));
	add_piece(out, &column, "", buf_slice(&text));
	buf_clear(&text);
	(void)buf_addf(&text, "%.*s;", SLICE_F(s->domain));
	add_piece(out, &column, "d=", buf_slice(&text));
	buf_clear(&text);
	(void)buf_addf(&text, "%.*s;", SLICE_F(s->selector));
	add_piece(out, &column, "s=", buf_slice(&text));
	buf_clear(&text);
	if (s->identity.len > 0) {
		(void)buf_addf(&text, "%.*s;", SLICE_F(s->identity));
		add_piece(out, &column, "i=", buf_slice(&text));
		buf_clear(&text);
	}
	(void)number_format((uint64_t)s->time_s, number);
	(void)buf_addf(&text, "%s;", number);
	add_piece(out, &column, "t=", buf_slice(&text));
	add_names(s, out, &column);
	buf_clear(&text);
	(void)crypto_base64_encode(hash, &text);
	(void)buf_add_char(&text, ';');
	add_piece(out, &column, "bh=", buf_slice(&text));
	(void)buf_add_text(out, "\n\tb=");
	int rc = text.rc < 0 ? text.rc : out->rc;
	buf_done(&text);
	return rc;
}

int
dkim_signature_end(struct slice signature, struct buf *out)
{
	struct buf text;
	size_t column = 8 + 2; /* "\tb=" */

	buf_init(&text, 2 * SIGN_MAX);
	int rc = crypto_base64_encode(signature, &text);
	if (rc == 0) {
		add_broken(out, &column, buf_slice(&text));
		rc = out->rc;
	}
	buf_done(&text);
	return rc;
}
