/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules side by side, one decision in their order, one answer by a deadline. */
#include "policyd/pipeline.h"

#include <stdlib.h>

#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"

#define RULES_MAX 8
/* Keys of a tenant's limits and texts; a rule that gets none defers. */
#define ARENA_MAX (256 * 1024)
/* Requests kept for the next one; more are freed. */
#define SPARE_MAX 256

struct running {
	struct request request; /* first: rules point at it */
	struct pipeline *pipeline;
	struct running *older, *newer; /* waiting ones; spare ones use older */
	struct rule_call calls[RULES_MAX];
	size_t count, left; /* calls; those not done */
	unsigned holds;
	bool starting;
	bool answered; /* decided: rules have no say any more */
	bool passed;   /* decided, and told so at the deadline */
	pipeline_answer *answer;
	void *ctx;
};

struct pipeline {
	struct pipeline_options options;
	struct running *oldest, *newest; /* by deadline, as all wait alike */
	struct running *spare;
	size_t spare_count, waiting;
	pipeline_sooner *sooner; /* or NULL */
	void *sooner_ctx;
	char text[RULE_TEXT_MAX]; /* of the reply being made */
};

static struct running *
running_of(struct request *r)
{
	return (struct running *)(void *)r;
}

struct pipeline *
pipeline_new(const struct pipeline_options *options)
{
	struct pipeline *p = calloc(1, sizeof(*p));

	if (p != NULL)
		p->options = *options;
	return p;
}

static void
running_free(struct running *run)
{
	arena_free(run->request.arena);
	free(run);
}

void
pipeline_free(struct pipeline *p)
{
	if (p == NULL)
		return;
	while (p->oldest != NULL)
		pipeline_abandon(&p->oldest->request);
	while (p->spare != NULL) {
		struct running *next = p->spare->older;

		running_free(p->spare);
		p->spare = next;
	}
	free(p);
}

void
pipeline_set_timeout(struct pipeline *p, int64_t timeout_us)
{
	p->options.timeout_us = timeout_us;
}

void
pipeline_on_sooner(struct pipeline *p, pipeline_sooner *sooner, void *ctx)
{
	p->sooner = sooner;
	p->sooner_ctx = ctx;
}

size_t
pipeline_waiting(const struct pipeline *p)
{
	return p->waiting;
}

static struct running *
running_new(struct pipeline *p)
{
	struct running *run = p->spare;

	if (run != NULL) {
		p->spare = run->older;
		p->spare_count--;
		return run;
	}
	if ((run = malloc(sizeof(*run))) == NULL)
		return NULL;
	run->request.arena = arena_new(ARENA_MAX);
	if (run->request.arena == NULL) {
		free(run);
		return NULL;
	}
	return run;
}

void
request_hold(struct request *r)
{
	running_of(r)->holds++;
}

void
request_drop(struct request *r)
{
	struct running *run = running_of(r);
	struct pipeline *p = run->pipeline;

	if (--run->holds > 0)
		return;
	p->options.release(r);
	if (p->spare_count >= SPARE_MAX) {
		running_free(run);
		return;
	}
	arena_reset(r->arena);
	run->older = p->spare;
	p->spare = run;
	p->spare_count++;
}

/* In order of deadline: nearly always behind the newest. */
static void
waiting_add(struct pipeline *p, struct running *run)
{
	struct running *before = p->newest;

	while (before != NULL &&
	       before->request.deadline_us > run->request.deadline_us)
		before = before->older;
	run->older = before;
	run->newer = before != NULL ? before->newer : p->oldest;
	*(before != NULL ? &before->newer : &p->oldest) = run;
	*(run->newer != NULL ? &run->newer->older : &p->newest) = run;
	p->waiting++;
}

static void
waiting_remove(struct pipeline *p, struct running *run)
{
	*(run->older != NULL ? &run->older->newer : &p->oldest) = run->newer;
	*(run->newer != NULL ? &run->newer->older : &p->newest) = run->older;
	p->waiting--;
}

/* The first rule in order that refuses; NULL: none does. */
static struct rule_call *
refusing(struct running *run)
{
	for (size_t i = 0; i < run->count; i++)
		if (run->calls[i].result.verdict != RULE_NEXT)
			return &run->calls[i];
	return NULL;
}

static void
settle(struct running *run, const struct rule_call *winner,
    enum rule_outcome others)
{
	for (size_t i = 0; i < run->count; i++) {
		struct rule_call *call = &run->calls[i];

		/* Without its state it has not begun. */
		if (call->rule->settle == NULL ||
		    (call->rule->state_size > 0 && call->state == NULL))
			continue;
		call->rule->settle(call,
		    call == winner ? RULE_REFUSED : others);
	}
}

/* Printable US-ASCII of a bounded length, whatever the rule put in. */
static struct slice
clean_text(struct pipeline *p, struct slice text)
{
	size_t len = text.len < sizeof(p->text) ? text.len : sizeof(p->text);

	for (size_t i = 0; i < len; i++)
		p->text[i] =
		    text.at[i] < ' ' || text.at[i] > '~' ? '?' : text.at[i];
	return (struct slice){ p->text, len };
}

static unsigned
code_of(const struct rule_result *result)
{
	if (result->code != 0)
		return result->code;
	return result->verdict == RULE_REJECT ? 550 : 451;
}

/* Nothing stands against it, but it has to wait for its turn. */
static void
wait_turn(struct running *run)
{
	struct pipeline *p = run->pipeline;

	run->passed = true;
	run->request.deadline_us = run->request.not_before_us;
	waiting_add(p, run);
	if (p->sooner != NULL)
		p->sooner(run->request.deadline_us, p->sooner_ctx);
}

static void
pass(struct running *run)
{
	struct policy_reply reply = { .action = POLICY_DUNNO };

	waiting_remove(run->pipeline, run);
	run->answer(&reply, run->ctx);
	request_drop(&run->request);
}

/* All rules have spoken.  False: it is not answered yet. */
static bool
decide(struct running *run)
{
	struct pipeline *p = run->pipeline;
	struct rule_call *winner = refusing(run);
	struct policy_reply reply = { .action = POLICY_DUNNO };

	run->answered = true;
	waiting_remove(p, run);
	settle(run, winner,
	    winner != NULL ? RULE_REFUSED_ELSEWHERE : RULE_PASSED);
	p->options.note(PIPELINE_DECIDED, &run->request, winner,
	    winner != NULL ? &winner->result : NULL);
	if (winner == NULL && run->request.not_before_us > clock_mono_us()) {
		wait_turn(run);
		return false;
	}
	if (winner != NULL)
		reply = (struct policy_reply){
			.action = POLICY_REPLY,
			.code = code_of(&winner->result),
			.enhanced = winner->result.enhanced,
			.text = clean_text(p, winner->result.text),
		};
	run->answer(&reply, run->ctx);
	request_drop(&run->request);
	return true;
}

void
rule_would(struct rule_call *call, const struct rule_result *result)
{
	struct running *run = running_of(call->request);

	if (!run->answered)
		run->pipeline->options.note(PIPELINE_WOULD, &run->request, call,
		    result);
}

void
rule_done(struct rule_call *call, const struct rule_result *result)
{
	struct running *run = running_of(call->request);

	if (call->done)
		return;
	call->done = true;
	call->result = *result;
	if (result->mode == RULE_OBSERVE && result->verdict != RULE_NEXT) {
		rule_would(call, result);
		call->result.verdict = RULE_NEXT;
	}
	run->left--;
	if (run->left == 0 && !run->starting && !run->answered)
		(void)decide(run);
}

static unsigned
stage_of(const struct policy_request *attrs)
{
	struct slice state = attrs->attr[POLICY_STATE];

	/* With smtpd_delay_reject it is asked at RCPT, for each of them. */
	if (slice_eq(attrs->attr[POLICY_CONTEXT], SLICE("connect")) ||
	    slice_eq(state, SLICE("CONNECT")))
		return RULE_AT_CONNECT;
	if (slice_eq(attrs->attr[POLICY_CONTEXT], SLICE("relay")))
		return RULE_AT_RELAY;
	if (slice_eq(state, SLICE("RCPT")))
		return RULE_AT_RCPT;
	if (slice_eq(state, SLICE("DATA")))
		return RULE_AT_DATA;
	if (slice_eq(state, SLICE("END-OF-MESSAGE")))
		return RULE_AT_EOM;
	return 0;
}

static void
canonical(struct slice in, char room[ADDRESS_MAX], struct slice *ret_address)
{
	*ret_address = (struct slice){ NULL, 0 };
	if (in.at != NULL)
		(void)address_canonical(in, room, ret_address);
}

static void
fill(struct running *run, struct pipeline *p,
    const struct policy_request *attrs)
{
	struct request *r = &run->request;

	r->daemon = p->options.daemon;
	r->attrs = attrs;
	r->settings = NULL;
	r->tenant = NULL;
	r->back = NULL;
	r->deadline_us = clock_mono_us() + p->options.timeout_us;
	r->not_before_us = 0;
	canonical(attrs->attr[POLICY_SENDER], r->sender_room, &r->sender);
	canonical(attrs->attr[POLICY_RCPT], r->recipient_room, &r->recipient);
	if (r->recipient.len == 0)
		r->recipient.at = NULL; /* no recipient is no address */
	run->pipeline = p;
	run->count = run->left = 0;
	run->holds = 1;
	run->starting = true;
	run->answered = run->passed = false;
	p->options.prepare(r);
}

static const struct rule_result no_memory = {
	.verdict = RULE_DEFER,
	.enhanced = { 4, 3, 0 },
	.text = { "out of memory, try again", 24 },
};

/* Begin the rules of this stage; they may be done at once. */
static void
begin(struct running *run, unsigned stage)
{
	const struct rule *const *rule = run->pipeline->options.rules;

	for (; *rule != NULL && run->count < RULES_MAX; rule++) {
		struct rule_call *call = &run->calls[run->count];

		if (((*rule)->stages & stage) == 0)
			continue;
		*call = (struct rule_call){ .request = &run->request,
			.rule = *rule };
		run->count++;
		run->left++;
		if ((*rule)->state_size > 0)
			call->state = arena_alloc(run->request.arena,
			    (*rule)->state_size);
		if ((*rule)->state_size > 0 && call->state == NULL)
			rule_done(call, &no_memory);
	}
	for (size_t i = 0; i < run->count; i++)
		if (!run->calls[i].done)
			run->calls[i].rule->check(&run->calls[i]);
	run->starting = false;
}

struct request *
pipeline_start(struct pipeline *p, const struct policy_request *attrs,
    pipeline_answer *answer, void *ctx)
{
	struct running *run = running_new(p);

	if (run == NULL) {
		struct policy_reply reply = { POLICY_REPLY, 451, { 4, 3, 0 },
			no_memory.text };

		answer(&reply, ctx);
		return NULL;
	}
	fill(run, p, attrs);
	run->answer = answer;
	run->ctx = ctx;
	waiting_add(p, run);
	begin(run, stage_of(attrs));
	return run->left > 0 || !decide(run) ? &run->request : NULL;
}

/* The rules that have not spoken must do so now. */
static void
hurry(struct running *run)
{
	run->starting = true; /* one decision, below */
	for (size_t i = 0; i < run->count; i++) {
		struct rule_call *call = &run->calls[i];

		if (!call->done)
			call->rule->late(call);
		if (!call->done)
			rule_done(call,
			    &(struct rule_result){ .verdict = RULE_DEFER,
				.enhanced = { 4, 3, 0 },
				.text = SLICE("no answer in time") });
	}
	run->starting = false;
}

void
pipeline_abandon(struct request *r)
{
	struct running *run = running_of(r);

	waiting_remove(run->pipeline, run);
	if (!run->passed) {
		hurry(run);
		run->answered = true;
		settle(run, NULL, RULE_REFUSED_ELSEWHERE);
	}
	request_drop(r);
}

int64_t
pipeline_expire(struct pipeline *p)
{
	int64_t now = clock_mono_us();

	while (p->oldest != NULL && p->oldest->request.deadline_us <= now) {
		struct running *run = p->oldest;

		if (run->passed) {
			pass(run);
			continue;
		}
		hurry(run);
		(void)decide(run);
	}
	return p->oldest != NULL ? p->oldest->request.deadline_us : 0;
}
