/* SPDX-License-Identifier: BSD-2-Clause */
/* DNS questions with deadlines: c-ares on the event loop. */
#include "net/dns.h"

#include <arpa/nameser.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

/* Debian 12's c-ares (1.18) has only what 1.28 began to call deprecated. */
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <event2/event.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"

/*
 * c-ares 1.31 began to keep answers; who asks again wants a new one, with its
 * whole time to live: options.qcache_max_ttl stays 0.
 */
#ifdef ARES_OPT_QUERY_CACHE
#define NO_CACHE ARES_OPT_QUERY_CACHE
#else
#define NO_CACHE 0
#endif
#define SOCKETS_MAX 16
#define TEXTS_OCTETS_MAX 65536

struct dns {
	struct event_base *base;
	ares_channel channel;
	struct event *timer; /* c-ares' own timeouts */
	struct {
		ares_socket_t fd;
		struct event *event;
	} sockets[SOCKETS_MAX];
	struct question *questions;
};

/* Lives until c-ares calls back, also when its deadline was first. */
struct question {
	struct dns *dns;
	struct question *next, **link;
	struct event *deadline;
	/* One of them; none: answered already. */
	dns_texts *texts;
	dns_mxs *mxs;
	void *ctx;
};

static void
texts_end(struct question *q, int rc, const struct slice *texts, size_t count)
{
	dns_texts *done = q->texts;

	q->texts = NULL;
	if (done != NULL)
		done(rc, texts, count, q->ctx);
}

static void
mxs_end(struct question *q, int rc, const struct dns_mx_answer *answer)
{
	dns_mxs *done = q->mxs;

	q->mxs = NULL;
	if (done != NULL)
		done(rc, answer != NULL ? answer->mx : NULL,
		    answer != NULL && rc == 0 ? answer->count : 0,
		    answer != NULL ? answer->ttl_s : 0, q->ctx);
}

/* Without an answer. */
static void
question_fail(struct question *q, int rc)
{
	texts_end(q, rc, NULL, 0);
	mxs_end(q, rc, NULL);
}

static void
question_free(struct question *q)
{
	*q->link = q->next;
	if (q->next != NULL)
		q->next->link = q->link;
	if (q->deadline != NULL)
		event_free(q->deadline);
	free(q);
}

static void
deadline_passed(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	question_fail(ctx, ERR_TIMEOUT);
}

static void
timer_restart(struct dns *d)
{
	struct timeval room, *tv = ares_timeout(d->channel, NULL, &room);

	if (tv != NULL)
		(void)event_add(d->timer, tv);
	else
		(void)event_del(d->timer);
}

static void
timer_fired(evutil_socket_t fd, short what, void *ctx)
{
	struct dns *d = ctx;

	(void)fd;
	(void)what;
	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	timer_restart(d);
}

static void
socket_ready(evutil_socket_t fd, short what, void *ctx)
{
	struct dns *d = ctx;

	ares_process_fd(d->channel,
	    (what & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
	    (what & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
	timer_restart(d);
}

/* c-ares tells what it waits for; both 0: it closes the socket. */
static void
socket_state(void *ctx, ares_socket_t fd, int readable, int writable)
{
	short what = (short)(EV_PERSIST | (readable != 0 ? EV_READ : 0) |
			     (writable != 0 ? EV_WRITE : 0));
	struct dns *d = ctx;
	size_t i, slot = SOCKETS_MAX;

	for (i = 0; i < SOCKETS_MAX; i++) {
		if (d->sockets[i].event != NULL && d->sockets[i].fd == fd) {
			event_free(d->sockets[i].event);
			d->sockets[i].event = NULL;
		}
		if (d->sockets[i].event == NULL)
			slot = i;
	}
	if ((readable == 0 && writable == 0) || slot == SOCKETS_MAX)
		return;
	d->sockets[slot].fd = fd;
	d->sockets[slot].event = event_new(d->base, fd, what, socket_ready, d);
	if (d->sockets[slot].event != NULL)
		(void)event_add(d->sockets[slot].event, NULL);
}

int
dns_new(struct event_base *base, const char *servers, struct dns **ret_dns)
{
	struct dns *d = calloc(1, sizeof(*d));
	struct ares_options options = {
		.sock_state_cb = socket_state,
		.timeout = 2000,
		.tries = 3,
	};

	if (d == NULL)
		return ERR_NOMEM;
	options.sock_state_cb_data = d;
	d->base = base;
	d->timer = event_new(base, -1, 0, timer_fired, d);
	if (d->timer == NULL)
		goto fail_timer;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		goto fail_library;
	if (ares_init_options(&d->channel, &options,
		ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		    NO_CACHE) != ARES_SUCCESS)
		goto fail_channel;
	if (servers != NULL &&
	    ares_set_servers_ports_csv(d->channel, servers) != ARES_SUCCESS) {
		dns_free(d);
		return ERR_SYNTAX;
	}
	*ret_dns = d;
	return 0;

fail_channel:
	ares_library_cleanup();
fail_library:
	event_free(d->timer);
fail_timer:
	free(d);
	return ERR_UNAVAIL;
}

void
dns_free(struct dns *d)
{
	if (d == NULL)
		return;
	ares_destroy(d->channel); /* every question is called back */
	ares_library_cleanup();
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		if (d->sockets[i].event != NULL)
			event_free(d->sockets[i].event);
	event_free(d->timer);
	free(d);
}

static int
code_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return 0;
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
		return ERR_NOTFOUND;
	case ARES_ETIMEOUT:
		return ERR_TIMEOUT;
	case ARES_EBADNAME:
		return ERR_SYNTAX;
	case ARES_ENOMEM:
		return ERR_NOMEM;
	case ARES_EDESTRUCTION:
	case ARES_ECANCELLED:
		return ERR_CANCELED;
	default:
		return ERR_UNAVAIL;
	}
}

/* RFC 7208, 3.3: the strings of one record are joined without blanks. */
static int
join_texts(const struct ares_txt_ext *list, struct buf *room,
    size_t starts[DNS_TEXTS_MAX + 1], size_t *ret_count)
{
	size_t count = 0;

	for (; list != NULL; list = list->next) {
		if (list->record_start != 0 || count == 0) {
			if (count == DNS_TEXTS_MAX)
				break;
			starts[count++] = room->len;
		}
		buf_add(room, list->txt, list->length);
	}
	starts[count] = room->len;
	*ret_count = count;
	return room->rc;
}

static void
hand_out(struct question *q, const struct ares_txt_ext *list)
{
	struct slice texts[DNS_TEXTS_MAX];
	size_t starts[DNS_TEXTS_MAX + 1], count;
	struct buf room;
	int rc;

	buf_init(&room, TEXTS_OCTETS_MAX);
	rc = join_texts(list, &room, starts, &count);
	for (size_t i = 0; rc == 0 && i < count; i++)
		texts[i] = (struct slice){ buf_slice(&room).at + starts[i],
			starts[i + 1] - starts[i] };
	texts_end(q, rc, texts, rc == 0 ? count : 0);
	buf_done(&room);
}

static void
texts_answered(void *ctx, int status, int timeouts, unsigned char *answer,
    int len)
{
	struct ares_txt_ext *list = NULL;
	struct question *q = ctx;

	(void)timeouts;
	if (status == ARES_SUCCESS)
		status = ares_parse_txt_reply_ext(answer, len, &list);
	if (status == ARES_SUCCESS && list != NULL)
		hand_out(q, list);
	else
		question_fail(q,
		    status == ARES_SUCCESS ? ERR_NOTFOUND : code_of(status));
	if (list != NULL)
		ares_free_data(list);
	question_free(q);
}

static void
mxs_answered(void *ctx, int status, int timeouts, unsigned char *answer,
    int len)
{
	struct dns_mx_answer mx;
	struct question *q = ctx;
	int rc = code_of(status);

	(void)timeouts;
	/* The answer of a name that is not there says for how long. */
	if ((rc != 0 && rc != ERR_NOTFOUND) || answer == NULL || len <= 0 ||
	    dns_mx_answer_parse(answer, (size_t)len, &mx) < 0) {
		question_fail(q, rc == 0 ? ERR_UNAVAIL : rc);
		question_free(q);
		return;
	}
	if (rc == 0 && mx.count == 0)
		rc = mx.unusable > 0 ? ERR_SYNTAX : ERR_NOTFOUND;
	mxs_end(q, rc, &mx);
	question_free(q);
}

/* NULL: no memory. */
static struct question *
question_new(struct dns *d, int64_t deadline_us, void *ctx)
{
	int64_t left_us = deadline_us - clock_mono_us();
	struct question *q = calloc(1, sizeof(*q));
	struct timeval tv;

	if (q == NULL)
		return NULL;
	if (left_us < 0)
		left_us = 0;
	*q = (struct question){ .dns = d, .next = d->questions, .ctx = ctx };
	q->link = &d->questions;
	if (q->next != NULL)
		q->next->link = &q->next;
	d->questions = q;
	q->deadline = event_new(d->base, -1, 0, deadline_passed, q);
	if (q->deadline == NULL) {
		question_free(q);
		return NULL;
	}
	tv.tv_sec = (time_t)(left_us / 1000000);
	tv.tv_usec = (suseconds_t)(left_us % 1000000);
	(void)event_add(q->deadline, &tv);
	return q;
}

void
dns_txt(struct dns *d, const char *name, int64_t deadline_us, dns_texts *done,
    void *ctx)
{
	struct question *q = question_new(d, deadline_us, ctx);

	if (q == NULL) {
		done(ERR_NOMEM, NULL, 0, ctx);
		return;
	}
	q->texts = done;
	ares_query(d->channel, name, ns_c_in, ns_t_txt, texts_answered, q);
	timer_restart(d);
}

void
dns_mx(struct dns *d, const char *domain, int64_t deadline_us, dns_mxs *done,
    void *ctx)
{
	struct question *q = question_new(d, deadline_us, ctx);

	if (q == NULL) {
		done(ERR_NOMEM, NULL, 0, 0, ctx);
		return;
	}
	q->mxs = done;
	ares_query(d->channel, domain, ns_c_in, ns_t_mx, mxs_answered, q);
	timer_restart(d);
}

struct waiting {
	struct event_base *base;
	struct arena *arena;
	struct slice *texts;
	size_t max, count;
	int rc;
	bool over;
};

static void
waited(int rc, const struct slice *texts, size_t count, void *ctx)
{
	struct waiting *w = ctx;

	w->over = true;
	w->rc = rc;
	for (size_t i = 0; i < count && i < w->max && w->rc == 0; i++) {
		w->texts[i] = arena_dup(w->arena, texts[i]);
		if (w->texts[i].at == NULL)
			w->rc = ERR_NOMEM;
		w->count++;
	}
	(void)event_base_loopbreak(w->base);
}

int
dns_txt_wait(const char *servers, const char *name, int64_t timeout_ms,
    struct arena *arena, struct slice *ret_texts, size_t max, size_t *ret_count)
{
	struct waiting w = { .arena = arena,
		.texts = ret_texts,
		.max = max,
		.rc = ERR_TIMEOUT };
	struct dns *d;
	int rc;

	w.base = event_base_new();
	if (w.base == NULL)
		return ERR_NOMEM;
	rc = dns_new(w.base, servers, &d);
	if (rc == 0) {
		dns_txt(d, name, clock_deadline_ms(timeout_ms), waited, &w);
		while (!w.over && event_base_loop(w.base, EVLOOP_ONCE) == 0)
			;
		dns_free(d);
		rc = w.rc;
	}
	event_base_free(w.base);
	if (rc == 0)
		*ret_count = w.count;
	return rc;
}
