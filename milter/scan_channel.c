/* SPDX-License-Identifier: BSD-2-Clause */
/* Octets and descriptors over Unix-domain sockets. */
#include "milter/scan_channel.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "util/err.h"

/* More than we take, so that what is too much can be closed. */
#define PASSED_MAX 4

union control {
	struct cmsghdr align;
	char octets[CMSG_SPACE(PASSED_MAX * sizeof(int))];
};

int
scan_channel_send(int sock, const void *octets, size_t len, int fd)
{
	union { /* the kernel only reads them */
		const void *in;
		void *out;
	} data = { octets };
	struct iovec iov = { data.out, len };
	union control control = { .octets = "" };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (fd >= 0) {
		msg.msg_control = control.octets;
		msg.msg_controllen = CMSG_SPACE(sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return (size_t)n == len ? 0 : ERR_IO;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
		return ERR_TIMEOUT;
	return errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN
		   ? ERR_UNAVAIL
		   : ERR_IO;
}

/* The one descriptor that came; all are closed if there are several. */
static int
take_passed(struct msghdr *msg, int *ret_fd)
{
	int fds[PASSED_MAX], count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	     c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n && count < PASSED_MAX; i++)
			memcpy(&fds[count++], CMSG_DATA(c) + i * sizeof(int),
			    sizeof(int));
	}
	bool one = count == 1 && !(msg->msg_flags & MSG_CTRUNC);
	if (one || (count == 0 && !(msg->msg_flags & MSG_CTRUNC))) {
		*ret_fd = one ? fds[0] : -1;
		return 0;
	}
	while (count > 0)
		(void)close(fds[--count]);
	return ERR_LIMIT;
}

ssize_t
scan_channel_receive(int sock, void *room, size_t size, int *ret_fd)
{
	struct iovec iov = { room, size };
	union control control = { .octets = "" };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.octets,
		.msg_controllen = sizeof(control.octets),
	};
	ssize_t n;
	int rc, fd = -1;

	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return ERR_TIMEOUT;
	if (n < 0)
		return errno == ECONNRESET ? 0 : ERR_IO;
	if ((rc = take_passed(&msg, &fd)) < 0)
		return rc;
	*ret_fd = fd;
	return n;
}
