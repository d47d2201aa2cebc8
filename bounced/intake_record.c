/* SPDX-License-Identifier: BSD-2-Clause */
/* What a mail that came back tells of each recipient, as events. */
#include "bounced/intake_job.h"
#include "proto/address.h"
#include "proto/complaint.h"
#include "store/delivery_store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

const char *
intake_subject(const struct job *job)
{
	return job->mail.complaint != NULL ? "complaint" : "bounce";
}

static void
say_item(const struct item *item, const char *result)
{
	const struct complaint *c = item->job->mail.complaint;
	const struct bounce_report *r = item->report;
	struct log_line l;

	log_line(&l, item->queue_id);
	log_line_add(&l, intake_subject(item->job), slice_of(result));
	log_line_add(&l, "recipient",
	    r != NULL ? r->recipient : item->original);
	if (r != NULL) {
		log_line_number(&l, "status", r->verdict.status);
		log_line_add(&l, "rule", slice_of(r->verdict.rule));
		log_line_add(&l, "by", slice_of(item->by));
		log_line_add(&l, "reason", r->reason);
	} else {
		log_line_add(&l, "type", slice_of(complaint_word(c->type)));
		log_line_add(&l, "by", slice_of(item->by));
		log_line_add(&l, "reporter", c->reporter);
	}
	log_line_end(&l, LOG_L_INFO);
}

static void
count(struct item *item, enum bounce_result result)
{
	struct intake_counters *n = &item->job->in->counters;

	switch (result) {
	case BOUNCE_RECORDED:
		if (item->origin != NULL)
			n->not_counted++;
		else if (item->report != NULL)
			n->recorded++;
		else
			n->complaints++;
		item->job->in->recorded(NULL);
		say_item(item, "recorded");
		break;
	case BOUNCE_DUPLICATE:
		n->duplicate++;
		say_item(item, "duplicate");
		break;
	case BOUNCE_UNKNOWN:
		n->unknown++;
		say_item(item, "unknown");
		break;
	}
}

static void
on_bounced(int rc, enum bounce_result result, void *ctx)
{
	struct item *item = ctx;

	if (rc < 0)
		item->job->rc = rc;
	else
		count(item, result);
	intake_item_done(item->job);
}

/* The hash of the one whom the message was for. */
static bool
is_meant(struct slice address, void *ctx)
{
	const struct item *item = ctx;
	const struct job *job = item->job;
	uint8_t hash[TRACE_RECIPIENT_LEN];

	return trace_recipient(job->in->keys.trace, address, hash) == 0 &&
	       memcmp(hash, job->found.recipient, sizeof(hash)) == 0;
}

/* "abuse, reported by fbl@provider.example" */
static struct slice
complaint_reason(struct job *job)
{
	const struct complaint *c = job->mail.complaint;
	struct slice reason;
	struct buf text;

	buf_init(&text, BOUNCE_REASON_MAX);
	(void)buf_add_text(&text, complaint_word(c->type));
	if (c->reporter.len > 0 && c->reporter.len < BOUNCE_REASON_MAX / 2) {
		(void)buf_add_text(&text, ", reported by ");
		(void)buf_add_slice(&text, c->reporter);
	}
	reason = arena_dup(job->arena, buf_slice(&text));
	buf_done(&text);
	return reason;
}

void
intake_record(struct item *item)
{
	struct job *job = item->job;
	const struct bounce_report *r = item->report;
	struct delivery_bounce bounce = {
		.complaint = r == NULL,
		.host = item->host,
		.queue_id = item->queue_id,
		.sent_s = item->sent_s,
		.original = item->original,
		.final = item->final,
		.named = job->named,
		.named_count = job->named_count,
		.meant = job->found.single ? is_meant : NULL,
		.at_ms = clock_wall_us() / 1000,
		.origin = slice_of(item->origin),
	};

	job->known++;
	if (r != NULL) {
		bounce.status = (int)r->verdict.status;
		bounce.class = r->verdict.class;
		bounce.reason = r->reason;
		bounce.relay = r->relay;
	} else {
		bounce.reason = complaint_reason(job);
	}
	delivery_bounce(job->in->store, &bounce, clock_deadline_ms(COMMAND_MS),
	    on_bounced, item);
}

/* ---- who is named ---- */

/* A canonical copy of an address; absent when it is none. */
static struct slice
canonical(struct job *job, struct slice address)
{
	char room[ADDRESS_MAX];
	struct slice a;

	if (address.len == 0 || address_canonical(address, room, &a) < 0 ||
	    a.len == 0)
		return (struct slice){ NULL, 0 };
	return arena_dup(job->arena, a);
}

static void
add_named(struct job *job, struct slice address)
{
	if (address.len == 0 || job->named_count == DELIVERY_NAMED_MAX)
		return;
	for (size_t i = 0; i < job->named_count; i++)
		if (slice_eq(job->named[i], address))
			return;
	job->named[job->named_count++] = address;
}

/* Errors: one for each report of a failure. */
static size_t
error_items(struct job *job, struct item *items)
{
	size_t n = 0;

	for (size_t i = 0; i < job->mail.count; i++) {
		const struct bounce_report *r = &job->mail.reports[i];
		struct item item = { .job = job,
			.report = r,
			.original = canonical(job, r->original),
			.final = canonical(job, r->final) };

		add_named(job, item.original);
		add_named(job, item.final);
		if (r->kind == BOUNCE_FAILED)
			items[n++] = item;
	}
	return n;
}

/* Complaints: one for each recipient, or one of nobody. */
static size_t
complaint_items(struct job *job, struct item *items)
{
	const struct complaint *c = job->mail.complaint;
	const char *origin =
	    complaint_is_readers(c->type) ? NULL : complaint_word(c->type);
	size_t n = 0;

	for (size_t i = 0; i < c->count; i++) {
		struct slice address = canonical(job, c->recipients[i]);

		if (address.len == 0)
			continue;
		add_named(job, address);
		items[n++] = (struct item){ .job = job,
			.original = address,
			.origin = origin };
	}
	if (n == 0)
		items[n++] = (struct item){ .job = job, .origin = origin };
	return n;
}

int
intake_items(struct job *job, struct item **ret_items, size_t *ret_count)
{
	const struct complaint *c = job->mail.complaint;
	size_t most = (c != NULL ? c->count : job->mail.count) + 1;
	struct item *items = arena_calloc(job->arena, most, sizeof(*items));

	job->named =
	    arena_calloc(job->arena, DELIVERY_NAMED_MAX, sizeof(*job->named));
	if (items == NULL || job->named == NULL)
		return ERR_NOMEM;
	*ret_count =
	    c != NULL ? complaint_items(job, items) : error_items(job, items);
	*ret_items = items;
	return 0;
}
