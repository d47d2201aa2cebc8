/* SPDX-License-Identifier: BSD-2-Clause */
/* A dialogue with clamd, clamd(8). */
#include "milter/clamd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "milter/scan_channel.h"
#include "milter/scan_dial.h"
#include "util/err.h"

#define CHUNK_MAX (256 * 1024)

static int
send_all(int sock, const void *octets, size_t len, int64_t deadline_us)
{
	const char *at = octets;
	int rc;

	while (len > 0) {
		ssize_t n = send(sock, at, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return ERR_UNAVAIL;
		if (n < 0 && (rc = scan_wait(sock, POLLOUT, deadline_us)) < 0)
			return rc;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int
send_descriptor(int sock, int fd, int64_t deadline_us)
{
	int rc;

	if ((rc = send_all(sock, "zFILDES", sizeof("zFILDES"), deadline_us)) <
	    0)
		return rc;
	while ((rc = scan_channel_send(sock, "", 1, fd)) == ERR_TIMEOUT)
		if ((rc = scan_wait(sock, POLLOUT, deadline_us)) < 0)
			return rc;
	return rc < 0 ? ERR_UNAVAIL : 0;
}

static int
send_chunks(int sock, const char *at, size_t size, int64_t deadline_us)
{
	int rc = send_all(sock, "zINSTREAM", sizeof("zINSTREAM"), deadline_us);

	while (rc == 0) {
		size_t n = size < CHUNK_MAX ? size : CHUNK_MAX;
		const uint32_t head = htonl((uint32_t)n);

		rc = send_all(sock, &head, sizeof(head), deadline_us);
		if (n == 0)
			break; /* that was the end mark */
		if (rc == 0)
			rc = send_all(sock, at, n, deadline_us);
		at += n;
		size -= n;
	}
	return rc;
}

static int
send_stream(int sock, int fd, size_t size, int64_t deadline_us)
{
	void *at = NULL;
	int rc;

	if (size > 0) {
		at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (at == MAP_FAILED)
			return ERR_UNAVAIL;
	}
	rc = send_chunks(sock, at, size, deadline_us);
	if (size > 0)
		(void)munmap(at, size);
	return rc;
}

static int
read_reply(int sock, int64_t deadline_us, struct scan_verdict *ret_verdict)
{
	char room[CLAMD_REPLY_MAX + 1];
	size_t have = 0;
	int rc = 0;

	while (rc == 0) {
		if ((rc = scan_wait(sock, POLLIN, deadline_us)) < 0)
			return rc;
		ssize_t n = recv(sock, room + have, sizeof(room) - have, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return ERR_UNAVAIL;
		have += (size_t)n;
		rc = clamd_reply_parse((struct slice){ room, have },
		    ret_verdict);
	}
	return rc < 0 ? ERR_UNAVAIL : 0;
}

int
clamd_scan(const struct scan_address *address, int fd, size_t size,
    int64_t deadline_us, struct scan_verdict *ret_verdict)
{
	int sock, rc;

	if ((rc = scan_dial(address, deadline_us, &sock)) < 0)
		return rc;
	rc = address->sock.any.sa_family == AF_UNIX
		 ? send_descriptor(sock, fd, deadline_us)
		 : send_stream(sock, fd, size, deadline_us);
	/* When it is too large for clamd, that is said while we still send. */
	if (rc != ERR_TIMEOUT)
		rc = read_reply(sock, deadline_us, ret_verdict);
	(void)close(sock);
	return rc;
}
