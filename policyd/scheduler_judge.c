/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Held mail that is not on the list.  Only what bears the milter's mark is
 * ours; it is judged by the settings in force, and listed again, with its
 * facts where these are lost, too, so that its events are as those of others.
 */
#include "policyd/scheduler_judge.h"

#include "policyd/held_text.h"
#include "policyd/policyd.h"
#include "policyd/queue_client.h"
#include "policyd/scheduler.h"
#include "proto/address.h"
#include "proto/encoded_word.h"
#include "proto/filter.h"
#include "proto/held_field.h"
#include "proto/settings.h"
#include "store/hold_store.h"
#include "store/message_store.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define ARENA_MAX ((size_t)32 * 1024 * 1024)
#define VALUE_MAX 1000
#define RAW_MAX (16 * 1024)

static struct {
	struct policyd *d;
	scheduler_judged *judged;
	void *ctx;
	char id[QUEUE_ID_MAX];
	size_t id_len;
	int64_t since_ms;
	bool deferred;
	struct arena *arena;
	struct held_text text;
	struct hold_record record;
	struct message_facts facts;
} judge;

static void
end(int rc, enum judgement judgement)
{
	arena_free(judge.arena);
	judge.arena = NULL;
	judge.judged(rc, judgement, judge.ctx);
}

static int64_t
deadline(void)
{
	return store_deadline(judge.d->store);
}

/* ---- listed again ---- */

static void
put_done(int rc, void *ctx)
{
	(void)ctx;
	end(rc, JUDGED_LISTED);
}

static void
put(void)
{
	hold_put(judge.d->store, judge.d->host, &judge.record, 1, deadline(),
	    put_done, NULL);
}

static void
facts_stored(int rc, bool held, void *ctx)
{
	(void)held;
	(void)ctx;
	if (rc < 0)
		end(rc, JUDGED_LISTED);
	else
		put();
}

static struct slice
decoded(struct slice name)
{
	struct slice raw = held_text_field(&judge.text, name), kept = { 0 };
	struct buf text;

	if (raw.at == NULL)
		return kept;
	if (raw.len > RAW_MAX)
		raw.len = RAW_MAX;
	buf_init(&text, VALUE_MAX);
	if (encoded_word_decode(raw, &text) == 0)
		kept = arena_dup(judge.arena, buf_slice(&text));
	buf_done(&text);
	return kept;
}

static void
known(int rc, bool is_known, bool tried, void *ctx)
{
	(void)ctx;
	if (rc < 0) {
		end(rc, JUDGED_LISTED);
		return;
	}
	/* It was released once: who holds it now did so by hand. */
	if (tried && !judge.deferred) {
		end(0, JUDGED_FOREIGN);
		return;
	}
	if (is_known) {
		put();
		return;
	}
	judge.facts = (struct message_facts){
		.host = judge.d->host,
		.queue_id = judge.record.queue_id,
		.facts = { .type = EVENT_QUEUED,
		    .created_ms = judge.record.arrived_ms,
		    .tenant = judge.record.tenant,
		    .queue_id = judge.record.queue_id,
		    .sender = judge.text.sender,
		    .return_path = judge.text.sender,
		    .from = decoded(SLICE("From")),
		    .subject = judge.record.subject,
		    .message_id = decoded(SLICE("Message-ID")),
		    .api_data = decoded(SLICE("X-Api-Data")) },
		.recipients = judge.text.recipients,
		.recipient_count = judge.text.recipient_count,
	};
	message_put(judge.d->store, &judge.facts, deadline(), facts_stored,
	    NULL);
}

/* ---- the decision ---- */

/* Recipients as everywhere else: canonical. */
static int
canonical_recipients(void)
{
	size_t n = judge.text.recipient_count;
	struct slice *list = arena_calloc(judge.arena, n + 1, sizeof(*list));
	char room[ADDRESS_MAX];

	if (list == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		struct slice address = judge.text.recipients[i];

		if (address_canonical(address, room, &address) < 0)
			address = judge.text.recipients[i];
		list[i] = arena_dup(judge.arena, address);
		if (list[i].at == NULL)
			return ERR_NOMEM;
	}
	judge.text.recipients = list;
	return 0;
}

/*
 * The milter holds recipients together that are treated alike, but settings
 * may have changed: the latest time, and the highest priority.
 */
static int
decide(const struct tenant *t, int64_t now_ms)
{
	const struct schedule_rules *rules = &t->schedule;
	struct filter_values *values = filter_values_new(judge.arena,
	    judge.text.fields, judge.text.field_count);
	struct hold_record *r = &judge.record;

	if (values == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < judge.text.recipient_count; i++) {
		struct slice name = { NULL, 0 };
		int64_t free_ms = now_ms;
		int rc = schedule_window(rules, values,
		    judge.text.recipients[i], now_ms, &free_ms, &name, NULL);

		if (rc == ERR_NOMEM)
			return rc;
		if (rc == 0 && free_ms > now_ms && free_ms > r->release_ms) {
			r->release_ms = free_ms;
			r->reason = HOLD_WINDOW;
			r->rule = name;
		}
		rc = schedule_priority(rules, values, judge.text.recipients[i]);
		if (rc > 0 && (i == 0 || (unsigned)rc > r->priority))
			r->priority = (unsigned)rc;
	}
	return 0;
}

/* The mark says whose it is, and what no setting can say again. */
static int
judge_text(const struct held_field *mark)
{
	int64_t now_ms = clock_wall_us() / 1000;
	struct settings *s = settings_current(judge.d->watch);
	const struct tenant *t = settings_tenant(s, mark->tenant);
	int rc = 0;

	judge.record = (struct hold_record){
		.queue_id = { judge.id, judge.id_len },
		.tenant = mark->tenant,
		.reason = mark->reason,
		.rule = mark->rule,
		.priority = PRIORITY_DEFAULT,
		.arrived_ms =
		    mark->arrived_ms > 0 ? mark->arrived_ms : judge.since_ms,
		.deferred = judge.deferred,
		.sender = judge.text.sender,
		.recipient = judge.text.recipient_count > 0
				 ? judge.text.recipients[0]
				 : SLICE(""),
		.recipients = judge.text.recipient_count,
		.subject = decoded(SLICE("Subject")),
	};
	if (mark->reason == HOLD_SCAN || mark->reason == HOLD_HAND)
		judge.record.release_ms = INT64_MAX;
	else if (mark->reason == HOLD_DAY_CAP && mark->release_ms > now_ms)
		judge.record.release_ms = mark->release_ms;
	if (t != NULL && judge.record.release_ms != INT64_MAX)
		rc = decide(t, now_ms);
	/* What names a rule lies in the settings. */
	if (rc == 0 && judge.record.rule.at != NULL) {
		judge.record.rule = arena_dup(judge.arena, judge.record.rule);
		if (judge.record.rule.at == NULL)
			rc = ERR_NOMEM;
	}
	settings_unref(s);
	return rc;
}

/*
 * The milter's mark; a message whose retries were stopped has none that counts
 * (any more), and its tenant is not known: it is tried again.
 */
static int
find_mark(struct held_field *ret_mark)
{
	struct slice id = { judge.id, judge.id_len };
	struct slice field = held_text_field(&judge.text, SLICE(HELD_FIELD));

	if (scheduler_has_put(id)) {
		*ret_mark = (struct held_field){ .reason = HOLD_WINDOW,
			.tenant = SLICE(SETTINGS_DEFAULT_TENANT),
			.priority = PRIORITY_DEFAULT,
			.arrived_ms = judge.since_ms };
		judge.deferred = true;
		return 0;
	}
	judge.deferred = false;
	return field.at != NULL ? held_field_parse(field, judge.arena, ret_mark)
				: ERR_NOTFOUND;
}

static void
got_text(int rc, struct slice text, void *ctx)
{
	struct held_field mark;

	(void)ctx;
	if (rc == ERR_NOTFOUND) {
		end(0, JUDGED_GONE);
		return;
	}
	if (rc == 0 && (judge.arena = arena_new(ARENA_MAX)) == NULL)
		rc = ERR_NOMEM;
	if (rc == 0)
		rc = held_text_parse(text, judge.arena, &judge.text);
	if (rc == 0)
		rc = find_mark(&mark);
	if (rc < 0) {
		/* Not ours, or nothing that we understand. */
		if (!err_is_temporary(rc))
			end(0, JUDGED_FOREIGN);
		else
			end(rc, JUDGED_FOREIGN);
		return;
	}
	if ((rc = canonical_recipients()) < 0 || (rc = judge_text(&mark)) < 0) {
		end(rc, JUDGED_LISTED);
		return;
	}
	message_look(judge.d->store, judge.d->host, judge.record.queue_id,
	    deadline(), known, NULL);
}

void
scheduler_judge(struct policyd *d, struct slice queue_id, int64_t since_ms,
    scheduler_judged *judged, void *ctx)
{
	judge.d = d;
	judge.judged = judged;
	judge.ctx = ctx;
	judge.since_ms = since_ms;
	judge.id_len =
	    queue_id.len < QUEUE_ID_MAX ? queue_id.len : QUEUE_ID_MAX;
	memcpy(judge.id, queue_id.at, judge.id_len);
	queue_read(d->queue, (struct slice){ judge.id, judge.id_len }, got_text,
	    NULL);
}
