/* SPDX-License-Identifier: BSD-2-Clause */
/* The SMTP client against a server that follows a script. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/smtp_client.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"

#define SOON_MS 20000
#define EHLO "250-test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"

/* Waits for what the client says, then answers. */
struct step {
	const char *until; /* its last octets; NULL: speak first */
	const char *say;
};
struct server {
	char folder[40], path[60], address[70];
	int fd;
	const struct step *steps;
	size_t count;
	struct buf heard;
	pthread_t thread;
};

static bool
hear(struct server *s, int fd, const char *until)
{
	struct slice end = slice_of(until);

	for (;;) {
		struct slice all = buf_slice(&s->heard);
		char octets[4096];

		if (all.len >= end.len &&
		    memcmp(all.at + all.len - end.len, end.at, end.len) == 0)
			return true;
		ssize_t n = read(fd, octets, sizeof(octets));

		if (n <= 0 || buf_add(&s->heard, octets, (size_t)n) < 0)
			return false;
	}
}

static void *
serve(void *ctx)
{
	struct server *s = ctx;
	int fd = accept(s->fd, NULL, NULL);

	for (size_t i = 0; fd >= 0 && i < s->count; i++) {
		if (s->steps[i].until != NULL &&
		    !hear(s, fd, s->steps[i].until))
			break;
		if (s->steps[i].say == NULL)
			break;
		(void)!write(fd, s->steps[i].say, strlen(s->steps[i].say));
	}
	if (fd >= 0)
		(void)close(fd);
	return NULL;
}

static void
start(struct server *s, const struct step *steps, size_t count)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	*s = (struct server){ .folder = "/tmp/postern-test-XXXXXX",
		.steps = steps,
		.count = count };
	buf_init(&s->heard, (size_t)4 * 1024 * 1024);
	assert_non_null(mkdtemp(s->folder));
	(void)snprintf(s->path, sizeof(s->path), "%s/s", s->folder);
	(void)snprintf(s->address, sizeof(s->address), "unix:%s", s->path);
	memcpy(un.sun_path, s->path, strlen(s->path) + 1);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->fd >= 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(s->fd, 5), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void
stop(struct server *s)
{
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	(void)close(s->fd);
	(void)unlink(s->path);
	(void)rmdir(s->folder);
	buf_done(&s->heard);
}

struct pieces {
	const struct slice *at;
	size_t count;
};

static struct slice
next_piece(void *ctx)
{
	struct pieces *p = ctx;

	if (p->count == 0)
		return (struct slice){ NULL, 0 };
	p->count--;
	return *p->at++;
}

static int
send_one(struct server *s, struct slice sender, const struct slice *rcpts,
    size_t rcpt_count, const struct slice *text, size_t text_count,
    struct smtp_answer *ret_answer)
{
	int64_t deadline_us = clock_deadline_ms(SOON_MS);
	struct pieces p = { text, text_count };
	struct smtp_message m = { .sender = sender,
		.recipients = rcpts,
		.recipient_count = rcpt_count,
		.source = next_piece,
		.ctx = &p };
	struct smtp_session *session;
	int rc = smtp_open(s->address, "me.example", deadline_us, &session,
	    ret_answer);

	if (rc < 0)
		return rc;
	assert_true(smtp_fd(session) >= 0);
	rc = smtp_begin(session, &m, deadline_us, ret_answer);
	if (rc == 0)
		rc = smtp_finish(session, deadline_us, ret_answer);
	smtp_close(session);
	return rc;
}

#define N(a) (sizeof(a) / sizeof((a)[0]))

static void
test_message(void **state)
{
	static const struct step steps[] = {
		{ NULL, "220 test ESMTP\r\n" },
		{ "EHLO me.example\r\n", EHLO },
		{ "RCPT TO:<c@x.example>\r\n",
		    "250 ok\r\n250 ok\r\n250 ok\r\n" },
		{ "DATA\r\n", "354 go\r\n" },
		{ "\r\n.\r\n", "250 2.0.0 queued as 4X\r\n" },
	};
	const struct slice rcpts[] = { SLICE("b@x.example"),
		SLICE("c@x.example") };
	/* Dots, bare LF, a CRLF between two pieces, no end of the last line. */
	const struct slice text[] = { SLICE("Subject: x\n\n"), SLICE(".a\r"),
		SLICE("\n."), SLICE("\r\n..b\nend") };
	struct smtp_answer answer;
	struct server s;

	(void)state;
	start(&s, steps, N(steps));
	assert_int_equal(send_one(&s, SLICE("a@x.example"), rcpts, 2, text,
			     N(text), &answer),
	    0);
	assert_string_equal(answer.text, "2.0.0 queued as 4X");
	assert_string_equal(buf_text(&s.heard),
	    "EHLO me.example\r\n"
	    "MAIL FROM:<a@x.example> BODY=8BITMIME\r\n"
	    "RCPT TO:<b@x.example>\r\nRCPT TO:<c@x.example>\r\nDATA\r\n"
	    "Subject: x\r\n\r\n..a\r\n..\r\n...b\r\nend\r\n.\r\n");
	stop(&s);
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *what;
		struct step steps[6];
		size_t count;
		int rc;
	} cases[] = {
		{ "greeting", { { NULL, "554 no\r\n" } }, 1, ERR_UNAVAIL },
		{ "no SMTP", { { NULL, "SSH-2.0-x\r\n" } }, 1, ERR_SYNTAX },
		{ "closed", { { NULL, NULL } }, 1, ERR_UNAVAIL },
		{ "a recipient for now",
		    { { NULL, "220 x\r\n" }, { "EHLO me.example\r\n", EHLO },
			{ "RCPT TO:<c@x.example>\r\n",
			    "250 ok\r\n250 ok\r\n450 no\r\n" } },
		    3, ERR_UNAVAIL },
		{ "a recipient for good",
		    { { NULL, "220 x\r\n" }, { "EHLO me.example\r\n", EHLO },
			{ "RCPT TO:<c@x.example>\r\n",
			    "250 ok\r\n550 no\r\n250 ok\r\n" } },
		    3, ERR_DENIED },
		{ "the content",
		    { { NULL, "220 x\r\n" }, { "EHLO me.example\r\n", EHLO },
			{ "RCPT TO:<c@x.example>\r\n",
			    "250 ok\r\n250 ok\r\n250 ok\r\n" },
			{ "DATA\r\n", "354 go\r\n" },
			{ "\r\n.\r\n", "451 4.3.0 later\r\n" } },
		    5, ERR_UNAVAIL },
		{ "lost before the answer",
		    { { NULL, "220 x\r\n" }, { "EHLO me.example\r\n", EHLO },
			{ "RCPT TO:<c@x.example>\r\n",
			    "250 ok\r\n250 ok\r\n250 ok\r\n" },
			{ "DATA\r\n", "354 go\r\n" }, { "\r\n.\r\n", NULL } },
		    5, ERR_IO },
	};
	const struct slice rcpts[] = { SLICE("b@x.example"),
		SLICE("c@x.example") };
	const struct slice text[] = { SLICE("a: b\n\nc\n") };

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct smtp_answer answer;
		struct server s;

		start(&s, cases[i].steps, cases[i].count);
		int rc = send_one(&s, SLICE(""), rcpts, 2, text, 1, &answer);

		if (rc != cases[i].rc)
			print_error("%s\n", cases[i].what);
		assert_int_equal(rc, cases[i].rc);
		stop(&s);
	}
}

static void
test_addresses(void **state)
{
	struct smtp_session *session;
	struct smtp_answer answer;
	static const char *const bad[] = { "", "x", "unix:", "inet:1.2.3.4",
		"inet:host:25", "inet:1.2.3.4:0", "inet:1.2.3.4:65536" };

	(void)state;
	for (size_t i = 0; i < N(bad); i++)
		assert_int_equal(smtp_open(bad[i], "x",
				     clock_deadline_ms(SOON_MS), &session,
				     &answer),
		    ERR_SYNTAX);
	assert_int_equal(smtp_open("unix:/nonexistent/s", "x",
			     clock_deadline_ms(SOON_MS), &session, &answer),
	    ERR_UNAVAIL);
	smtp_close(NULL);
}

/* Nothing that could end a command early gets into one. */
static void
test_hostile_paths(void **state)
{
	static const struct step steps[] = { { NULL, "220 x\r\n" },
		{ "EHLO me.example\r\n", EHLO }, { "never", NULL } };
	const struct slice bad[] = { SLICE("a\r\nDATA"), SLICE("a> x<b"),
		SLICE("") };
	const struct slice text[] = { SLICE("x\n") };

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		struct smtp_answer answer;
		struct server s;

		start(&s, steps, N(steps));
		assert_int_equal(send_one(&s, SLICE("a@x"), &bad[i], 1, text, 1,
				     &answer),
		    ERR_SYNTAX);
		stop(&s);
	}
}

static void
test_silence(void **state)
{
	static const struct step steps[] = { { "never", NULL } };
	struct smtp_session *session;
	struct smtp_answer answer;
	struct server s;

	(void)state;
	start(&s, steps, 1);
	assert_int_equal(smtp_open(s.address, "x", clock_deadline_ms(50),
			     &session, &answer),
	    ERR_TIMEOUT);
	assert_int_equal(answer.code, 0);
	stop(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_hostile_paths),
		cmocka_unit_test(test_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
