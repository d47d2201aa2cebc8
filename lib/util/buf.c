/* SPDX-License-Identifier: BSD-2-Clause */
/* Growable octets with a maximum. */
#include "util/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"

#define FIRST_CAP 256

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_done(struct buf *b)
{
	free(b->at);
	buf_init(b, b->max);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->rc = 0;
}

static int
failed(struct buf *b, int rc)
{
	if (b->rc == 0)
		b->rc = rc;
	return rc;
}

int
buf_reserve(struct buf *b, size_t len)
{
	size_t want, cap = b->cap > 0 ? b->cap : FIRST_CAP;

	/* One octet more than max, for buf_text's NUL. */
	if (len > b->max || b->len > b->max - len)
		return failed(b, ERR_LIMIT);
	want = b->len + len + 1;
	if (want <= b->cap)
		return 0;
	while (cap < want)
		cap *= 2;
	if (cap > b->max + 1)
		cap = b->max + 1;
	char *at = realloc(b->at, cap);
	if (at == NULL)
		return failed(b, ERR_NOMEM);
	b->at = at;
	b->cap = cap;
	return 0;
}

int
buf_add(struct buf *b, const void *octets, size_t len)
{
	int rc = buf_reserve(b, len);

	if (rc < 0)
		return rc;
	if (len > 0)
		memcpy(b->at + b->len, octets, len);
	b->len += len;
	return 0;
}

int
buf_add_slice(struct buf *b, struct slice s)
{
	return buf_add(b, s.at, s.len);
}

int
buf_add_text(struct buf *b, const char *text)
{
	return buf_add(b, text, strlen(text));
}

int
buf_add_char(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int
buf_addf(struct buf *b, const char *format, ...)
{
	va_list ap;
	int n, rc;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0)
		return failed(b, ERR_LIMIT);
	if ((rc = buf_reserve(b, (size_t)n)) < 0)
		return rc;
	va_start(ap, format);
	(void)vsnprintf(b->at + b->len, (size_t)n + 1, format, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n > b->len)
		n = b->len;
	b->len -= n;
	if (b->len > 0)
		memmove(b->at, b->at + n, b->len);
}

const char *
buf_text(struct buf *b)
{
	if (b->cap == 0)
		return "";
	b->at[b->len] = '\0'; /* buf_reserve always leaves one octet */
	return b->at;
}
