/* SPDX-License-Identifier: BSD-2-Clause */
/* Giving up what a daemon does not need once its sockets are open. */
#include "service/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/err.h"
#include "util/number.h"

/* The first descriptor that nobody passed to us on purpose. */
static unsigned
first_stray(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t n;

	if (pid == NULL || fds == NULL ||
	    number_parse(slice_of(pid), 1, INT32_MAX, &n) < 0 ||
	    n != (uint64_t)getpid() ||
	    number_parse(slice_of(fds), 0, 64, &n) < 0)
		return STDERR_FILENO + 1;
	return STDERR_FILENO + 1 + (unsigned)n;
}

void
privilege_clean_start(void)
{
	int fd;

	(void)umask(077);
	/* Else the first socket would get what printf writes to. */
	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	(void)close_range(first_stray(), ~0U, 0);
	for (fd = 0; fd <= STDERR_FILENO; fd++)
		(void)fcntl(fd, F_SETFD, 0);
	if (chdir("/") < 0)
		return; /* then some file system can not be unmounted */
}

static int
fail(int rc, char *error, size_t size, const char *what)
{
	(void)snprintf(error, size, "%s: %s", what, strerror(errno));
	return rc;
}

static int
become(const struct passwd *user, char *error, size_t size)
{
	uid_t uid = user->pw_uid;
	gid_t gid = user->pw_gid;

	if (initgroups(user->pw_name, gid) < 0)
		return fail(ERR_DENIED, error, size, "initgroups");
	if (setresgid(gid, gid, gid) < 0)
		return fail(ERR_DENIED, error, size, "setresgid");
	if (setresuid(uid, uid, uid) < 0)
		return fail(ERR_DENIED, error, size, "setresuid");
	/* Trust the kernel, but look. */
	if (uid != 0 && (setuid(0) == 0 || geteuid() != uid)) {
		(void)snprintf(error, size, "root could be had again");
		return ERR_DENIED;
	}
	return 0;
}

static int
limit(char *error, size_t size)
{
	struct rlimit files;
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return fail(ERR_DENIED, error, size, "setrlimit");
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	/* After the change of user, which sets it anew. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(ERR_DENIED, error, size, "prctl");
	return 0;
}

int
privilege_drop(const char *user, char *error, size_t error_size)
{
	struct passwd entry, *found = NULL;
	char room[16384];
	int rc;

	if (user[0] == '\0')
		return limit(error, error_size);
	if (getpwnam_r(user, &entry, room, sizeof(room), &found) != 0 ||
	    found == NULL) {
		(void)snprintf(error, error_size, "user %s: no such user",
		    user);
		return ERR_NOTFOUND;
	}
	if (geteuid() != 0 && geteuid() != found->pw_uid) {
		(void)snprintf(error, error_size,
		    "user %s: only root can become another user", user);
		return ERR_DENIED;
	}
	if (geteuid() == 0 && (rc = become(found, error, error_size)) < 0)
		return rc;
	return limit(error, error_size);
}
