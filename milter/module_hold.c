/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages that may not leave now: a prohibited time, a day cap that is used
 * up, or others that go first.  This module finds out what the rules say, and
 * books with the day caps; the decision falls where the facts are left
 * (module_facts), in one step with the list of what is held.
 */
#include "milter/copy.h"
#include "milter/facts.h"
#include "milter/hold.h"
#include "milter/milter.h"
#include "milter/module.h"
#include "proto/filter.h"
#include "proto/rfc3339.h"
#include "proto/schedule.h"
#include "service/metrics.h"
#include "store/day_cap_store.h"
#include "store/store.h"
#include "util/err.h"
#include "util/log.h"

/* That are looked at for room: longer no queue keeps mail. */
#define DAYS_MAX 31

struct holding {
	struct message *msg;
	int rc; /* of what treatment() could not tell */
	struct hold_request request;

	bool booked;
	size_t day;
	struct day_cap_request caps;
	struct slice names[DAY_CAPS_MAX];
	uint64_t quantities[DAY_CAPS_MAX];
	unsigned days[DAYS_MAX];
	int64_t releases[DAYS_MAX];
};

static uint64_t
hold_module_treatment(struct message *msg, void *state,
    const struct message_rcpt *rcpt)
{
	struct holding *h = state;
	struct hold_choice choice;
	int rc;

	if (!hold_by_recipient(msg) || h->rc < 0)
		return 0;
	rc = hold_choose(msg, rcpt->address, &choice);
	if (rc < 0)
		h->rc = rc;
	return rc < 0 ? 0 : hold_treatment(msg, &choice);
}

/* ---- day caps ---- */

struct asking {
	struct holding *h;
	struct store_wait *wait;
};

static void
booked(int rc, size_t day, void *ctx)
{
	struct asking *a = ctx;

	a->h->day = day;
	store_wait_done(a->wait, rc);
}

static void
ask_room(struct store *s, struct store_wait *w, void *ctx)
{
	struct asking *a = ctx;

	a->wait = w;
	day_cap_take(s, &a->h->caps, store_deadline(s), booked, a);
}

static int
take_room(struct holding *h)
{
	struct asking a = { h, NULL };
	int rc = store_wait(h->msg->host->store, ask_room, &a);

	h->booked = rc == 0;
	return rc;
}

/* Days behind the first one, each with when the message could leave on it. */
static int
add_days(struct holding *h, struct slice recipient, int64_t next_ms)
{
	struct message *msg = h->msg;
	const struct schedule_rules *r = &msg->tenant->schedule;
	struct filter_values *values = message_values(msg);
	size_t n = 0;

	while (n < DAYS_MAX) {
		int64_t free_ms;
		int rc = schedule_window(r, values, recipient, next_ms,
		    &free_ms, NULL, NULL);

		if (rc == ERR_NOMEM)
			return rc;
		if (rc < 0)
			break;
		h->releases[n] = free_ms;
		h->days[n++] = schedule_day(&r->calendar, free_ms, &next_ms);
	}
	h->caps.day_count = n;
	return n > 0 ? 0 : ERR_LIMIT;
}

/* On the day on which it could leave, else on the next one with room. */
static int
book(struct holding *h, const struct hold_choice *choice,
    struct slice recipient)
{
	const struct schedule_rules *r = &h->msg->tenant->schedule;
	struct hold_record *rec = &h->request.rec;
	int64_t next_ms;
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < r->day_cap_count; i++) {
		if ((choice->caps & UINT32_C(1) << i) == 0)
			continue;
		h->names[n] = r->day_caps[i].name;
		h->quantities[n++] = r->day_caps[i].quantity;
	}
	h->caps = (struct day_cap_request){ .tenant = h->msg->tenant->name,
		.names = h->names,
		.quantities = h->quantities,
		.count = n,
		.days = h->days,
		.day_count = 1 };
	h->days[0] = schedule_day(&r->calendar, choice->free_ms, &next_ms);
	if ((rc = take_room(h)) != ERR_LIMIT)
		return rc;
	if ((rc = add_days(h, recipient, next_ms)) < 0 ||
	    (rc = take_room(h)) < 0)
		return rc;
	rec->reason = HOLD_DAY_CAP;
	rec->rule = h->names[0];
	rec->release_ms = h->releases[h->day];
	return 0;
}

static enum verdict
not_booked(struct message *msg, int rc)
{
	static struct log_limit limit;
	unsigned long missed;

	metrics_add(METRIC_MILTER_HOLD_PUT_OFF, 1);
	if (log_limit_ok(&limit, 60, &missed))
		log_warning("%.*s: day caps of tenant %.*s: %s; mail is put "
			    "off (%lu more messages)",
		    SLICE_F(msg->queue_id), SLICE_F(msg->tenant->name),
		    rc == ERR_LIMIT ? "used up for a month" : err_text(rc),
		    missed);
	if (rc == ERR_LIMIT)
		message_reply(msg, "4.7.1",
		    "Day cap used up for a month, try later");
	else
		message_reply(msg, "4.3.0",
		    "Day caps can not be counted now, try later");
	return VERDICT_TEMPFAIL;
}

/* ---- the request ---- */

static enum verdict
undecided(struct message *msg, int rc)
{
	static struct log_limit limit;
	unsigned long missed;

	metrics_add(METRIC_MILTER_HOLD_PUT_OFF, 1);
	if (rc != ERR_LIMIT) {
		message_reply(msg, "4.3.0", "Out of memory, try later");
		return VERDICT_TEMPFAIL;
	}
	if (log_limit_ok(&limit, 60, &missed))
		log_warning("%.*s: when mail of tenant %.*s may leave can not "
			    "be decided: an expression takes too long, or a "
			    "year is prohibited; mail is put off (%lu more "
			    "messages)",
		    SLICE_F(msg->queue_id), SLICE_F(msg->tenant->name), missed);
	message_reply(msg, "4.3.5",
	    "When this may be sent can not be decided, try later");
	return VERDICT_TEMPFAIL;
}

/* Sendmail's quarantine gives nothing back: the client keeps it meanwhile. */
static enum verdict
needs_postfix(struct message *msg, int64_t release_ms)
{
	static struct log_limit limit;
	char room[RFC3339_MAX];
	unsigned long missed;
	struct slice kept;
	struct buf text;

	metrics_add(METRIC_MILTER_HOLD_PUT_OFF, 1);
	if (log_limit_ok(&limit, 3600, &missed))
		log_warning("%.*s: mail can be held with Postfix only: what "
			    "prohibited times and day caps of tenant %.*s "
			    "concern is put off (%lu more messages)",
		    SLICE_F(msg->queue_id), SLICE_F(msg->tenant->name), missed);
	buf_init(&text, 100);
	(void)buf_add_text(&text, "Not to be sent before ");
	(void)buf_add(&text, room, rfc3339_format(release_ms * 1000, room));
	(void)buf_add_text(&text, ", try then");
	kept = message_keep(msg, buf_slice(&text));
	buf_done(&text);
	message_reply(msg, "4.7.1",
	    kept.at != NULL ? kept.at : "Not to be sent now, try later");
	return VERDICT_TEMPFAIL;
}

static const struct message_rcpt *
first_rcpt(const struct message *msg)
{
	for (size_t i = 0; i < msg->rcpt_count; i++)
		if (msg->rcpts[i].fate == RCPT_GOES)
			return &msg->rcpts[i];
	return NULL;
}

static void
describe(struct message *msg, const struct message_rcpt *rcpt,
    struct hold_record *rec)
{
	rec->sender = msg->sender;
	rec->recipient = rcpt->address;
	rec->subject = facts_decoded(msg, "Subject");
	rec->recipients = message_rcpts_left(msg);
	rec->arrived_ms = msg->arrived_ms;
}

static enum verdict
apply_rules(struct holding *h, const struct message_rcpt *rcpt)
{
	struct message *msg = h->msg;
	struct hold_record *rec = &h->request.rec;
	struct hold_choice choice;
	int rc = h->rc;

	if (rc == 0)
		rc = hold_choose(msg, rcpt->address, &choice);
	if (rc < 0)
		return undecided(msg, rc);
	rec->priority = choice.priority;
	if (choice.free_ms > msg->arrived_ms) {
		rec->reason = HOLD_WINDOW;
		rec->rule = choice.rule;
		rec->release_ms = choice.free_ms;
	}
	if (choice.caps != 0 && (rc = book(h, &choice, rcpt->address)) < 0)
		return not_booked(msg, rc);
	if (msg->sendmail && rec->release_ms > 0)
		return needs_postfix(msg, rec->release_ms);
	return VERDICT_NEXT;
}

/* Most tenants have no such rules. */
static bool
concerns(const struct message *msg)
{
	const struct schedule_rules *r = &msg->tenant->schedule;

	return r->prohibition_count > 0 || r->day_cap_count > 0 ||
	       hold_gated(msg);
}

static enum verdict
hold_eom(struct message *msg, void *state)
{
	const struct message_rcpt *rcpt = first_rcpt(msg);
	bool by_scan = msg->hold_reason.at != NULL;
	struct holding *h = state;
	enum verdict verdict = VERDICT_NEXT;

	if (rcpt == NULL || (by_scan && msg->sendmail) ||
	    (!by_scan && !concerns(msg)))
		return VERDICT_NEXT;
	h->msg = msg;
	h->request.rec = (struct hold_record){ .reason = HOLD_PRIORITY,
		.priority = PRIORITY_DEFAULT };
	describe(msg, rcpt, &h->request.rec);
	if (by_scan) {
		h->request.rec.reason = HOLD_SCAN;
		h->request.rec.release_ms = INT64_MAX;
	} else {
		verdict = apply_rules(h, rcpt);
		h->request.gated = hold_gated(msg);
	}
	if (h->request.gated || hold_is_certain(&h->request))
		msg->hold = &h->request;
	return verdict;
}

/* ---- it did not go after all ---- */

struct undoing {
	struct holding *h;
	struct store_wait *wait;
	int left;
};

static void
undone(int rc, void *ctx)
{
	struct undoing *u = ctx;

	(void)rc;
	if (--u->left == 0)
		store_wait_done(u->wait, 0);
}

/* Lost: the cap counts one too many; the scheduler finds no such message. */
static void
undo(struct store *s, struct store_wait *w, void *ctx)
{
	struct undoing *u = ctx;
	struct message *msg = u->h->msg;
	bool listed = msg->hold != NULL && msg->hold_asked;

	u->wait = w;
	u->left = 1 + u->h->booked + listed;
	if (u->h->booked)
		day_cap_return(s, &u->h->caps, u->h->day, store_deadline(s),
		    undone, u);
	if (listed)
		hold_forget(s, msg->host->host_name, &msg->queue_id, 1,
		    store_deadline(s), undone, u);
	undone(0, u);
}

static void
hold_release(void *state)
{
	struct holding *h = state;
	struct undoing u = { .h = h };

	if (h->msg == NULL || h->msg->accepted ||
	    !(h->booked || (h->msg->hold != NULL && h->msg->hold_asked)))
		return;
	(void)store_wait(h->msg->host->store, undo, &u);
}

const struct module module_hold = {
	.name = "hold",
	.state_size = sizeof(struct holding),
	.kinds = KIND_FIRST | KIND_SPLIT,
	.treatment = hold_module_treatment,
	.eom = hold_eom,
	.release = hold_release,
};
