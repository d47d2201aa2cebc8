/* SPDX-License-Identifier: BSD-2-Clause */
/* The suppression list, asked from a milter thread. */
#include "milter/lookup.h"

#include "milter/milter.h"
#include "store/block_store.h"
#include "store/store.h"
#include "util/err.h"

#define REASON_MAX (BLOCK_WHY_MAX + 40)

struct batch {
	struct message *msg;
	struct lookup *lookups;
	size_t count, left;
	struct store_wait *wait;
	int rc;
};

struct question {
	struct batch *batch;
	struct lookup *lookup;
	char reason[REASON_MAX];
	size_t reason_len;
};

static void
put(struct question *q, struct slice s)
{
	size_t room = sizeof(q->reason) - q->reason_len;

	if (s.len > room)
		s.len = room;
	if (s.len > 0)
		memcpy(q->reason + q->reason_len, s.at, s.len);
	q->reason_len += s.len;
}

/* On the loop's thread, while the message's thread sleeps. */
static void
found(int rc, const struct block *block, void *ctx)
{
	struct question *q = ctx;
	struct batch *b = q->batch;

	if (rc == 0) {
		char why[BLOCK_WHY_MAX];

		q->lookup->blocked = true;
		put(q, SLICE("address is blocked ("));
		put(q, block_why(b->msg->rcpts[q->lookup->rcpt].address, block,
			   why));
		put(q, SLICE(")"));
	} else if (rc != ERR_NOTFOUND && b->rc == 0) {
		b->rc = rc;
	}
	if (--b->left == 0)
		store_wait_done(b->wait, b->rc);
}

struct asking {
	struct batch *batch;
	struct question *questions;
};

static void
ask(struct store *s, struct store_wait *w, void *ctx)
{
	struct asking *a = ctx;
	struct batch *b = a->batch;
	int64_t deadline_us = store_deadline(s);

	b->wait = w;
	b->left = b->count;
	for (size_t i = 0; i < b->count; i++) {
		struct question *q = &a->questions[i];

		*q = (struct question){ .batch = b, .lookup = &b->lookups[i] };
		block_look(s, b->msg->tenant->name,
		    b->msg->rcpts[q->lookup->rcpt].address, b->msg->stream,
		    deadline_us, found, q);
	}
}

static int
ask_batch(struct message *msg, struct lookup *lookups, size_t count,
    struct question *questions)
{
	struct batch b = { .msg = msg, .lookups = lookups, .count = count };
	struct asking a = { &b, questions };
	int rc = store_wait(msg->host->store, ask, &a);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		if (!lookups[i].blocked)
			continue;
		lookups[i].reason =
		    message_keep(msg, (struct slice){ questions[i].reason,
					  questions[i].reason_len });
		if (lookups[i].reason.at == NULL)
			return ERR_NOMEM;
	}
	return 0;
}

int
lookup_recipients(struct message *msg, struct lookup *lookups, size_t count)
{
	size_t most = count < LOOKUP_BATCH ? count : LOOKUP_BATCH;
	struct question *questions =
	    arena_calloc(msg->arena, most + !most, sizeof(*questions));
	int rc = questions != NULL ? 0 : ERR_NOMEM;

	for (size_t i = 0; i < count && rc == 0; i += most)
		rc = ask_batch(msg, lookups + i,
		    count - i < most ? count - i : most, questions);
	return rc;
}
