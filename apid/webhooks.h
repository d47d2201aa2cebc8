/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_WEBHOOKS_H
#define APID_WEBHOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/settings.h"
#include "store/inbound_store.h"
#include "store/webhook_store.h"
#include "util/slice.h"

/*
 * Webhooks: webhooks.c knows the endpoints, webhook_reader.c reads the hosts'
 * streams of events into the endpoints' queues in Redis, webhook_sender.c
 * sends what lies there.  All on the loop's thread.
 */
struct event_base;
struct http_client;
struct inbound_loaded;
struct loop_timer;
struct map;
struct store;

#define WEBHOOK_POSITION_MAX 300
#define WEBHOOK_WAITING_MAX 100000 /* events queued for one endpoint */
#define WEBHOOK_PARALLEL 64        /* requests under way, of all endpoints */
#define WEBHOOK_TIMEOUT_MS 15000
#define WEBHOOK_MAIL_TIMEOUT_MS 45000 /* for files of many octets */
#define WEBHOOK_LEASE_MS 60000        /* longer than any request takes */

/* How far one endpoint is in one host's streams. */
struct cursor {
	struct cursor *next;
	struct reader *reader;
	char kept[WEBHOOK_POSITION_MAX]; /* in Redis; "" for none */
	char read[WEBHOOK_POSITION_MAX]; /* events up to here are dealt with */
	int64_t kept_us;                 /* when kept was written */
};

struct endpoint {
	struct endpoint *next;
	struct webhooks *hub;
	char *tenant_name, *name;
	const struct tenant *tenant; /* of hub->settings, as is hook */
	const struct webhook *hook;
	unsigned refs; /* calls under way */
	bool gone;     /* not in the settings any more */
	bool open;     /* its state was read */
	bool disabled; /* by a 410 */
	struct cursor *cursors;
	int64_t full_until_us; /* its queue is full: no reading until then */
	/* the sender's */
	struct loop_timer *timer;
	int64_t due_us; /* of timer */
	bool busy;
	unsigned failures; /* in a row */
	int64_t pause_until_us;
	char batch_id[80];
	unsigned attempts;
	/* the mail that is being sent, where it is one */
	char mail_id[INBOUND_ID_MAX], mail_host[WEBHOOK_POSITION_MAX];
	struct inbound_loaded *mail;
	char *event_id;
};

struct webhooks {
	struct event_base *base;
	struct store *store;
	struct http_client *client;
	struct settings *settings;
	struct map *tenants; /* names of those that have endpoints */
	struct endpoint *endpoints;
	struct reader *readers;
	struct loop_timer *timer; /* looks for new hosts */
	unsigned sending;
	bool stopping;
	uint64_t delivered, failed, dead;
};

int webhooks_start(struct event_base *base, struct store *store,
    bool private_addresses, struct webhooks **ret_hub);
/* A new snapshot: the hub keeps a reference of its own. */
void webhooks_settings(struct webhooks *hub, struct settings *settings);
/* Redis is back: look for endpoints and hosts at once. */
void webhooks_look(struct webhooks *hub);
/* Nothing new is begun; requests still under way. */
unsigned webhooks_drain(struct webhooks *hub);
/* Before the store is closed; its callbacks still come. */
void webhooks_stop(struct webhooks *hub);
void webhooks_free(struct webhooks *hub); /* behind store_close */
/* Look at once: something was replayed or enabled. */
void webhooks_kick(struct webhooks *hub, struct slice tenant,
    struct slice name);

/* ---- between the three files ---- */

static inline struct webhook_endpoint
endpoint_key(const struct endpoint *e)
{
	return (struct webhook_endpoint){ slice_of(e->tenant_name),
		slice_of(e->name) };
}
void endpoint_unref(struct endpoint *e);

struct reader *reader_new(struct webhooks *hub, struct slice host);
void reader_free(struct reader *r);
void reader_kick(struct reader *r);
struct slice reader_host(const struct reader *r);
struct reader *reader_next(const struct reader *r);
void reader_link(struct reader *r, struct reader *next);

void sender_timer(void *ctx); /* of an endpoint */
/* Look at the queue in ms milliseconds at the latest. */
void sender_kick(struct endpoint *e, int64_t ms);

#endif /* APID_WEBHOOKS_H */
