/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_POLICYD_H
#define POLICYD_POLICYD_H

#include <stdint.h>

#include "util/log.h"
#include "util/slice.h"

/* What the parts of the daemon share; one of these, filled by server.c. */
struct dns;
struct intervals;
struct limit_local;
struct providers;
struct queue_client;
struct refusals;
struct sending;
struct seen;
struct settings_watch;
struct store;
struct transports;

/* Every counter begins at zero; SIGUSR1 writes them all to the log. */
/* clang-format off */
#define POLICYD_COUNTER_LIST(X) \
	X(requests) /* parsed */ \
	X(malformed) /* connections closed for it */ \
	X(dunno) X(deferred) X(rejected) /* decisions */ \
	X(would) /* refusals of observed rules */ \
	X(expired) /* answered at the deadline */ \
	X(suppressed_accepted) /* left to the milter by on_suppressed */ \
	X(suppression_unavailable) /* Redis did not say */ \
	X(limited) /* by rate limits */ \
	X(limit_refunds) \
	X(limit_local) /* decided by this host's share */ \
	X(events_failed) /* refusals whose event was not written */ \
	X(alarms) /* one rule defers most of the mail */

struct policyd_counters {
#define X(name) uint64_t name;
	POLICYD_COUNTER_LIST(X)
#undef X
};
/* clang-format on */

struct policyd {
	struct slice host; /* name in events */
	struct store *store;
	struct settings_watch *watch;
	struct limit_local *local;   /* limits while Redis is away */
	struct intervals *intervals; /* slots of messages */
	struct refusals *refusals;   /* their events, until they are written */
	struct seen *seen;           /* messages that are booked already */
	struct seen *routes;         /* of domains, that are in the log */
	struct queue_client *queue;  /* from its open() to its closed() */
	struct providers *providers; /* MX hosts of domains */
	struct sending *sending;     /* sending addresses */
	struct transports *transports;
	uint64_t inbound_max; /* octets of a mail for an application */
	unsigned hosts;       /* that share a limit while Redis is away */
	struct policyd_counters count;
	struct log_limit redis_limit; /* "Redis is away", once a minute */
};

#endif /* POLICYD_POLICYD_H */
