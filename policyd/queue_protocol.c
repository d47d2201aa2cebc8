/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to the queue helper and its answers, as octets. */
#include "policyd/queue_protocol.h"

#include "util/err.h"

#define MAGIC_LEN 4
#define ID_MIN 6
#define ID_MAX 20
#define RESULT_MAX 12 /* -ERR_CANCELED, the last one of util/err.h */

_Static_assert(RESULT_MAX == -ERR_CANCELED, "every code fits");

static const char request_magic[] = "PHQ1";
static const char answer_magic[] = "PHA1";

static int
add_number(struct buf *out, size_t octets, uint64_t value)
{
	char room[8];

	for (size_t i = octets; i-- > 0; value >>= 8)
		room[i] = (char)(uint8_t)value;
	return buf_add(out, room, octets);
}

/* The packet's next octets; false: it is shorter. */
static bool
take(struct slice *rest, size_t len, struct slice *ret_piece)
{
	if (rest->len < len)
		return false;
	*ret_piece = (struct slice){ rest->at, len };
	*rest = slice_skip(*rest, len);
	return true;
}

static bool
take_number(struct slice *rest, size_t octets, uint64_t *ret_value)
{
	struct slice piece;
	uint64_t value = 0;

	if (!take(rest, octets, &piece))
		return false;
	for (size_t i = 0; i < octets; i++)
		value = value << 8 | (uint8_t)piece.at[i];
	*ret_value = value;
	return true;
}

static bool
take_magic(struct slice *rest, const char *magic)
{
	struct slice piece;

	return take(rest, MAGIC_LEN, &piece) &&
	       memcmp(piece.at, magic, MAGIC_LEN) == 0;
}

bool
queue_id_ok(struct slice id)
{
	if (id.len < ID_MIN || id.len > ID_MAX)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		char c = id.at[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			(c >= 'a' && c <= 'z')))
			return false;
	}
	return true;
}

static bool
path_ok(struct slice path)
{
	return path.len > 0 && path.len < QUEUE_PATH_MAX && path.at[0] == '/' &&
	       memchr(path.at, '\0', path.len) == NULL &&
	       memchr(path.at, '\n', path.len) == NULL;
}

/* ---- requests ---- */

static int
format_start(const struct queue_request *r, struct buf *out)
{
	const struct slice paths[] = { r->config_directory, r->state_directory,
		r->key_file };

	(void)add_number(out, 4, r->user);
	(void)add_number(out, 1, r->sandbox);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (!path_ok(paths[i]))
			return ERR_SYNTAX;
		(void)add_number(out, 2, paths[i].len);
		(void)buf_add_slice(out, paths[i]);
	}
	return 0;
}

static int
format_ids(const struct queue_request *r, struct buf *out)
{
	size_t max = r->kind == QUEUE_ASK_READ ? 1 : QUEUE_IDS_MAX;

	if (r->count == 0)
		return ERR_SYNTAX;
	if (r->count > max)
		return ERR_LIMIT;
	(void)add_number(out, 2, r->count);
	for (size_t i = 0; i < r->count; i++) {
		if (!queue_id_ok(r->ids[i]))
			return ERR_SYNTAX;
		(void)add_number(out, 1, r->ids[i].len);
		(void)buf_add_slice(out, r->ids[i]);
	}
	return 0;
}

int
queue_request_format(const struct queue_request *r, struct buf *out)
{
	int rc = 0;

	(void)buf_add(out, request_magic, MAGIC_LEN);
	(void)add_number(out, 4, r->number);
	(void)add_number(out, 1, (uint64_t)r->kind);
	(void)add_number(out, 3, 0);
	switch (r->kind) {
	case QUEUE_ASK_START:
		rc = format_start(r, out);
		break;
	case QUEUE_ASK_RELEASE:
	case QUEUE_ASK_HOLD:
	case QUEUE_ASK_RETRY:
	case QUEUE_ASK_EXPIRE:
	case QUEUE_ASK_DELETE:
	case QUEUE_ASK_READ:
		rc = format_ids(r, out);
		break;
	case QUEUE_ASK_APPLY:
		(void)buf_add(out, r->digest, QUEUE_DIGEST_LEN);
		break;
	case QUEUE_ASK_COUNT:
	case QUEUE_ASK_LIST:
	case QUEUE_ASK_MORE:
		break;
	}
	return rc < 0 ? rc : out->rc;
}

static bool
parse_start(struct slice *rest, struct queue_request *r)
{
	struct slice *const paths[] = { &r->config_directory,
		&r->state_directory, &r->key_file };
	uint64_t n;

	if (!take_number(rest, 4, &n))
		return false;
	r->user = (uint32_t)n;
	if (!take_number(rest, 1, &n) || n > 1)
		return false;
	r->sandbox = n == 1;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (!take_number(rest, 2, &n) || !take(rest, n, paths[i]) ||
		    !path_ok(*paths[i]))
			return false;
	return true;
}

bool
queue_id_next(struct slice *rest, struct slice *ret_id)
{
	uint64_t n;

	return take_number(rest, 1, &n) && take(rest, n, ret_id);
}

static bool
parse_ids(struct slice *rest, struct queue_request *r)
{
	size_t max = r->kind == QUEUE_ASK_READ ? 1 : QUEUE_IDS_MAX;
	struct slice id;
	uint64_t n;

	if (!take_number(rest, 2, &n) || n == 0 || n > max)
		return false;
	r->count = n;
	r->packed_ids = *rest;
	for (size_t i = 0; i < r->count; i++)
		if (!queue_id_next(rest, &id) || !queue_id_ok(id))
			return false;
	return true;
}

static bool
parse_digest(struct slice *rest, struct queue_request *r)
{
	struct slice digest;

	if (!take(rest, QUEUE_DIGEST_LEN, &digest))
		return false;
	memcpy(r->digest, digest.at, QUEUE_DIGEST_LEN);
	return true;
}

static bool
parse_rest(struct slice *rest, struct queue_request *r)
{
	switch (r->kind) {
	case QUEUE_ASK_START:
		return parse_start(rest, r);
	case QUEUE_ASK_RELEASE:
	case QUEUE_ASK_HOLD:
	case QUEUE_ASK_RETRY:
	case QUEUE_ASK_EXPIRE:
	case QUEUE_ASK_DELETE:
	case QUEUE_ASK_READ:
		return parse_ids(rest, r);
	case QUEUE_ASK_APPLY:
		return parse_digest(rest, r);
	case QUEUE_ASK_COUNT:
	case QUEUE_ASK_LIST:
	case QUEUE_ASK_MORE:
		return true;
	}
	return false;
}

int
queue_request_parse(struct slice packet, struct queue_request *ret_request)
{
	struct queue_request r = { .number = 0 };
	struct slice rest = packet;
	uint64_t number, kind, zero;

	if (packet.len > QUEUE_PACKET_MAX ||
	    !take_magic(&rest, request_magic) ||
	    !take_number(&rest, 4, &number) || !take_number(&rest, 1, &kind) ||
	    !take_number(&rest, 3, &zero) || zero != 0)
		return ERR_SYNTAX;
	r.number = (uint32_t)number;
	r.kind = (enum queue_request_kind)kind;
	if (!parse_rest(&rest, &r) || rest.len > 0)
		return ERR_SYNTAX;
	*ret_request = r;
	return 0;
}

/* ---- answers ---- */

int
queue_answer_format(const struct queue_answer *a, struct buf *out)
{
	if (a->rc > 0 || a->rc < -RESULT_MAX)
		return ERR_SYNTAX;
	if (a->text.len > QUEUE_ANSWER_TEXT_MAX)
		return ERR_LIMIT;
	(void)buf_add(out, answer_magic, MAGIC_LEN);
	(void)add_number(out, 4, a->number);
	(void)add_number(out, 1, (uint64_t)-a->rc);
	(void)add_number(out, 1, a->more);
	(void)add_number(out, 2, 0);
	(void)add_number(out, 8, a->done);
	(void)add_number(out, 8, a->active);
	(void)buf_add_slice(out, a->text);
	return out->rc;
}

int
queue_answer_parse(struct slice packet, struct queue_answer *ret_answer)
{
	struct queue_answer a = { .number = 0 };
	uint64_t number, result, more, zero;
	struct slice rest = packet;

	if (packet.len > QUEUE_PACKET_MAX || !take_magic(&rest, answer_magic) ||
	    !take_number(&rest, 4, &number) ||
	    !take_number(&rest, 1, &result) || result > RESULT_MAX ||
	    !take_number(&rest, 1, &more) || more > 1 ||
	    !take_number(&rest, 2, &zero) || zero != 0 ||
	    !take_number(&rest, 8, &a.done) ||
	    !take_number(&rest, 8, &a.active))
		return ERR_SYNTAX;
	a.number = (uint32_t)number;
	a.rc = -(int)result;
	a.more = more == 1;
	a.text = rest;
	*ret_answer = a;
	return 0;
}

int
queue_row_format(const struct queue_held *row, struct buf *out)
{
	if (!queue_id_ok(row->queue_id) || row->since_ms < 0)
		return ERR_SYNTAX;
	(void)add_number(out, 8, (uint64_t)row->since_ms);
	(void)add_number(out, 1, row->queue_id.len);
	(void)buf_add_slice(out, row->queue_id);
	return out->rc;
}

int
queue_row_next(struct slice *rest, struct queue_held *ret_row)
{
	struct queue_held row;
	uint64_t since;

	if (rest->len == 0)
		return 0;
	if (!take_number(rest, 8, &since) || since > INT64_MAX ||
	    !queue_id_next(rest, &row.queue_id) || !queue_id_ok(row.queue_id))
		return ERR_SYNTAX;
	row.since_ms = (int64_t)since;
	*ret_row = row;
	return 1;
}
