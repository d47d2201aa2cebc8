/* SPDX-License-Identifier: BSD-2-Clause */
/* Logins in the audit log, a bounded number of entries. */
#include "policyd/login_audit.h"

#include <stdio.h>
#include <stdlib.h>

#include "net/loop.h"
#include "policyd/policyd.h"
#include "store/audit_store.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/map.h"

#define KIND_MAX 700 /* octets of one kind's key */
#define OTHERS SLICE("(others)")
#define STRANGER SLICE("(unknown user)")

struct kind {
	uint64_t count; /* not written yet */
	bool stranger;
};

struct login_audit {
	struct policyd *daemon;
	struct loop_timer *timer;
	struct map *kinds; /* "tenant \n user \n client \n outcome" */
	size_t users, strangers;
	uint64_t failed; /* entries that Redis did not take */
	struct log_limit limit;
};

static void
written(int rc, void *ctx)
{
	struct login_audit *a = ctx;
	unsigned long missed;

	if (rc == 0)
		return;
	a->failed++;
	if (log_limit_ok(&a->limit, 60, &missed))
		log_warning("redis: %s: logins are missing in the audit log "
			    "(%lu more entries since the last time)",
		    err_text(rc), missed);
}

static void
write_entry(struct login_audit *a, const struct login_audit_entry *e,
    uint64_t count)
{
	struct store *s = a->daemon->store;
	char detail[200];
	int n = count > 1 ? snprintf(detail, sizeof(detail), "%s (%llu times)",
				e->outcome, (unsigned long long)count)
			  : snprintf(detail, sizeof(detail), "%s", e->outcome);
	struct audit_entry entry = {
		.tenant = e->tenant,
		.actor = e->user,
		.client = e->client,
		.action = SLICE("login"),
		.target = SLICE("smtp"),
		.detail = { detail, n > 0 ? (size_t)n : 0 },
	};

	if (entry.detail.len >= sizeof(detail))
		entry.detail.len = sizeof(detail) - 1;
	audit_append(s, &entry, store_long_deadline(s), written, a);
}

/* The entry that a key stands for; the key ends in NUL. */
static void
write_kind(struct login_audit *a, struct slice key, uint64_t count)
{
	struct login_audit_entry e = { .outcome = "" };
	char outcome[100];

	(void)slice_split(&key, '\n', &e.tenant);
	(void)slice_split(&key, '\n', &e.user);
	(void)slice_split(&key, '\n', &e.client);
	(void)snprintf(outcome, sizeof(outcome), "%.*s", SLICE_F(key));
	e.outcome = outcome;
	write_entry(a, &e, count);
}

static void
flush(struct login_audit *a)
{
	size_t pos = 0;
	struct slice key;
	void *value;

	while (map_next(a->kinds, &pos, &key, &value)) {
		struct kind *kind = value;

		if (kind->count > 0) {
			write_kind(a, key, kind->count);
			kind->count = 0;
			continue;
		}
		*(kind->stranger ? &a->strangers : &a->users) -= 1;
		(void)map_remove(a->kinds, key);
		free(kind);
	}
}

static void
timer_fired(void *ctx)
{
	struct login_audit *a = ctx;

	flush(a);
	if (map_count(a->kinds) > 0)
		loop_timer_set(a->timer, LOGIN_AUDIT_MS);
}

static struct kind *
kind_of(struct login_audit *a, const struct login_audit_entry *e, bool stranger,
    bool *ret_new)
{
	struct slice parts[] = { e->tenant, e->user, e->client,
		slice_of(e->outcome) };
	struct kind *kind;
	struct buf key;

	*ret_new = false;
	buf_init(&key, KIND_MAX);
	for (size_t i = 0; i < 4; i++) {
		(void)buf_add_slice(&key, parts[i]);
		if (i < 3)
			(void)buf_add_char(&key, '\n');
	}
	kind = key.rc == 0 ? map_get(a->kinds, buf_slice(&key)) : NULL;
	if (kind == NULL && key.rc == 0 &&
	    (kind = calloc(1, sizeof(*kind))) != NULL) {
		kind->stranger = stranger;
		*ret_new = true;
		if (map_set(a->kinds, buf_slice(&key), kind, NULL) < 0) {
			free(kind);
			kind = NULL;
		} else {
			*(stranger ? &a->strangers : &a->users) += 1;
		}
	}
	buf_done(&key);
	return kind;
}

void
login_audit_add(struct login_audit *a, const struct login_audit_entry *entry)
{
	struct login_audit_entry e = *entry;
	bool stranger = e.user.at == NULL, fresh;
	struct kind *kind;

	if (stranger) {
		e.user = STRANGER;
		if (a->strangers >= LOGIN_AUDIT_STRANGERS)
			e.client = OTHERS;
	} else if (a->users >= LOGIN_AUDIT_KINDS) {
		e.user = OTHERS;
		e.client = OTHERS;
	}
	kind = kind_of(a, &e, stranger, &fresh);
	if (kind == NULL) {
		written(ERR_NOMEM, a);
		return;
	}
	if (fresh)
		write_entry(a, &e, 1);
	else
		kind->count++;
	if (!loop_timer_pending(a->timer))
		loop_timer_set(a->timer, LOGIN_AUDIT_MS);
}

struct login_audit *
login_audit_new(struct event_base *base, struct policyd *daemon)
{
	struct login_audit *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->daemon = daemon;
	/* And those that stand for others, of each tenant. */
	a->kinds = map_new(4 * (LOGIN_AUDIT_KINDS + LOGIN_AUDIT_STRANGERS));
	a->timer = loop_timer_new(base, timer_fired, a);
	if (a->kinds != NULL && a->timer != NULL)
		return a;
	login_audit_free(a);
	return NULL;
}

void
login_audit_flush(struct login_audit *a)
{
	if (a != NULL)
		flush(a);
}

void
login_audit_free(struct login_audit *a)
{
	if (a == NULL)
		return;
	map_free(a->kinds, free);
	loop_timer_free(a->timer);
	free(a);
}
