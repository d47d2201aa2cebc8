/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers and descriptors on the event loop. */
#include "net/loop.h"

#include <stdlib.h>

#include <event2/event.h>

struct event_base *
loop_new(void)
{
	return event_base_new();
}

void
loop_free(struct event_base *base)
{
	if (base != NULL)
		event_base_free(base);
}

void
loop_run_until(struct event_base *base, const bool *over)
{
	while (!*over && event_base_loop(base, EVLOOP_ONCE) == 0)
		;
}

struct loop_timer {
	struct event *event;
	loop_fired *fired;
	void *ctx;
};

static void
timer_event(evutil_socket_t fd, short what, void *ctx)
{
	struct loop_timer *t = ctx;

	(void)fd;
	(void)what;
	t->fired(t->ctx);
}

struct loop_timer *
loop_timer_new(struct event_base *base, loop_fired *fired, void *ctx)
{
	struct loop_timer *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->fired = fired;
	t->ctx = ctx;
	t->event = event_new(base, -1, 0, timer_event, t);
	if (t->event == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

void
loop_timer_set(struct loop_timer *t, int64_t ms)
{
	struct timeval tv;

	if (ms < 0)
		ms = 0;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	(void)event_add(t->event, &tv);
}

void
loop_timer_stop(struct loop_timer *t)
{
	(void)event_del(t->event);
}

bool
loop_timer_pending(const struct loop_timer *t)
{
	return event_pending(t->event, EV_TIMEOUT, NULL) != 0;
}

void
loop_timer_free(struct loop_timer *t)
{
	if (t == NULL)
		return;
	event_free(t->event);
	free(t);
}

struct loop_watch {
	struct event *event;
	loop_readable *readable;
	void *ctx;
};

static void
watch_event(evutil_socket_t fd, short what, void *ctx)
{
	struct loop_watch *w = ctx;

	(void)what;
	w->readable(fd, w->ctx);
}

struct loop_watch *
loop_watch_new(struct event_base *base, int fd, loop_readable *readable,
    void *ctx)
{
	struct loop_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->readable = readable;
	w->ctx = ctx;
	w->event = event_new(base, fd, EV_READ | EV_PERSIST, watch_event, w);
	if (w->event == NULL || event_add(w->event, NULL) < 0) {
		if (w->event != NULL)
			event_free(w->event);
		free(w);
		return NULL;
	}
	return w;
}

void
loop_watch_free(struct loop_watch *w)
{
	if (w == NULL)
		return;
	event_free(w->event);
	free(w);
}
