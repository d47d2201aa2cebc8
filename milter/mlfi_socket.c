/* SPDX-License-Identifier: BSD-2-Clause */
/* The listening socket that libmilter opens. */
#include "milter/mlfi_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/listener.h"
#include "util/err.h"
#include "util/slice.h"

static int listening = -1;
static mode_t old_mask;
static gid_t old_group;
static char made_path[200];

static int
fail(int rc, char *error, size_t size, const char *where, const char *text)
{
	(void)snprintf(error, size, "%s: %s", where, text);
	return rc;
}

/* A socket file that no process listens on is left over; it goes. */
static int
clear_path(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	struct stat st;
	int rc;

	if (len >= sizeof(un.sun_path))
		return ERR_LIMIT;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : ERR_IO;
	if (!S_ISSOCK(st.st_mode))
		return ERR_CONFLICT;
	memcpy(un.sun_path, path, len);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_IO;
	rc = connect(fd, (struct sockaddr *)&un, sizeof(un));
	int why = errno;
	(void)close(fd);
	if (rc == 0 || why != ECONNREFUSED)
		return ERR_CONFLICT;
	return unlink(path) == 0 ? 0 : ERR_IO;
}

static int
prepare_unix(const char *path, const char *group, struct mlfi_socket *where,
    char *error, size_t size)
{
	int rc;

	int n = snprintf(where->path, sizeof(where->path), "%s", path);
	if (n < 0 || (size_t)n >= sizeof(where->path))
		return fail(ERR_LIMIT, error, size, path, "too long");
	(void)snprintf(where->libmilter, sizeof(where->libmilter), "unix:%s",
	    where->path);
	if ((rc = listener_make_directory(path, group, error, size)) < 0)
		return rc;
	if ((rc = clear_path(path)) == ERR_CONFLICT)
		return fail(rc, error, size, path, "in use");
	return rc < 0 ? fail(rc, error, size, path, err_text(rc)) : 0;
}

/* inet:HOST:PORT is libmilter's inet:PORT@HOST. */
static int
prepare_inet(const char *address, struct mlfi_socket *where, char *error,
    size_t size)
{
	struct slice host = slice_of(address + 5);
	const char *colon = memrchr(host.at, ':', host.len);
	const char *family = "inet";

	if (colon == NULL)
		return fail(ERR_SYNTAX, error, size, address, "no port");
	host.len = (size_t)(colon - host.at);
	if (host.len >= 2 && host.at[0] == '[') {
		family = "inet6";
		host = (struct slice){ host.at + 1, host.len - 2 };
	}
	int n =
	    snprintf(where->libmilter, sizeof(where->libmilter), "%s:%s%s%.*s",
		family, colon + 1, host.len > 0 ? "@" : "", SLICE_F(host));
	if (n < 0 || (size_t)n >= sizeof(where->libmilter))
		return fail(ERR_LIMIT, error, size, address, "too long");
	return 0;
}

/*
 * The socket has its group and mode from the moment it is there: Postfix, put
 * off while we start, may try at any time.
 */
static void
set_birth(const char *group)
{
	const struct group *gr =
	    group != NULL && group[0] != '\0' ? getgrnam(group) : NULL;

	old_group = getegid();
	old_mask = umask(gr != NULL ? 0117 : 0177);
	/* Where this fails, mlfi_socket_finish sets the group, or says so. */
	if (gr != NULL && geteuid() == 0 && setegid(gr->gr_gid) < 0)
		old_group = getegid();
}

int
mlfi_socket_prepare(const char *address, const char *group,
    struct mlfi_socket *ret_where, char *error, size_t error_size)
{
	struct mlfi_socket where = { .path = "" };
	int rc = listener_check(address, error, error_size);

	if (rc == 0 && strchr(address, ' ') != NULL)
		rc = fail(ERR_SYNTAX, error, error_size, address,
		    "one address only");
	if (rc == 0)
		rc = slice_starts(slice_of(address), SLICE("unix:"))
			 ? prepare_unix(address + 5, group, &where, error,
			       error_size)
			 : prepare_inet(address, &where, error, error_size);
	if (rc == 0) {
		*ret_where = where;
		set_birth(group);
	}
	return rc;
}

/* libmilter keeps the descriptor to itself. */
static int
find_listening(const char *path)
{
	for (int fd = 3; fd < 256; fd++) {
		struct sockaddr_storage ss;
		struct sockaddr_un un;
		socklen_t len = sizeof(ss);
		int on = 0;
		socklen_t on_len = sizeof(on);

		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &on_len) <
			0 ||
		    !on || getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
			continue;
		if (path[0] == '\0' && ss.ss_family != AF_UNIX)
			return fd;
		memcpy(&un, &ss, sizeof(un));
		if (ss.ss_family == AF_UNIX && path[0] != '\0' &&
		    strncmp(un.sun_path, path, sizeof(un.sun_path)) == 0)
			return fd;
	}
	return -1;
}

static int
own(const char *path, const char *user, const char *group)
{
	const struct passwd *pw =
	    user != NULL && user[0] != '\0' ? getpwnam(user) : NULL;
	uid_t uid = pw != NULL ? pw->pw_uid : (uid_t)-1;
	gid_t gid = (gid_t)-1;
	mode_t mode = 0600;

	if (group != NULL && group[0] != '\0') {
		const struct group *gr = getgrnam(group);

		if (gr == NULL)
			return ERR_NOTFOUND;
		gid = gr->gr_gid;
		mode = 0660;
	}
	if (geteuid() != 0)
		uid = (uid_t)-1;
	return chown(path, uid, gid) == 0 && chmod(path, mode) == 0 ? 0
								    : ERR_IO;
}

int
mlfi_socket_finish(const struct mlfi_socket *where, const char *user,
    const char *group, char *error, size_t error_size)
{
	int on = 1, rc;

	(void)umask(old_mask);
	if (getegid() != old_group && setegid(old_group) < 0)
		return fail(ERR_IO, error, error_size, where->libmilter,
		    "group can not be set back");
	listening = find_listening(where->path);
	if (listening < 0)
		return fail(ERR_IO, error, error_size, where->libmilter,
		    "listening socket not found");
	(void)fcntl(listening, F_SETFD, FD_CLOEXEC);
	if (where->path[0] == '\0') {
		/* Accepted sockets inherit it.  Without it each edited message
		 * stalls for 40 ms between edits and verdict. */
		(void)setsockopt(listening, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
		return 0;
	}
	memcpy(made_path, where->path, sizeof(made_path));
	if ((rc = own(where->path, user, group)) < 0)
		return fail(rc, error, error_size, where->path,
		    "owner can not be set");
	return 0;
}

void
mlfi_socket_knock(void)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (listening < 0 ||
	    getsockname(listening, (struct sockaddr *)&ss, &len) < 0)
		return;
	int fd =
	    socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)connect(fd, (struct sockaddr *)&ss, len);
	(void)close(fd);
}

void
mlfi_socket_shut(void)
{
	if (listening >= 0)
		(void)shutdown(listening, SHUT_RDWR);
	listening = -1;
}

void
mlfi_socket_remove(void)
{
	if (made_path[0] != '\0')
		(void)unlink(made_path);
	made_path[0] = '\0';
}
