/* SPDX-License-Identifier: BSD-2-Clause */
/* postern doctor: does each daemon answer on its sockets, in its protocol, and
 * may Postfix connect? */
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "postfix-conf/values.h"
#include "service/host_config.h"
#include "util/clock.h"
#include "util/number.h"

#define ANSWER_TIMEOUT_MS 3000
#define ANSWER_MAX 4096

/* What is said to each, and what its answer must hold. */
struct dialogue {
	const char *daemon;
	struct slice question, answer;
	bool for_postfix; /* unix sockets belong to socket_group */
};

static const struct dialogue policyd = {
	.daemon = "postern-policyd",
	.question = SLICE("request=smtpd_access_policy\n"
			  "protocol_state=CONNECT\n\n"),
	.answer = SLICE("action="),
	.for_postfix = true,
};
/* socketmap_table(5): what trivial-rewrite(8) asks first. */
static const struct dialogue map = {
	.daemon = "postern-policyd",
	.question = SLICE("16:transport-last *,"),
	.answer = SLICE("9:NOTFOUND ,"),
	.for_postfix = true,
};
/* Dovecot's protocol: the server greets, too. */
static const struct dialogue auth = {
	.daemon = "postern-policyd",
	.answer = SLICE("VERSION\t1\t"),
	.for_postfix = true,
};
/* libmilter's SMFIC_OPTNEG as Postfix sends it: version 6, all actions, all
 * steps may be left out. */
static const struct dialogue milter = {
	.daemon = "postern-milter",
	.question = SLICE("\0\0\0\x0d"
			  "O\0\0\0\6\0\0\1\xff\0\x1f\xff\xff"),
	.answer = SLICE("O"),
	.for_postfix = true,
};
static const struct dialogue bounced = {
	.daemon = "postern-bounced",
	.answer = SLICE("220 "),
	.for_postfix = true,
};
static const struct dialogue apid = {
	.daemon = "postern-apid",
	.question = SLICE("GET /v1/health HTTP/1.1\r\nHost: localhost\r\n"
			  "Connection: close\r\n\r\n"),
	.answer = SLICE("HTTP/1.1 200"),
};
static const struct dialogue apid_tls = {
	.daemon = "postern-apid",
};

static int
connect_unix(struct slice path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	if (path.len >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(un.sun_path, path.at, path.len);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)&un, sizeof(un)) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Both families; all zeros, "listen everywhere", connects to loopback. */
static bool
inet_address(const char *host, uint16_t port, struct sockaddr_storage *ret_at,
    socklen_t *ret_len)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(port) };

	if (inet_pton(AF_INET, *host != '\0' ? host : "0.0.0.0",
		&in.sin_addr) == 1) {
		memcpy(ret_at, &in, sizeof(in));
		*ret_len = sizeof(in);
		return true;
	}
	if (inet_pton(AF_INET6, host, &in6.sin6_addr) != 1)
		return false;
	memcpy(ret_at, &in6, sizeof(in6));
	*ret_len = sizeof(in6);
	return true;
}

/* HOST:PORT or [HOST]:PORT. */
static int
connect_inet(struct arena *arena, struct slice address)
{
	const char *colon = memrchr(address.at, ':', address.len);
	struct sockaddr_storage at;
	struct slice host;
	socklen_t len;
	uint64_t port;
	char *text;
	int fd;

	errno = EINVAL;
	if (colon == NULL)
		return -1;
	host = (struct slice){ address.at, (size_t)(colon - address.at) };
	if (number_parse(slice_skip(address, host.len + 1), 1, 65535, &port) <
	    0)
		return -1;
	if (host.len >= 2 && host.at[0] == '[') {
		host = slice_skip(host, 1);
		host.len--;
	}
	text = arena_text(arena, host);
	if (text == NULL || !inet_address(text, (uint16_t)port, &at, &len))
		return -1;
	fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, len) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Whether the wanted words come in time. */
static bool
answers(int fd, const struct dialogue *talk)
{
	int64_t deadline_us = clock_deadline_ms(ANSWER_TIMEOUT_MS);
	char room[ANSWER_MAX];
	size_t len = 0;

	if (talk->question.len > 0 &&
	    send(fd, talk->question.at, talk->question.len, MSG_NOSIGNAL) !=
		(ssize_t)talk->question.len)
		return false;
	while (len < sizeof(room)) {
		int64_t left_us = deadline_us - clock_mono_us();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (slice_find((struct slice){ room, len }, talk->answer) !=
		    NULL)
			return true;
		if (left_us <= 0 || poll(&p, 1, (int)(left_us / 1000) + 1) <= 0)
			return false;
		n = recv(fd, room + len, sizeof(room) - len, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
	}
	return false;
}

/* Postfix's processes come in by the group, and nobody else does. */
static void
check_mode(struct doctor *d, const struct dialogue *talk, struct slice address)
{
	const struct group *gr = getgrnam(d->config->socket_group);
	const char *path = arena_text(d->arena, address);
	struct stat st;

	if (path == NULL || *d->config->socket_group == '\0' ||
	    stat(path, &st) < 0)
		return;
	if (gr == NULL || st.st_gid != gr->gr_gid ||
	    (st.st_mode & 0777) != 0660)
		doctor_report(d, HEALTH_FAIL,
		    "restart the daemon; it makes the socket anew, mode 0660",
		    "%s: %s: mode %03o, not 660 with group %s", talk->daemon,
		    path, (unsigned)(st.st_mode & 0777),
		    d->config->socket_group);
}

static void
check_socket(struct doctor *d, const struct dialogue *talk,
    struct slice address)
{
	const struct slice unix_prefix = SLICE("unix:"),
			   inet_prefix = SLICE("inet:");
	bool is_unix = slice_starts(address, unix_prefix);
	struct slice rest = slice_skip(address, unix_prefix.len);
	int fd = is_unix ? connect_unix(rest)
		 : slice_starts(address, inet_prefix)
		     ? connect_inet(d->arena, rest)
		     : -1;

	if (fd < 0) {
		doctor_report(d, HEALTH_FAIL, "start it; its log says why not",
		    "%s: %.*s: %s", talk->daemon, SLICE_F(address),
		    strerror(errno));
		return;
	}
	if (talk->answer.len == 0 || answers(fd, talk))
		doctor_report(d, HEALTH_OK, NULL, "%s: %.*s", talk->daemon,
		    SLICE_F(address));
	else
		doctor_report(d, HEALTH_FAIL, "its log says why",
		    "%s: %.*s does not answer as it should", talk->daemon,
		    SLICE_F(address));
	(void)close(fd);
	if (is_unix && talk->for_postfix)
		check_mode(d, talk, rest);
}

static void
check_all(struct doctor *d, const struct dialogue *talk, const char *listen)
{
	struct slice rest = slice_of(listen), one;

	while (postfix_list_next(&rest, &one))
		check_socket(d, talk, one);
}

void
doctor_sockets(struct doctor *d)
{
	bool tls = *d->config->apid_tls_certificate != '\0';

	check_all(d, &policyd, d->config->policyd_listen);
	check_all(d, &map, d->config->policyd_map_listen);
	check_all(d, &auth, d->config->policyd_auth_listen);
	check_all(d, &milter, d->config->milter_listen);
	check_all(d, &bounced, d->config->bounced_listen);
	check_all(d, tls ? &apid_tls : &apid, d->config->apid_listen);
}
