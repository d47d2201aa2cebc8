/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking a virus scanner about a message. */
#include "milter/scan_client.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "milter/clamd.h"
#include "milter/scan_channel.h"
#include "milter/scan_dial.h"
#include "milter/scan_protocol.h"
#include "util/clock.h"
#include "util/err.h"

/* Connections kept for the next message; more are closed after use. */
#define IDLE_MAX 64
#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)

enum backend { BACKEND_OWN, BACKEND_CLAMD };

struct scan_client {
	enum backend backend;
	struct scan_address address;
	_Atomic uint32_t last_id;
	pthread_mutex_t lock; /* for what follows */
	int idle[IDLE_MAX];
	size_t idle_count;
};

int
scan_client_new(const char *address, struct scan_client **ret_client)
{
	struct slice text = slice_of(address);
	struct scan_client *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return ERR_NOMEM;
	c->backend = BACKEND_OWN;
	if (slice_starts(text, SLICE("clamd:"))) {
		c->backend = BACKEND_CLAMD;
		text = slice_skip(text, 6);
	}
	if ((rc = scan_address_parse(text, &c->address)) < 0)
		goto fail;
	rc = ERR_SYNTAX; /* a descriptor can not be passed by TCP */
	if (c->backend == BACKEND_OWN &&
	    c->address.sock.any.sa_family != AF_UNIX)
		goto fail;
	rc = ERR_NOMEM;
	if (pthread_mutex_init(&c->lock, NULL) != 0)
		goto fail;
	*ret_client = c;
	return 0;
fail:
	free(c);
	return rc;
}

void
scan_client_free(struct scan_client *c)
{
	if (c == NULL)
		return;
	while (c->idle_count > 0)
		(void)close(c->idle[--c->idle_count]);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

/* -1: none is idle. */
static int
take(struct scan_client *c)
{
	int fd = -1;

	(void)pthread_mutex_lock(&c->lock);
	if (c->idle_count > 0)
		fd = c->idle[--c->idle_count];
	(void)pthread_mutex_unlock(&c->lock);
	return fd;
}

static void
give_back(struct scan_client *c, int fd)
{
	(void)pthread_mutex_lock(&c->lock);
	if (c->idle_count < IDLE_MAX) {
		c->idle[c->idle_count++] = fd;
		fd = -1;
	}
	(void)pthread_mutex_unlock(&c->lock);
	if (fd >= 0)
		(void)close(fd);
}

static int
send_request(int sock, const struct scan_request *r, int fd,
    int64_t deadline_us)
{
	uint8_t octets[SCAN_REQUEST_LEN];
	int rc;

	scan_request_format(r, octets);
	while ((rc = scan_channel_send(sock, octets, sizeof(octets), fd)) ==
	       ERR_TIMEOUT)
		if ((rc = scan_wait(sock, POLLOUT, deadline_us)) < 0)
			return rc;
	return rc < 0 ? ERR_UNAVAIL : 0;
}

static int
read_answer(int sock, uint32_t id, int64_t deadline_us,
    struct scan_answer *ret_answer)
{
	char room[SCAN_ANSWER_MAX];
	size_t have = 0;
	int rc = 0, passed;

	while (rc == 0) {
		if ((rc = scan_wait(sock, POLLIN, deadline_us)) < 0)
			return rc;
		ssize_t n = scan_channel_receive(sock, room + have,
		    sizeof(room) - have, &passed);
		if (n == ERR_TIMEOUT)
			continue;
		if (n <= 0)
			return ERR_UNAVAIL;
		if (passed >= 0)
			(void)close(passed);
		have += (size_t)n;
		rc =
		    scan_answer_parse((struct slice){ room, have }, ret_answer);
	}
	return rc == (int)have && ret_answer->id == id ? 0 : ERR_UNAVAIL;
}

static int
answer_verdict(const struct scan_answer *a, struct scan_verdict *ret_verdict)
{
	struct scan_verdict v = { .result = SCAN_CLEAN };

	memcpy(v.name, a->name, sizeof(v.name));
	switch (a->outcome) {
	case SCAN_OUT_CLEAN:
		v.name[0] = '\0';
		break;
	case SCAN_OUT_INFECTED:
		v.result = SCAN_INFECTED;
		break;
	case SCAN_OUT_UNSCANNABLE:
		v.result = SCAN_UNSCANNABLE;
		break;
	case SCAN_OUT_FAILED:
		return ERR_UNAVAIL;
	}
	*ret_verdict = v;
	return 0;
}

static int
ask_over(struct scan_client *c, int sock, int fd, size_t size,
    int64_t deadline_us, struct scan_answer *ret_answer)
{
	int64_t ms = (deadline_us - clock_mono_us()) / 1000;
	const struct scan_request r = {
		.id = ++c->last_id,
		.size = size,
		.timeout_ms = ms < 1                     ? 1
			      : ms > SCAN_REQUEST_MS_MAX ? SCAN_REQUEST_MS_MAX
							 : (uint32_t)ms,
	};
	int rc = send_request(sock, &r, fd, deadline_us);

	if (rc == 0)
		rc = read_answer(sock, r.id, deadline_us, ret_answer);
	if (rc == 0)
		give_back(c, sock);
	else
		(void)close(sock);
	return rc;
}

/*
 * A scanner that was started anew has closed the connections that it had: a
 * kept one that fails does not count.
 */
static int
ask(struct scan_client *c, int fd, size_t size, int64_t deadline_us,
    struct scan_verdict *ret_verdict)
{
	struct scan_answer answer;
	int sock, rc;

	while ((sock = take(c)) >= 0) {
		rc = ask_over(c, sock, fd, size, deadline_us, &answer);
		if (rc == 0)
			return answer_verdict(&answer, ret_verdict);
		if (rc == ERR_TIMEOUT)
			return rc;
	}
	if ((rc = scan_dial(&c->address, deadline_us, &sock)) < 0 ||
	    (rc = ask_over(c, sock, fd, size, deadline_us, &answer)) < 0)
		return rc;
	return answer_verdict(&answer, ret_verdict);
}

static bool
is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

/* A memfd of the first size octets, sealed.  ERR_UNAVAIL. */
static int
copy_sealed(int fd, size_t size, int *ret_fd)
{
	int copy = memfd_create("scan", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	off_t at = 0;

	if (copy < 0)
		return ERR_UNAVAIL;
	while ((size_t)at < size)
		if (sendfile(copy, fd, &at, size - (size_t)at) <= 0)
			break;
	if ((size_t)at != size || fcntl(copy, F_ADD_SEALS, SEALS) < 0) {
		(void)close(copy);
		return ERR_UNAVAIL;
	}
	*ret_fd = copy;
	return 0;
}

int
scan_client_scan(struct scan_client *c, int fd, size_t size,
    int64_t deadline_us, struct scan_verdict *ret_verdict)
{
	int copy = -1, rc;

	if (!is_sealed(fd)) {
		if ((rc = copy_sealed(fd, size, &copy)) < 0)
			return rc;
		fd = copy;
	}
	rc = c->backend == BACKEND_OWN
		 ? ask(c, fd, size, deadline_us, ret_verdict)
		 : clamd_scan(&c->address, fd, size, deadline_us, ret_verdict);
	if (copy >= 0)
		(void)close(copy);
	return rc;
}
