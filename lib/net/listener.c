/* SPDX-License-Identifier: BSD-2-Clause */
/* Accepting connections on the event loop. */
#include "net/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

#define ACCEPTS_PER_TURN 64 /* then other events get their turn */
#define PAUSE_US 100000

struct listener {
	int fd;
	struct event *readable, *timer;
	listener_accepted *accepted;
	listener_full *full;
	void *ctx;
	bool paused;  /* by the caller */
	bool waiting; /* for descriptors */
	bool in_callback, stopped;
};

static void
update(struct listener *l)
{
	if (l->paused || l->waiting)
		(void)event_del(l->readable);
	else
		(void)event_add(l->readable, NULL);
}

static void
wait_for_descriptors(struct listener *l)
{
	static const struct timeval pause = { 0, PAUSE_US };

	l->waiting = true;
	(void)event_add(l->timer, &pause);
	update(l);
	if (l->full != NULL)
		l->full(l->ctx);
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct listener *l = ctx;

	(void)fd;
	(void)what;
	l->waiting = false;
	update(l);
}

/* False: nothing more to accept now. */
static bool
accept_one(struct listener *l)
{
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		l->accepted(fd, l->ctx);
		return true;
	}
	if (errno == EINTR || errno == ECONNABORTED)
		return true;
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM)
		wait_for_descriptors(l);
	return false;
}

static void
on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct listener *l = ctx;

	(void)fd;
	(void)what;
	l->in_callback = true;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++)
		if (!accept_one(l) || l->paused || l->stopped)
			break;
	l->in_callback = false;
	if (l->stopped)
		listener_stop(l);
}

struct listener *
listener_start(struct event_base *base, int fd, listener_accepted *accepted,
    listener_full *full, void *ctx)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->fd = fd;
	l->accepted = accepted;
	l->full = full;
	l->ctx = ctx;
	l->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, l);
	l->timer = evtimer_new(base, on_timer, l);
	if (l->readable == NULL || l->timer == NULL ||
	    event_add(l->readable, NULL) < 0) {
		listener_stop(l);
		return NULL;
	}
	return l;
}

void
listener_pause(struct listener *l)
{
	l->paused = true;
	update(l);
}

void
listener_resume(struct listener *l)
{
	l->paused = false;
	update(l);
}

void
listener_stop(struct listener *l)
{
	if (l == NULL)
		return;
	l->stopped = true;
	if (l->in_callback) { /* on_readable does it */
		listener_pause(l);
		return;
	}
	if (l->readable != NULL)
		event_free(l->readable);
	if (l->timer != NULL)
		event_free(l->timer);
	free(l);
}
