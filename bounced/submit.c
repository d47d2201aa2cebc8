/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail of our own to the MTA, from a thread. */
#include "bounced/submit.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "net/loop.h"
#include "net/smtp_client.h"
#include "util/clock.h"
#include "util/err.h"

#define MAIL_MS 30000     /* for one mail, from connecting to the answer */
#define WAITING_MS 240000 /* less than Postfix's LMTP client has patience */

struct job {
	STAILQ_ENTRY(job) next;
	submitted *done;
	void *ctx;
	int64_t deadline_us; /* to be begun */
	int rc;
	struct smtp_answer answer;
	size_t recipient_len, text_len;
	char text[]; /* recipient, text */
};
STAILQ_HEAD(jobs, job);

struct submit {
	pthread_t thread;
	bool running;
	const char *address, *helo;
	int fd; /* readable: some are done */
	struct loop_watch *watch;

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t wake;
	struct jobs waiting, done;
	size_t count, octets; /* of those that are not told yet */
	bool ending;
};

static size_t
octets_of(const struct job *job)
{
	return sizeof(*job) + job->recipient_len + job->text_len;
}

/* ---- the thread ---- */

struct text_source {
	struct slice rest;
};

static struct slice
next_piece(void *ctx)
{
	struct text_source *source = ctx;
	struct slice piece = source->rest;

	source->rest.len = 0;
	return piece;
}

static int
send_one(const struct submit *s, struct job *job)
{
	struct slice recipient = { job->text, job->recipient_len };
	struct text_source source = { { job->text + job->recipient_len,
	    job->text_len } };
	const struct smtp_message m = { .recipients = &recipient,
		.recipient_count = 1,
		.source = next_piece,
		.ctx = &source };
	int64_t deadline_us = clock_deadline_ms(MAIL_MS);
	struct smtp_session *session = NULL;
	int rc;

	if (clock_mono_us() > job->deadline_us)
		return ERR_TIMEOUT;
	rc =
	    smtp_open(s->address, s->helo, deadline_us, &session, &job->answer);
	if (rc == 0)
		rc = smtp_begin(session, &m, deadline_us, &job->answer);
	if (rc == 0)
		rc = smtp_finish(session, deadline_us, &job->answer);
	smtp_close(session);
	return rc;
}

static void *
work(void *ctx)
{
	struct submit *s = ctx;
	uint64_t one = 1;

	(void)pthread_mutex_lock(&s->lock);
	while (!s->ending) {
		struct job *job = STAILQ_FIRST(&s->waiting);

		if (job == NULL) {
			(void)pthread_cond_wait(&s->wake, &s->lock);
			continue;
		}
		STAILQ_REMOVE_HEAD(&s->waiting, next);
		(void)pthread_mutex_unlock(&s->lock);
		job->rc = send_one(s, job);
		(void)pthread_mutex_lock(&s->lock);
		STAILQ_INSERT_TAIL(&s->done, job, next);
		(void)!write(s->fd, &one, sizeof(one));
	}
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* ---- the loop ---- */

static void
tell(struct submit *s, struct job *job)
{
	(void)pthread_mutex_lock(&s->lock);
	s->count--;
	s->octets -= octets_of(job);
	(void)pthread_mutex_unlock(&s->lock);
	job->done(job->rc, slice_of(job->answer.text), job->ctx);
	free(job);
}

static void
tell_all(struct submit *s)
{
	struct jobs done = STAILQ_HEAD_INITIALIZER(done);
	struct job *job;

	(void)pthread_mutex_lock(&s->lock);
	STAILQ_CONCAT(&done, &s->done);
	(void)pthread_mutex_unlock(&s->lock);
	while ((job = STAILQ_FIRST(&done)) != NULL) {
		STAILQ_REMOVE_HEAD(&done, next);
		tell(s, job);
	}
}

static void
on_done(int fd, void *ctx)
{
	uint64_t ignored;

	(void)!read(fd, &ignored, sizeof(ignored));
	tell_all(ctx);
}

static int
start_thread(struct submit *s)
{
	sigset_t all, before;
	int rc;

	/* Signals are the loop's. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&s->thread, NULL, work, s);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	s->running = rc == 0;
	return rc;
}

struct submit *
submit_new(struct event_base *base, const char *address, const char *helo)
{
	struct submit *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->address = address;
	s->helo = helo;
	STAILQ_INIT(&s->waiting);
	STAILQ_INIT(&s->done);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->wake, NULL);
	s->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->fd >= 0)
		s->watch = loop_watch_new(base, s->fd, on_done, s);
	if (s->watch == NULL || start_thread(s) != 0) {
		submit_free(s);
		return NULL;
	}
	return s;
}

void
submit_free(struct submit *s)
{
	struct job *job;

	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->ending = true;
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
	if (s->running)
		(void)pthread_join(s->thread, NULL);
	while ((job = STAILQ_FIRST(&s->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->waiting, next);
		job->rc = ERR_CANCELED;
		STAILQ_INSERT_TAIL(&s->done, job, next);
	}
	tell_all(s);
	loop_watch_free(s->watch);
	if (s->fd >= 0)
		(void)close(s->fd);
	(void)pthread_cond_destroy(&s->wake);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

int
submit_mail(struct submit *s, struct slice recipient, struct slice text,
    submitted *done, void *ctx)
{
	struct job *job;
	bool room;

	if (recipient.len > SUBMIT_OCTETS_MAX || text.len > SUBMIT_OCTETS_MAX)
		return ERR_LIMIT;
	job = malloc(sizeof(*job) + recipient.len + text.len);
	if (job == NULL)
		return ERR_NOMEM;
	*job = (struct job){ .done = done,
		.ctx = ctx,
		.deadline_us = clock_deadline_ms(WAITING_MS),
		.recipient_len = recipient.len,
		.text_len = text.len };
	memcpy(job->text, recipient.at, recipient.len);
	memcpy(job->text + recipient.len, text.at, text.len);
	(void)pthread_mutex_lock(&s->lock);
	room = !s->ending && s->count < SUBMIT_WAITING_MAX &&
	       s->octets + octets_of(job) <= SUBMIT_OCTETS_MAX;
	if (room) {
		s->count++;
		s->octets += octets_of(job);
		STAILQ_INSERT_TAIL(&s->waiting, job, next);
		(void)pthread_cond_signal(&s->wake);
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (!room)
		free(job);
	return room ? 0 : ERR_LIMIT;
}
