/* SPDX-License-Identifier: BSD-2-Clause */
/* A message kept whole: a buffer first, then a sealed memfd. */
#include "milter/body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/err.h"

/* Written to the memfd when this many octets have come together. */
#define SPILL_SIZE ((size_t)256 * 1024)
#define BUFFER_MAX (SPILL_SIZE + MESSAGE_HEADER_MAX * 2)

struct message_body {
	struct buf pending; /* not in the memfd yet */
	int fd;             /* -1: all is in pending */
	size_t written, header_len;
	bool sealed;
	char *mapped;
	int rc; /* the first error */
};

/* Folded values have their lines in LF, as the MTA hands them over. */
static void
add_value(struct buf *out, struct slice value)
{
	struct slice line;

	for (bool first = true; slice_split(&value, '\n', &line);
	     first = false) {
		if (!first)
			(void)buf_add_text(out, "\r\n");
		while (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		(void)buf_add_slice(out, line);
	}
}

struct message_body *
body_new(const struct message *msg)
{
	struct message_body *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->fd = -1;
	buf_init(&b->pending, BUFFER_MAX);
	for (size_t i = 0; i < msg->field_count; i++) {
		const struct message_field *f = &msg->fields[i];

		if (f->state == FIELD_DELETED)
			continue;
		(void)buf_add_slice(&b->pending, f->field.name);
		(void)buf_add_text(&b->pending, f->tight ? ":" : ": ");
		add_value(&b->pending, f->field.value);
		(void)buf_add_text(&b->pending, "\r\n");
	}
	b->rc = buf_add_text(&b->pending, "\r\n");
	b->header_len = b->pending.len;
	return b;
}

void
body_free(struct message_body *b)
{
	if (b == NULL)
		return;
	if (b->mapped != NULL)
		(void)munmap(b->mapped, b->written);
	if (b->fd >= 0)
		(void)close(b->fd);
	buf_done(&b->pending);
	free(b);
}

static int
write_all(int fd, struct slice octets)
{
	while (octets.len > 0) {
		ssize_t n = write(fd, octets.at, octets.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ENOMEM || errno == ENOSPC ? ERR_NOMEM
								  : ERR_IO;
		octets = slice_skip(octets, (size_t)n);
	}
	return 0;
}

static int
spill(struct message_body *b)
{
	int rc;

	if (b->fd < 0)
		b->fd =
		    memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (b->fd < 0)
		return errno == ENOMEM ? ERR_NOMEM : ERR_IO;
	rc = write_all(b->fd, buf_slice(&b->pending));
	if (rc == 0)
		b->written += b->pending.len;
	buf_clear(&b->pending);
	return rc;
}

void
body_add(struct message_body *b, struct slice octets)
{
	if (b->rc < 0)
		return;
	if (octets.len > BODY_KEPT_MAX - b->written - b->pending.len)
		b->rc = ERR_LIMIT;
	if (b->rc == 0)
		b->rc = buf_add_slice(&b->pending, octets);
	if (b->rc == 0 && b->pending.len >= SPILL_SIZE)
		b->rc = spill(b);
}

int
body_fd(struct message_body *b, int *ret_fd, size_t *ret_size)
{
	const int seals =
	    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

	if (b->rc < 0)
		return b->rc;
	if (!b->sealed) {
		if ((b->rc = spill(b)) < 0)
			return b->rc;
		if (fcntl(b->fd, F_ADD_SEALS, seals) < 0)
			return b->rc = ERR_IO;
		b->sealed = true;
	}
	*ret_fd = b->fd;
	*ret_size = b->written;
	return 0;
}

/* A private mapping: a shared one would forbid the seal. */
static int
map(struct message_body *b)
{
	size_t size;
	int fd, rc = body_fd(b, &fd, &size);

	if (rc < 0)
		return rc;
	void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return ERR_NOMEM;
	b->mapped = p;
	return 0;
}

int
body_octets(struct message_body *b, struct slice *ret_body)
{
	struct slice whole;

	if (b->rc < 0)
		return b->rc;
	if (b->fd < 0) {
		whole = buf_slice(&b->pending);
	} else {
		if (b->mapped == NULL && (b->rc = map(b)) < 0)
			return b->rc;
		whole = (struct slice){ b->mapped, b->written };
	}
	*ret_body = slice_skip(whole, b->header_len);
	return 0;
}
