/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of the suppression list made through the API. */
#include "apid/change.h"

#include "apid/apid.h"
#include "proto/block_json.h"
#include "proto/event.h"
#include "proto/json.h"
#include "store/audit_store.h"
#include "store/block_store.h"
#include "store/event_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define NOTE_MAX 300
#define EVENT_ATTEMPTS 3

struct change {
	struct request *req;
	enum change_kind kind;
	struct slice address;
	struct block block; /* what is written, or (by remove) was there */
	struct event event;
	unsigned status; /* of the answer */
	unsigned attempts;
};

static const struct {
	const char *action;
	enum event_type event;
} kinds[] = {
	[CHANGE_BLOCK] = { "block", EVENT_BLOCKED },
	[CHANGE_EDIT] = { "edit-block", EVENT_NTYPES },
	[CHANGE_UNBLOCK] = { "unblock", EVENT_UNBLOCKED },
	[CHANGE_EXEMPT] = { "exempt", EVENT_EXEMPTED },
	[CHANGE_UNEXEMPT] = { "unexempt", EVENT_NTYPES },
};

static void
audited(int rc, void *ctx)
{
	static struct log_limit limit;
	unsigned long missed;

	(void)ctx;
	if (rc < 0 && log_limit_ok(&limit, 60, &missed))
		log_warning("audit log: %s (and %lu more)", err_text(rc),
		    missed);
}

void
change_audit(struct request *req, const char *action, struct slice target,
    struct slice detail)
{
	struct audit_entry entry = {
		.tenant = req->tenant->name,
		.actor = req->user->name,
		.client = slice_of(req->client),
		.action = slice_of(action),
		.target = target,
		.detail = detail,
	};
	struct log_line l;

	log_line(&l, (struct slice){ NULL, 0 });
	log_line_add(&l, "action", entry.action);
	log_line_add(&l, "target", target);
	log_line_add(&l, "tenant", entry.tenant);
	log_line_add(&l, "user", entry.actor);
	log_line_add(&l, "client", entry.client);
	log_line_end(&l, LOG_L_INFO);
	audit_append(apid.store, &entry, store_deadline(apid.store), audited,
	    NULL);
}

/* As it stands now. */
static void
edited(int rc, const struct block *b, void *ctx)
{
	struct change *c = ctx;

	if (rc < 0) {
		request_error(c->req, rc);
		return;
	}
	struct block shown = *b;
	shown.stream = c->block.stream;
	(void)block_to_json(c->address, &shown, &c->req->out);
	request_reply(c->req, 200);
}

static void
change_reply(struct change *c)
{
	struct request *req = c->req;

	if (c->status == 204) {
		request_reply(req, 204);
		return;
	}
	if (c->kind == CHANGE_EDIT) {
		block_get(apid.store, req->tenant->name, c->address,
		    c->block.stream, store_deadline(apid.store), edited, c);
		return;
	}
	(void)block_to_json(c->address, &c->block, &req->out);
	if (c->status == 201) {
		struct buf location;

		buf_init(&location, 8192);
		(void)buf_add_text(&location, c->kind == CHANGE_BLOCK
						  ? "/v1/blocks/"
						  : "/v1/exemptions/");
		(void)uri_encode(c->address, &location);
		if (c->block.stream.len > 0) {
			(void)buf_add_text(&location, "?stream=");
			(void)uri_encode(c->block.stream, &location);
		}
		req->location = arena_text(req->arena, buf_slice(&location));
		buf_done(&location);
	}
	request_reply(req, c->status);
}

static void event_send(struct change *c);

static void
event_sent(int rc, struct slice id, void *ctx)
{
	struct change *c = ctx;

	(void)id;
	if (rc < 0 && c->attempts < EVENT_ATTEMPTS) {
		event_send(c);
		return;
	}
	if (rc < 0) {
		log_error("the event of a change is lost: %s: %.*s: %s",
		    kinds[c->kind].action, SLICE_F(c->address), err_text(rc));
		request_error(c->req, rc);
		return;
	}
	change_reply(c);
}

static void
event_send(struct change *c)
{
	c->attempts++;
	event_append(apid.store, apid.host, &c->event,
	    store_deadline(apid.store), event_sent, c);
}

/* The change is in Redis: its event and its audit entry. */
static void
changed(int rc, bool was_changed, void *ctx)
{
	struct change *c = ctx;
	struct request *req = c->req;

	if (rc == ERR_NOTFOUND) {
		request_fail(req, 404,
		    c->kind == CHANGE_UNEXEMPT ? "the address is not exempt"
					       : "the address is not blocked");
		return;
	}
	if (rc < 0) {
		request_error(req, rc);
		return;
	}
	change_audit(req, kinds[c->kind].action, c->address, c->block.note);
	if (!was_changed || kinds[c->kind].event == EVENT_NTYPES) {
		change_reply(c);
		return;
	}
	c->event = (struct event){
		.created_ms = clock_wall_us() / 1000,
		.type = kinds[c->kind].event,
		.tenant = req->tenant->name,
		.recipient = c->address,
		.origin = SLICE("api"),
		.reason = c->block.note,
		.status = c->block.status,
		.count = c->block.count,
		.stream = c->block.stream,
	};
	event_send(c);
}

/* The event of a lifted block says what it was. */
static void
removed(int rc, const struct block *gone, void *ctx)
{
	struct change *c = ctx;

	if (rc == 0) {
		c->block.status = gone->status;
		c->block.count = gone->count;
	}
	changed(rc, rc == 0, c);
}

static void
put(struct change *c)
{
	block_put(apid.store, c->req->tenant->name, c->address, &c->block,
	    store_deadline(apid.store), changed, c);
}

/* What is there now decides between 200, 201 and 409. */
static void
found(int rc, const struct block *b, void *ctx)
{
	struct change *c = ctx;
	int64_t now_s = clock_wall_us() / 1000000;

	if (rc < 0 && rc != ERR_NOTFOUND) {
		request_error(c->req, rc);
		return;
	}
	c->status = 201;
	if (rc == 0 && c->kind == CHANGE_EXEMPT && b->state == BLOCK_EXEMPT)
		c->status = 200;
	if (rc == 0 && c->kind == CHANGE_BLOCK) {
		if (b->state == BLOCK_EXEMPT) {
			request_fail(c->req, 409,
			    "the address is exempt: delete the exemption "
			    "first");
			return;
		}
		if (block_is_active(b, now_s)) {
			edited(0, b, c);
			return;
		}
	}
	if (c->kind == CHANGE_EDIT &&
	    (rc == ERR_NOTFOUND || !block_is_active(b, now_s))) {
		changed(ERR_NOTFOUND, false, c);
		return;
	}
	put(c);
}

void
change_start(struct request *req, const struct change_order *order)
{
	struct change *c = arena_calloc(req->arena, 1, sizeof(*c));
	enum change_kind kind = order->kind;

	if (c == NULL) {
		request_error(req, ERR_NOMEM);
		return;
	}
	c->req = req;
	c->kind = kind;
	c->address = order->address;
	c->block.stream = order->stream;
	c->block.note = order->note;
	c->status = 204;
	if (kind == CHANGE_UNBLOCK || kind == CHANGE_UNEXEMPT) {
		block_remove(apid.store, req->tenant->name, order->address,
		    order->stream,
		    kind == CHANGE_UNBLOCK ? BLOCK_BLOCKED : BLOCK_EXEMPT,
		    store_deadline(apid.store), removed, c);
		return;
	}
	c->block.state = kind == CHANGE_EXEMPT ? BLOCK_EXEMPT : BLOCK_BLOCKED;
	c->block.since_s = clock_wall_us() / 1000000;
	c->block.expires_s = order->expires_s;
	c->block.origin = SLICE("api");
	block_get(apid.store, req->tenant->name, order->address, order->stream,
	    store_deadline(apid.store), found, c);
}

struct slice
change_note(struct request *req)
{
	const struct json *v = json_get(req->json, "note");
	struct slice note = json_string(v);

	if (v == NULL)
		return note;
	if (json_type(v) != JSON_STRING || note.len > NOTE_MAX)
		request_invalid(req, "body", "note",
		    "must be text of at most 300 octets");
	return note;
}

void
change_members(struct request *req, const char *const *names)
{
	for (size_t i = 0; i < json_count(req->json); i++) {
		struct slice name;
		const char *text;
		size_t n = 0;

		(void)json_member(req->json, i, &name);
		while (names[n] != NULL && !slice_eq(name, slice_of(names[n])))
			n++;
		text = arena_text(req->arena, name);
		if (names[n] == NULL)
			request_invalid(req, "body", text != NULL ? text : "?",
			    "no such member");
	}
}
