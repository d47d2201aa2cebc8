/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening, adopting and closing listening sockets. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/listener.h"
#include "util/err.h"
#include "util/number.h"

#define ADDRESS_MAX 200 /* octets of one address as text */
#define FIRST_PASSED 3  /* sd_listen_fds(3) */

union address {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct endpoint {
	union address address;
	socklen_t len;
	bool any_family; /* empty HOST */
	char text[ADDRESS_MAX];
};

/* What we made in the file system, so that nothing else is removed. */
static struct made {
	int fd;
	dev_t dev;
	ino_t ino;
} made[4 * LISTENER_MAX];

static int __attribute__((format(printf, 4, 5)))
fail(int rc, char *error, size_t size, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (error != NULL && size > 0)
		(void)vsnprintf(error, size, format, ap);
	va_end(ap);
	return rc;
}

static int
fail_errno(char *error, size_t size, const char *what, const char *text)
{
	return fail(errno == EADDRINUSE ? ERR_CONFLICT : ERR_IO, error, size,
	    "%s: %s: %s", text, what, strerror(errno));
}

static int
parse_unix(struct slice path, struct endpoint *ep)
{
	struct sockaddr_un *un = &ep->address.un;

	if (path.len < 2 || path.at[0] != '/' || path.at[path.len - 1] == '/')
		return ERR_SYNTAX;
	if (path.len >= sizeof(un->sun_path))
		return ERR_LIMIT;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path.at, path.len);
	ep->len = sizeof(*un);
	return 0;
}

/* An address, never a name: nothing is looked up here. */
static int
parse_inet(struct slice text, struct endpoint *ep)
{
	const char *colon = memrchr(text.at, ':', text.len);
	char host[INET6_ADDRSTRLEN] = "";
	uint64_t port;

	if (colon == NULL)
		return ERR_SYNTAX;
	struct slice h = { text.at, (size_t)(colon - text.at) };
	if (number_parse(slice_skip(text, h.len + 1), 0, UINT16_MAX, &port) < 0)
		return ERR_SYNTAX;
	bool v6 = h.len >= 2 && h.at[0] == '[' && h.at[h.len - 1] == ']';
	if (v6)
		h = (struct slice){ h.at + 1, h.len - 2 };
	if (h.len >= sizeof(host))
		return ERR_SYNTAX;
	if (h.len > 0)
		memcpy(host, h.at, h.len);
	ep->any_family = h.len == 0 && !v6;
	if (v6 || ep->any_family) {
		ep->address.in6 = (struct sockaddr_in6){
			.sin6_family = AF_INET6,
			.sin6_port = htons((uint16_t)port),
			.sin6_addr = in6addr_any,
		};
		ep->len = sizeof(ep->address.in6);
		return ep->any_family || inet_pton(AF_INET6, host,
					     &ep->address.in6.sin6_addr) == 1
			   ? 0
			   : ERR_SYNTAX;
	}
	ep->address.in = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
	};
	ep->len = sizeof(ep->address.in);
	return inet_pton(AF_INET, host, &ep->address.in.sin_addr) == 1
		   ? 0
		   : ERR_SYNTAX;
}

static int
parse_endpoint(struct slice text, struct endpoint *ret_ep, char *error,
    size_t size)
{
	int rc = ERR_SYNTAX;

	*ret_ep = (struct endpoint){ .len = 0 };
	if (text.len >= sizeof(ret_ep->text))
		return fail(ERR_LIMIT, error, size, "an address is too long");
	memcpy(ret_ep->text, text.at, text.len);
	if (slice_starts(text, SLICE("unix:")))
		rc = parse_unix(slice_skip(text, 5), ret_ep);
	else if (slice_starts(text, SLICE("inet:")))
		rc = parse_inet(slice_skip(text, 5), ret_ep);
	if (rc < 0)
		return fail(rc, error, size,
		    "%s: not unix:/PATH or inet:ADDRESS:PORT", ret_ep->text);
	return 0;
}

static int
parse_all(const char *text, struct endpoint eps[LISTENER_MAX], char *error,
    size_t size)
{
	struct slice rest = slice_of(text), word;
	int n = 0, rc;

	while (slice_split(&rest, ' ', &word)) {
		word = slice_trim(word);
		if (word.len == 0)
			continue;
		if (n == LISTENER_MAX)
			return fail(ERR_LIMIT, error, size,
			    "more than %d addresses", LISTENER_MAX);
		if ((rc = parse_endpoint(word, &eps[n], error, size)) < 0)
			return rc;
		n++;
	}
	return n > 0 ? n : fail(ERR_SYNTAX, error, size, "no address");
}

int
listener_check(const char *text, char *error, size_t error_size)
{
	struct endpoint eps[LISTENER_MAX];
	int rc = parse_all(text, eps, error, error_size);

	return rc < 0 ? rc : 0;
}

static int
find_group(const char *group, gid_t *ret_gid, char *error, size_t size)
{
	struct group entry, *found = NULL;
	char room[16384];

	*ret_gid = (gid_t)-1;
	if (group == NULL || group[0] == '\0')
		return 0;
	if (getgrnam_r(group, &entry, room, sizeof(room), &found) != 0 ||
	    found == NULL)
		return fail(ERR_NOTFOUND, error, size, "%s: no such group",
		    group);
	*ret_gid = found->gr_gid;
	return 0;
}

int
listener_make_directory(const char *path, const char *group, char *error,
    size_t error_size)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *slash = strrchr(path, '/');
	gid_t gid;
	int rc;

	if (path[0] != '/' || (size_t)(slash - path) >= sizeof(dir))
		return fail(ERR_SYNTAX, error, error_size, "%s: not a path",
		    path);
	if (slash == path)
		return 0;
	(void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	if ((rc = find_group(group, &gid, error, error_size)) < 0)
		return rc;
	if (mkdir(dir, 0700) < 0)
		return errno == EEXIST
			   ? 0
			   : fail_errno(error, error_size, "mkdir", dir);
	/* Group first: the wrong one must never be let in. */
	if (gid != (gid_t)-1 &&
	    (chown(dir, (uid_t)-1, gid) < 0 || chmod(dir, 0750) < 0))
		return fail_errno(error, error_size, "owner", dir);
	return 0;
}

/* A socket file nobody listens on any more goes. */
static int
clear_way(const struct endpoint *ep, char *error, size_t size)
{
	const char *path = ep->address.un.sun_path;
	struct stat st;
	int fd, rc;

	if (lstat(path, &st) < 0)
		return errno == ENOENT
			   ? 0
			   : fail_errno(error, size, "stat", ep->text);
	if (!S_ISSOCK(st.st_mode))
		return fail(ERR_CONFLICT, error, size,
		    "%s: something else has that name", ep->text);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail_errno(error, size, "socket", ep->text);
	rc = connect(fd, &ep->address.any, ep->len);
	int reason = rc < 0 ? errno : 0;
	(void)close(fd);
	if (reason != ECONNREFUSED)
		return fail(ERR_CONFLICT, error, size,
		    "%s: another process listens there", ep->text);
	if (unlink(path) < 0 && errno != ENOENT)
		return fail_errno(error, size, "remove", ep->text);
	return 0;
}

static void
remember(int fd, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return;
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		if (made[i].ino != 0)
			continue;
		made[i] = (struct made){ fd, st.st_dev, st.st_ino };
		return;
	}
}

static int
bind_unix(int fd, const struct endpoint *ep, const char *group, char *error,
    size_t size)
{
	const char *path = ep->address.un.sun_path;
	gid_t gid;
	int rc;

	if ((rc = find_group(group, &gid, error, size)) < 0 ||
	    (rc = listener_make_directory(path, group, error, size)) < 0 ||
	    (rc = clear_way(ep, error, size)) < 0)
		return rc;
	/* Linux gives the file the mode of the socket. */
	(void)fchmod(fd, 0600);
	if (bind(fd, &ep->address.any, ep->len) < 0)
		return fail_errno(error, size, "bind", ep->text);
	remember(fd, path);
	if (chmod(path, 0600) < 0 ||
	    (gid != (gid_t)-1 &&
		(lchown(path, (uid_t)-1, gid) < 0 || chmod(path, 0660) < 0)))
		return fail_errno(error, size, "owner", ep->text);
	return 0;
}

static int
bind_inet(int fd, const struct endpoint *ep, char *error, size_t size)
{
	const int on = 1, only_v6 = !ep->any_family;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    (ep->address.any.sa_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6,
		    sizeof(only_v6)) < 0))
		return fail_errno(error, size, "socket option", ep->text);
	if (bind(fd, &ep->address.any, ep->len) < 0)
		return fail_errno(error, size, "bind", ep->text);
	return 0;
}

static bool
same_address(int fd, const struct endpoint *ep)
{
	union address a = { .any.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(a);
	int listening = 0;
	socklen_t size = sizeof(listening);

	if (getsockname(fd, &a.any, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 ||
	    !listening || a.any.sa_family != ep->address.any.sa_family)
		return false;
	switch (a.any.sa_family) {
	case AF_UNIX:
		return strncmp(a.un.sun_path, ep->address.un.sun_path,
			   sizeof(a.un.sun_path)) == 0;
	case AF_INET:
		return a.in.sin_port == ep->address.in.sin_port &&
		       a.in.sin_addr.s_addr == ep->address.in.sin_addr.s_addr;
	case AF_INET6:
		return a.in6.sin6_port == ep->address.in6.sin6_port &&
		       memcmp(&a.in6.sin6_addr, &ep->address.in6.sin6_addr,
			   sizeof(a.in6.sin6_addr)) == 0;
	default:
		return false;
	}
}

/* The descriptor systemd passed for this address, or -1. */
static int
adopt(const struct endpoint *ep)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	uint64_t want, n;

	if (pid == NULL || count == NULL ||
	    number_parse(slice_of(pid), 1, INT32_MAX, &want) < 0 ||
	    number_parse(slice_of(count), 0, 64, &n) < 0 ||
	    want != (uint64_t)getpid())
		return -1;
	for (int fd = FIRST_PASSED; fd < FIRST_PASSED + (int)n; fd++) {
		int flags = fcntl(fd, F_GETFL);

		if (flags < 0 || !same_address(fd, ep))
			continue;
		if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
		    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			continue;
		return fd;
	}
	return -1;
}

static int
open_endpoint(struct endpoint *ep, const char *group, char *error, size_t size)
{
	int fd = adopt(ep), rc;
	const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

	if (fd >= 0)
		return fd;
	fd = socket(ep->address.any.sa_family, type, 0);
	if (fd < 0 && errno == EAFNOSUPPORT && ep->any_family) {
		/* A kernel without IPv6: all means all of IPv4. */
		in_port_t port = ep->address.in6.sin6_port;

		ep->address.in = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_port = port,
		};
		ep->len = sizeof(ep->address.in);
		fd = socket(AF_INET, type, 0);
	}
	if (fd < 0)
		return fail_errno(error, size, "socket", ep->text);
	if (ep->address.any.sa_family == AF_UNIX)
		rc = bind_unix(fd, ep, group, error, size);
	else
		rc = bind_inet(fd, ep, error, size);
	if (rc == 0 && listen(fd, SOMAXCONN) < 0)
		rc = fail_errno(error, size, "listen", ep->text);
	if (rc < 0) {
		listener_close(fd);
		return rc;
	}
	return fd;
}

int
listener_open(const char *text, const char *group, int ret_fds[LISTENER_MAX],
    char *error, size_t error_size)
{
	struct endpoint eps[LISTENER_MAX];
	int fds[LISTENER_MAX];
	int n = parse_all(text, eps, error, error_size);

	for (int i = 0; i < n; i++) {
		fds[i] = open_endpoint(&eps[i], group, error, error_size);
		if (fds[i] < 0) {
			int rc = fds[i];

			while (i-- > 0)
				listener_close(fds[i]);
			return rc;
		}
	}
	if (n > 0)
		memcpy(ret_fds, fds, (size_t)n * sizeof(fds[0]));
	return n;
}

void
listener_close(int fd)
{
	struct sockaddr_un un = { .sun_family = AF_UNSPEC };
	socklen_t len = sizeof(un);
	struct stat st;

	if (fd < 0)
		return;
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		if (made[i].ino == 0 || made[i].fd != fd)
			continue;
		/* Only if nobody has put another one there meanwhile. */
		if (getsockname(fd, (struct sockaddr *)&un, &len) == 0 &&
		    lstat(un.sun_path, &st) == 0 && st.st_dev == made[i].dev &&
		    st.st_ino == made[i].ino)
			(void)unlink(un.sun_path);
		made[i] = (struct made){ .fd = -1 };
	}
	(void)close(fd);
}
