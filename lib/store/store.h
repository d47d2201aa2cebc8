/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What we keep, and the handle to it.  The daemons hold one struct store each
 * and call the records' functions (block_store.h, limit_store.h,
 * message_store.h, event_store.h, settings_store.h, webhook_store.h).
 */
struct event_base;
struct store;

struct store_options {
	const char *address;  /* as host_config.redis */
	const char *user;     /* ACL user; NULL or "": default user */
	const char *password; /* NULL or "": none */
	unsigned database;
	int64_t timeout_ms; /* default deadline of a command */
};

/*
 * Starts connecting in the background; usable at once (commands queue up to
 * their deadline until the first connection stands or fails).
 * error: a text for a person.  ERR_SYNTAX: bad address; ERR_NOMEM.
 */
int store_open(struct event_base *base, const struct store_options *options,
    struct store **ret_store, char *error, size_t error_size);
void store_close(struct store *s); /* takes NULL; callbacks run first */

bool store_is_up(const struct store *s);
/* Called on every change of up/down, on the loop's thread. */
typedef void store_changed(bool up, const char *why, void *ctx);
void store_on_change(struct store *s, store_changed *changed, void *ctx);
/* The default deadline from now: for what somebody's mail waits for. */
int64_t store_deadline(const struct store *s);
/*
 * And for what is many commands, or can wait: pages of lists, consumers,
 * webhook queues.  While Redis is known to be away both end at once.
 */
#define STORE_LONG_MS 5000
int64_t store_long_deadline(const struct store *s);

/*
 * Whole days that events, and their index and counters, are kept: the global
 * settings' retention.events_days; until they are known, 40.
 */
#define STORE_EVENTS_DAYS 40
void store_set_events_days(struct store *s, unsigned days);
unsigned store_events_days(const struct store *s);
/* The same of the audit log: retention.audit_days, 90. */
#define STORE_AUDIT_DAYS 90
void store_set_audit_days(struct store *s, unsigned days);
unsigned store_audit_days(const struct store *s);

/*
 * The waiting form, for libmilter's threads.  start() runs on the loop's
 * thread with ctx; it must lead to exactly one store_wait_done(), from a
 * callback.  store_wait sleeps until then and returns its rc.  Every command
 * ends by its deadline, so the sleep does, too.
 * Not to be called on the loop's own thread.
 */
struct store_wait;
int store_wait(struct store *s,
    void (*start)(struct store *s, struct store_wait *w, void *ctx), void *ctx);
void store_wait_done(struct store_wait *w, int rc);

/* Runs fn(ctx) soon on the loop's thread; from any thread.  ERR_NOMEM. */
int store_post(struct store *s, void (*fn)(void *ctx), void *ctx);

#endif /* STORE_STORE_H */
