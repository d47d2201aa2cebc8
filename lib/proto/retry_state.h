/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_RETRY_STATE_H
#define PROTO_RETRY_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/retry.h"
#include "util/slice.h"

/*
 * Where one deferred message stands on its curve.  Pure: what happened comes
 * in with its time, what is to be done next comes out.
 *
 * An attempt is told recipient by recipient.  A deferral belongs to the attempt
 * that is known unless it comes from the recipient with whom that one began, or
 * at the second at which the next one is due, or later: then it begins the next
 * attempt.  So several recipients deferred in one attempt count one attempt,
 * and one that Postfix made by itself counts like ours.
 */
enum retry_step {
	RETRY_TRY,     /* ask Postfix for an attempt at due_ms */
	RETRY_GIVE_UP, /* the next one would be behind the period */
	RETRY_REST     /* nothing of ours: Postfix's schedule goes on */
};
#define RETRY_OWNER_MAX 64
#define RETRY_WINDOWS_MAX 400
struct retry_state {
	unsigned tries; /* attempts that failed */
	enum retry_step step;
	int64_t queued_ms;
	int64_t due_ms; /* of step; RETRY_REST: 0 */
	unsigned asked; /* how often, since the last attempt */
	uint64_t first; /* mark of the recipient; 0: has a final result */
	bool held;      /* for one of its windows, since the last attempt */
	bool looked;    /* windows are known: */
	struct slice tenant;
	struct slice owner;   /* of the curve: a word that names it */
	struct slice windows; /* names of prohibitions that the message matches
				 and that stop retries, tabs between */
};

/* One deferral of one recipient. */
struct retry_attempt {
	const struct retry_curve *curve; /* NULL: not tried by us */
	bool keeps_trying;  /* behind the period Postfix's schedule goes on */
	struct slice owner; /* not empty */
	uint64_t recipient; /* its mark: retry_mark() */
	int64_t at_ms;
};
/* A number that stands for an address; never 0. */
uint64_t retry_mark(struct slice address);
/*
 * s  zeroed for a message that is not known yet, but for tenant and queued_ms;
 *    keeps a->owner, which must live as long
 */
void retry_state_deferred(struct retry_state *s, const struct retry_attempt *a);
/* This recipient has its final result: true if that changed anything. */
bool retry_state_final(struct retry_state *s, uint64_t recipient);
/*
 * Postfix was asked at now_ms: when to ask again if nothing is heard of it.
 * Never sooner than the curve would have it (NULL: hourly).
 */
int64_t retry_state_asked(struct retry_state *s, const struct retry_curve *c,
    int64_t now_ms);

/* As text, for the store; returns the length.  What is too long is cut. */
#define RETRY_STATE_MAX 800
size_t retry_state_format(const struct retry_state *s,
    char room[RETRY_STATE_MAX]);
/* Slices borrow from text.  ERR_SYNTAX. */
int retry_state_parse(struct slice text, struct retry_state *ret_state);

/*
 * When a message came into the queue, by its long queue id (Postfix 2.9,
 * mail_queue.h: seconds and microseconds in base 52); 0: a short one.
 */
int64_t retry_queue_id_ms(struct slice queue_id);

#endif /* PROTO_RETRY_STATE_H */
