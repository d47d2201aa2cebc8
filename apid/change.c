/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of the suppression list made through the API. */
#include "apid/change.h"

#include <stdio.h>

#include "apid/apid.h"
#include "proto/block_json.h"
#include "proto/event.h"
#include "proto/json.h"
#include "store/audit_store.h"
#include "store/block_store.h"
#include "store/event_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/log.h"

#define NOTE_MAX 300
#define EVENT_ATTEMPTS 3

struct change {
	struct request *req;
	enum change_kind kind;
	struct slice address;
	struct block block; /* what is written, for BLOCK and EXEMPT */
	struct event event;
	unsigned status; /* of the answer */
	unsigned attempts;
	char ref[17];
};

static const struct {
	const char *action;
	enum event_type event;
} kinds[] = {
	[CHANGE_BLOCK] = { "block", EVENT_BLOCKED },
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

static void
change_reply(struct change *c)
{
	struct request *req = c->req;

	if (c->status == 204) {
		request_reply(req, 204);
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
		    c->kind == CHANGE_UNBLOCK ? "the address is not blocked"
					      : "the address is not exempt");
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
	};
	event_send(c);
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
			(void)block_to_json(c->address, b, &c->req->out);
			request_reply(c->req, 200);
			return;
		}
	}
	put(c);
}

void
change_start(struct request *req, enum change_kind kind, struct slice address,
    struct slice note, int64_t expires_s)
{
	struct change *c = arena_alloc(req->arena, sizeof(*c));
	uint64_t random;

	if (c == NULL) {
		request_error(req, ERR_NOMEM);
		return;
	}
	c->req = req;
	c->kind = kind;
	c->address = address;
	c->status = 204;
	if (kind == CHANGE_UNBLOCK || kind == CHANGE_UNEXEMPT) {
		block_remove(apid.store, req->tenant->name, address,
		    kind == CHANGE_UNBLOCK ? BLOCK_BLOCKED : BLOCK_EXEMPT,
		    store_deadline(apid.store), changed, c);
		return;
	}
	crypto_random(&random, sizeof(random));
	snprintf(c->ref, sizeof(c->ref), "%010llx",
	    (unsigned long long)(random & 0xffffffffffULL));
	c->block = (struct block){
		.state = kind == CHANGE_BLOCK ? BLOCK_BLOCKED : BLOCK_EXEMPT,
		.since_s = clock_wall_us() / 1000000,
		.expires_s = expires_s,
		.origin = SLICE("api"),
		.ref = slice_of(c->ref),
		.note = note,
	};
	block_get(apid.store, req->tenant->name, address,
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
