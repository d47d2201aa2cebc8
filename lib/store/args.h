/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_ARGS_H
#define STORE_ARGS_H

#include "proto/event.h"
#include "store/keys.h"
#include "store/redis.h"

/*
 * The keys and arguments of one script call, however many.  What was added
 * must live until args_send.  Running out of memory is remembered and told
 * through done, so that additions need no check.
 */
struct arena;
struct args {
	struct arena *arena;
	struct slice *at;
	size_t count, cap, nkeys;
	bool failed;
};

void args_init(struct args *a);
/* Keys first. */
void args_key(struct args *a, const struct key *key); /* copied */
void args_add(struct args *a, struct slice s);
void args_copy(struct args *a, struct slice s);
void args_number(struct args *a, int64_t n);
/* The counters' minute: YYYYMMDDHHMM of wall clock ms. */
void args_minute(struct args *a, int64_t ms);
/* The two streams an event may go to, as keys; the midnight between them. */
int64_t args_streams(struct args *a, struct slice host);
/* Minute and values, as event_append.lua takes them. */
void args_event(struct args *a, const struct event *e);
/* Sends it and frees all. */
void args_send(struct args *a, struct store *s, enum script script,
    int64_t deadline_us, redis_done *done, void *ctx);

#endif /* STORE_ARGS_H */
