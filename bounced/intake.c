/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail that comes back to an envelope sender of ours. */
#include "bounced/intake.h"

#include <stdlib.h>

#include "bounced/returns.h"
#include "proto/address.h"
#include "proto/bounce_mail.h"
#include "proto/bounce_rules.h"
#include "proto/verp.h"
#include "store/delivery_store.h"
#include "store/event_store.h"
#include "store/message_store.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define ARENA_MAX (16 << 20) /* copies made of one mail */
#define COMMAND_MS 2000

struct intake {
	struct store *store;
	struct settings_watch *settings;
	struct bounce_rules *rules; /* NULL: those of the program */
	struct slice host;
	uint32_t host_tag;
	uint8_t key[CRYPTO_SHA256_LEN];
	void (*recorded)(void *ctx);
	struct returns *returns;
	struct intake_counters counters;
};

/* One mail under way. */
struct job {
	struct intake *in;
	struct bounce_rules *rules; /* its verdicts borrow from them */
	struct arena *arena;
	struct bounce_mail mail;
	struct verp_tag tag;
	char queue_id[VERP_QUEUE_ID_MAX];
	struct slice host;
	size_t pending;
	int rc;
	intake_done *done;
	void *ctx;
};

struct intake *
intake_new(struct store *s, struct settings_watch *settings, struct slice host,
    const uint8_t key[CRYPTO_SHA256_LEN], void (*recorded)(void *ctx))
{
	struct intake *in = calloc(1, sizeof(*in));

	if (in == NULL)
		return NULL;
	in->store = s;
	in->settings = settings;
	in->host = host;
	in->recorded = recorded;
	in->host_tag = verp_host(host);
	memcpy(in->key, key, sizeof(in->key));
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
	crypto_wipe(in->key, sizeof(in->key));
	bounce_rules_unref(in->rules);
	free(in);
}

void
intake_use_rules(struct intake *in, struct bounce_rules *rules)
{
	bounce_rules_unref(in->rules);
	in->rules = bounce_rules_ref(rules);
}

int
intake_knows(const struct intake *in, struct slice recipient)
{
	struct settings *s;
	bool known;

	if (verp_looks(address_local(recipient)))
		return 1;
	if (!settings_watch_known(in->settings))
		return ERR_UNAVAIL;
	s = settings_current(in->settings);
	known = settings_is_envelope_sender(s, recipient);
	settings_unref(s);
	return known;
}

static void
say(const struct job *job, const char *result, const struct bounce_report *r)
{
	struct log_line l;

	log_line(&l, job->tag.queue_id);
	log_line_add(&l, "bounce", slice_of(result));
	if (r != NULL) {
		log_line_add(&l, "recipient", r->recipient);
		log_line_number(&l, "status", r->verdict.status);
		log_line_add(&l, "rule", slice_of(r->verdict.rule));
		log_line_add(&l, "reason", r->reason);
	} else {
		log_line_add(&l, "kind",
		    slice_of(bounce_kind_word(job->mail.kind)));
	}
	log_line_end(&l, LOG_L_INFO);
}

static void
finish(struct job *job, int rc)
{
	if (rc < 0)
		job->in->counters.trouble++;
	arena_free(job->arena);
	bounce_rules_unref(job->rules);
	job->done(rc, job->ctx);
	free(job);
}

/* Recorded, all of it: who sent the message is told. */
static void
on_returned(int rc, void *ctx)
{
	finish(ctx, rc);
}

static void
pass_on(struct job *job)
{
	if (job->rc < 0 || job->in->returns == NULL) {
		finish(job, job->rc);
		return;
	}
	returns_mail(job->in->returns,
	    &(struct returned_bounce){ .host = job->host,
		.tag = job->tag,
		.mail = &job->mail },
	    on_returned, job);
}

/* One recipient's error. */
struct item {
	struct job *job;
	const struct bounce_report *report;
};

static void
on_bounced(int rc, enum bounce_result result, void *ctx)
{
	const struct item *item = ctx;
	struct job *job = item->job;
	struct intake_counters *n = &job->in->counters;

	if (rc < 0) {
		job->rc = rc;
	} else {
		switch (result) {
		case BOUNCE_RECORDED:
			n->recorded++;
			job->in->recorded(NULL);
			say(job, "recorded", item->report);
			break;
		case BOUNCE_DUPLICATE:
			n->duplicate++;
			say(job, "duplicate", item->report);
			break;
		case BOUNCE_UNKNOWN:
			n->unknown++;
			say(job, "unknown", item->report);
			break;
		}
	}
	if (--job->pending == 0)
		pass_on(job);
}

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
record(struct job *job, struct item *item)
{
	const struct bounce_report *r = item->report;
	struct delivery_bounce bounce = {
		.host = job->host,
		.queue_id = job->tag.queue_id,
		.sent_s = job->tag.sent_s,
		.original = canonical(job, r->original),
		.final = canonical(job, r->final),
		.at_ms = clock_wall_us() / 1000,
		.status = r->verdict.status,
		.reason = r->reason,
		.relay = r->relay,
	};

	delivery_bounce(job->in->store, &bounce, clock_deadline_ms(COMMAND_MS),
	    on_bounced, item);
}

static void
record_all(struct job *job)
{
	struct item *items =
	    arena_calloc(job->arena, job->mail.count + 1, sizeof(*items));
	size_t n = 0;

	if (items == NULL) {
		finish(job, ERR_NOMEM);
		return;
	}
	for (size_t i = 0; i < job->mail.count; i++)
		if (job->mail.reports[i].kind == BOUNCE_FAILED)
			items[n++] =
			    (struct item){ job, &job->mail.reports[i] };
	if (n == 0) {
		job->in->counters.no_failure++;
		say(job, "no-failure", NULL);
		pass_on(job);
		return;
	}
	job->pending = n;
	for (size_t i = 0; i < n; i++)
		record(job, &items[i]);
}

static void
on_hosts(int rc, const struct slice *hosts, size_t count, void *ctx)
{
	struct job *job = ctx;

	if (rc < 0) {
		finish(job, rc);
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (verp_host(hosts[i]) == job->tag.host) {
			job->host = arena_dup(job->arena, hosts[i]);
			record_all(job);
			return;
		}
	job->in->counters.unknown++;
	say(job, "unknown-host", NULL);
	finish(job, 0);
}

/* Whose message is it?  Its state lies under the host that sent it. */
static void
start(struct job *job)
{
	if (job->tag.host == job->in->host_tag) {
		job->host = job->in->host;
		record_all(job);
		return;
	}
	host_list(job->in->store, clock_deadline_ms(COMMAND_MS), on_hosts, job);
}

/* Not signed by us, or too old: taken, dropped, said. */
static void
drop(struct intake *in, int rc, struct slice recipient)
{
	struct log_line l;

	if (rc == ERR_DENIED)
		in->counters.expired++;
	else if (rc == ERR_NOTFOUND)
		in->counters.unsigned_mail++;
	else
		in->counters.bad_signature++;
	log_line(&l, (struct slice){ NULL, 0 });
	log_line_add(&l, "bounce", SLICE("dropped"));
	log_line_add(&l, "why",
	    rc == ERR_DENIED     ? SLICE("expired")
	    : rc == ERR_NOTFOUND ? SLICE("no-envelope-id")
				 : SLICE("bad-signature"));
	log_line_add(&l, "recipient", recipient);
	log_line_end(&l, LOG_L_INFO);
}

static int
read_tag(struct job *job, struct slice tag)
{
	if (!verp_looks(tag))
		return ERR_NOTFOUND;
	return verp_parse(job->in->key, tag, clock_wall_us() / 1000000,
	    MESSAGE_TTL_S, job->queue_id, &job->tag);
}

/* What names the message: the address, else the report.  A bad one in the
 * address saves reading the mail. */
static int
read_mail(struct job *job, struct slice recipient, struct slice message,
    int *ret_tag_rc)
{
	struct slice local = address_local(recipient);
	int rc;

	*ret_tag_rc = read_tag(job, local);
	if (*ret_tag_rc < 0 && *ret_tag_rc != ERR_NOTFOUND)
		return 0;
	if ((rc = bounce_mail_read(message, job->rules, job->arena,
		 &job->mail)) < 0)
		return rc;
	if (*ret_tag_rc == ERR_NOTFOUND)
		*ret_tag_rc = read_tag(job, job->mail.envelope_id);
	return 0;
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
	int tag_rc, rc = read_mail(job, recipient, message, &tag_rc);
	if (rc < 0) {
		finish(job, rc);
		return;
	}
	if (tag_rc < 0) {
		drop(in, tag_rc, recipient);
		finish(job, 0);
		return;
	}
	start(job);
}

const struct intake_counters *
intake_counters(const struct intake *in)
{
	return &in->counters;
}
