/* SPDX-License-Identifier: BSD-2-Clause */
/* Quoted-printable and base64, RFC 2045, 6.7 and 6.8. */
#include "proto/mime_encode.h"

#include <stdint.h>

#include "util/crypto.h"
#include "util/err.h"

/*
 * A line is cut before it has 73 octets, so that both its ends may still be
 * quoted: 76 is the most.
 */
#define QP_WRAP 72
#define QP_ROOM 80
#define BASE64_LINE 57 /* octets that make 76 */

struct qp {
	struct buf *out;
	char line[QP_ROOM];
	size_t len;
	int rc;
};

static void
qp_hex(struct qp *q, size_t at, unsigned char c)
{
	static const char digits[] = "0123456789ABCDEF";

	q->line[at] = '=';
	q->line[at + 1] = digits[c >> 4];
	q->line[at + 2] = digits[c & 15];
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

enum qp_end { QP_SOFT, QP_HARD, QP_LAST };

static void
qp_line(struct qp *q, enum qp_end end)
{
	struct slice line = { q->line, q->len };

	/* "From " is what mailboxes change, "--" may look like a boundary. */
	if (slice_starts(line, SLICE("From ")) ||
	    slice_starts(line, SLICE("--"))) {
		char first = q->line[0];

		memmove(q->line + 3, q->line + 1, q->len - 1);
		qp_hex(q, 0, (unsigned char)first);
		q->len += 2;
	}
	if (end == QP_SOFT) {
		q->line[q->len++] = '=';
	} else if (q->len > 0 && is_blank(q->line[q->len - 1])) {
		qp_hex(q, q->len - 1, (unsigned char)q->line[q->len - 1]);
		q->len += 2;
	}
	if (q->rc == 0)
		q->rc = buf_add(q->out, q->line, q->len);
	if (q->rc == 0 && end != QP_LAST)
		q->rc = buf_add(q->out, "\r\n", 2);
	q->len = 0;
}

static void
qp_octet(struct qp *q, char octet)
{
	unsigned char c = (unsigned char)octet;
	bool plain = (c > ' ' && c <= '~' && c != '=') || is_blank(octet);

	if (q->len + (plain ? 1 : 3) > QP_WRAP)
		qp_line(q, QP_SOFT);
	if (plain) {
		q->line[q->len++] = octet;
	} else {
		qp_hex(q, q->len, c);
		q->len += 3;
	}
}

/*
 * The next line off the head of *rest; true in *ret_ended: a line end stood
 * behind it.  Only LF and CRLF are line ends: a last CR is an octet.
 */
static bool
take_line(struct slice *rest, struct slice *ret_line, bool *ret_ended)
{
	if (rest->len == 0)
		return false;
	const char *lf = memchr(rest->at, '\n', rest->len);
	size_t len = lf != NULL ? (size_t)(lf - rest->at) : rest->len;

	*ret_ended = lf != NULL;
	*ret_line = (struct slice){ rest->at, len };
	*rest = slice_skip(*rest, len + (lf != NULL));
	if (lf != NULL && len > 0 && ret_line->at[len - 1] == '\r')
		ret_line->len--;
	return true;
}

/* Bit 7 of some octet: v holds one that is less than c, or 8-bit. */
static uint64_t
any_below(uint64_t v, unsigned char c)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);

	return ((v - ones * c) | v) & (ones * 0x80);
}

/*
 * A line that stands for itself, but for a blank at its end.  Nothing else is
 * so common; eight octets at a time.  A tab or DEL only means that they are
 * looked at one by one.
 */
static bool
is_itself(struct slice line)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t v;

	if (line.len > QP_WRAP || line.len < sizeof(v) ||
	    slice_starts(line, SLICE("From ")) ||
	    slice_starts(line, SLICE("--")))
		return false;
	for (size_t i = 0;; i += sizeof(v)) {
		if (i + sizeof(v) > line.len)
			i = line.len - sizeof(v);
		memcpy(&v, line.at + i, sizeof(v));
		if ((any_below(v, ' ') | any_below(v ^ (ones * '='), 1) |
			any_below(v ^ (ones * 127), 1)) != 0)
			return false;
		if (i + sizeof(v) == line.len)
			return true;
	}
}

int
mime_encode_qp(struct slice text, struct buf *out)
{
	struct qp q = { .out = out };
	struct slice line;
	bool ended;

	if (out->max - out->len > text.len + text.len / 8)
		(void)buf_reserve(out, text.len + text.len / 8);
	while (q.rc == 0 && take_line(&text, &line, &ended)) {
		if (ended && is_itself(line)) {
			bool blank = line.at[line.len - 1] == ' ';

			line.len -= blank;
			(void)buf_add_slice(out, line);
			q.rc = buf_add_text(out, blank ? "=20\r\n" : "\r\n");
			continue;
		}
		for (size_t i = 0; i < line.len; i++)
			qp_octet(&q, line.at[i]);
		qp_line(&q, ended ? QP_HARD : QP_LAST);
	}
	return q.rc;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
requote_line(struct qp *q, struct slice line)
{
	for (size_t i = 0; i < line.len; i++) {
		int high = -1, low = -1;

		if (line.at[i] == '=' && line.len - i > 2) {
			high = hex_value(line.at[i + 1]);
			low = hex_value(line.at[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			qp_octet(q, (char)(high * 16 + low));
			i += 2;
		} else {
			qp_octet(q, line.at[i]);
		}
	}
}

int
mime_requote_qp(struct slice quoted, struct buf *out)
{
	struct qp q = { .out = out };
	struct slice line;
	bool ended;

	while (q.rc == 0 && take_line(&quoted, &line, &ended)) {
		/* Rule 3: blanks there were put in by transport. */
		while (line.len > 0 && is_blank(line.at[line.len - 1]))
			line.len--;
		bool soft = line.len > 0 && line.at[line.len - 1] == '=';
		line.len -= soft;
		requote_line(&q, line);
		if (!soft)
			qp_line(&q, ended ? QP_HARD : QP_LAST);
	}
	if (q.len > 0)
		qp_line(&q, QP_LAST);
	return q.rc;
}

/* ---- base64 ---- */

int
mime_encode_base64(struct slice octets, struct buf *out)
{
	int rc = 0;

	while (rc == 0 && octets.len > 0) {
		struct slice piece = octets;

		if (piece.len > BASE64_LINE)
			piece.len = BASE64_LINE;
		octets = slice_skip(octets, piece.len);
		rc = crypto_base64_encode(piece, out);
		if (rc == 0 && octets.len > 0)
			rc = buf_add(out, "\r\n", 2);
	}
	return rc;
}
