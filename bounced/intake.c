/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail that comes back: bounces, and complaints of readers. */
#include "bounced/intake.h"

#include <stdlib.h>

#include "bounced/intake_job.h"
#include "bounced/names_search.h"
#include "bounced/returns.h"
#include "bounced/route.h"
#include "proto/address.h"
#include "proto/bounce_rules.h"
#include "proto/complaint.h"
#include "proto/returned_names.h"
#include "store/delivery_store.h"
#include "store/event_store.h"
#include "store/message_store.h"
#include "store/settings_store.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define ARENA_MAX (16 << 20) /* copies made of one mail */
#define SEARCH_MAX 10 /* recipients of one mail that are searched by names */

struct intake *
intake_new(struct store *s, struct settings_watch *settings, struct slice host,
    const struct correlate_keys *keys, void (*recorded)(void *ctx))
{
	struct intake *in = calloc(1, sizeof(*in));

	if (in == NULL)
		return NULL;
	in->store = s;
	in->settings = settings;
	in->host = host;
	in->recorded = recorded;
	in->host_tag = verp_host(host);
	in->keys = *keys;
	return in;
}

void
intake_set_returns(struct intake *in, struct returns *returns)
{
	in->returns = returns;
}

void
intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	crypto_wipe(&in->keys, sizeof(in->keys));
	bounce_rules_unref(in->rules);
	free(in);
}

void
intake_use_rules(struct intake *in, struct bounce_rules *rules)
{
	bounce_rules_unref(in->rules);
	in->rules = bounce_rules_ref(rules);
}

/* ---- what is said ---- */

static void
say(const struct job *job, const char *result, const char *key,
    const char *value)
{
	struct log_line l;

	log_line(&l, job->found.tag.queue_id);
	log_line_add(&l, intake_subject(job), slice_of(result));
	if (key != NULL)
		log_line_add(&l, key, slice_of(value));
	log_line_add(&l, "recipient", job->recipient);
	log_line_end(&l, LOG_L_INFO);
}

static void
finish(struct job *job, int rc)
{
	if (rc < 0)
		job->in->counters.trouble++;
	settings_unref(job->settings);
	arena_free(job->arena);
	bounce_rules_unref(job->rules);
	job->done(rc, job->ctx);
	free(job);
}

/*
 * Not signed by us, or too old: taken, dropped, said.  It is not answered, as
 * the answer would go to somebody who never wrote.
 */
static void
drop(struct job *job, int rc)
{
	struct intake_counters *n = &job->in->counters;
	const char *why = "bad-signature";

	if (rc == ERR_DENIED) {
		n->expired++;
		why = "expired";
	} else if (rc != ERR_NOTFOUND) {
		n->bad_signature++;
	} else if (job->mail.complaint != NULL) {
		n->unattributed++;
		why = "not-attributed";
	} else {
		n->unsigned_mail++;
		why = "no-envelope-id";
	}
	say(job, "dropped", "why", why);
	finish(job, 0);
}

/* Recorded, all of it: who sent the message is told. */
static void
on_returned(int rc, void *ctx)
{
	finish(ctx, rc);
}

/* host is absent where nobody signed what the mail is about; and who complains
 * does not write to the sender. */
static void
pass_on(struct job *job)
{
	if (job->rc < 0 || job->in->returns == NULL || job->host.at == NULL ||
	    job->mail.complaint != NULL) {
		finish(job, job->rc);
		return;
	}
	returns_mail(job->in->returns,
	    &(struct returned_bounce){ .host = job->host,
		.tag = job->found.tag,
		.mail = &job->mail },
	    on_returned, job);
}

void
intake_item_done(struct job *job)
{
	if (--job->pending > 0)
		return;
	if (job->rc == 0 && job->known == 0)
		drop(job, ERR_NOTFOUND);
	else
		pass_on(job);
}

static void
say_no_failure(struct job *job)
{
	job->in->counters.no_failure++;
	say(job, "no-failure", "kind", bounce_kind_word(job->mail.kind));
}

/* ---- by what is signed ---- */

static void
record_all(struct job *job)
{
	struct item *items;
	size_t n;

	if (intake_items(job, &items, &n) < 0) {
		finish(job, ERR_NOMEM);
		return;
	}
	if (n == 0) {
		say_no_failure(job);
		pass_on(job);
		return;
	}
	job->pending = n;
	for (size_t i = 0; i < n; i++) {
		items[i].host = job->host;
		items[i].queue_id = job->found.tag.queue_id;
		items[i].sent_s = job->found.tag.sent_s;
		items[i].by = job->found.by;
	}
	for (size_t i = 0; i < n; i++)
		intake_record(&items[i]);
}

static void
on_hosts(int rc, const struct slice *hosts, size_t n, void *ctx)
{
	struct job *job = ctx;

	if (rc < 0) {
		finish(job, rc);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (verp_host(hosts[i]) == job->found.tag.host) {
			job->host = arena_dup(job->arena, hosts[i]);
			record_all(job);
			return;
		}
	job->in->counters.unknown++;
	say(job, "unknown-host", NULL, NULL);
	finish(job, 0);
}

/* Whose message is it?  Its state lies under the host that sent it. */
static void
start(struct job *job)
{
	if (job->found.tag.host == job->in->host_tag) {
		job->host = job->in->host;
		record_all(job);
		return;
	}
	host_list(job->in->store, clock_deadline_ms(COMMAND_MS), on_hosts, job);
}

/* ---- by names that nobody signed ---- */

static void
on_found(int rc, const struct event *e, const char *by, void *ctx)
{
	struct item *item = ctx;
	struct job *job = item->job;
	const char *slash;

	if (rc < 0 || e == NULL) {
		if (rc < 0)
			job->rc = rc;
		intake_item_done(job);
		return;
	}
	slash = memchr(e->id.at, '/', e->id.len);
	item->host = (struct slice){ e->id.at,
		slash != NULL ? (size_t)(slash - e->id.at) : 0 };
	item->queue_id = e->queue_id;
	item->sent_s = e->created_ms / 1000;
	item->original = e->recipient;
	item->by = item->origin = by;
	intake_record(item);
}

/* Who may have sent it: whose the address is that it came to. */
static void
find_tenants(const struct job *job, struct names_query *q)
{
	const struct settings *s = job->settings;
	const struct tenant *its =
	    settings_complaint_address(s, job->recipient);

	if (its != NULL)
		q->tenants[q->tenant_count++] = its->name;
	for (size_t i = 0; i < settings_tenant_count(s) &&
			   q->tenant_count < NAMES_TENANTS_MAX;
	     i++) {
		const struct tenant *t = settings_tenant_at(s, i);

		if (t != its && settings_makes_sender(t, job->recipient))
			q->tenants[q->tenant_count++] = t->name;
	}
}

static void
search(struct job *job)
{
	struct names_query q = { .names = job->mail.names };
	struct item *items;
	size_t n, asked = 0;

	if (intake_items(job, &items, &n) < 0) {
		finish(job, ERR_NOMEM);
		return;
	}
	if (n == 0) {
		say_no_failure(job);
		finish(job, 0);
		return;
	}
	job->settings = settings_current(job->in->settings);
	find_tenants(job, &q);
	job->pending = 1;
	for (size_t i = 0; i < n && asked < SEARCH_MAX; i++) {
		q.recipient = items[i].original.len > 0 ? items[i].original
							: items[i].final;
		if (q.recipient.len == 0 || q.tenant_count == 0 ||
		    !names_enough(q.names))
			continue;
		asked++;
		job->pending++;
		names_search(job->in->store, &q, job->arena, on_found,
		    &items[i]);
	}
	intake_item_done(job);
}

/* ---- the mail ---- */

/* A report of a feedback loop in which nobody complained: it is dealt with. */
static bool
is_no_complaint(struct job *job)
{
	struct intake_counters *n = &job->in->counters;
	const struct complaint *c = job->mail.complaint;

	if (c == NULL || !complaint_is_none(c->type))
		return false;
	if (c->type == COMPLAINT_NOT_SPAM)
		n->not_spam++;
	else
		n->no_complaint++;
	say(job, "none", "type", complaint_word(c->type));
	finish(job, 0);
	return true;
}

/* An error this late is none of the message. */
static bool
is_late(const struct job *job, int64_t now_s)
{
	return job->mail.complaint == NULL &&
	       job->found.tag.sent_s < now_s - MESSAGE_TTL_S;
}

static void
judge(struct job *job, struct slice message)
{
	const struct correlate_keys *keys = &job->in->keys;
	struct slice local = address_local(job->recipient);
	int64_t now_s = clock_wall_us() / 1000000;
	int rc, tag_rc;

	/* A bad one in the address saves reading the mail. */
	tag_rc = correlate(keys, local, NULL, now_s, DELIVERY_COMPLAINT_AGE_S,
	    &job->found);
	if (tag_rc < 0 && tag_rc != ERR_NOTFOUND) {
		drop(job, tag_rc);
		return;
	}
	rc = bounce_mail_read(message, job->rules, job->arena, &job->mail);
	if (rc < 0) {
		finish(job, rc);
		return;
	}
	tag_rc = correlate(keys, local, &job->mail, now_s,
	    DELIVERY_COMPLAINT_AGE_S, &job->found);
	if (tag_rc == 0 && is_late(job, now_s))
		tag_rc = ERR_DENIED;
	if (tag_rc < 0 && tag_rc != ERR_NOTFOUND)
		drop(job, tag_rc);
	else if (is_no_complaint(job))
		return;
	else if (tag_rc < 0)
		search(job);
	else
		start(job);
}

void
intake_mail(struct intake *in, struct slice recipient, struct slice message,
    intake_done *done, void *ctx)
{
	struct job *job = calloc(1, sizeof(*job));

	in->counters.mails++;
	if (job == NULL || (job->arena = arena_new(ARENA_MAX)) == NULL) {
		free(job);
		in->counters.trouble++;
		done(ERR_NOMEM, ctx);
		return;
	}
	job->in = in;
	if (in->rules != NULL)
		job->rules = bounce_rules_ref(in->rules);
	job->done = done;
	job->ctx = ctx;
	job->recipient = arena_dup(job->arena, recipient);
	if (job->recipient.at == NULL)
		finish(job, ERR_NOMEM);
	else
		judge(job, message);
}

const struct intake_counters *
intake_counters(const struct intake *in)
{
	return &in->counters;
}
