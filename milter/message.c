/* SPDX-License-Identifier: BSD-2-Clause */
/* One message: envelope, header, and the edits asked for. */
#include "milter/message.h"

#include "proto/address.h"
#include "util/err.h"

int
message_init(struct message *msg)
{
	*msg = (struct message){ .arena = arena_new(MESSAGE_MEMORY_MAX) };
	return msg->arena != NULL ? 0 : ERR_NOMEM;
}

void
message_reset(struct message *msg)
{
	struct arena *arena = msg->arena;

	settings_unref(msg->settings);
	if (arena != NULL)
		arena_reset(arena);
	*msg = (struct message){ .arena = arena };
}

void
message_done(struct message *msg)
{
	message_reset(msg);
	arena_free(msg->arena);
	msg->arena = NULL;
}

/* An array with room for one more; the old one stays in the arena. */
static void *
grown(struct arena *arena, void *old, size_t count, size_t *cap, size_t size)
{
	size_t room = *cap > 0 ? 2 * *cap : 16;

	if (count < *cap)
		return old;
	void *fresh = arena_calloc(arena, room, size);
	if (fresh == NULL)
		return NULL;
	if (count > 0)
		memcpy(fresh, old, count * size);
	*cap = room;
	return fresh;
}

struct slice
message_keep(struct message *msg, struct slice s)
{
	return arena_dup(msg->arena, s);
}

int
message_add_rcpt(struct message *msg, struct slice raw, bool from_smtpd)
{
	struct message_rcpt *rcpts = grown(msg->arena, msg->rcpts,
	    msg->rcpt_count, &msg->rcpt_cap, sizeof(*rcpts));
	char room[ADDRESS_MAX];
	struct slice address;

	if (rcpts == NULL)
		return ERR_NOMEM;
	msg->rcpts = rcpts;
	struct message_rcpt *r = &rcpts[msg->rcpt_count];
	*r = (struct message_rcpt){ .raw = message_keep(msg, raw),
		.from_smtpd = from_smtpd };
	if (address_canonical(raw, room, &address) < 0)
		address = raw; /* Postfix took it: it is somebody's */
	r->address = message_keep(msg, address);
	if (r->raw.at == NULL || r->address.at == NULL)
		return ERR_NOMEM;
	msg->rcpt_count++;
	return 0;
}

int
message_add_field(struct message *msg, struct slice name, struct slice value)
{
	struct message_field *fields;

	msg->header_octets += name.len + value.len;
	if (msg->field_count == MESSAGE_FIELDS_MAX ||
	    msg->header_octets > MESSAGE_HEADER_MAX)
		return ERR_LIMIT;
	fields = grown(msg->arena, msg->fields, msg->field_count,
	    &msg->field_cap, sizeof(*fields));
	if (fields == NULL)
		return ERR_NOMEM;
	msg->fields = fields;
	struct message_field *f = &fields[msg->field_count];
	*f = (struct message_field){ { message_keep(msg, name),
					 message_keep(msg, value) },
		FIELD_KEPT };
	if (f->field.name.at == NULL || f->field.value.at == NULL)
		return ERR_NOMEM;
	msg->field_count++;
	return 0;
}

const struct message_field *
message_find(const struct message *msg, const char *name, size_t n)
{
	for (size_t i = 0; i < msg->field_count; i++) {
		const struct message_field *f = &msg->fields[i];

		if (f->state != FIELD_DELETED &&
		    slice_eq_nocase(f->field.name, slice_of(name)) && n-- == 0)
			return f;
	}
	return NULL;
}

size_t
message_count(const struct message *msg, const char *name)
{
	size_t n = 0;

	while (message_find(msg, name, n) != NULL)
		n++;
	return n;
}

size_t
message_rcpts_left(const struct message *msg)
{
	size_t n = 0;

	for (size_t i = 0; i < msg->rcpt_count; i++)
		n += !msg->rcpts[i].removed;
	return n;
}

struct header_field *
message_leaving(struct message *msg, size_t *ret_count)
{
	size_t n = 0;
	struct header_field *all = arena_calloc(msg->arena,
	    msg->added_count + msg->field_count + 1, sizeof(*all));

	if (all == NULL)
		return NULL;
	for (size_t i = msg->added_count; i-- > 0;)
		all[n++] = msg->added[i];
	for (size_t i = 0; i < msg->field_count; i++)
		if (msg->fields[i].state != FIELD_DELETED)
			all[n++] = msg->fields[i].field;
	*ret_count = n;
	return all;
}

void
message_delete_field(struct message *msg, size_t i)
{
	msg->fields[i].state = FIELD_DELETED;
}

int
message_change_field(struct message *msg, size_t i, struct slice value)
{
	struct slice kept = message_keep(msg, value);

	if (kept.at == NULL)
		return ERR_NOMEM;
	msg->fields[i].field.value = kept;
	msg->fields[i].state = FIELD_CHANGED;
	return 0;
}

int
message_add_top(struct message *msg, const char *name, struct slice value)
{
	struct header_field *added = grown(msg->arena, msg->added,
	    msg->added_count, &msg->added_cap, sizeof(*added));
	struct header_field f = { message_keep(msg, slice_of(name)),
		message_keep(msg, value) };

	if (added == NULL || f.name.at == NULL || f.value.at == NULL)
		return ERR_NOMEM;
	msg->added = added;
	added[msg->added_count++] = f;
	return 0;
}

int
message_change_sender(struct message *msg, struct slice address)
{
	struct slice kept = message_keep(msg, address);

	if (kept.at == NULL)
		return ERR_NOMEM;
	msg->new_sender = kept;
	return 0;
}

void
message_remove_rcpt(struct message *msg, size_t i, struct slice reason)
{
	msg->rcpts[i].removed = true;
	msg->rcpts[i].reason = reason;
}

void
message_reply(struct message *msg, const char *dsn, const char *text)
{
	msg->reply_dsn = dsn;
	msg->reply_text = text;
}

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

/* The MTA removes all that are written so: once is enough. */
static bool
removed_before(const struct message *msg, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (msg->rcpts[i].removed &&
		    slice_eq(msg->rcpts[i].raw, msg->rcpts[at].raw))
			return true;
	return false;
}

int
message_apply(struct message *msg, const struct message_editor *editor,
    void *ctx)
{
	char path[ADDRESS_MAX + 3];
	int rc;

	if ((rc = apply_fields(msg, editor, ctx)) < 0)
		return rc;
	if (msg->new_sender.at != NULL && msg->new_sender.len <= ADDRESS_MAX) {
		struct slice s = msg->new_sender;

		path[0] = '<';
		memcpy(path + 1, s.at, s.len);
		memcpy(path + 1 + s.len, ">", 2);
		if ((rc = editor->change_sender(ctx, path)) < 0)
			return rc;
	}
	for (size_t i = 0; i < msg->rcpt_count; i++)
		if (msg->rcpts[i].removed && !removed_before(msg, i) &&
		    (rc = editor->remove_rcpt(ctx, msg->rcpts[i].raw.at)) < 0)
			return rc;
	return 0;
}
