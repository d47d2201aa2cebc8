/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_RULE_H
#define POLICYD_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/address.h"
#include "proto/policy_request.h"
#include "proto/status.h"
#include "util/slice.h"

/*
 * A policy rule proposes; the pipeline decides, and answers Postfix once.  The
 * rules of one request all begin in one turn, so that what they ask of Redis
 * leaves in one write; the first in order that refuses decides.
 */
struct arena;
struct policyd;
struct return_domain;
struct rule;
struct settings;
struct tenant;

#define RULE_AT_RCPT (1U << 0)
#define RULE_AT_DATA (1U << 1)
#define RULE_AT_EOM (1U << 2)
/* Or whatever the state is, of a policy call with policy_context=connect. */
#define RULE_AT_CONNECT (1U << 3)
/* At RCPT among the relay restrictions: policy_context=relay. */
#define RULE_AT_RELAY (1U << 4)

/* One request of Postfix; lives until the last rule has let go of it. */
struct request {
	struct policyd *daemon;
	const struct policy_request *attrs; /* gone once it is answered */
	struct settings *settings;          /* counted */
	const struct tenant *tenant;        /* of settings */
	/* Of settings, where the recipient gets mail from outside that comes
	 * back: it is no mail of the tenant's.  Else NULL. */
	const struct return_domain *back;
	struct slice recipient; /* canonical; absent: none, or no address */
	struct slice sender;    /* canonical; absent: no address */
	struct slice stream;    /* of the tenant; absent: none; in settings */
	char recipient_room[ADDRESS_MAX], sender_room[ADDRESS_MAX];
	int64_t deadline_us; /* when it will be answered without the rules */
	/* Set in settle(): when it may be told that it passes; 0: at once. */
	int64_t not_before_us;
	struct arena *arena; /* for what lives as long as this */
};
/* Keep the request, and the arena, beyond its answer; each hold one drop. */
void request_hold(struct request *r);
void request_drop(struct request *r);

enum rule_verdict {
	RULE_NEXT,  /* no opinion */
	RULE_DEFER, /* 451 */
	RULE_REJECT /* 550; only for what was read, never for trouble */
};
enum rule_mode { RULE_ENFORCE, RULE_OBSERVE };

struct rule_result {
	enum rule_verdict verdict;
	enum rule_mode mode;    /* observe: say so, but do not refuse */
	const char *detail_key; /* for the log line; NULL: none */
	struct slice detail;
	struct enhanced_code enhanced;
	/* For the SMTP client: RULE_TEXT_MAX octets at most; what is not
	 * printable US-ASCII is replaced by '?'.  Lives as the request. */
	struct slice text;
	unsigned code; /* another 5xx than 550, another 4xx than 451; or 0 */
};
#define RULE_TEXT_MAX 300

/* One rule working on one request. */
struct rule_call {
	struct request *request;
	const struct rule *rule;
	void *state; /* state_size octets, zeroed */
	bool done;   /* the rule, or the deadline, has spoken */
	struct rule_result result;
};

enum rule_outcome {
	RULE_PASSED,           /* Postfix was told DUNNO */
	RULE_REFUSED,          /* by this rule */
	RULE_REFUSED_ELSEWHERE /* by another rule, or nobody waits any more */
};

struct rule {
	const char *name;
	unsigned stages;   /* RULE_AT_RCPT | ...: else not called */
	size_t state_size; /* in each call */
	/*
	 * Leads to exactly one rule_done(), at once or from a later callback.
	 * Who starts something with a callback holds the request until then.
	 */
	void (*check)(struct rule_call *call);
	/*
	 * The deadline has come: rule_done() now, with what holds when there
	 * is no answer.  A callback that comes later finds call->done.
	 */
	void (*late)(struct rule_call *call);
	/* The decision; attrs are still there.  NULL: the rule does not care.
	 */
	void (*settle)(struct rule_call *call, enum rule_outcome outcome);
};

/* A second one for the same call has no effect. */
void rule_done(struct rule_call *call, const struct rule_result *result);
/* Of an observed rule: what it would have said.  For the log only. */
void rule_would(struct rule_call *call, const struct rule_result *result);

/* In order; ends with NULL. */
extern const struct rule *const rules[];
extern const struct rule rule_access, rule_interval, rule_rate, rule_settings,
    rule_suppression;

#endif /* POLICYD_RULE_H */
