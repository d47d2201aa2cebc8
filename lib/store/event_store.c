/* SPDX-License-Identifier: BSD-2-Clause */
/* Appending events, and the list of hosts that do. */
#include "store/event_store.h"

#include <stdlib.h>

#include "store/args.h"
#include "store/keys.h"
#include "store/request.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

#define HOSTS_MAX 1000

struct append {
	event_appended *appended;
	void *ctx;
	size_t host_len;
	char id[]; /* HOST/, then room for DAY/MS-SEQ */
};
#define ID_ROOM 64

static void
got_appended(int rc, const struct redis_reply *reply, void *ctx)
{
	struct append *ap = ctx;
	struct slice id = redis_string(redis_at(reply, 1));

	if (rc == 0 && id.len <= ID_ROOM) {
		memcpy(ap->id + ap->host_len, id.at, id.len);
		ap->appended(0, (struct slice){ ap->id, ap->host_len + id.len },
		    ap->ctx);
	} else {
		ap->appended(rc < 0 ? rc : ERR_UNAVAIL,
		    (struct slice){ NULL, 0 }, ap->ctx);
	}
	free(ap);
}

static struct append *
append_new(struct slice host, event_appended *appended, void *ctx)
{
	struct append *ap = calloc(1, sizeof(*ap) + host.len + 1 + ID_ROOM);

	if (ap == NULL)
		abort(); /* as in redis.c: nobody could be told */
	ap->appended = appended;
	ap->ctx = ctx;
	ap->host_len = host.len + 1;
	memcpy(ap->id, host.at, host.len);
	ap->id[host.len] = '/';
	return ap;
}

void
event_append(struct store *s, struct slice host, const struct event *e,
    int64_t deadline_us, event_appended *appended, void *ctx)
{
	struct key prefix = key_counters_prefix(host);
	struct args a;

	args_init(&a);
	int64_t midnight_ms = args_streams(&a, host);
	args_number(&a, midnight_ms);
	args_add(&a, key_slice(&prefix));
	args_add(&a, SLICE("")); /* no consumer */
	args_add(&a, SLICE(""));
	args_add(&a, SLICE(""));
	args_number(&a, store_events_days(s));
	args_event(&a, e);
	args_send(&a, s, SCRIPT_event_append, deadline_us, got_appended,
	    append_new(host, appended, ctx));
}

/* ---- hosts ---- */

static void
ignore(int rc, const struct redis_reply *reply, void *ctx)
{
	(void)rc; /* it is done again tomorrow */
	(void)reply;
	(void)ctx;
}

void
host_register(struct store *s, struct slice host)
{
	struct key key = key_hosts();
	char now[NUMBER_TEXT_MAX];
	struct slice argv[4] = { SLICE("HSET"), key_slice(&key), host,
		{ now, number_format((uint64_t)(clock_wall_us() / 1000000),
			   now) } };

	redis_command(s, argv, 4, store_deadline(s), ignore, NULL);
}

static void
got_hosts(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	host_list_end *end = (host_list_end *)q->fn;
	void *end_ctx = q->ctx;
	struct slice hosts[HOSTS_MAX];
	size_t count = redis_count(reply);

	request_done(q);
	if (count > HOSTS_MAX)
		count = HOSTS_MAX;
	for (size_t i = 0; i < count; i++)
		hosts[i] = redis_string(redis_at(reply, i));
	end(rc, hosts, count, end_ctx);
}

void
host_list(struct store *s, int64_t deadline_us, host_list_end *end, void *ctx)
{
	struct key key = key_hosts();

	redis_command(s, (struct slice[]){ SLICE("HKEYS"), key_slice(&key) }, 2,
	    deadline_us, got_hosts, request_new(s, (request_fn *)end, ctx));
}
