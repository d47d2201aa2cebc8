/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls by role: seccomp(2) from tables; the only user of libseccomp. */
#include "service/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/err.h"

const char sandbox_kind[] = "seccomp";

/*
 * What libc, threads, libevent, hiredis, OpenSSL and the log need.  Names a
 * machine does not have (stat on arm64) or an older libseccomp does not know
 * are skipped.
 */
static const char *const base_calls[] = {
	/* memory and threads */
	"brk", "futex", "futex_time64", "get_robust_list", "madvise",
	"membarrier", "mmap", "mmap2", "mprotect", "mremap", "munmap",
	"map_shadow_stack", "mseal", "rseq", "sched_getaffinity", "sched_yield",
	"set_robust_list", "set_tid_address", "arch_prctl",
	/* ourselves */
	"exit", "exit_group", "getegid", "geteuid", "getgid", "getgroups",
	"getpgrp", "getpid", "getppid", "getrandom", "getresgid", "getresuid",
	"getrlimit", "getrusage", "gettid", "getuid", "getcpu",
	"restart_syscall", "sysinfo", "umask", "uname",
	/* signals and time */
	"clock_getres", "clock_gettime", "clock_gettime64", "clock_nanosleep",
	"gettimeofday", "nanosleep", "rt_sigaction", "rt_sigpending",
	"rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
	"rt_sigtimedwait_time64", "sigaltstack", "sigreturn", "time",
	"timerfd_create", "timerfd_gettime", "timerfd_settime",
	/* descriptors */
	"close", "close_range", "dup", "dup2", "dup3", "epoll_create",
	"epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2",
	"epoll_wait", "eventfd", "eventfd2", "fcntl", "fcntl64", "pipe",
	"pipe2", "poll", "ppoll", "pselect6", "read", "readv", "select",
	"_newselect", "signalfd4", "write", "writev",
	/* files, read */
	"access", "faccessat", "faccessat2", "fadvise64", "fstat", "fstat64",
	"fstatfs", "fstatfs64", "getcwd", "getdents", "getdents64", "_llseek",
	"lseek", "lstat", "lstat64", "newfstatat", "fstatat64", "open",
	"openat", "pread64", "preadv", "readlink", "readlinkat", "stat",
	"stat64", "statfs", "statfs64", "statx",
	/* files, written: last good settings, spool, log, our own sockets */
	"fallocate", "fchmod", "fdatasync", "flock", "fsync", "ftruncate",
	"ftruncate64", "mkdir", "mkdirat", "pwrite64", "pwritev", "rename",
	"renameat", "renameat2", "rmdir", "unlink", "unlinkat",
	/* sockets that are there */
	"getpeername", "getsockname", "getsockopt", "recv", "recvfrom",
	"recvmmsg", "recvmsg", "send", "sendmmsg", "sendmsg", "sendto",
	"setsockopt", "shutdown", NULL
};

/* What could be done to other processes of the same user, too. */
static const char *const process_calls[] = { "prlimit64", "sched_getparam",
	"sched_getscheduler", "sched_setscheduler", "tgkill", NULL };

/* For those who may make sockets: add_checked says of which families. */
static const char *const socket_calls[] = { "accept", "accept4", "bind",
	"connect", "listen", "socketpair", NULL };
static const char *const helper_socket_calls[] = { "bind", "connect",
	"socketpair", NULL };

/* Message bodies that a module needs whole. */
static const char *const milter_calls[] = { "memfd_create", "copy_file_range",
	"sendfile", "sendfile64", NULL };
static const char *const policyd_calls[] = { NULL };
/* Following a log file; reading the journal. */
static const char *const bounced_calls[] = { "inotify_add_watch",
	"inotify_init1", "inotify_rm_watch", "memfd_create",
	"name_to_handle_at", NULL };
/* libmicrohttpd answers with files. */
static const char *const apid_calls[] = { "memfd_create", "sendfile",
	"sendfile64", NULL };
/* Making processes, waiting for them and ending them; their own sandboxes. */
static const char *const scan_calls[] = { "landlock_add_rule",
	"landlock_create_ruleset", "landlock_restrict_self", "getpriority",
	"pidfd_open", "pidfd_send_signal", "seccomp", "setpriority", "vfork",
	"fork", "wait4", "waitid", NULL };
/* The queue helper, and all that Postfix's commands do, "postfix check" and the
 * shell and file utilities that it runs included. */
static const char *const queue_helper_calls[] = { "alarm", "capget", "capset",
	"chdir", "chmod", "chown", "copy_file_range", "creat", "execve",
	"fchdir", "fchmodat", "fchmodat2", "fchown", "fchown32", "fchownat",
	"fgetxattr", "flistxattr", "fork", "fsetxattr", "futimesat",
	"getitimer", "getpgid", "getpriority", "getsid", "getxattr", "kill",
	"lchown", "lgetxattr", "link", "linkat", "listxattr", "llistxattr",
	"memfd_create", "mknod", "mknodat", "pause", "pidfd_open",
	"pidfd_send_signal", "sendfile", "sendfile64", "setfsgid", "setfsuid",
	"setgid", "setgid32", "setgroups", "setgroups32", "setitimer",
	"setpgid", "setpriority", "setregid", "setresgid", "setresgid32",
	"setresuid", "setresuid32", "setreuid", "setrlimit", "setsid", "setuid",
	"setuid32", "setxattr", "splice" /* grep(1) */, "symlink", "symlinkat",
	"sync", "syncfs", "truncate", "truncate64", "utime", "utimensat",
	"utimensat_time64", "utimes", "vfork", "wait4", "waitid", NULL };
static const char *const scan_worker_calls[] = { "link", "linkat", "symlink",
	NULL };

/* Nobody who is not an attacker would try these; starting programs is what the
 * queue helper is for. */
static const char *const deadly_exec_calls[] = { "execve", NULL };
static const char *const deadly_calls[] = { "bpf", "chroot", "delete_module",
	"execveat", "finit_module", "init_module", "kexec_file_load",
	"kexec_load", "mount", "move_mount", "open_by_handle_at", "open_tree",
	"pivot_root", "process_vm_readv", "process_vm_writev", "ptrace",
	"reboot", "setns", "swapon", "umount2", "unshare", NULL };

static const uint32_t families[] = { AF_UNIX, AF_INET, AF_INET6,
	AF_NETLINK /* addresses of interfaces, for resolvers */ };
static const uint32_t local_family[] = { AF_UNIX };
#define SOCKET_TYPE_MASK 0xf /* beside it: SOCK_CLOEXEC, SOCK_NONBLOCK */
static const uint32_t ioctls[] = { FIONBIO, FIONREAD, FIOCLEX,
	TCGETS /* isatty */ };
static const uint32_t prctls[] = { PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE,
	PR_SET_VMA };
/* Children get a filter of their own. */
static const uint32_t scan_prctls[] = { PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP,
	PR_GET_SECCOMP, PR_SET_CHILD_SUBREAPER };
#define NAME_SPACES \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
	    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

static const char *const *const role_calls[] = {
	[SANDBOX_MILTER] = milter_calls,
	[SANDBOX_POLICYD] = policyd_calls,
	[SANDBOX_BOUNCED] = bounced_calls,
	[SANDBOX_APID] = apid_calls,
	[SANDBOX_SCAN] = scan_calls,
	[SANDBOX_SCAN_ENGINE] = scan_calls,
	[SANDBOX_SCAN_WORKER] = scan_worker_calls,
	[SANDBOX_QUEUE_HELPER] = queue_helper_calls,
};

static int
add_calls(scmp_filter_ctx filter, uint32_t action, const char *const *names)
{
	for (; *names != NULL; names++) {
		int call = seccomp_syscall_resolve_name(*names);

		if (call != __NR_SCMP_ERROR &&
		    seccomp_rule_add(filter, action, call, 0) == -ENOMEM)
			return ERR_NOMEM;
	}
	return 0;
}

/*
 * Allow a call when its argument has one of these values.  The arguments are
 * C's int, whose upper half in the register means nothing; ioctl's are below
 * 2^32, too.
 */
static int
add_values(scmp_filter_ctx filter, int call, unsigned argument,
    const uint32_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct scmp_arg_cmp is_value = SCMP_CMP64(argument,
		    SCMP_CMP_MASKED_EQ, UINT32_MAX, values[i]);

		if (seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1,
			&is_value) < 0)
			return ERR_NOMEM;
	}
	return 0;
}

/* Threads; processes too, but in the name spaces that we are in. */
static int
add_clone(scmp_filter_ctx filter, enum sandbox_role role)
{
	const struct scmp_arg_cmp is_thread = SCMP_CMP64(0, SCMP_CMP_MASKED_EQ,
				      CLONE_THREAD, CLONE_THREAD),
				  is_fork = SCMP_CMP64(0, SCMP_CMP_MASKED_EQ,
				      NAME_SPACES, 0);
	bool forks = role == SANDBOX_SCAN || role == SANDBOX_SCAN_ENGINE ||
		     role == SANDBOX_QUEUE_HELPER;

	/* The flags of clone3 can not be seen; libc falls back to clone. */
	if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3),
		0) < 0)
		return ERR_NOMEM;
	if (role == SANDBOX_SCAN_WORKER)
		return 0;
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone),
		   1, forks ? &is_fork : &is_thread) < 0
		   ? ERR_NOMEM
		   : 0;
}

/* A scan worker may do to itself alone what could be done to others. */
static int
add_process(scmp_filter_ctx filter, enum sandbox_role role)
{
	const uint32_t self = (uint32_t)getpid(), us = 0;
	int rc;

	if (role != SANDBOX_SCAN_WORKER)
		return add_calls(filter, SCMP_ACT_ALLOW, process_calls);
	rc = add_values(filter, SCMP_SYS(tgkill), 0, &self, 1);
	return rc < 0 ? rc : add_values(filter, SCMP_SYS(prlimit64), 0, &us, 1);
}

/*
 * The queue helper's commands talk to Postfix's own sockets; but each of them
 * looks whether there are IPv4 and IPv6, by making a socket, and which
 * addresses this host has (mynetworks), and without an answer does nothing.
 */
static int
add_helper_sockets(scmp_filter_ctx filter)
{
	static const struct {
		uint32_t family, type;
	} sockets[] = { { AF_INET, SOCK_STREAM }, { AF_INET6, SOCK_STREAM },
		{ AF_NETLINK, SOCK_RAW } };
	int rc;

	if ((rc = add_calls(filter, SCMP_ACT_ALLOW, helper_socket_calls)) < 0)
		return rc;
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		/* Protocol 0: TCP; NETLINK_ROUTE. */
		const struct scmp_arg_cmp is_this[] = {
			SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, UINT32_MAX,
			    sockets[i].family),
			SCMP_CMP64(1, SCMP_CMP_MASKED_EQ, SOCKET_TYPE_MASK,
			    sockets[i].type),
			SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, UINT32_MAX, 0),
		};

		if (seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
			SCMP_SYS(socket), 3, is_this) < 0)
			return ERR_NOMEM;
	}
	return add_values(filter, SCMP_SYS(socket), 0, local_family, 1);
}

static int
add_sockets(scmp_filter_ctx filter, enum sandbox_role role)
{
	int rc;

	if (role == SANDBOX_SCAN_ENGINE || role == SANDBOX_SCAN_WORKER)
		return 0;
	if (role == SANDBOX_QUEUE_HELPER)
		return add_helper_sockets(filter);
	if ((rc = add_calls(filter, SCMP_ACT_ALLOW, socket_calls)) < 0)
		return rc;
	return add_values(filter, SCMP_SYS(socket), 0, families,
	    sizeof(families) / sizeof(families[0]));
}

static int
add_checked(scmp_filter_ctx filter, enum sandbox_role role)
{
	int rc;

	if ((rc = add_sockets(filter, role)) < 0 ||
	    (rc = add_process(filter, role)) < 0 ||
	    (rc = add_values(filter, SCMP_SYS(ioctl), 1, ioctls,
		 sizeof(ioctls) / sizeof(ioctls[0]))) < 0 ||
	    (rc = add_values(filter, SCMP_SYS(prctl), 0, prctls,
		 sizeof(prctls) / sizeof(prctls[0]))) < 0 ||
	    ((role == SANDBOX_SCAN || role == SANDBOX_SCAN_ENGINE) &&
		(rc = add_values(filter, SCMP_SYS(prctl), 0, scan_prctls,
		     sizeof(scan_prctls) / sizeof(scan_prctls[0]))) < 0))
		return rc;
	return add_clone(filter, role);
}

int
sandbox_enter(enum sandbox_role role)
{
	scmp_filter_ctx filter;
	int rc;

	if (role == SANDBOX_NONE)
		return 0;
	if ((filter = seccomp_init(SCMP_ACT_ERRNO(EPERM))) == NULL)
		return ERR_NOMEM;
	/* Both are for the person who looks for a fault; old kernels lack them.
	 */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if ((rc = add_calls(filter, SCMP_ACT_ALLOW, base_calls)) < 0 ||
	    (rc = add_calls(filter, SCMP_ACT_ALLOW, role_calls[role])) < 0 ||
	    (rc = add_calls(filter, SCMP_ACT_KILL_PROCESS, deadly_calls)) < 0 ||
	    (role != SANDBOX_QUEUE_HELPER &&
		(rc = add_calls(filter, SCMP_ACT_KILL_PROCESS,
		     deadly_exec_calls)) < 0) ||
	    (rc = add_checked(filter, role)) < 0)
		goto out;
	if (seccomp_load(filter) < 0)
		rc = ERR_DENIED;
out:
	seccomp_release(filter);
	return rc;
}
