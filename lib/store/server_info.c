/* SPDX-License-Identifier: BSD-2-Clause */
/* Persistence and eviction of the Redis server: INFO and CONFIG GET. */
#include "store/server_info.h"

#include <stdlib.h>

#include "store/redis.h"
#include "util/err.h"

struct asking {
	struct store *store;
	int64_t deadline_us;
	server_info_got *got;
	void *ctx;
	struct slice append_fsync;
	char room[32];
};

static void
take(struct slice line, struct server_info *info)
{
	const struct slice yes = SLICE("1"), ok = SLICE("ok");
	struct slice name;

	if (!slice_split(&line, ':', &name))
		return;
	line = slice_trim(line);
	if (slice_eq(name, SLICE("redis_version")))
		info->version = line;
	else if (slice_eq(name, SLICE("role")))
		info->role = line;
	else if (slice_eq(name, SLICE("aof_enabled")))
		info->appendonly = slice_eq(line, yes);
	else if (slice_eq(name, SLICE("aof_last_write_status")))
		info->append_ok = slice_eq(line, ok);
	else if (slice_eq(name, SLICE("maxmemory_policy")))
		info->eviction = line;
}

void
server_info_parse(struct slice text, struct server_info *ret_info)
{
	struct slice line;

	*ret_info = (struct server_info){ .appendonly = false };
	while (slice_split(&text, '\n', &line))
		take(slice_trim(line), ret_info);
}

static void
got_info(int rc, const struct redis_reply *reply, void *ctx)
{
	struct server_info info = { .appendonly = false };
	struct asking *a = ctx;

	if (rc == 0)
		server_info_parse(redis_string(reply), &info);
	info.append_fsync = a->append_fsync;
	a->got(rc, &info, a->ctx);
	free(a);
}

/* An ACL may forbid CONFIG; then this one thing stays unknown. */
static void
got_fsync(int rc, const struct redis_reply *reply, void *ctx)
{
	const struct slice info[] = { SLICE("INFO"), SLICE("everything") };
	struct asking *a = ctx;

	if (rc == 0 && redis_count(reply) == 2) {
		struct slice value = redis_string(redis_at(reply, 1));

		if (value.len <= sizeof(a->room)) {
			memcpy(a->room, value.at, value.len);
			a->append_fsync = (struct slice){ a->room, value.len };
		}
	}
	redis_command(a->store, info, 2, a->deadline_us, got_info, a);
}

void
server_info_get(struct store *s, int64_t deadline_us, server_info_got *got,
    void *ctx)
{
	const struct slice fsync[] = { SLICE("CONFIG"), SLICE("GET"),
		SLICE("appendfsync") };
	struct asking *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		got(ERR_NOMEM, NULL, ctx);
		return;
	}
	*a = (struct asking){ .store = s,
		.deadline_us = deadline_us,
		.got = got,
		.ctx = ctx };
	redis_command(s, fsync, 3, deadline_us, got_fsync, a);
}
