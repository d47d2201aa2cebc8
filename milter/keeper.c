/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread that keeps refused messages and tells people of them. */
#include "milter/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "milter/facts.h"
#include "milter/milter.h"
#include "milter/notice.h"
#include "milter/quarantine.h"
#include "milter/reinject.h"
#include "service/metrics.h"
#include "store/settings_store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define JOB_MEMORY ((size_t)128 * 1024)
#define RECIPIENTS_KEPT 100
#define RECIPIENTS_OCTETS (32 * 1024)
#define PATIENCE_US (60 * INT64_C(1000000)) /* with Redis, for one message */
#define PAUSE_US 1000000
#define NOTICE_MS 30000 /* for the MTA to take a notice, */
#define ENDING_MS 2000  /* and when this process is to end */
#define DAY_MS (86400 * INT64_C(1000))

struct job {
	TAILQ_ENTRY(job) order;
	struct arena *arena;
	struct quarantine_record record;
	char id[QUARANTINE_ID_MAX];
	bool keep; /* the tenant wants it kept */
	int fd;    /* -1: without content */
	int64_t give_up_us;
};

struct keeper {
	const struct milter *host;
	struct notice_limit *notices; /* the thread's */
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	TAILQ_HEAD(, job) jobs;
	size_t count, octets; /* of jobs, with the one at work */
	struct keeper_limits limits;
	bool ending, ended;
};

/* ---- jobs ---- */

static void
job_free(struct job *j)
{
	if (j->fd >= 0)
		(void)close(j->fd);
	arena_free(j->arena); /* j lies in it */
}

/* The first ones, one a line. */
static struct slice
recipients_of(struct message *msg, struct arena *arena)
{
	struct slice kept;
	struct buf all;

	buf_init(&all, RECIPIENTS_OCTETS);
	for (size_t i = 0; i < msg->rcpt_count && i < RECIPIENTS_KEPT; i++) {
		if (all.len > 0)
			(void)buf_add_char(&all, '\n');
		(void)buf_add_slice(&all, msg->rcpts[i].address);
	}
	kept = arena_dup(arena, buf_slice(&all));
	buf_done(&all);
	return kept;
}

static struct slice
keep(struct job *j, struct slice s)
{
	return s.at != NULL ? arena_dup(j->arena, s) : s;
}

static struct job *
job_new(struct message *msg, struct slice virus)
{
	const struct scan_settings *scan = &msg->tenant->scan;
	struct arena *arena = arena_new(JOB_MEMORY);
	struct job *j = arena != NULL ? arena_alloc(arena, sizeof(*j)) : NULL;

	if (j == NULL) {
		arena_free(arena);
		return NULL;
	}
	*j = (struct job){ .arena = arena,
		.fd = -1,
		.keep = scan->keep_days > 0,
		.give_up_us = clock_mono_us() + PATIENCE_US };
	quarantine_id(msg->arrived_ms, j->id);
	j->record = (struct quarantine_record){ .id = slice_of(j->id),
		.tenant = keep(j, msg->tenant->name),
		.created_ms = msg->arrived_ms,
		.expires_ms = msg->arrived_ms + scan->keep_days * DAY_MS,
		.host = msg->host->host_name,
		.queue_id = keep(j, msg->queue_id),
		.client = keep(j, msg->client),
		.sender = keep(j, msg->sender),
		.recipients = recipients_of(msg, arena),
		.recipient_count = msg->rcpt_count,
		.from = keep(j, facts_decoded(msg, "From")),
		.subject = keep(j, facts_decoded(msg, "Subject")),
		.message_id = keep(j, facts_decoded(msg, "Message-ID")),
		.virus = keep(j, virus) };
	if (j->record.tenant.at != NULL && j->record.virus.at != NULL)
		return j;
	job_free(j);
	return NULL;
}

static void
say_lost(const char *why, struct slice queue_id)
{
	static struct log_limit limit;
	unsigned long missed;

	metrics_add(METRIC_MILTER_QUARANTINE_FAILED, 1);
	if (log_limit_ok(&limit, 10, &missed))
		log_warning("%.*s: infected message not kept: %s (%lu "
			    "more)",
		    SLICE_F(queue_id), why, missed);
}

/* With the lock held. */
static void
take_content(struct keeper *k, struct job *j, int fd, size_t size)
{
	struct quarantine_record *r = &j->record;

	r->size = size;
	if (size > k->limits.message_octets) {
		r->content = QUARANTINE_LARGE;
	} else if (size > KEEPER_OCTETS_MAX - k->octets) {
		r->content = QUARANTINE_FULL;
	} else {
		j->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		r->content = j->fd >= 0 ? QUARANTINE_COMING : QUARANTINE_FULL;
	}
	if (j->fd >= 0) {
		r->chunks = quarantine_chunks(size);
		k->octets += size;
	}
}

void
keeper_add(struct keeper *k, struct message *msg, struct slice virus)
{
	struct job *j = job_new(msg, virus);
	size_t size = 0;
	int fd = -1;

	if (j == NULL) {
		say_lost("out of memory", msg->queue_id);
		return;
	}
	if (message_kept_fd(msg, &fd, &size) < 0)
		j->keep = false;
	(void)pthread_mutex_lock(&k->lock);
	bool taken = k->count < KEEPER_JOBS_MAX && !k->ended;
	if (taken) {
		if (j->keep)
			take_content(k, j, fd, size);
		k->count++;
		TAILQ_INSERT_TAIL(&k->jobs, j, order);
		(void)pthread_cond_signal(&k->wake);
	}
	(void)pthread_mutex_unlock(&k->lock);
	if (taken)
		return;
	say_lost("too many at once", msg->queue_id);
	job_free(j);
}

/* ---- people ---- */

static bool
is_ending(struct keeper *k)
{
	(void)pthread_mutex_lock(&k->lock);
	bool ending = k->ending;
	(void)pthread_mutex_unlock(&k->lock);
	return ending;
}

static void
send_notice(struct keeper *k, struct notice *n, struct slice queue_id)
{
	static struct log_limit limit;
	struct settings *settings = settings_current(k->host->watch);
	const struct tenant *t = settings_tenant(settings, n->tenant);
	const struct copy_token token = { .kind = COPY_NOTICE,
		.tenant = n->tenant,
		.queue_id = queue_id };
	unsigned long missed;
	struct buf text;
	int rc;

	if (t == NULL || t->scan.notify_count == 0) {
		settings_unref(settings);
		return;
	}
	n->to = t->scan.notify;
	n->to_count = t->scan.notify_count;
	n->from = t->scan.notify_from;
	n->host = k->host->host_name;
	n->sent_ms = clock_wall_us() / 1000;
	const struct reinject_copy copy = { .token = &token,
		.sender = SLICE(""),
		.recipients = n->to,
		.recipient_count = n->to_count };
	buf_init(&text, NOTICE_MAX);
	if ((rc = notice_format(n, &text)) == 0)
		rc = reinject_text(k->host, queue_id, &copy, buf_slice(&text),
		    clock_deadline_ms(is_ending(k) ? ENDING_MS : NOTICE_MS));
	buf_done(&text);
	if (rc < 0) {
		metrics_add(METRIC_MILTER_NOTICES_FAILED, 1);
		if (log_limit_ok(&limit, 60, &missed))
			log_warning("notice of a virus for tenant %.*s not "
				    "sent: %s (%lu more)",
			    SLICE_F(n->tenant), err_text(rc), missed);
	}
	settings_unref(settings);
}

static void
tell(struct keeper *k, const struct job *j, bool kept)
{
	const struct quarantine_record *r = &j->record;
	struct notice n = { .id = r->id,
		.tenant = r->tenant,
		.virus = r->virus,
		.at_ms = r->created_ms,
		.queue_id = r->queue_id,
		.client = r->client,
		.sender = r->sender,
		.header_from = r->from,
		.subject = r->subject,
		.recipients = r->recipients,
		.recipient_count = r->recipient_count,
		.kept_until_ms = r->expires_ms };

	if (kept)
		n.kept = r->id;
	if (kept && r->content != QUARANTINE_KEPT)
		n.lacks = slice_of(quarantine_content_text(r->content));
	if (notice_limit_ok(k->notices, r->tenant, r->virus, clock_mono_us()))
		send_notice(k, &n, r->queue_id);
}

/* Of minutes that are over; returns when to look again, 0: not of itself. */
static int64_t
tell_of_missed(struct keeper *k)
{
	char id[QUARANTINE_ID_MAX];
	struct notice_missed missed;
	int64_t next_us;

	while (
	    notice_limit_over(k->notices, clock_mono_us(), &missed, &next_us)) {
		struct notice n = { .tenant = missed.tenant,
			.virus = missed.virus,
			.more = missed.count };

		quarantine_id(clock_wall_us() / 1000, id);
		n.id = slice_of(id);
		send_notice(k, &n, n.id);
	}
	return next_us;
}

/* ---- the thread ---- */

/* With the lock held, and the clock of wake. */
static void
wait_until(struct keeper *k, int64_t until_us)
{
	struct timespec ts;

	if (until_us == 0) {
		(void)pthread_cond_wait(&k->wake, &k->lock);
		return;
	}
	ts.tv_sec = (time_t)(until_us / 1000000);
	ts.tv_nsec = (long)(until_us % 1000000) * 1000;
	(void)pthread_cond_timedwait(&k->wake, &k->lock, &ts);
}

struct patience {
	struct keeper *keeper;
	const struct job *job;
};

static bool
again(void *ctx)
{
	const struct patience *p = ctx;
	struct keeper *k = p->keeper;
	int64_t until_us = clock_mono_us() + PAUSE_US;

	if (until_us > p->job->give_up_us)
		return false;
	(void)pthread_mutex_lock(&k->lock);
	while (!k->ending && clock_mono_us() < until_us)
		wait_until(k, until_us);
	bool go_on = !k->ending;
	(void)pthread_mutex_unlock(&k->lock);
	return go_on;
}

static void
log_kept(const struct quarantine_record *r)
{
	struct log_line l;

	log_line(&l, r->queue_id);
	log_line_add(&l, "quarantine", r->id);
	log_line_add(&l, "tenant", r->tenant);
	log_line_add(&l, "virus", r->virus);
	log_line_number(&l, "size", (int64_t)r->size);
	log_line_add(&l, "content",
	    slice_of(quarantine_content_word(r->content)));
	log_line_end(&l, LOG_L_INFO);
}

static void
work_on(struct keeper *k, struct job *j, uint64_t tenant_octets)
{
	struct patience patience = { k, j };
	int rc = 0;

	if (j->keep)
		rc = quarantine_message(k->host, &j->record, j->fd,
		    tenant_octets,
		    &(struct quarantine_patience){ again, &patience });
	if (rc < 0) {
		say_lost(err_text(rc), j->record.queue_id);
	} else if (j->keep) {
		metrics_add(METRIC_MILTER_QUARANTINE_KEPT, 1);
		log_kept(&j->record);
	}
	tell(k, j, j->keep && rc == 0);
}

static void *
work(void *ctx)
{
	struct keeper *k = ctx;
	int64_t next_us = 0;
	struct job *j;

	(void)pthread_mutex_lock(&k->lock);
	for (;;) {
		while ((j = TAILQ_FIRST(&k->jobs)) == NULL && !k->ending &&
		       (next_us == 0 || clock_mono_us() < next_us))
			wait_until(k, next_us);
		if (j == NULL && k->ending)
			break;
		if (j != NULL)
			TAILQ_REMOVE(&k->jobs, j, order);
		uint64_t tenant_octets = k->limits.tenant_octets;
		(void)pthread_mutex_unlock(&k->lock);
		size_t octets = 0;
		if (j != NULL) {
			work_on(k, j, tenant_octets);
			octets = j->fd >= 0 ? (size_t)j->record.size : 0;
			job_free(j);
		}
		next_us = tell_of_missed(k);
		(void)pthread_mutex_lock(&k->lock);
		k->octets -= octets;
		k->count -= j != NULL;
	}
	k->ended = true;
	(void)pthread_mutex_unlock(&k->lock);
	return NULL;
}

/* ---- life ---- */

static int
make_wake(struct keeper *k)
{
	pthread_condattr_t attr;
	int rc = ERR_NOMEM;

	if (pthread_mutex_init(&k->lock, NULL) != 0)
		return ERR_NOMEM;
	if (pthread_condattr_init(&attr) == 0) {
		if (pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
		    pthread_cond_init(&k->wake, &attr) == 0)
			rc = 0;
		(void)pthread_condattr_destroy(&attr);
	}
	if (rc < 0)
		(void)pthread_mutex_destroy(&k->lock);
	return rc;
}

int
keeper_new(const struct milter *host, const struct keeper_limits *limits,
    struct keeper **ret_keeper)
{
	struct keeper *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return ERR_NOMEM;
	k->host = host;
	k->limits = *limits;
	TAILQ_INIT(&k->jobs);
	if ((k->notices = notice_limit_new()) == NULL || make_wake(k) < 0)
		goto fail;
	if (pthread_create(&k->thread, NULL, work, k) != 0)
		goto fail_wake;
	*ret_keeper = k;
	return 0;

fail_wake:
	(void)pthread_cond_destroy(&k->wake);
	(void)pthread_mutex_destroy(&k->lock);
fail:
	notice_limit_free(k->notices);
	free(k);
	return ERR_NOMEM;
}

void
keeper_set_limits(struct keeper *k, const struct keeper_limits *limits)
{
	(void)pthread_mutex_lock(&k->lock);
	k->limits = *limits;
	(void)pthread_mutex_unlock(&k->lock);
}

unsigned
keeper_drain(struct keeper *k)
{
	(void)pthread_mutex_lock(&k->lock);
	k->ending = true;
	(void)pthread_cond_signal(&k->wake);
	unsigned left = k->ended ? 0 : (unsigned)k->count + 1;
	(void)pthread_mutex_unlock(&k->lock);
	return left;
}

void
keeper_free(struct keeper *k)
{
	if (k == NULL)
		return;
	(void)keeper_drain(k);
	(void)pthread_join(k->thread, NULL);
	(void)pthread_cond_destroy(&k->wake);
	(void)pthread_mutex_destroy(&k->lock);
	notice_limit_free(k->notices);
	free(k);
}
