/* SPDX-License-Identifier: BSD-2-Clause */
/* The edits of one message, made together with the fewest calls. */
#include "milter/message.h"
#include "proto/address.h"
#include "proto/xtext.h"
#include "util/err.h"

/* RFC 3461, 4.4: "at most 100 characters"; 4.2: ORCPT has at most 500. */
#define ENVID_MAX 100
#define ORCPT_MAX 500
/* A body goes to the MTA in chunks of this size. */
#define PIECE_MAX 65535

/* How many of its name stand at or above it, as the MTA still has them. */
static int
index_of(const struct message *msg, size_t at)
{
	int n = 0;

	for (size_t i = 0; i <= at; i++)
		n += slice_eq_nocase(msg->fields[i].field.name,
		    msg->fields[at].field.name);
	return n;
}

static int
apply_fields(struct message *msg, const struct message_editor *editor,
    void *ctx)
{
	int rc;

	for (size_t i = msg->field_count; i-- > 0;) {
		const struct message_field *f = &msg->fields[i];

		if (f->state == FIELD_KEPT)
			continue;
		rc = editor->change_field(ctx, f->field.name.at,
		    index_of(msg, i),
		    f->state == FIELD_DELETED ? NULL : f->field.value.at);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < msg->added_count; i++) {
		rc = editor->add_top(ctx, msg->added[i].name.at,
		    msg->added[i].value.at);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* "<address>"; room for ADDRESS_MAX + 3 octets.  RFC 5321, 4.1.2. */
static void
path_of(struct slice address, char *room)
{
	char mailbox[ADDRESS_MAX];

	(void)address_mailbox(address, mailbox, &address);
	room[0] = '<';
	memcpy(room + 1, address.at, address.len);
	memcpy(room + 1 + address.len, ">", 2);
}

/* "NAME=value" as xtext; NULL: none, or it is too long to be one. */
static const char *
parameter(struct buf *room, const char *name, struct slice value, size_t max)
{
	if (value.len == 0)
		return NULL;
	(void)buf_add_text(room, name);
	size_t before = room->len;
	if (xtext_encode(value, room) < 0 || room->len - before > max)
		return NULL;
	return buf_text(room);
}

static int
apply_sender(struct message *msg, const struct message_editor *editor,
    void *ctx)
{
	char path[ADDRESS_MAX + 3];
	struct buf args;
	int rc;

	if (msg->new_sender.at == NULL)
		return 0;
	if (msg->new_sender.len > ADDRESS_MAX)
		return ERR_LIMIT;
	path_of(msg->new_sender, path);
	buf_init(&args, 4000);
	rc = editor->change_sender(ctx, path,
	    parameter(&args, "ENVID=", msg->new_envid, ENVID_MAX));
	buf_done(&args);
	return rc;
}

static int
add_one(const struct message_rcpt *r, const struct message_editor *editor,
    void *ctx)
{
	char path[ADDRESS_MAX + 3];
	struct buf args;
	int rc;

	if (r->address.len > ADDRESS_MAX)
		return ERR_LIMIT;
	path_of(r->address, path);
	buf_init(&args, 4000);
	rc = editor->add_rcpt(ctx, path,
	    parameter(&args, "ORCPT=rfc822;", r->orcpt, ORCPT_MAX));
	buf_done(&args);
	return rc;
}

static bool
leaves_mta(const struct message_rcpt *r)
{
	return r->fate != RCPT_GOES && !r->added;
}

/* The MTA removes all that are written so: once is enough. */
static bool
removed_before(const struct message *msg, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (leaves_mta(&msg->rcpts[i]) &&
		    slice_eq(msg->rcpts[i].raw, msg->rcpts[at].raw))
			return true;
	return false;
}

/* Removed first: one that is added may be written as one that went. */
static int
apply_rcpts(struct message *msg, const struct message_editor *editor, void *ctx)
{
	int rc = 0;

	for (size_t i = 0; i < msg->rcpt_count && rc == 0; i++)
		if (leaves_mta(&msg->rcpts[i]) && !removed_before(msg, i))
			rc = editor->remove_rcpt(ctx, msg->rcpts[i].raw.at);
	for (size_t i = 0; i < msg->rcpt_count && rc == 0; i++)
		if (msg->rcpts[i].added && msg->rcpts[i].fate == RCPT_GOES)
			rc = add_one(&msg->rcpts[i], editor, ctx);
	return rc;
}

static int
apply_body(struct message *msg, const struct message_editor *editor, void *ctx)
{
	struct slice rest, piece;
	int rc = 0;

	if (msg->new_body == NULL)
		return 0;
	for (rest = buf_slice(msg->new_body); rest.len > 0 && rc == 0;
	     rest = slice_skip(rest, piece.len)) {
		piece = rest;
		if (piece.len > PIECE_MAX)
			piece.len = PIECE_MAX;
		rc = editor->replace_body(ctx, piece);
	}
	return rc;
}

int
message_apply(struct message *msg, const struct message_editor *editor,
    void *ctx)
{
	int rc;

	if ((rc = apply_fields(msg, editor, ctx)) < 0 ||
	    (rc = apply_sender(msg, editor, ctx)) < 0 ||
	    (rc = apply_rcpts(msg, editor, ctx)) < 0 ||
	    (rc = apply_body(msg, editor, ctx)) < 0)
		return rc;
	if (msg->hold_reason.at != NULL)
		rc = editor->hold(ctx, msg->hold_reason.at);
	return rc;
}
