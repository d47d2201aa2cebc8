/* SPDX-License-Identifier: BSD-2-Clause */
/* The facts of a message, left by the milter under its queue id. */
#include "store/message_store.h"

#include "proto/status.h"
#include "store/args.h"
#include "store/hold_args.h"
#include "store/hold_store.h"
#include "store/keys.h"
#include "store/request.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/err.h"
#include "util/number.h"

#define RECIPIENTS_MAX 10000 /* of a spooled line */

static void
got_stored(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	message_stored *stored = (message_stored *)q->fn;
	void *stored_ctx = q->ctx;
	bool held = rc == 0 && redis_integer(reply) == 2;

	request_done(q);
	stored(rc, held, stored_ctx);
}

static int
status_of(const struct message_facts *m)
{
	return m->suppressed_status != 0 ? m->suppressed_status
					 : STATUS_SUPPRESSED;
}

void
message_put(struct store *s, const struct message_facts *m, int64_t deadline_us,
    message_stored *stored, void *ctx)
{
	struct key key = key_message(m->host, m->queue_id);
	struct key prefix = key_counters_prefix(m->host);
	bool asks =
	    m->hold != NULL && (m->hold->gated || hold_is_certain(m->hold));
	struct buf facts;
	struct args a;

	buf_init(&facts, EVENT_FACTS_MAX);
	args_init(&a);
	args_key(&a, &key);
	int64_t midnight_ms = args_streams(&a, m->host);
	if (asks)
		hold_args_keys(&a, m->host);
	args_number(&a, midnight_ms);
	args_add(&a, key_slice(&prefix));
	args_minute(&a, m->facts.created_ms);
	args_number(&a, m->facts.created_ms);
	args_add(&a, m->facts.tenant);
	if (event_facts_format(&m->facts, &facts) < 0)
		a.failed = true;
	args_add(&a, buf_slice(&facts));
	args_add(&a, m->queue_id);
	args_number(&a, MESSAGE_TTL_S);
	args_number(&a, status_of(m));
	args_add(&a, m->suppressed_origin);
	args_add(&a, m->archive ? SLICE("1") : SLICE(""));
	args_number(&a, store_events_days(s));
	if (asks)
		hold_args_request(&a, m);
	else
		args_add(&a, SLICE(""));
	args_number(&a, (int64_t)m->recipient_count);
	for (size_t i = 0; i < m->recipient_count; i++)
		args_add(&a, m->recipients[i]);
	for (size_t i = 0; i < m->suppressed_count; i++) {
		args_add(&a, m->suppressed[i]);
		args_add(&a, m->suppressed_reason[i]);
	}
	args_send(&a, s, SCRIPT_message_put, deadline_us, got_stored,
	    request_new(s, (request_fn *)stored, ctx));
	buf_done(&facts);
}

static void
got_known(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	message_known *known = (message_known *)q->fn;
	void *known_ctx = q->ctx;
	int64_t n = rc == 0 ? redis_integer(reply) : 0;

	request_done(q);
	known(rc, n > 0, n > 1, known_ctx);
}

void
message_look(struct store *s, struct slice host, struct slice queue_id,
    int64_t deadline_us, message_known *known, void *ctx)
{
	struct key key = key_message(host, queue_id);
	struct slice argv[] = { key_slice(&key) };

	redis_script(s, SCRIPT_message_look, 1, argv, 1, deadline_us, got_known,
	    request_new(s, (request_fn *)known, ctx));
}

/* ---- one line of text ---- */

/*
 * "2", then with a tab before each: host, queue id, tenant, created ms, facts
 * (as in the stream), number of recipients, these, number of suppressed ones,
 * address and reason of each, their status and origin.  A backslash escapes
 * what would end a value.  A line that begins with "1" is of an older program,
 * and has no status and no origin.
 */
static const char escapes[][2] = { { '\\', '\\' }, { '\t', 't' }, { '\n', 'n' },
	{ '\r', 'r' }, { '\0', '0' } };
#define NESCAPES (sizeof(escapes) / sizeof(escapes[0]))

static void
put_octet(char c, struct buf *out)
{
	for (size_t i = 0; i < NESCAPES; i++)
		if (c == escapes[i][0]) {
			(void)buf_add_char(out, '\\');
			(void)buf_add_char(out, escapes[i][1]);
			return;
		}
	(void)buf_add_char(out, c);
}

static void
put_value(struct slice s, struct buf *out)
{
	(void)buf_add_char(out, '\t');
	for (size_t i = 0; i < s.len; i++)
		put_octet(s.at[i], out);
}

static void
put_number(size_t n, struct buf *out)
{
	char room[NUMBER_TEXT_MAX];

	(void)buf_add_char(out, '\t');
	(void)buf_add(out, room, number_format(n, room));
}

int
message_facts_print(const struct message_facts *m, struct buf *out)
{
	struct buf facts;
	int rc;

	buf_init(&facts, EVENT_FACTS_MAX);
	if ((rc = event_facts_format(&m->facts, &facts)) < 0) {
		buf_done(&facts);
		return rc;
	}
	(void)buf_add_char(out, '2');
	put_value(m->host, out);
	put_value(m->queue_id, out);
	put_value(m->facts.tenant, out);
	put_number((size_t)m->facts.created_ms, out);
	put_value(buf_slice(&facts), out);
	put_number(m->recipient_count, out);
	for (size_t i = 0; i < m->recipient_count; i++)
		put_value(m->recipients[i], out);
	put_number(m->suppressed_count, out);
	for (size_t i = 0; i < m->suppressed_count; i++) {
		put_value(m->suppressed[i], out);
		put_value(m->suppressed_reason[i], out);
	}
	put_number((size_t)m->suppressed_status, out);
	put_value(m->suppressed_origin, out);
	buf_done(&facts);
	return out->rc;
}

/* Takes a value off the line, its escapes undone; in the arena. */
static int
take_value(struct slice *rest, struct arena *arena, struct slice *ret_value)
{
	struct slice raw;
	size_t n = 0;

	if (!slice_split(rest, '\t', &raw))
		return ERR_SYNTAX;
	char *to = arena_text(arena, raw);
	if (to == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < raw.len; i++) {
		to[n] = raw.at[i];
		if (raw.at[i] == '\\') {
			size_t e = 0;

			if (++i == raw.len)
				return ERR_SYNTAX;
			while (e < NESCAPES && escapes[e][1] != raw.at[i])
				e++;
			if (e == NESCAPES)
				return ERR_SYNTAX;
			to[n] = escapes[e][0];
		}
		n++;
	}
	*ret_value = (struct slice){ to, n };
	return 0;
}

static int
take_number(struct slice *rest, uint64_t max, uint64_t *ret_number)
{
	struct slice raw;

	if (!slice_split(rest, '\t', &raw))
		return ERR_SYNTAX;
	return number_parse(raw, 0, max, ret_number) < 0 ? ERR_SYNTAX : 0;
}

/* A list of addresses, with reasons when ret_reasons is not NULL. */
static int
take_list(struct slice *rest, struct arena *arena,
    const struct slice **ret_list, const struct slice **ret_reasons,
    size_t *ret_count)
{
	uint64_t n;
	int rc;

	if ((rc = take_number(rest, RECIPIENTS_MAX, &n)) < 0)
		return rc;
	struct slice *list = arena_calloc(arena, 2 * n + 1, sizeof(*list));
	struct slice *reasons = list != NULL ? list + n : NULL;

	if (list == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		if ((rc = take_value(rest, arena, &list[i])) < 0)
			return rc;
		if (ret_reasons != NULL &&
		    (rc = take_value(rest, arena, &reasons[i])) < 0)
			return rc;
	}
	*ret_list = list;
	if (ret_reasons != NULL)
		*ret_reasons = reasons;
	*ret_count = n;
	return 0;
}

int
message_facts_parse(struct slice line, struct arena *arena,
    struct message_facts *ret_facts)
{
	struct message_facts m = { .queue_id = { NULL, 0 } };
	struct slice rest = line, version, facts;
	uint64_t created, status = 0;
	int rc;

	if (!slice_split(&rest, '\t', &version) ||
	    (!slice_eq(version, SLICE("1")) && !slice_eq(version, SLICE("2"))))
		return ERR_SYNTAX;
	if ((rc = take_value(&rest, arena, &m.host)) < 0 ||
	    (rc = take_value(&rest, arena, &m.queue_id)) < 0 ||
	    (rc = take_value(&rest, arena, &m.facts.tenant)) < 0 ||
	    (rc = take_number(&rest, INT64_MAX, &created)) < 0 ||
	    (rc = take_value(&rest, arena, &facts)) < 0 ||
	    (rc = take_list(&rest, arena, &m.recipients, NULL,
		 &m.recipient_count)) < 0 ||
	    (rc = take_list(&rest, arena, &m.suppressed, &m.suppressed_reason,
		 &m.suppressed_count)) < 0)
		return rc;
	if (slice_eq(version, SLICE("2")) &&
	    ((rc = take_number(&rest, STATUS_OTHER, &status)) < 0 ||
		(rc = take_value(&rest, arena, &m.suppressed_origin)) < 0))
		return rc;
	if (rest.at != NULL)
		return ERR_SYNTAX;
	m.suppressed_status = (int)status;
	m.facts.created_ms = (int64_t)created;
	event_facts_parse(facts, &m.facts);
	*ret_facts = m;
	return 0;
}

void
message_put_line(struct store *s, struct slice line, int64_t deadline_us,
    message_stored *stored, void *ctx)
{
	struct arena *arena = arena_new(MESSAGE_LINE_MAX);
	struct message_facts facts;
	int rc = ERR_NOMEM;

	if (arena != NULL)
		rc = message_facts_parse(line, arena, &facts);
	if (rc == 0)
		message_put(s, &facts, deadline_us, stored, ctx);
	else
		redis_refuse(s, rc, got_stored,
		    request_new(s, (request_fn *)stored, ctx));
	arena_free(arena);
}
