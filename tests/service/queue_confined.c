/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a queue helper can not do any more: one line "NAME ERRNO" for each
 * attempt (0: it could), "killed" where that ended the process.
 *	queue_confined PORT
 * PORT of 127.0.0.1 is listened at.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policyd/queue_confine.h"

static uint16_t port;

static int
make_socket(int family, int type, int protocol)
{
	return socket(family, type, protocol) < 0 ? errno : 0;
}

static int
tcp(void)
{
	return make_socket(AF_INET, SOCK_STREAM, 0);
}

static int
udp(void)
{
	return make_socket(AF_INET6, SOCK_DGRAM, 0);
}

static int
sctp(void)
{
	return make_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
}

static int
packet(void)
{
	return make_socket(AF_PACKET, SOCK_RAW, 0);
}

static int
tcp_connect(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? errno : 0;
}

static int
tcp_listen(void)
{
	return listen(socket(AF_INET, SOCK_STREAM, 0), 1) < 0 ? errno : 0;
}

static int
trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0;
}

static int
mount_one(void)
{
	return mount("none", "/mnt", "tmpfs", 0, NULL) < 0 ? errno : 0;
}

static int
name_space(void)
{
	return unshare(CLONE_NEWNS) < 0 ? errno : 0;
}

static int
make_device(void)
{
	return mknod("/tmp/queue_confined", S_IFCHR | 0600, makedev(1, 1)) < 0
		   ? errno
		   : 0;
}

static int
run_program(void)
{
	(void)execl("/bin/true", "true", (char *)NULL);
	return errno;
}

static void
try_it(const char *name, int (*attempt)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(attempt());
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		abort();
	if (WIFSIGNALED(status))
		printf("%s killed\n", name);
	else
		printf("%s %d\n", name, WEXITSTATUS(status));
}

int
main(int argc, char *argv[])
{
	if (argc != 2 || queue_confine(true) < 0)
		return 1;
	port = (uint16_t)strtoul(argv[1], NULL, 10);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	try_it("tcp", tcp);
	try_it("udp", udp);
	try_it("sctp", sctp);
	try_it("packet", packet);
	try_it("connect", tcp_connect);
	try_it("listen", tcp_listen);
	try_it("ptrace", trace);
	try_it("mount", mount_one);
	try_it("unshare", name_space);
	try_it("device", make_device);
	try_it("exec", run_program);
	return 0;
}
