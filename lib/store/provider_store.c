/* SPDX-License-Identifier: BSD-2-Clause */
/* MX hosts of domains in Redis: one record a domain, as long as it holds. */
#include "store/provider_store.h"

#include "store/keys.h"
#include "store/redis.h"
#include "store/request.h"
#include "store/store.h"
#include "util/err.h"
#include "util/number.h"

static void
got_record(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	provider_got *got = (provider_got *)q->fn;
	void *got_ctx = q->ctx;
	struct mx_hosts hosts;

	request_done(q);
	if (rc == 0 && redis_is_nil(reply))
		rc = ERR_NOTFOUND;
	if (rc == 0)
		rc = mx_hosts_parse(redis_string(reply), &hosts);
	got(rc, rc == 0 ? &hosts : NULL, got_ctx);
}

void
provider_get(struct store *s, struct slice domain, int64_t deadline_us,
    provider_got *got, void *ctx)
{
	struct key key = key_provider(domain);
	struct slice argv[] = { SLICE("GET"), key_slice(&key) };

	redis_command(s, argv, 2, deadline_us, got_record,
	    request_new(s, (request_fn *)got, ctx));
}

static void
put_done(int rc, const struct redis_reply *reply, void *ctx)
{
	/* Lost: another host asks the DNS itself. */
	(void)rc;
	(void)reply;
	(void)ctx;
}

void
provider_put(struct store *s, struct slice domain, const struct mx_hosts *hosts,
    uint32_t ttl_s)
{
	struct key key = key_provider(domain);
	char seconds[NUMBER_TEXT_MAX];
	struct slice argv[5] = { SLICE("SET"), key_slice(&key) };
	struct buf record;

	buf_init(&record, MX_HOSTS_TEXT_MAX);
	if (mx_hosts_format(hosts, &record) == 0) {
		argv[2] = buf_slice(&record);
		argv[3] = SLICE("EX");
		argv[4] = (struct slice){ seconds,
			number_format(ttl_s > 0 ? ttl_s : 1, seconds) };
		redis_command(s, argv, 5, store_deadline(s), put_done, NULL);
	}
	buf_done(&record);
}
