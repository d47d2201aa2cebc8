/* SPDX-License-Identifier: BSD-2-Clause */
/* Forking, killing and reaping the scanner's processes. */
#include "milter/scan_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "milter/scan_engine.h"
#include "util/err.h"

int
scan_process_pair(int *ret_ours, int *ret_theirs)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ERR_IO;
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0) {
		(void)close(pair[0]);
		(void)close(pair[1]);
		return ERR_IO;
	}
	*ret_ours = pair[0];
	*ret_theirs = pair[1];
	return 0;
}

/*
 * Signals wait until the child has handlers of its own: ours would write into
 * our event loop's pipe.
 */
static pid_t
fork_engine(const struct host_config *config, int sock)
{
	sigset_t all, before;
	pid_t pid;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		scan_engine_run(config, sock);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

int
scan_process_engine(const struct host_config *config, pid_t *ret_pid,
    int *ret_sock, int *ret_pidfd)
{
	int ours, theirs, pidfd, rc;
	pid_t pid;

	if ((rc = scan_process_pair(&ours, &theirs)) < 0)
		return rc;
	pid = fork_engine(config, theirs);
	(void)close(theirs);
	rc = ERR_NOMEM;
	if (pid < 0)
		goto fail;
	rc = ERR_IO;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		goto fail; /* its socket is closed: it ends */
	(void)fcntl(pidfd, F_SETFD, FD_CLOEXEC);
	*ret_pid = pid;
	*ret_sock = ours;
	*ret_pidfd = pidfd;
	return 0;
fail:
	(void)close(ours);
	return rc;
}

void
scan_process_kill(int pidfd)
{
	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

void
scan_process_wait(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	(void)poll(&p, 1, 1000);
}

int
scan_process_reap(int pidfd)
{
	siginfo_t info = { .si_pid = 0 };

	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0 ||
	    info.si_pid == 0)
		return -1;
	return info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8
					  : info.si_status & 0x7f;
}

void
scan_process_reap_orphans(pid_t but, pid_t or_but)
{
	siginfo_t info = { .si_pid = 0 };

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid != 0 && info.si_pid != but &&
	       info.si_pid != or_but) {
		if (waitpid(info.si_pid, NULL, WNOHANG) <= 0)
			return;
		info.si_pid = 0;
	}
}
