/* SPDX-License-Identifier: BSD-2-Clause */
/* The store seen from other threads: posting work, and waiting for it. */
#include <event2/event.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "store/redis_store.h"
#include "util/err.h"

struct post {
	struct post *next; /* newest first */
	void (*fn)(void *ctx);
	void *ctx;
};

static struct post *
take_posts(struct store *s)
{
	struct post *newest, *oldest = NULL;

	(void)pthread_mutex_lock(&s->lock);
	newest = s->posts;
	s->posts = NULL;
	(void)pthread_mutex_unlock(&s->lock);
	while (newest != NULL) {
		struct post *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}

void
posts_run(struct store *s)
{
	struct post *p = take_posts(s);

	while (p != NULL) {
		struct post *next = p->next;

		p->fn(p->ctx);
		free(p);
		p = next;
	}
}

static void
on_post(evutil_socket_t fd, short what, void *ctx)
{
	struct store *s = ctx;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		posts_run(s);
}

int
posts_init(struct store *s)
{
	s->post_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->post_fd < 0)
		return ERR_NOMEM;
	s->post_event =
	    event_new(s->base, s->post_fd, EV_READ | EV_PERSIST, on_post, s);
	if (s->post_event == NULL || event_add(s->post_event, NULL) < 0 ||
	    pthread_mutex_init(&s->lock, NULL) != 0) {
		if (s->post_event != NULL)
			event_free(s->post_event);
		(void)close(s->post_fd);
		return ERR_NOMEM;
	}
	return 0;
}

void
posts_done(struct store *s)
{
	event_free(s->post_event);
	(void)close(s->post_fd);
	(void)pthread_mutex_destroy(&s->lock);
}

int
store_post(struct store *s, void (*fn)(void *ctx), void *ctx)
{
	struct post *p = malloc(sizeof(*p));
	const uint64_t one = 1;

	if (p == NULL)
		return ERR_NOMEM;
	p->fn = fn;
	p->ctx = ctx;
	(void)pthread_mutex_lock(&s->lock);
	bool told = s->posts != NULL; /* it has not taken these yet */
	p->next = s->posts;
	s->posts = p;
	(void)pthread_mutex_unlock(&s->lock);
	if (told)
		return 0;
	/* Fails only when the counter is full: then the loop is awake. */
	ssize_t n = write(s->post_fd, &one, sizeof(one));
	(void)n;
	return 0;
}

/* ---- waiting ---- */

struct store_wait {
	struct store *store;
	void (*start)(struct store *s, struct store_wait *w, void *ctx);
	void *ctx;
	sem_t done; /* one wake; a condition would make it three */
	int rc;
};

static void
start_wait(void *ctx)
{
	struct store_wait *w = ctx;

	w->start(w->store, w, w->ctx);
}

void
store_wait_done(struct store_wait *w, int rc)
{
	w->rc = rc;
	/* w is on the stack of the thread that wakes: not touched after it. */
	(void)sem_post(&w->done);
}

int
store_wait(struct store *s,
    void (*start)(struct store *s, struct store_wait *w, void *ctx), void *ctx)
{
	struct store_wait w = { .store = s, .start = start, .ctx = ctx };
	int rc;

	if (sem_init(&w.done, 0, 0) < 0)
		return ERR_NOMEM;
	rc = store_post(s, start_wait, &w);
	if (rc == 0) {
		while (sem_wait(&w.done) < 0) /* EINTR */
			;
		rc = w.rc;
	}
	(void)sem_destroy(&w.done);
	return rc;
}
