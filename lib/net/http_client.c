/* SPDX-License-Identifier: BSD-2-Clause */
/* POSTs over HTTP and HTTPS, on libcurl's multi interface and libevent. */
#include "net/http_client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>
#include <event2/event.h>

#include "net/special_address.h"
#include "util/err.h"

#define BODY_KEPT 2000
#define BODY_READ_MAX (64 * 1024) /* the rest is not waited for */
#define HEADERS_READ_MAX (64 * 1024)
#define CONNECT_TIMEOUT_MS 10000L
#define USER_AGENT "Postern/" VERSION_TEXT

struct transfer {
	struct http_client *client;
	struct transfer *next, **prev; /* in waiting or running */
	CURL *easy;
	struct curl_slist *headers;
	struct event *deadline;
	http_done *done;
	void *ctx;
	bool running;
	bool opened;  /* a socket to an allowed address was made */
	bool refused; /* one to a refused address was not */
	char body[BODY_KEPT];
	size_t body_len, body_read, headers_read;
	char error[CURL_ERROR_SIZE];
};

struct http_client {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	bool private_addresses;
	unsigned max_parallel, running_count;
	struct transfer *running, *waiting, **waiting_tail;
};

/* One watched socket of curl's. */
struct sock {
	struct event *event;
};

static void
transfer_unlink(struct transfer *t)
{
	struct http_client *c = t->client;

	if (t->next != NULL)
		t->next->prev = t->prev;
	else if (!t->running)
		c->waiting_tail = t->prev;
	*t->prev = t->next;
	if (t->running) {
		(void)curl_multi_remove_handle(c->multi, t->easy);
		c->running_count--;
	}
}

static void
transfer_free(struct transfer *t)
{
	if (t->deadline != NULL)
		event_free(t->deadline);
	if (t->easy != NULL)
		curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	free(t);
}

static void
transfer_end(struct transfer *t, int rc, unsigned status, const char *text)
{
	struct http_answer answer = {
		.status = status,
		.retry_after_s = -1,
		.body = { t->body, t->body_len },
		.error = rc == 0 ? "" : text,
	};
	curl_off_t wait = 0;

	if (rc == 0 &&
	    curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &wait) ==
		CURLE_OK &&
	    wait > 0)
		answer.retry_after_s = wait;
	transfer_unlink(t);
	t->done(rc, &answer, t->ctx);
	transfer_free(t);
}

static void
transfer_start(struct transfer *t)
{
	struct http_client *c = t->client;

	t->next = c->running;
	if (t->next != NULL)
		t->next->prev = &t->next;
	c->running = t;
	t->prev = &c->running;
	t->running = true;
	c->running_count++;
	/* It can fail for want of memory only: then the deadline ends it. */
	(void)curl_multi_add_handle(c->multi, t->easy);
}

static void
start_waiting(struct http_client *c)
{
	while (c->waiting != NULL && c->running_count < c->max_parallel) {
		struct transfer *t = c->waiting;

		transfer_unlink(t);
		transfer_start(t);
	}
}

static void
transfer_finished(struct transfer *t, CURLcode result)
{
	long status = 0;
	const char *text =
	    t->error[0] != '\0' ? t->error : curl_easy_strerror(result);

	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	/* A body too long for us does not take back the status. */
	if (result == CURLE_OK ||
	    (result == CURLE_WRITE_ERROR && t->body_read > BODY_READ_MAX &&
		status >= 200))
		transfer_end(t, 0, (unsigned)status, "");
	else if (t->refused && !t->opened)
		transfer_end(t, ERR_DENIED, 0,
		    "address is private or special: not permitted");
	else if (result == CURLE_OPERATION_TIMEDOUT)
		transfer_end(t, ERR_TIMEOUT, 0, text);
	else if (result == CURLE_URL_MALFORMAT ||
		 /* an answer that is no HTTP has this code, too */
		 (result == CURLE_UNSUPPORTED_PROTOCOL && !t->opened))
		transfer_end(t, ERR_SYNTAX, 0, text);
	else
		transfer_end(t, ERR_UNAVAIL, 0, text);
}

static void
take_results(struct http_client *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
		struct transfer *t = NULL;
		CURLcode result = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		transfer_finished(t, result);
	}
	start_waiting(c);
}

static void
socket_event(evutil_socket_t fd, short what, void *ctx)
{
	struct http_client *c = ctx;
	int flags = (what & EV_READ ? CURL_CSELECT_IN : 0) |
		    (what & EV_WRITE ? CURL_CSELECT_OUT : 0),
	    running;

	(void)curl_multi_socket_action(c->multi, fd, flags, &running);
	take_results(c);
}

static void
timer_event(evutil_socket_t fd, short what, void *ctx)
{
	struct http_client *c = ctx;
	int running;

	(void)fd;
	(void)what;
	(void)curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0,
	    &running);
	take_results(c);
}

static void
deadline_event(evutil_socket_t fd, short what, void *ctx)
{
	struct transfer *t = ctx;
	struct http_client *c = t->client;

	(void)fd;
	(void)what;
	transfer_end(t, ERR_TIMEOUT, 0, "no complete answer in time");
	start_waiting(c);
}

/* curl says which sockets it waits for. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct http_client *c = ctx;
	struct sock *s = socket_ctx;
	short events = EV_PERSIST;

	(void)easy;
	if (s != NULL) {
		event_free(s->event);
		s->event = NULL;
	}
	if (what == CURL_POLL_REMOVE) {
		free(s);
		return 0;
	}
	if (s == NULL && (s = calloc(1, sizeof(*s))) == NULL)
		return -1;
	if (what & CURL_POLL_IN)
		events = (short)(events | EV_READ);
	if (what & CURL_POLL_OUT)
		events = (short)(events | EV_WRITE);
	s->event = event_new(c->base, fd, events, socket_event, c);
	if (s->event == NULL || event_add(s->event, NULL) < 0) {
		if (s->event != NULL)
			event_free(s->event);
		free(s);
		(void)curl_multi_assign(c->multi, fd, NULL);
		return -1;
	}
	(void)curl_multi_assign(c->multi, fd, s);
	return 0;
}

static int
on_timer(CURLM *multi, long ms, void *ctx)
{
	struct http_client *c = ctx;
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	(void)multi;
	if (ms < 0)
		return event_del(c->timer);
	return event_add(c->timer, &tv);
}

/*
 * The guard stands here, behind the name resolution, so that a name which
 * resolves to something else the second time does not get round it.
 */
static curl_socket_t
open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *t = ctx;
	int fd;

	(void)purpose;
	if (!t->client->private_addresses &&
	    address_is_special(&a->addr, a->addrlen)) {
		t->refused = true;
		return CURL_SOCKET_BAD;
	}
	fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	t->opened = true;
	return fd;
}

static size_t
on_body(char *at, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * count, room = BODY_KEPT - t->body_len;

	t->body_read += len;
	if (t->body_read > BODY_READ_MAX)
		return 0; /* CURLE_WRITE_ERROR */
	if (room > len)
		room = len;
	memcpy(t->body + t->body_len, at, room);
	t->body_len += room;
	return len;
}

static size_t
on_header(char *at, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;

	(void)at;
	t->headers_read += size * count;
	return t->headers_read > HEADERS_READ_MAX ? 0 : size * count;
}

int
http_client_new(struct event_base *base, unsigned max_parallel,
    bool private_addresses, struct http_client **ret_client)
{
	struct http_client *c;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return ERR_NOMEM;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		goto fail;
	c->base = base;
	c->max_parallel = max_parallel;
	c->private_addresses = private_addresses;
	c->waiting_tail = &c->waiting;
	c->timer = event_new(base, -1, 0, timer_event, c);
	if (c->timer == NULL)
		goto fail_client;
	c->multi = curl_multi_init();
	if (c->multi == NULL)
		goto fail_timer;
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)max_parallel);
	*ret_client = c;
	return 0;

fail_timer:
	event_free(c->timer);
fail_client:
	free(c);
fail:
	curl_global_cleanup();
	return ERR_NOMEM;
}

void
http_client_free(struct http_client *c)
{
	if (c == NULL)
		return;
	c->max_parallel = 0; /* nothing more begins */
	while (c->waiting != NULL)
		transfer_end(c->waiting, ERR_CANCELED, 0, "canceled");
	while (c->running != NULL)
		transfer_end(c->running, ERR_CANCELED, 0, "canceled");
	(void)curl_multi_cleanup(c->multi);
	event_free(c->timer);
	free(c);
	curl_global_cleanup();
}

static int
add_headers(struct transfer *t, const struct http_post *post)
{
	/* curl would wait for "100 Continue" with larger bodies. */
	static const struct slice no_expect = { "Expect:", 7 };

	for (size_t i = 0; i <= post->header_count; i++) {
		struct slice h =
		    i < post->header_count ? post->headers[i] : no_expect;
		struct curl_slist *more;
		char *text;

		if (memchr(h.at, '\n', h.len) != NULL ||
		    memchr(h.at, '\r', h.len) != NULL ||
		    memchr(h.at, '\0', h.len) != NULL)
			return ERR_SYNTAX;
		text = strndup(h.at, h.len);
		more =
		    text != NULL ? curl_slist_append(t->headers, text) : NULL;
		free(text);
		if (more == NULL)
			return ERR_NOMEM;
		t->headers = more;
	}
	return 0;
}

static int
set_target(struct transfer *t, const struct http_post *post)
{
	CURLcode rc;
	char *url;

	if (memchr(post->url.at, '\0', post->url.len) != NULL)
		return ERR_SYNTAX;
	url = strndup(post->url.at, post->url.len);
	if (url == NULL)
		return ERR_NOMEM;
	rc = curl_easy_setopt(t->easy, CURLOPT_URL, url);
	free(url);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)post->body.len);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(t->easy, CURLOPT_COPYPOSTFIELDS,
		    post->body.len > 0 ? post->body.at : "");
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR,
		    "http,https");
	return rc == CURLE_OK ? 0 : ERR_NOMEM;
}

static void
set_options(struct transfer *t)
{
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(e, CURLOPT_POST, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, USER_AGENT);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_PROXY, ""); /* not from the environment */
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	/* A deadline does not wait for the resolver's thread to come home. */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
}

int
http_client_post(struct http_client *c, const struct http_post *post,
    http_done *done, void *ctx)
{
	struct transfer *t = calloc(1, sizeof(*t));
	struct timeval tv = { (time_t)(post->timeout_ms / 1000),
		(suseconds_t)(post->timeout_ms % 1000 * 1000) };
	int rc = ERR_NOMEM;

	if (t == NULL)
		return ERR_NOMEM;
	t->client = c;
	t->done = done;
	t->ctx = ctx;
	t->easy = curl_easy_init();
	t->deadline = event_new(c->base, -1, 0, deadline_event, t);
	if (t->easy == NULL || t->deadline == NULL)
		goto fail;
	if ((rc = add_headers(t, post)) < 0 || (rc = set_target(t, post)) < 0)
		goto fail;
	set_options(t);
	(void)event_add(t->deadline, &tv);

	t->prev = c->waiting_tail;
	*c->waiting_tail = t;
	c->waiting_tail = &t->next;
	start_waiting(c);
	return 0;

fail:
	transfer_free(t);
	return rc;
}
