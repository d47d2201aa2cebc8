/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/messages/{queue_id}: what happened to one message. */
#include "apid/resources.h"

#include "apid/apid.h"
#include "apid/report_request.h"
#include "proto/json.h"
#include "proto/message_story.h"
#include "proto/rfc3339.h"
#include "store/cursor.h"
#include "store/event_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define PAGE 1000
#define EVENTS_MAX 10000 /* told of one message */
#define SENTENCE_MAX 8192
#define AHEAD_MS 86400000

struct message {
	struct request *req;
	const struct zone *zone;
	struct event_query query;
	struct story story;
	struct buf events; /* JSON, with commas between */
	unsigned count;
	bool cut;
	int rc;
	char cursor[CURSOR_MAX];
};

static void
message_free(void *ctx)
{
	buf_done(&((struct message *)ctx)->events);
}

static void
on_row(const struct event *e, void *ctx)
{
	struct message *m = ctx;

	if (m->count == EVENTS_MAX) {
		m->cut = true;
		return;
	}
	if (m->count++ > 0)
		(void)buf_add_char(&m->events, ',');
	(void)event_to_json(e, &m->events);
	if (m->rc == 0)
		m->rc = story_add(&m->story, e);
}

static void
put_text(struct request *req, const char *name, struct slice value)
{
	(void)buf_addf(&req->out, ",\"%s\":", name);
	(void)json_print_string(value.at != NULL ? value : SLICE(""),
	    &req->out);
}

static void
put_recipient(struct message *m, const struct story_recipient *r)
{
	struct request *req = m->req;
	char time[RFC3339_MAX];
	struct buf sentence;

	buf_init(&sentence, SENTENCE_MAX);
	(void)story_sentence(r, m->zone, &sentence);
	(void)buf_add_text(&req->out, "{\"recipient\":");
	(void)json_print_string(r->address, &req->out);
	put_text(req, "state", slice_of(story_state_word(r)));
	(void)rfc3339_format(r->state_ms * 1000, time);
	put_text(req, "since", slice_of(time));
	(void)buf_addf(&req->out, ",\"attempts\":%u", r->attempts);
	put_text(req, "sentence", buf_slice(&sentence));
	(void)buf_add_char(&req->out, '}');
	buf_done(&sentence);
}

static void
reply(struct message *m)
{
	struct request *req = m->req;
	const struct event *facts = &m->story.facts;

	(void)buf_add_text(&req->out, "{\"queue_id\":");
	(void)json_print_string(m->query.queue_id, &req->out);
	put_text(req, "from", facts->from);
	put_text(req, "sender", facts->sender);
	put_text(req, "return_path", facts->return_path);
	put_text(req, "subject", facts->subject);
	put_text(req, "message_id", facts->message_id);
	put_text(req, "api_data", facts->api_data);
	put_text(req, "source_ip", facts->source_ip);
	(void)buf_add_text(&req->out, ",\"recipients\":[");
	for (size_t i = 0; i < m->story.count; i++) {
		if (i > 0)
			(void)buf_add_char(&req->out, ',');
		put_recipient(m, &m->story.recipients[i]);
	}
	(void)buf_add_text(&req->out, "],\"events\":[");
	(void)buf_add_slice(&req->out, buf_slice(&m->events));
	(void)buf_addf(&req->out, "],\"complete\":%s}",
	    m->cut ? "false" : "true");
	request_reply(req, 200);
}

static void on_end(int rc, struct slice next_cursor, void *ctx);

static void
ask(struct message *m)
{
	event_page(apid.store, &m->query, store_long_deadline(apid.store),
	    on_row, on_end, m);
}

static void
on_end(int rc, struct slice next_cursor, void *ctx)
{
	struct message *m = ctx;
	struct request *req = m->req;

	if (rc == 0)
		rc = m->rc;
	if (rc == 0)
		rc = m->events.rc;
	/* More recipients than a story has room for: what there is. */
	if (rc == ERR_LIMIT) {
		m->cut = true;
		rc = 0;
	}
	if (rc == 0 && next_cursor.at != NULL && !m->cut &&
	    next_cursor.len <= sizeof(m->cursor)) {
		memcpy(m->cursor, next_cursor.at, next_cursor.len);
		m->query.cursor = (struct slice){ m->cursor, next_cursor.len };
		ask(m);
	} else if (rc < 0) {
		request_error(req, rc);
	} else if (m->count == 0) {
		request_fail(req, 404, "no event of this message");
	} else {
		reply(m);
	}
}

static void
show(struct request *req)
{
	struct message *m = arena_alloc(req->arena, sizeof(*m));

	if (m == NULL) {
		request_error(req, ERR_NOMEM);
		return;
	}
	m->req = req;
	m->zone = report_request_zone(req);
	if (request_refused(req))
		return;
	m->query = (struct event_query){
		.tenant = req->tenant->name,
		.to_ms = clock_wall_us() / 1000 + AHEAD_MS,
		.queue_id = req->args[0],
		.limit = PAGE,
	};
	story_init(&m->story, req->arena);
	buf_init(&m->events, req->out.max / 2);
	req->handler_ctx = m;
	req->handler_free = message_free;
	ask(m);
}

static const char *const show_query[] = { "time_zone", NULL };

/* clang-format off */
const struct route routes_messages[] = {
	{ "GET", "/v1/messages/{queue_id}", API_READ, ROUTE_NO_BODY, show_query, show },
	{ .method = NULL },
};
/* clang-format on */
