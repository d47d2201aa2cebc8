/* SPDX-License-Identifier: BSD-2-Clause */
/* postern doctor: is Redis there, and does it keep what it is told? */
#include "cli/cli_store.h"
#include "cli/doctor.h"
#include "service/host_config.h"
#include "store/server_info.h"
#include "util/clock.h"
#include "util/err.h"

#define ANSWER_TIMEOUT_MS 3000

struct asked {
	struct doctor *doctor;
	bool over;
};

static void
report_keeping(struct doctor *d, const struct server_info *info)
{
	const struct slice kept = SLICE("noeviction"), no = SLICE("no");

	if (!info->appendonly)
		doctor_report(d, HEALTH_FAIL,
		    "set \"appendonly yes\" in redis.conf, and by CONFIG SET",
		    "Redis: nothing is kept over a restart");
	else if (!info->append_ok)
		doctor_report(d, HEALTH_FAIL,
		    "is the disk full?  Its log says more",
		    "Redis: the last write to its file failed");
	else if (slice_eq(info->append_fsync, no))
		doctor_report(d, HEALTH_WARN, "set \"appendfsync everysec\"",
		    "Redis: the system decides when the file is written");
	else
		doctor_report(d, HEALTH_OK, NULL,
		    "Redis: keeps what it is told (appendonly yes%s%.*s)",
		    info->append_fsync.at != NULL ? ", appendfsync " : "",
		    SLICE_F(info->append_fsync));
	if (!slice_eq(info->eviction, kept))
		doctor_report(d, HEALTH_FAIL,
		    "set \"maxmemory-policy noeviction\"",
		    "Redis: throws keys away when memory is short (%.*s)",
		    SLICE_F(info->eviction));
}

static void
got(int rc, const struct server_info *info, void *ctx)
{
	struct asked *a = ctx;
	struct doctor *d = a->doctor;

	a->over = true;
	if (rc < 0) {
		doctor_report(d, HEALTH_FAIL,
		    "start it, and see that redis in postern.conf is its"
		    " address; the user postern must be let in, too",
		    "Redis: %s: %s", d->config->redis, err_text(rc));
		return;
	}
	doctor_report(d, HEALTH_OK, NULL, "Redis %.*s: %s",
	    SLICE_F(info->version), d->config->redis);
	report_keeping(d, info);
}

void
doctor_redis(struct doctor *d)
{
	struct asked a = { .doctor = d };
	struct cli_store s;
	int rc = cli_store_open(d->config, &s);

	if (rc < 0) {
		doctor_report(d, HEALTH_FAIL, "see postern.conf(5), redis",
		    "Redis: %s", err_text(rc));
		return;
	}
	server_info_get(s.store, clock_deadline_ms(ANSWER_TIMEOUT_MS), got, &a);
	cli_store_wait(&s, &a.over);
	cli_store_close(&s);
}
