/* SPDX-License-Identifier: BSD-2-Clause */
/* One message: envelope, header, and the edits asked for. */
#include "milter/message.h"

#include "milter/body.h"
#include "proto/address.h"
#include "util/err.h"

#define NOTES_MAX 2000 /* octets: what has room on a log line */

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
	body_free(msg->body);
	if (msg->new_body != NULL)
		buf_done(msg->new_body);
	if (msg->notes != NULL)
		buf_done(msg->notes);
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

bool
message_is_told(const struct message *msg, const struct message_rcpt *r)
{
	return settings_return_domain(msg->settings,
		   address_domain(r->address)) == NULL;
}

void
message_look_back(struct message *msg)
{
	size_t back = 0;

	msg->comes_back = false;
	msg->inbound = NULL;
	for (size_t i = 0; i < msg->rcpt_count; i++) {
		const struct message_rcpt *r = &msg->rcpts[i];
		const struct return_domain *d;

		/* What no smtpd(8) has seen is from this host. */
		if (!r->from_smtpd && !msg->sendmail)
			return;
		d = settings_comes_back(msg->settings, msg->tenant,
		    msg->sasl_user, msg->client, r->address);
		if (d == NULL)
			continue;
		back++;
		if (msg->inbound == NULL)
			msg->inbound = d->inbound;
	}
	msg->comes_back = back > 0 && back == msg->rcpt_count;
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
	*f = (struct message_field){ .field = { message_keep(msg, name),
					 message_keep(msg, value) },
		.state = FIELD_KEPT };
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
		n += msg->rcpts[i].fate == RCPT_GOES;
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
message_change_sender(struct message *msg, struct slice address,
    struct slice envid)
{
	struct slice kept = message_keep(msg, address);
	struct slice kept_envid = { NULL, 0 };

	if (envid.at != NULL)
		kept_envid = message_keep(msg, envid);
	if (kept.at == NULL || (envid.at != NULL && kept_envid.at == NULL))
		return ERR_NOMEM;
	msg->new_sender = kept;
	msg->new_envid = kept_envid;
	return 0;
}

void
message_remove_rcpt(struct message *msg, size_t i, enum rcpt_fate fate,
    struct slice reason)
{
	msg->rcpts[i].fate = fate;
	msg->rcpts[i].reason = reason;
}

static bool
goes_already(const struct message *msg, struct slice address)
{
	for (size_t i = 0; i < msg->rcpt_count; i++)
		if (msg->rcpts[i].fate == RCPT_GOES &&
		    slice_eq(msg->rcpts[i].address, address))
			return true;
	return false;
}

int
message_new_rcpt(struct message *msg, struct slice address, struct slice orcpt,
    struct slice reason)
{
	struct message_rcpt added = { .added = true };
	int rc;

	if (goes_already(msg, address))
		return 0;
	if (orcpt.at != NULL &&
	    (added.orcpt = message_keep(msg, orcpt)).at == NULL)
		return ERR_NOMEM;
	if (reason.at != NULL &&
	    (added.reason = message_keep(msg, reason)).at == NULL)
		return ERR_NOMEM;
	if ((rc = message_add_rcpt(msg, address, false)) < 0)
		return rc;
	struct message_rcpt *r = &msg->rcpts[msg->rcpt_count - 1];
	added.raw = r->raw;
	added.address = r->address;
	*r = added;
	return 0;
}

int
message_replace_body(struct message *msg, struct buf *body)
{
	if (msg->new_body == NULL) {
		msg->new_body = arena_alloc(msg->arena, sizeof(*msg->new_body));
		if (msg->new_body == NULL)
			return ERR_NOMEM;
	} else {
		buf_done(msg->new_body);
	}
	*msg->new_body = *body;
	buf_init(body, msg->new_body->max);
	/* The MTA takes no body of nothing; both mean the same. */
	if (msg->new_body->len == 0)
		return buf_add_text(msg->new_body, "\r\n");
	return 0;
}

void
message_hold(struct message *msg, struct slice reason)
{
	struct slice kept = message_keep(msg, reason);

	msg->hold_reason = kept.at != NULL ? kept : SLICE("held");
}

/* What has no room is not told. */
void
message_note(struct message *msg, const char *key, struct slice value)
{
	if (msg->notes == NULL) {
		msg->notes = arena_alloc(msg->arena, sizeof(*msg->notes));
		if (msg->notes == NULL)
			return;
		buf_init(msg->notes, NOTES_MAX);
	}
	size_t before = msg->notes->len;
	const void *end = value.len > 0 ? memchr(value.at, 0, value.len) : NULL;
	if (end != NULL)
		value.len = (size_t)((const char *)end - value.at);
	if (buf_add(msg->notes, key, strlen(key) + 1) < 0 ||
	    buf_add_slice(msg->notes, value) < 0 ||
	    buf_add_char(msg->notes, '\0') < 0)
		msg->notes->len = before;
}

void
message_reply(struct message *msg, const char *dsn, const char *text)
{
	msg->reply_dsn = dsn;
	msg->reply_text = text;
}

int
message_kept_fd(struct message *msg, int *ret_fd, size_t *ret_size)
{
	if (msg->body == NULL)
		return ERR_UNAVAIL;
	return body_fd(msg->body, ret_fd, ret_size);
}

int
message_kept_body(struct message *msg, struct slice *ret_body)
{
	if (msg->body == NULL)
		return ERR_UNAVAIL;
	return body_octets(msg->body, ret_body);
}
