/* SPDX-License-Identifier: BSD-2-Clause */
/* Running Postfix's commands with a deadline, known by descriptors. */
#include "policyd/queue_command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policyd/queue_protocol.h"
#include "util/clock.h"
#include "util/err.h"

#define ARGS_MAX 64
/* Of the same command for many ids: a few wait for the disk, others work. */
#define AT_ONCE 4
/* From being asked to end (SIGTERM) to being ended (SIGKILL). */
#define GRACE_MS 500

struct child {
	pid_t pid;
	int pidfd;
};
struct batch {
	const struct queue_command *c;
	struct slice ids; /* still to be started */
	bool started;     /* the only one, where there are no ids */
	struct child children[AT_ONCE];
	size_t running, done;
	int input, out[2], errors[2];
	int status; /* of the last one that failed */
};

static char mail_config[QUEUE_PATH_MAX + sizeof("MAIL_CONFIG=")];
static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin:"
					   "/usr/local/sbin:/usr/local/bin",
	"LC_ALL=C", mail_config, NULL };

int
queue_command_init(const char *config_directory)
{
	int len = snprintf(mail_config, sizeof(mail_config), "MAIL_CONFIG=%s",
	    config_directory);

	if (len < 0 || (size_t)len >= sizeof(mail_config))
		return ERR_LIMIT;
	/* posix_spawnp looks for programs by our own. */
	return clearenv() == 0 &&
		       setenv("PATH", environment[0] + sizeof("PATH"), 1) == 0
		   ? 0
		   : ERR_NOMEM;
}

/* A file in memory: nobody has to write while the program reads. */
static int
open_input(struct slice input)
{
	int fd = memfd_create("queue-ids", MFD_CLOEXEC);

	if (fd < 0)
		return ERR_IO;
	if ((input.len > 0 &&
		write(fd, input.at, input.len) != (ssize_t)input.len) ||
	    lseek(fd, 0, SEEK_SET) < 0) {
		(void)close(fd);
		return ERR_IO;
	}
	return fd;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static int
open_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) < 0)
		return ERR_IO;
	return fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ? ERR_IO : 0;
}

static int
set_attributes(posix_spawnattr_t *attributes, bool ignores_sigpipe)
{
	sigset_t none, all;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	if (ignores_sigpipe)
		(void)sigdelset(&all, SIGPIPE);
	/* A group of its own, so that what it starts ends with it. */
	return posix_spawnattr_setsigmask(attributes, &none) == 0 &&
		       posix_spawnattr_setsigdefault(attributes, &all) == 0 &&
		       posix_spawnattr_setpgroup(attributes, 0) == 0 &&
		       posix_spawnattr_setflags(attributes,
			   POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
			       POSIX_SPAWN_SETPGROUP) == 0
		   ? 0
		   : ERR_NOMEM;
}

static int
spawn(const struct batch *b, const char *const argv[], pid_t *ret_pid)
{
	union { /* posix_spawnp does not write to it */
		const char *const *in;
		char *const *out;
	} args = { argv }, env = { environment };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int rc = ERR_NOMEM;

	if (posix_spawnattr_init(&attributes) != 0)
		return rc;
	if (posix_spawn_file_actions_init(&actions) != 0)
		goto fail;
	if (set_attributes(&attributes, b->c->ignores_sigpipe) < 0 ||
	    posix_spawn_file_actions_adddup2(&actions, b->input,
		STDIN_FILENO) != 0 ||
	    posix_spawn_file_actions_adddup2(&actions, b->out[1],
		STDOUT_FILENO) != 0 ||
	    posix_spawn_file_actions_adddup2(&actions, b->errors[1],
		STDERR_FILENO) != 0)
		goto fail_actions;
	rc = posix_spawnp(ret_pid, argv[0], &actions, &attributes, args.out,
	    env.out);
	rc = rc == ENOENT ? ERR_NOTFOUND : rc != 0 ? ERR_IO : 0;
fail_actions:
	(void)posix_spawn_file_actions_destroy(&actions);
fail:
	(void)posix_spawnattr_destroy(&attributes);
	return rc;
}

/* The next one, if there is one. */
static int
start_one(struct batch *b)
{
	const char *argv[ARGS_MAX];
	struct child *child = &b->children[b->running];
	char text[QUEUE_ID_MAX];
	struct slice id;
	size_t n = 0;
	int rc;

	while (b->c->argv[n] != NULL && n < ARGS_MAX - 2) {
		argv[n] = b->c->argv[n];
		n++;
	}
	if (b->c->packed_ids.len > 0) {
		if (!queue_id_next(&b->ids, &id) || !queue_id_ok(id))
			return ERR_SYNTAX;
		(void)snprintf(text, sizeof(text), "%.*s", SLICE_F(id));
		argv[n++] = text;
	}
	argv[n] = NULL;
	if ((rc = spawn(b, argv, &child->pid)) < 0)
		return rc;
	b->running++;
	/* It is our child and nobody has waited for it: the number is its. */
	child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	return child->pidfd < 0 ? ERR_IO : 0;
}

static bool
is_left(const struct batch *b)
{
	return b->c->packed_ids.len > 0 ? b->ids.len > 0 : !b->started;
}

/* Everything there is now.  Of errors the end is kept. */
static void
read_output(int fd, struct buf *into, bool keep_end)
{
	char room[8192];
	ssize_t n;

	while ((n = read(fd, room, sizeof(room))) > 0) {
		if (into == NULL)
			continue;
		size_t len = (size_t)n, over;

		if (len > into->max)
			len = into->max;
		over = into->len + len > into->max ? into->len + len - into->max
						   : 0;
		if (!keep_end)
			(void)buf_add(into, room, len - over);
		else {
			buf_consume(into, over);
			(void)buf_add(into, room + (size_t)n - len, len);
		}
	}
}

static void
reap(struct batch *b, size_t i)
{
	struct child *child = &b->children[i];
	int status = 0;

	if (waitpid(child->pid, &status, 0) < 0)
		status = 127 << 8;
	if (child->pidfd >= 0)
		(void)close(child->pidfd);
	status =
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (status == 0)
		b->done++;
	else
		b->status = status;
	*child = b->children[--b->running];
}

/* Whatever happens by then: output, or one has ended. */
static int
wait_for_some(struct batch *b, int64_t deadline_us)
{
	struct pollfd p[AT_ONCE + 2] = {
		{ .fd = b->out[0], .events = POLLIN },
		{ .fd = b->errors[0], .events = POLLIN },
	};
	int64_t left_us = deadline_us - clock_mono_us();

	for (size_t i = 0; i < b->running; i++)
		p[i + 2] = (struct pollfd){ .fd = b->children[i].pidfd,
			.events = POLLIN };
	if (left_us <= 0)
		return ERR_TIMEOUT;
	if (poll(p, (nfds_t)b->running + 2, (int)(left_us / 1000) + 1) < 0)
		return errno == EINTR ? 0 : ERR_IO;
	read_output(b->out[0], b->c->out, false);
	read_output(b->errors[0], b->c->errors, true);
	for (size_t i = b->running; i-- > 0;)
		if (p[i + 2].revents != 0)
			reap(b, i);
	return 0;
}

static void
tell_all(const struct batch *b, int signal_number)
{
	for (size_t i = 0; i < b->running; i++) {
		if (b->children[i].pidfd >= 0)
			(void)syscall(SYS_pidfd_send_signal,
			    b->children[i].pidfd, signal_number, NULL, 0);
		/* Its group, too: nobody has waited for it, so that its number
		 * is still its own. */
		(void)kill(-b->children[i].pid, signal_number);
	}
}

static void
end_all(struct batch *b)
{
	int64_t deadline_us = clock_deadline_ms(GRACE_MS);

	tell_all(b, SIGTERM);
	while (b->running > 0 && wait_for_some(b, deadline_us) == 0)
		;
	tell_all(b, SIGKILL);
	while (b->running > 0)
		reap(b, b->running - 1);
}

static int
run_batch(struct batch *b)
{
	int rc;

	while (is_left(b) || b->running > 0) {
		while (is_left(b) && b->running < AT_ONCE) {
			if ((rc = start_one(b)) < 0)
				return rc;
			b->started = true;
		}
		if ((rc = wait_for_some(b, b->c->deadline_us)) < 0)
			return rc;
	}
	/* What the last one wrote behind our last look. */
	read_output(b->out[0], b->c->out, false);
	read_output(b->errors[0], b->c->errors, true);
	return b->status;
}

int
queue_command_run(const struct queue_command *c, size_t *ret_done)
{
	struct batch b = { .c = c,
		.ids = c->packed_ids,
		.input = -1,
		.out = { -1, -1 },
		.errors = { -1, -1 } };
	int rc;

	if ((rc = b.input = open_input(c->input)) >= 0 &&
	    (rc = open_pipe(b.out)) == 0 && (rc = open_pipe(b.errors)) == 0)
		rc = run_batch(&b);
	if (rc < 0)
		end_all(&b);
	close_fd(&b.input);
	for (int i = 0; i < 2; i++) {
		close_fd(&b.out[i]);
		close_fd(&b.errors[i]);
	}
	if (ret_done != NULL)
		*ret_done = b.done;
	return rc;
}
