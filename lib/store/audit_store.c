/* SPDX-License-Identifier: BSD-2-Clause */
/* The audit log in Redis. */
#include "store/audit_store.h"

#include <stdlib.h>

#include "store/keys.h"
#include "store/redis.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

struct audit_call {
	audit_done *done;
	void *ctx;
	int rc;
	unsigned left; /* replies to come */
};

static void
audit_reply(int rc, const struct redis_reply *reply, void *ctx)
{
	struct audit_call *call = ctx;

	(void)reply;
	if (rc < 0)
		call->rc = rc;
	if (--call->left > 0)
		return;
	call->done(call->rc, call->ctx);
	free(call);
}

void
audit_append(struct store *s, const struct audit_entry *entry,
    int64_t deadline_us, audit_done *done, void *ctx)
{
	struct key key = key_audit(entry->tenant, clock_wall_us());
	char ttl[NUMBER_TEXT_MAX];
	struct slice add[] = { SLICE("XADD"), key_slice(&key), SLICE("*"),
		SLICE("actor"), entry->actor, SLICE("client"), entry->client,
		SLICE("action"), entry->action, SLICE("target"), entry->target,
		SLICE("detail"), entry->detail };
	struct slice expire[] = { SLICE("EXPIRE"), key_slice(&key),
		{ ttl,
		    number_format((store_audit_days(s) + 1) * UINT64_C(86400),
			ttl) } };
	struct audit_call *call = calloc(1, sizeof(*call));
	size_t count = sizeof(add) / sizeof(*add);

	if (call == NULL) {
		done(ERR_NOMEM, ctx);
		return;
	}
	*call = (struct audit_call){ .done = done, .ctx = ctx, .left = 2 };
	if (entry->detail.len == 0)
		count -= 2;
	redis_command(s, add, count, deadline_us, audit_reply, call);
	redis_command(s, expire, 3, deadline_us, audit_reply, call);
}
