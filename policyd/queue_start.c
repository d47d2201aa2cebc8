/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue helper's start: a socket pair, a clean process, one packet. */
#include "policyd/queue_start.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policyd/queue_protocol.h"
#include "service/host_config.h"
#include "util/err.h"
#include "util/log.h"

/* Whom this daemon is going to be: from then on requests come from there. */
static int
find_user(const char *name, uint32_t *ret_user)
{
	struct passwd entry, *found = NULL;
	char room[16384];

	if (name[0] == '\0') {
		*ret_user = geteuid();
		return 0;
	}
	if (getpwnam_r(name, &entry, room, sizeof(room), &found) != 0 ||
	    found == NULL) {
		log_error("user %s: no such user", name);
		return ERR_NOTFOUND;
	}
	*ret_user = found->pw_uid;
	return 0;
}

/* Sent while we are root; it lies in the socket until the helper reads. */
static int
send_start(const struct host_config *config, int sock)
{
	struct queue_request r = { .kind = QUEUE_ASK_START,
		.sandbox = config->sandbox,
		.config_directory = slice_of(config->postfix_config_directory),
		.state_directory = slice_of(config->state_directory),
		.key_file = slice_of(config->master_key_file) };
	struct buf out;
	int rc;

	if ((rc = find_user(config->user, &r.user)) < 0)
		return rc;
	buf_init(&out, QUEUE_PACKET_MAX);
	rc = queue_request_format(&r, &out);
	if (rc < 0)
		log_error("postfix_config_directory, state_directory, "
			  "master_key_file: absolute paths are wanted");
	else if (send(sock, out.at, out.len, MSG_NOSIGNAL) < 0)
		rc = ERR_IO;
	buf_done(&out);
	return rc;
}

static int
add_actions(posix_spawn_file_actions_t *actions, int sock)
{
	return posix_spawn_file_actions_adddup2(actions, sock, STDIN_FILENO) ==
			   0 &&
		       posix_spawn_file_actions_addopen(actions, STDOUT_FILENO,
			   "/dev/null", O_WRONLY, 0) == 0 &&
		       posix_spawn_file_actions_addopen(actions, STDERR_FILENO,
			   "/dev/null", O_WRONLY, 0) == 0 &&
		       posix_spawn_file_actions_addclosefrom_np(actions,
			   STDERR_FILENO + 1) == 0
		   ? 0
		   : ERR_NOMEM;
}

static int
spawn(const char *program, int sock)
{
	char name[] = "postern-queue-helper";
	char *argv[] = { name, NULL }, *env[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t pid;
	int rc = ERR_NOMEM;

	(void)sigemptyset(&none);
	if (posix_spawnattr_init(&attributes) != 0)
		return rc;
	if (posix_spawn_file_actions_init(&actions) != 0)
		goto fail;
	/* A session of its own: no terminal's signals. */
	if (add_actions(&actions, sock) == 0 &&
	    posix_spawnattr_setsigmask(&attributes, &none) == 0 &&
	    posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID) == 0) {
		rc = posix_spawn(&pid, program, &actions, &attributes, argv,
		    env);
		if (rc != 0)
			log_error("queue_helper_program: %s: %s", program,
			    strerror(rc));
		rc = rc == 0 ? 0 : rc == ENOENT ? ERR_NOTFOUND : ERR_IO;
	}
	(void)posix_spawn_file_actions_destroy(&actions);
fail:
	(void)posix_spawnattr_destroy(&attributes);
	return rc;
}

int
queue_start(const struct host_config *config, int *ret_sock)
{
	const int on = 1;
	int pair[2], rc = ERR_IO;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ERR_IO;
	/* Each packet says who sent it; from the first one on. */
	if (setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) ==
		0 &&
	    fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0 &&
	    (rc = send_start(config, pair[0])) == 0)
		rc = spawn(config->queue_helper_program, pair[1]);
	(void)close(pair[1]);
	if (rc < 0) {
		(void)close(pair[0]);
		return rc;
	}
	*ret_sock = pair[0];
	return 0;
}
