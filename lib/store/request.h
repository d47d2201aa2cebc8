/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_REQUEST_H
#define STORE_REQUEST_H

/*
 * A caller's callback, kept while Redis works on one command: the ctx of the
 * redis_done that turns the reply into a record.  From the store's pool, as
 * this is on the way of every RCPT; never NULL (see redis.c).
 */
struct store;
struct request {
	void (*fn)(void); /* cast to its own type by who made it */
	void *ctx;
	struct store *store;
	struct request *next; /* in the pool */
};
typedef void request_fn(void);

struct request *request_new(struct store *s, request_fn *fn, void *ctx);
/* Before calling back: the callback may begin the next one. */
void request_done(struct request *q);

#endif /* STORE_REQUEST_H */
