/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_FOLLOWER_H
#define BOUNCED_FOLLOWER_H

#include <stdbool.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * From log lines to events: reads a source, makes operations of what matters,
 * and commits them with the position behind them, one batch at a time: at
 * once while there is little to do, in large batches when there is much.  After
 * any trouble it goes back to the checkpoint that Redis has.
 */
struct bounce_rules;
struct event_base;
struct follower;
struct log_source;
struct settings_watch;
struct store;

struct follower_options {
	struct slice host;  /* name in keys */
	struct slice names; /* syslog names to read (postfix_log_tag_in) */
	struct settings_watch *settings; /* their shaping filters name whose
					    mail it is; NULL: nobody's */
	/* Mail to this recipient (canonical) is no delivery: it came back.
	 * NULL: all is. */
	bool (*comes_back)(struct slice recipient, void *ctx);
	const char *source;           /* name of the checkpoint: "file:PATH" */
	const char *state_directory;  /* where the milter spools facts */
	void (*committed)(void *ctx); /* events were written */
	void *ctx;
};
/* Owns source from now on, also when it fails: ERR_NOMEM.  The options'
 * texts must live as long as the follower. */
int follower_start(struct event_base *base, struct store *s,
    struct log_source *source, const struct follower_options *options,
    struct follower **ret_follower);
/* Redis went (false) or came back (true). */
void follower_store_changed(struct follower *f, bool up);
/* The rules that replies are judged by from now on; takes a reference. */
void follower_use_rules(struct follower *f, struct bounce_rules *rules);
/* Begins no new batch; true: none is on its way. */
bool follower_drain(struct follower *f);
void follower_stop(struct follower *f); /* takes NULL */

struct follower_counters {
	uint64_t lines, operations, batches, conflicts, failures, gaps;
};
const struct follower_counters *follower_counters(const struct follower *f);

#endif /* BOUNCED_FOLLOWER_H */
