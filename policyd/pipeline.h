/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_PIPELINE_H
#define POLICYD_PIPELINE_H

#include <stddef.h>
#include <stdint.h>

#include "policyd/rule.h"
#include "proto/policy_reply.h"

/*
 * Every request goes through here: its rules begin together, and it is
 * answered exactly once, when all have spoken or at its deadline.
 */
struct pipeline;

/* What was decided, for log and counters; call NULL: no rule refused. */
enum pipeline_note { PIPELINE_DECIDED, PIPELINE_WOULD };

struct pipeline_options {
	const struct rule *const *rules; /* ends with NULL */
	int64_t timeout_us;
	struct policyd *daemon;
	/* Find tenant and settings of a new request, from attrs and sender. */
	void (*prepare)(struct request *r);
	/* The request is freed: give settings back. */
	void (*release)(struct request *r);
	/* Called once for each decision, and for each dry run before it. */
	void (*note)(enum pipeline_note note, const struct request *r,
	    const struct rule_call *call, const struct rule_result *result);
};
/* NULL: no memory.  options are copied. */
struct pipeline *pipeline_new(const struct pipeline_options *options);
/* Requests still held by a rule must have come back before: close the store
 * first.  Takes NULL. */
void pipeline_free(struct pipeline *p);
void pipeline_set_timeout(struct pipeline *p, int64_t timeout_us);

/* The reply's slices live inside the call only. */
typedef void pipeline_answer(const struct policy_reply *reply, void *ctx);
/*
 * attrs must stay where they are until answer() was called, which may be
 * before this returns: then it returns NULL.  Without memory the answer is a
 * temporary refusal.
 */
struct request *pipeline_start(struct pipeline *p,
    const struct policy_request *attrs, pipeline_answer *answer, void *ctx);
/* Nobody waits for the answer any more: answer() is not called. */
void pipeline_abandon(struct request *r);

/*
 * Answer what has reached its deadline.  Returns the deadline of the next
 * request, 0 when none is waiting.
 */
int64_t pipeline_expire(struct pipeline *p);
/* A request has got this deadline, which may be sooner than all others. */
typedef void pipeline_sooner(int64_t deadline_us, void *ctx);
void pipeline_on_sooner(struct pipeline *p, pipeline_sooner *sooner, void *ctx);
size_t pipeline_waiting(const struct pipeline *p);

#endif /* POLICYD_PIPELINE_H */
