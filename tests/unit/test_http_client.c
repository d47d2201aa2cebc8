/* SPDX-License-Identifier: BSD-2-Clause */
/* The HTTP client against a scripted server of our own on loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "net/http_client.h"
#include "util/err.h"

static int server_fd;
static unsigned server_port;
static char last_request[8192];

/* What the server says to a path; NULL: it closes without a word. */
static const struct {
	const char *path, *reply;
} script[] = {
	{ "/ok", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" },
	{ "/moved", "HTTP/1.1 302 Found\r\nLocation: /ok\r\n"
		    "Content-Length: 0\r\n\r\n" },
	{ "/later", "HTTP/1.1 429 Slow down\r\nRetry-After: 17\r\n"
		    "Content-Length: 0\r\n\r\n" },
	{ "/gone", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n" },
	{ "/close", NULL },
	{ "/half", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhel" },
	{ "/junk", "what?\r\n\r\n" },
};

static void
serve_one(int fd)
{
	size_t len = 0;
	ssize_t n;

	/* Until the body, which is always "{}", has come. */
	while (len < sizeof(last_request) - 1 &&
	       (n = read(fd, last_request + len,
		    sizeof(last_request) - 1 - len)) > 0) {
		len += (size_t)n;
		last_request[len] = '\0';
		if (len > 2 && strcmp(last_request + len - 2, "{}") == 0)
			break;
	}
	last_request[len] = '\0';
	if (strncmp(last_request, "POST /never ", 12) == 0) {
		char c;

		while (read(fd, &c, 1) > 0)
			;
		return;
	}
	if (strncmp(last_request, "POST /huge ", 11) == 0) {
		static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
		static char block[4096];

		(void)!write(fd, head, sizeof(head) - 1);
		while (send(fd, block, sizeof(block), MSG_NOSIGNAL) > 0)
			;
		return;
	}
	for (size_t i = 0; i < sizeof(script) / sizeof(*script); i++) {
		size_t plen = strlen(script[i].path);

		if (strncmp(last_request + 5, script[i].path, plen) == 0 &&
		    last_request[5 + plen] == ' ' && script[i].reply != NULL)
			(void)!write(fd, script[i].reply,
			    strlen(script[i].reply));
	}
}

static void *
server(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = accept(server_fd, NULL, NULL)) >= 0) {
		serve_one(fd);
		close(fd);
	}
	return NULL;
}

static pthread_t server_thread;

static int
server_start(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	(void)state;
	server_fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(server_fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(server_fd, 64), 0);
	assert_int_equal(getsockname(server_fd, (struct sockaddr *)&a, &len),
	    0);
	server_port = ntohs(a.sin_port);
	return pthread_create(&server_thread, NULL, server, NULL);
}

static int
server_stop(void **state)
{
	(void)state;
	shutdown(server_fd, SHUT_RDWR);
	pthread_join(server_thread, NULL);
	return close(server_fd);
}

struct result {
	unsigned calls;
	int rc;
	unsigned status;
	int64_t retry_after_s;
	char body[64], error[300];
	struct event_base *base;
	unsigned wanted;
};

static void
done(int rc, const struct http_answer *answer, void *ctx)
{
	struct result *r = ctx;

	r->calls++;
	r->rc = rc;
	r->status = answer->status;
	r->retry_after_s = answer->retry_after_s;
	snprintf(r->body, sizeof(r->body), "%.*s", SLICE_F(answer->body));
	snprintf(r->error, sizeof(r->error), "%s", answer->error);
	if (r->calls >= r->wanted && r->base != NULL)
		event_base_loopbreak(r->base);
}

static int
post(struct http_client *c, const char *host, const char *path,
    int64_t timeout_ms, struct result *r)
{
	char url[200];
	const struct slice headers[] = { SLICE("Content-Type: text/x-test"),
		SLICE("webhook-id: msg_1") };
	struct http_post p = {
		.headers = headers,
		.header_count = 2,
		.body = SLICE("{}"),
		.timeout_ms = timeout_ms,
	};

	snprintf(url, sizeof(url), "http://%s:%u%s", host, server_port, path);
	p.url = slice_of(url);
	return http_client_post(c, &p, done, r);
}

static struct result
get_answer(bool private_addresses, const char *host, const char *path,
    int64_t timeout_ms)
{
	struct event_base *base = event_base_new();
	struct http_client *c;
	struct result r = { .base = base, .wanted = 1 };

	assert_int_equal(http_client_new(base, 2, private_addresses, &c), 0);
	assert_int_equal(post(c, host, path, timeout_ms, &r), 0);
	assert_int_equal(r.calls, 0);
	event_base_dispatch(base);
	assert_int_equal(r.calls, 1);
	r.base = NULL;
	http_client_free(c);
	assert_int_equal(r.calls, 1);
	event_base_free(base);
	return r;
}

static void
test_answers(void **state)
{
	static const struct {
		const char *path;
		int rc;
		unsigned status;
		int64_t retry_after_s;
	} cases[] = {
		{ "/ok", 0, 200, -1 },
		{ "/moved", 0, 302, -1 },
		{ "/later", 0, 429, 17 },
		{ "/gone", 0, 410, -1 },
		{ "/close", ERR_UNAVAIL, 0, -1 },
		{ "/half", ERR_UNAVAIL, 0, -1 },
		{ "/junk", ERR_UNAVAIL, 0, -1 },
		{ "/huge", 0, 200, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct result r =
		    get_answer(true, "127.0.0.1", cases[i].path, 20000);

		if (r.rc != cases[i].rc || r.status != cases[i].status ||
		    r.retry_after_s != cases[i].retry_after_s ||
		    (r.rc < 0) != (r.error[0] != '\0'))
			fail_msg("%s: rc %d, status %u, wait %lld, %s",
			    cases[i].path, r.rc, r.status,
			    (long long)r.retry_after_s, r.error);
	}
}

static void
test_request_is_as_asked(void **state)
{
	struct result r = get_answer(true, "127.0.0.1", "/ok", 20000);

	(void)state;
	assert_string_equal(r.body, "hello");
	assert_non_null(strstr(last_request, "POST /ok HTTP/1.1\r\n"));
	assert_non_null(strstr(last_request, "Content-Type: text/x-test\r\n"));
	assert_non_null(strstr(last_request, "webhook-id: msg_1\r\n"));
	assert_non_null(strstr(last_request, "\r\nContent-Length: 2\r\n"));
	assert_non_null(strstr(last_request, "\r\n\r\n{}"));
	assert_null(strstr(last_request, "Expect:"));
}

static void
test_silence_ends_at_the_deadline(void **state)
{
	struct result r = get_answer(true, "127.0.0.1", "/never", 100);

	(void)state;
	assert_int_equal(r.rc, ERR_TIMEOUT);
}

static void
test_private_addresses_are_refused(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost", "[::1]",
		"[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "169.254.169.254",
		"10.0.0.1" };

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		struct result r = get_answer(false, hosts[i], "/ok", 20000);

		if (r.rc != ERR_DENIED)
			fail_msg("%s: %d %s", hosts[i], r.rc, r.error);
	}
}

static void
test_other_schemes_and_header_injection_are_refused(void **state)
{
	static const char *const urls[] = { "ftp://127.0.0.1/x",
		"file:///etc/passwd", "gopher://127.0.0.1/x" };
	struct event_base *base = event_base_new();
	struct http_client *c;
	struct result r = { .base = base, .wanted = 3 };
	struct http_post p = { .timeout_ms = 5000, .body = SLICE("") };
	const struct slice forged = SLICE("X: y\r\nZ: forged");

	(void)state;
	assert_int_equal(http_client_new(base, 2, true, &c), 0);
	for (size_t i = 0; i < 3; i++) {
		p.url = slice_of(urls[i]);
		assert_int_equal(http_client_post(c, &p, done, &r), 0);
	}
	event_base_dispatch(base);
	assert_int_equal(r.calls, 3);
	assert_int_equal(r.rc, ERR_SYNTAX);

	p.url = SLICE("http://127.0.0.1/");
	p.headers = &forged;
	p.header_count = 1;
	assert_int_equal(http_client_post(c, &p, done, &r), ERR_SYNTAX);
	p.header_count = 0;
	p.url = (struct slice){ "http://127.0.0.1/\0x", 19 };
	assert_int_equal(http_client_post(c, &p, done, &r), ERR_SYNTAX);
	assert_int_equal(r.calls, 3);
	http_client_free(c);
	event_base_free(base);
}

static void
test_more_than_the_maximum_wait_their_turn(void **state)
{
	struct event_base *base = event_base_new();
	struct http_client *c;
	struct result r = { .base = base, .wanted = 20 };

	(void)state;
	assert_int_equal(http_client_new(base, 2, true, &c), 0);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(post(c, "127.0.0.1", "/ok", 20000, &r), 0);
	event_base_dispatch(base);
	assert_int_equal(r.calls, 20);
	assert_int_equal(r.rc, 0);
	http_client_free(c);
	event_base_free(base);
}

static void
test_free_cancels(void **state)
{
	struct event_base *base = event_base_new();
	struct http_client *c;
	struct result r = { .wanted = 99 };

	(void)state;
	assert_int_equal(http_client_new(base, 2, true, &c), 0);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(post(c, "127.0.0.1", "/ok", 20000, &r), 0);
	http_client_free(c);
	assert_int_equal(r.calls, 5);
	assert_int_equal(r.rc, ERR_CANCELED);
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_request_is_as_asked),
		cmocka_unit_test(test_silence_ends_at_the_deadline),
		cmocka_unit_test(test_private_addresses_are_refused),
		cmocka_unit_test(
		    test_other_schemes_and_header_injection_are_refused),
		cmocka_unit_test(test_more_than_the_maximum_wait_their_turn),
		cmocka_unit_test(test_free_cancels),
	};

	return cmocka_run_group_tests(tests, server_start, server_stop);
}
