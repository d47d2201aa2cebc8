/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_confined DIRECTORY - shuts itself in as a scan worker does, tries what
 * one that was broken into would try, and prints what came of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "milter/scan_confine.h"
#include "service/sandbox.h"

#define FILE_MAX 100000
#define MEMORY_MAX (64 << 20)

static void
tell(const char *what, long rc)
{
	printf("%s: %s\n", what, rc < 0 ? strerrorname_np(errno) : "worked");
	(void)fflush(stdout);
}

static void
try_files(const char *directory)
{
	char path[400], text[FILE_MAX + 1];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/file", directory);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	tell("own file", fd);
	memset(text, 'x', sizeof(text));
	ssize_t n = write(fd, text, sizeof(text));
	printf("written: %zd\n", n);
	tell("more", write(fd, text, 1));
	tell("unlink", unlink(path));
	tell("/etc/passwd", open("/etc/passwd", O_RDONLY | O_CLOEXEC));
	tell("/proc/self/maps", open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
	(void)snprintf(path, sizeof(path), "%s.other", directory);
	tell("mkdir beside", mkdir(path, 0700));
	tell("library", open("/usr/lib", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static void
try_others(void)
{
	const struct sched_param param = { .sched_priority = 0 };
	const struct rlimit none = { 0, 0 };
	pid_t parent = getppid();

	tell("socket", socket(AF_UNIX, SOCK_STREAM, 0));
	tell("inet", socket(AF_INET, SOCK_STREAM, 0));
	tell("socketpair", syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 0));
	tell("fork", fork());
	tell("kill", kill(parent, 0));
	tell("tgkill", syscall(SYS_tgkill, parent, parent, 0));
	tell("tgkill itself", syscall(SYS_tgkill, getpid(), getpid(), 0));
	tell("prlimit", prlimit(parent, RLIMIT_CORE, &none, NULL));
	tell("nice", setpriority(PRIO_PROCESS, (id_t)parent, 10));
	tell("idle", sched_setscheduler(parent, SCHED_IDLE, &param));
	void *p = mmap(NULL, 2 * (size_t)MEMORY_MAX, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	tell("memory", p == MAP_FAILED ? -1 : 0);
}

int
main(int argc, char *argv[])
{
	static char name[] = "/bin/true", *args[] = { name, NULL };

	if (argc != 2)
		return 64;
	if (scan_confine_limits(FILE_MAX, MEMORY_MAX) < 0)
		return 71;
	printf("landlock: %s\n",
	    scan_confine_files(argv[1]) == 0 ? "yes" : "no");
	if (sandbox_enter(SANDBOX_SCAN_WORKER) < 0)
		return 71;
	try_files(argv[1]);
	try_others();
	(void)execve(name, args, NULL); /* SIGSYS */
	return 0;
}
