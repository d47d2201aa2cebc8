/* SPDX-License-Identifier: BSD-2-Clause */
/* Connecting to a scanner, and waiting for it. */
#include "milter/scan_dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

static int
parse_unix(struct slice path, struct scan_address *a)
{
	if (path.len < 2 || path.at[0] != '/' ||
	    path.len >= sizeof(a->sock.un.sun_path) ||
	    memchr(path.at, '\0', path.len) != NULL)
		return ERR_SYNTAX;
	a->sock.un.sun_family = AF_UNIX;
	memcpy(a->sock.un.sun_path, path.at, path.len);
	a->len = sizeof(a->sock.un);
	return 0;
}

static int
parse_inet(struct slice text, struct scan_address *a)
{
	const char *colon = memrchr(text.at, ':', text.len);
	char host[INET6_ADDRSTRLEN] = "";
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	uint64_t port;

	if (colon == NULL)
		return ERR_SYNTAX;
	struct slice h = { text.at, (size_t)(colon - text.at) };
	if (number_parse(slice_skip(text, h.len + 1), 1, UINT16_MAX, &port) < 0)
		return ERR_SYNTAX;
	bool v6 = h.len >= 2 && h.at[0] == '[' && h.at[h.len - 1] == ']';
	if (v6)
		h = (struct slice){ h.at + 1, h.len - 2 };
	if (h.len == 0 || h.len >= sizeof(host))
		return ERR_SYNTAX;
	memcpy(host, h.at, h.len);
	in4.sin_port = in6.sin6_port = htons((uint16_t)port);
	if (v6 && inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) {
		memcpy(&a->sock, &in6, sizeof(in6));
		a->len = sizeof(in6);
		return 0;
	}
	if (v6 || inet_pton(AF_INET, host, &in4.sin_addr) != 1)
		return ERR_SYNTAX;
	memcpy(&a->sock, &in4, sizeof(in4));
	a->len = sizeof(in4);
	return 0;
}

int
scan_address_parse(struct slice text, struct scan_address *ret_address)
{
	struct scan_address a = { .len = 0 };
	int rc = ERR_SYNTAX;

	if (slice_starts(text, SLICE("unix:")))
		rc = parse_unix(slice_skip(text, 5), &a);
	else if (slice_starts(text, SLICE("inet:")))
		rc = parse_inet(slice_skip(text, 5), &a);
	if (rc == 0)
		*ret_address = a;
	return rc;
}

/*
 * With a limit on a blocking socket, as a full listen queue of a Unix-domain
 * socket can not be waited for in another way.
 */
static int
dial(int fd, const struct scan_address *a, int64_t left_us)
{
	const struct timeval limit = { left_us / 1000000, left_us % 1000000 };
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return ERR_UNAVAIL;
	if (connect(fd, &a->sock.any, a->len) < 0)
		return errno == EAGAIN || errno == EINPROGRESS ? ERR_TIMEOUT
							       : ERR_UNAVAIL;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return ERR_UNAVAIL;
	if (a->sock.any.sa_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return 0;
}

int
scan_dial(const struct scan_address *a, int64_t deadline_us, int *ret_fd)
{
	int64_t left_us = deadline_us - clock_mono_us();
	int fd, rc;

	if (left_us <= 0)
		return ERR_TIMEOUT;
	fd = socket(a->sock.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_UNAVAIL;
	if ((rc = dial(fd, a, left_us)) < 0) {
		(void)close(fd);
		return rc;
	}
	*ret_fd = fd;
	return 0;
}

int
scan_wait(int fd, short events, int64_t deadline_us)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left_us = deadline_us - clock_mono_us();
		int64_t ms = left_us > 0 ? (left_us + 999) / 1000 : 0;
		int n = poll(&p, 1, ms < INT32_MAX ? (int)ms : INT32_MAX);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return ERR_UNAVAIL;
		if (n == 0 && left_us <= 0)
			return ERR_TIMEOUT;
	}
}
