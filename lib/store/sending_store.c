/* SPDX-License-Identifier: BSD-2-Clause */
/* Attempts of a day by sending address, in Redis. */
#include "store/sending_store.h"

#include <stdlib.h>

#include "store/keys.h"
#include "store/redis.h"
#include "util/err.h"
#include "util/number.h"

/* A day in any time zone, and time to look at it. */
#define TTL SLICE("259200")

struct request {
	sending_counted *counted;
	void *ctx;
};

static void
answered(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *r = ctx;
	int64_t total = rc == 0 ? redis_integer(reply) : 0;

	r->counted(rc, total > 0 ? (uint64_t)total : 0, r->ctx);
	free(r);
}

/* The next one sets it again. */
static void
expires(int rc, const struct redis_reply *reply, void *ctx)
{
	(void)rc;
	(void)reply;
	(void)ctx;
}

void
sending_count(struct store *s, struct slice address, unsigned yyyymmdd,
    uint64_t more, int64_t deadline_us, sending_counted *counted, void *ctx)
{
	struct key key = key_sending(address, yyyymmdd);
	char number[NUMBER_TEXT_MAX];
	struct slice count[] = { SLICE("HINCRBY"), key_slice(&key),
		SLICE("attempts"), { number, number_format(more, number) } },
		     expire[] = { SLICE("EXPIRE"), key_slice(&key), TTL };
	struct request *r = malloc(sizeof(*r));

	if (r == NULL) {
		counted(ERR_NOMEM, 0, ctx);
		return;
	}
	*r = (struct request){ counted, ctx };
	redis_command(s, count, 4, deadline_us, answered, r);
	redis_command(s, expire, 3, deadline_us, expires, NULL);
}
