/* SPDX-License-Identifier: BSD-2-Clause */
/* Other programs, such as postconf(1): run with a deadline, output read. */
#include "cli/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/err.h"

/* Where Postfix's commands are; not in every user's PATH. */
#define SYSTEM_FOLDER "/usr/sbin/"

static int
spawn(const char *const argv[], enum subprocess_errors errors, int out,
    pid_t *ret_pid)
{
	char *const *args = (char *const *)(uintptr_t)argv;
	posix_spawn_file_actions_t actions;
	char path[256];
	int rc;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return ERR_NOMEM;
	(void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO,
	    "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (errors == SUBPROCESS_HIDE)
		(void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO,
		    "/dev/null", O_WRONLY, 0);
	rc = posix_spawnp(ret_pid, argv[0], &actions, NULL, args, environ);
	if (rc == ENOENT) {
		(void)snprintf(path, sizeof(path), SYSTEM_FOLDER "%s", argv[0]);
		rc = posix_spawn(ret_pid, path, &actions, NULL, args, environ);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	if (rc == ENOENT)
		return ERR_NOTFOUND;
	return rc == 0 ? 0 : ERR_IO;
}

/* Until its end of file. */
static int
read_all(int fd, int64_t deadline_us, struct buf *out)
{
	for (;;) {
		int64_t left_us = deadline_us - clock_mono_us();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char room[4096];
		ssize_t n;
		int rc;

		if (left_us <= 0)
			return ERR_TIMEOUT;
		n = poll(&p, 1, (int)(left_us / 1000) + 1);
		if (n < 0 && errno != EINTR)
			return ERR_IO;
		if (n <= 0)
			continue;
		n = read(fd, room, sizeof(room));
		if (n < 0 && errno != EINTR)
			return ERR_IO;
		if (n == 0)
			return 0;
		if (n > 0 && out != NULL) {
			rc = buf_add(out, room, (size_t)n);
			if (rc < 0)
				return rc;
		}
	}
}

int
subprocess_run(const char *const argv[], int64_t timeout_ms,
    enum subprocess_errors errors, struct buf *out)
{
	int64_t deadline_us = clock_mono_us() + timeout_ms * 1000;
	int rc, status, fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return ERR_IO;
	(void)fflush(NULL);
	rc = spawn(argv, errors, fds[1], &pid);
	(void)close(fds[1]);
	if (rc == 0) {
		rc = read_all(fds[0], deadline_us, out);
		/* At its end of file a program is as good as done. */
		if (rc < 0)
			(void)kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0)
			if (errno != EINTR) {
				rc = ERR_IO;
				break;
			}
		if (rc == 0)
			rc = WIFEXITED(status) ? WEXITSTATUS(status)
					       : 128 + WTERMSIG(status);
	}
	(void)close(fds[0]);
	return rc;
}
