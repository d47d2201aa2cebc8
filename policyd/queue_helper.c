/* SPDX-License-Identifier: BSD-2-Clause */
/* postern-queue-helper: Postfix's queue commands for policyd, as root. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "policyd/queue_action.h"
#include "policyd/queue_confine.h"
#include "policyd/queue_protocol.h"
#include "util/err.h"

/*
 * It is started by policyd with its end of a socket pair as standard input.
 * Nothing in the arguments or the environment is looked at.  What it has to
 * know is the first packet, sent while policyd was root still; from then on
 * each packet must come from the user named there.  It ends when policyd's end
 * of the pair is closed, and by no signal that asks for it: what is under way
 * is done first.
 */
#define SOCK STDIN_FILENO
#define SAY_MS 10000 /* policyd takes an answer within that, or is stuck */

static char packet[QUEUE_PACKET_MAX + 1];

static bool
is_our_socket(void)
{
	int type, domain;
	socklen_t type_len = sizeof(type), domain_len = sizeof(domain);

	return getsockopt(SOCK, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 &&
	       getsockopt(SOCK, SOL_SOCKET, SO_DOMAIN, &domain, &domain_len) ==
		   0 &&
	       type == SOCK_SEQPACKET && domain == AF_UNIX;
}

/*
 * A packet and who sent it, as the kernel says.  0 octets: the other side is
 * closed.  ERR_IO; ERR_SYNTAX: longer than any of ours; ERR_DENIED: nobody
 * knows whose.
 */
static ssize_t
receive(uid_t *ret_user)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = { packet, sizeof(packet) };
	struct msghdr m = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct ucred sender;
	ssize_t n;

	do
		n = recvmsg(SOCK, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n == 0 || errno == ECONNRESET ? 0 : ERR_IO;
	if ((m.msg_flags & MSG_TRUNC) || n > QUEUE_PACKET_MAX)
		return ERR_SYNTAX;
	const struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_CREDENTIALS ||
	    c->cmsg_len != CMSG_LEN(sizeof(sender)))
		return ERR_DENIED;
	memcpy(&sender, CMSG_DATA(c), sizeof(sender));
	*ret_user = sender.uid;
	return n;
}

/* When policyd is gone or takes nothing, there is nobody to work for. */
static void
say(const struct queue_answer *a)
{
	struct pollfd p = { .fd = SOCK, .events = POLLOUT };
	struct buf out;

	buf_init(&out, QUEUE_PACKET_MAX);
	if (queue_answer_format(a, &out) < 0)
		exit(EX_SOFTWARE);
	if (poll(&p, 1, SAY_MS) != 1 ||
	    send(SOCK, out.at, out.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		exit(EX_OK);
	buf_done(&out);
}

static void
ignore_signals(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGTERM, SIGQUIT,
		SIGPIPE, SIGUSR1, SIGUSR2 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)signal(numbers[i], SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
}

/* The first packet: from root, or from whom we are. */
static int
start(uid_t *ret_user)
{
	struct queue_request r;
	uid_t sender;
	ssize_t n = receive(&sender);

	if (n <= 0 || sender != geteuid() ||
	    queue_request_parse((struct slice){ packet, (size_t)n }, &r) < 0 ||
	    r.kind != QUEUE_ASK_START)
		return EX_PROTOCOL;
	*ret_user = (uid_t)r.user;
	if (queue_action_init(&r) < 0)
		return EX_OSERR;
	return queue_confine(r.sandbox) < 0 ? EX_NOPERM : EX_OK;
}

static void
answer(ssize_t n, uid_t sender, uid_t user)
{
	struct queue_answer refused = { .number = 0 };
	struct queue_request r;

	if (n > 0 && sender != user)
		refused.rc = ERR_DENIED;
	else if (n < 0)
		refused.rc = (int)n;
	else
		refused.rc =
		    queue_request_parse((struct slice){ packet, (size_t)n },
			&r);
	if (refused.rc == 0 && r.kind == QUEUE_ASK_START)
		refused.rc = ERR_DENIED;
	if (refused.rc == 0) {
		queue_action_do(&r, say);
		return;
	}
	refused.text = slice_of(err_text(refused.rc));
	say(&refused);
}

int
main(void)
{
	int status;
	uid_t user, sender = (uid_t)-1;

	if (!is_our_socket()) {
		(void)fprintf(stderr,
		    "postern-queue-helper: is started by postern-policyd\n");
		return EX_USAGE;
	}
	(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	(void)umask(022); /* the files that "postfix check" copies */
	ignore_signals();
	if (chdir("/") < 0)
		return EX_OSERR;
	status = start(&user);
	if (status != EX_OK)
		return status;
	for (;;) {
		ssize_t n = receive(&sender);

		if (n == 0)
			return EX_OK;
		if (n == ERR_IO)
			return EX_IOERR;
		answer(n, sender, user);
	}
}
