/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys checked in threads beside the loop, client by client. */
#include "policyd/key_checks.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "net/loop.h"
#include "util/clock.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/map.h"

#define THREADS_MAX 4

struct job {
	STAILQ_ENTRY(job) next;
	struct verified_mark mark;
	int64_t deadline_us;
	key_checked *checked;
	void *ctx;
	int rc;
	size_t key_len, hash_len;
	char text[]; /* key, hash */
};
STAILQ_HEAD(jobs, job);

/* What one client waits for; there is one only while it does. */
struct lane {
	TAILQ_ENTRY(lane) next;
	struct jobs jobs;
	size_t count;
	size_t client_len;
	char client[];
};

struct key_checks {
	pthread_t threads[THREADS_MAX];
	unsigned thread_count;
	int fd; /* readable: some are done */
	struct loop_watch *watch;

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t wake;
	TAILQ_HEAD(, lane) lanes; /* whose turn it is first */
	struct map *by_client;    /* -> struct lane */
	struct jobs done;
	size_t waiting;
	bool ending;
};

static void
job_free(struct job *job)
{
	crypto_wipe(job->text, job->key_len);
	free(job);
}

static struct slice
lane_client(const struct lane *lane)
{
	return (struct slice){ lane->client, lane->client_len };
}

/* With the lock. */
static void
lane_end_if_empty(struct key_checks *k, struct lane *lane)
{
	if (lane->count > 0)
		return;
	TAILQ_REMOVE(&k->lanes, lane, next);
	(void)map_remove(k->by_client, lane_client(lane));
	free(lane);
}

/* The next client's oldest; NULL: none.  With the lock. */
static struct job *
take_job(struct key_checks *k)
{
	struct lane *lane = TAILQ_FIRST(&k->lanes);
	struct job *job;

	if (lane == NULL)
		return NULL;
	job = STAILQ_FIRST(&lane->jobs);
	STAILQ_REMOVE_HEAD(&lane->jobs, next);
	lane->count--;
	k->waiting--;
	TAILQ_REMOVE(&k->lanes, lane, next);
	TAILQ_INSERT_TAIL(&k->lanes, lane, next);
	lane_end_if_empty(k, lane);
	return job;
}

/* With the lock. */
static void
job_done(struct key_checks *k, struct job *job, int rc)
{
	job->rc = rc;
	STAILQ_INSERT_TAIL(&k->done, job, next);
}

/* Others with the same name, key and hash need not be checked again. */
static void
same_done(struct key_checks *k, struct lane *lane, const struct job *as)
{
	struct jobs rest = STAILQ_HEAD_INITIALIZER(rest);
	struct job *job;

	while ((job = STAILQ_FIRST(&lane->jobs)) != NULL) {
		STAILQ_REMOVE_HEAD(&lane->jobs, next);
		if (verified_same(&job->mark, &as->mark)) {
			lane->count--;
			k->waiting--;
			job_done(k, job, as->rc);
		} else {
			STAILQ_INSERT_TAIL(&rest, job, next);
		}
	}
	STAILQ_CONCAT(&lane->jobs, &rest);
}

static void
finish(struct key_checks *k, struct job *job, int rc)
{
	uint64_t one = 1;
	struct lane *lane, *following;

	job_done(k, job, rc);
	for (lane = TAILQ_FIRST(&k->lanes); rc >= 0 && lane != NULL;
	     lane = following) {
		following = TAILQ_NEXT(lane, next);
		same_done(k, lane, job);
		lane_end_if_empty(k, lane);
	}
	(void)!write(k->fd, &one, sizeof(one));
}

static int
check(const struct job *job)
{
	struct slice key = { job->text, job->key_len },
		     hash = { job->text + job->key_len, job->hash_len };

	if (clock_mono_us() > job->deadline_us)
		return ERR_TIMEOUT;
	return crypto_password_verify(key, hash);
}

static void *
work(void *ctx)
{
	struct key_checks *k = ctx;

	(void)pthread_mutex_lock(&k->lock);
	while (!k->ending) {
		struct job *job = take_job(k);

		if (job == NULL) {
			(void)pthread_cond_wait(&k->wake, &k->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&k->lock);
		int rc = check(job);

		(void)pthread_mutex_lock(&k->lock);
		finish(k, job, rc);
	}
	(void)pthread_mutex_unlock(&k->lock);
	return NULL;
}

static void
answer_all(struct jobs *done)
{
	struct job *job;

	while ((job = STAILQ_FIRST(done)) != NULL) {
		STAILQ_REMOVE_HEAD(done, next);
		job->checked(job->rc, job->ctx);
		job_free(job);
	}
}

static void
readable(int fd, void *ctx)
{
	struct key_checks *k = ctx;
	struct jobs done = STAILQ_HEAD_INITIALIZER(done);
	uint64_t ignored;

	(void)!read(fd, &ignored, sizeof(ignored));
	(void)pthread_mutex_lock(&k->lock);
	STAILQ_CONCAT(&done, &k->done);
	(void)pthread_mutex_unlock(&k->lock);
	answer_all(&done);
}

/* Signals are for the loop's thread. */
static void
start_threads(struct key_checks *k, unsigned count)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	while (k->thread_count < count &&
	       pthread_create(&k->threads[k->thread_count], NULL, work, k) == 0)
		k->thread_count++;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static unsigned
threads_for(unsigned threads)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (threads == 0)
		threads = processors > 2 ? (unsigned)processors / 2 : 1;
	return threads < THREADS_MAX ? threads : THREADS_MAX;
}

struct key_checks *
key_checks_new(struct event_base *base, unsigned threads)
{
	struct key_checks *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	TAILQ_INIT(&k->lanes);
	STAILQ_INIT(&k->done);
	(void)pthread_mutex_init(&k->lock, NULL);
	(void)pthread_cond_init(&k->wake, NULL);
	k->by_client = map_new(KEY_CHECKS_MAX);
	k->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (k->fd >= 0)
		k->watch = loop_watch_new(base, k->fd, readable, k);
	if (k->by_client != NULL && k->watch != NULL)
		start_threads(k, threads_for(threads));
	if (k->thread_count > 0)
		return k;
	key_checks_free(k);
	return NULL;
}

void
key_checks_free(struct key_checks *k)
{
	struct job *job;

	if (k == NULL)
		return;
	(void)pthread_mutex_lock(&k->lock);
	k->ending = true;
	(void)pthread_cond_broadcast(&k->wake);
	(void)pthread_mutex_unlock(&k->lock);
	for (unsigned i = 0; i < k->thread_count; i++)
		(void)pthread_join(k->threads[i], NULL);
	while ((job = take_job(k)) != NULL)
		job_done(k, job, ERR_CANCELED);
	answer_all(&k->done);
	loop_watch_free(k->watch);
	if (k->fd >= 0)
		(void)close(k->fd);
	map_free(k->by_client, NULL);
	(void)pthread_cond_destroy(&k->wake);
	(void)pthread_mutex_destroy(&k->lock);
	free(k);
}

static struct job *
job_new(struct slice key, struct slice hash, const struct verified_mark *mark)
{
	struct job *job = calloc(1, sizeof(*job) + key.len + hash.len);

	if (job == NULL)
		return NULL;
	job->mark = *mark;
	job->key_len = key.len;
	job->hash_len = hash.len;
	memcpy(job->text, key.at, key.len);
	memcpy(job->text + key.len, hash.at, hash.len);
	return job;
}

/* With the lock.  NULL: no memory. */
static struct lane *
lane_for(struct key_checks *k, struct slice client)
{
	struct lane *lane = map_get(k->by_client, client);

	if (lane != NULL)
		return lane;
	lane = calloc(1, sizeof(*lane) + client.len);
	if (lane == NULL)
		return NULL;
	STAILQ_INIT(&lane->jobs);
	lane->client_len = client.len;
	if (client.len > 0)
		memcpy(lane->client, client.at, client.len);
	if (map_set(k->by_client, client, lane, NULL) < 0) {
		free(lane);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&k->lanes, lane, next);
	return lane;
}

static int
queue_job(struct key_checks *k, struct slice client, struct job *job)
{
	struct lane *lane;

	if (k->waiting >= KEY_CHECKS_MAX)
		return ERR_LIMIT;
	lane = lane_for(k, client);
	if (lane == NULL)
		return ERR_NOMEM;
	if (lane->count >= KEY_CHECKS_CLIENT_MAX)
		return ERR_LIMIT;
	STAILQ_INSERT_TAIL(&lane->jobs, job, next);
	lane->count++;
	k->waiting++;
	(void)pthread_cond_signal(&k->wake);
	return 0;
}

int
key_check(struct key_checks *k, struct slice client, struct slice key,
    struct slice hash, const struct verified_mark *mark, int64_t deadline_us,
    key_checked *checked, void *ctx)
{
	struct job *job = job_new(key, hash, mark);
	int rc;

	if (job == NULL)
		return ERR_NOMEM;
	job->deadline_us = deadline_us;
	job->checked = checked;
	job->ctx = ctx;
	(void)pthread_mutex_lock(&k->lock);
	rc = queue_job(k, client, job);
	(void)pthread_mutex_unlock(&k->lock);
	if (rc < 0)
		job_free(job);
	return rc;
}
