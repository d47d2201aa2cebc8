/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_BUF_H
#define UTIL_BUF_H

#include <stddef.h>

#include "util/slice.h"

/*
 * Owned octets that grow up to a maximum given at birth.  A failed addition
 * leaves the content as it was, and the buffer remembers the failure (rc), so
 * that a chain of additions may be checked once, at its end.
 */
struct buf {
	char *at;
	size_t len, cap, max;
	int rc; /* 0, or the first ERR_LIMIT or ERR_NOMEM */
};

/* max: octets it may ever hold.  No memory is taken yet. */
void buf_init(struct buf *b, size_t max);
/* Frees the octets; the buffer may be used again, with the same maximum. */
void buf_done(struct buf *b);
/* Empties it and forgets rc; keeps the memory. */
void buf_clear(struct buf *b);

/* 0, ERR_LIMIT, ERR_NOMEM (also kept in rc). */
int buf_add(struct buf *b, const void *octets, size_t len);
int buf_add_slice(struct buf *b, struct slice s);
int buf_add_text(struct buf *b, const char *text);
int buf_add_char(struct buf *b, char c);
/* For our own texts (logs, messages): never to build another protocol. */
int buf_addf(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Room for len octets more at b->at + b->len; the caller raises len. */
int buf_reserve(struct buf *b, size_t len);
/* Drop the first n octets; the rest moves to the front. */
void buf_consume(struct buf *b, size_t n);

static inline struct slice
buf_slice(const struct buf *b)
{
	return (struct slice){ b->at != NULL ? b->at : "", b->len };
}

/* The content with a NUL behind it (not counted); "" when empty or no room. */
const char *buf_text(struct buf *b);

#endif /* UTIL_BUF_H */
