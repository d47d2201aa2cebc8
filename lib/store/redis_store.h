/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_REDIS_STORE_H
#define STORE_REDIS_STORE_H

#include <pthread.h>
#include <sys/queue.h>

#include "store/redis_dial.h"
#include "store/store.h"

/*
 * struct store as its three files share it: redis.c (commands), store.c
 * (opening, reconnecting, subscriptions' start), store_wait.c (other threads),
 * redis_subscribe.c.  Nobody else includes this.
 */
struct event;

struct command {
	TAILQ_ENTRY(command) order; /* as sent: the order of replies */
	TAILQ_ENTRY(command) due;   /* by deadline; while somebody waits */
	redis_done *done;           /* NULL: nobody waits any more */
	void *ctx;
	int64_t deadline_us;
	uint64_t at; /* place of its octets in the stream of all */
	size_t len;
	unsigned sha_at; /* of a script's name in its octets; 0: no script */
	enum script script;
	int rc;        /* of one that is refused */
	bool repeated; /* after NOSCRIPT */
};
TAILQ_HEAD(commands, command);

enum link_state {
	LINK_FIRST, /* never connected yet: commands queue */
	LINK_DOWN,
	LINK_UP
};

struct command_block;
struct request_block;
struct subscriber;
struct post;

struct store {
	struct event_base *base;
	struct dial_options dial_options;
	int64_t timeout_us;
	unsigned events_days, audit_days;

	enum link_state state;
	struct link *link;
	struct dial *dial;
	struct event *redial;
	int64_t backoff_us;
	store_changed *changed;
	void *changed_ctx;
	char shas[SCRIPT_COUNT + 1][REDIS_SHA_LEN];

	/* Octets of all commands not yet answered; out.at[0] is octet
	 * out_start of the stream, out_sent the next to send. */
	struct buf out;
	uint64_t out_start, out_sent;
	struct commands sent;   /* in the order of replies */
	struct commands due;    /* by deadline */
	struct commands failed; /* never sent: told from the loop */
	struct commands spare;
	struct command_block *blocks;
	struct request *requests; /* spare ones */
	struct request_block *request_blocks;
	struct event *flush, *fail, *timer;
	int64_t timer_us; /* when it is set to; 0: not set */
	bool flush_due;
	unsigned silent;   /* deadlines passed since the last reply */
	int64_t silent_us; /* first of them; 0: none */

	struct subscriber *subscriber; /* NULL until something subscribes */

	pthread_mutex_t lock; /* of posts */
	struct post *posts;
	int post_fd;
	struct event *post_event;
	bool closing;
};

/* redis.c */
int commands_init(struct store *s);
void commands_done(struct store *s);
/* The link stands: send what waits. */
void commands_start(struct store *s);
/* The link is gone: everything that waits fails. */
void commands_fail(struct store *s, int rc);
extern const struct link_events command_events;

/* store.c */
void store_lost(struct store *s, const char *why);

/* redis_subscribe.c */
void subscriber_free(struct subscriber *sub); /* takes NULL */

/* store_wait.c */
int posts_init(struct store *s);
void posts_done(struct store *s);
void posts_run(struct store *s);

#endif /* STORE_REDIS_STORE_H */
