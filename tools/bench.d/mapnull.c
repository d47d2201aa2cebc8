/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mapnull: what a server of socketmap tables costs at least.  One thread,
 * epoll, reads a length and answers NOTFOUND, whatever is asked.
 *
 * usage: mapnull PATH (of a unix socket)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char answer[] = "9:NOTFOUND ,";

struct client {
	int fd;
	size_t len;
	char in[16384];
};

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

/* Its digits; a server that is only measured looks no closer. */
static size_t
length_at(const char *at, const char *colon)
{
	size_t length = 0;

	for (; at < colon; at++)
		length = length * 10 + (size_t)(*at - '0');
	return length;
}

/* Answers every whole request; false: the client must go. */
static int
serve(struct client *c)
{
	char out[4096];
	size_t len = 0, pos = 0;

	while (len + sizeof(answer) <= sizeof(out)) {
		const char *colon = memchr(c->in + pos, ':', c->len - pos);
		size_t end;

		if (colon == NULL)
			break;
		end =
		    (size_t)(colon - c->in) + 2 + length_at(c->in + pos, colon);
		if (end > c->len)
			break;
		pos = end;
		memcpy(out + len, answer, sizeof(answer) - 1);
		len += sizeof(answer) - 1;
	}
	if (len > 0 && write(c->fd, out, len) != (ssize_t)len)
		return 0;
	c->len -= pos;
	if (pos > 0 && c->len > 0)
		memmove(c->in, c->in + pos, c->len);
	return c->len < sizeof(c->in);
}

static void
readable(struct client *c)
{
	ssize_t n = read(c->fd, c->in + c->len, sizeof(c->in) - c->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		c->len += (size_t)n;
		if (serve(c))
			return;
	}
	(void)close(c->fd);
	free(c);
}

static void
watch(int epoll, int fd, struct client *c)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		fail("epoll_ctl");
}

static void
take_client(int epoll, int listener)
{
	struct client *c = malloc(sizeof(*c));

	if (c == NULL)
		fail("malloc");
	c->len = 0;
	c->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (c->fd < 0)
		free(c);
	else
		watch(epoll, c->fd, c);
}

int
main(int argc, char *argv[])
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int listener, epoll = epoll_create1(EPOLL_CLOEXEC);

	if (argc != 2 || strlen(argv[1]) >= sizeof(at.sun_path)) {
		(void)fprintf(stderr, "usage: mapnull PATH\n");
		return 2;
	}
	memcpy(at.sun_path, argv[1], strlen(argv[1]));
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (listener < 0 || epoll < 0 ||
	    bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(listener, 1024) < 0)
		fail(argv[1]);
	watch(epoll, listener, NULL);
	for (;;) {
		struct epoll_event events[64];
		int n = epoll_wait(epoll, events, 64, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				take_client(epoll, listener);
			else
				readable(events[i].data.ptr);
		}
	}
}
