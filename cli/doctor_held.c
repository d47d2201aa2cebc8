/* SPDX-License-Identifier: BSD-2-Clause */
/* postern doctor: is there somebody to release held mail, and is all of it on
 * the list? */
#include "cli/cli_store.h"
#include "cli/doctor.h"
#include "cli/held_client.h"
#include "cli/subprocess.h"
#include "service/host_config.h"
#include "store/metrics_store.h"
#include "store/store.h"
#include "util/err.h"

#define LIST_TIMEOUT_MS 60000
#define LIST_OCTETS ((size_t)256 * 1024 * 1024)

struct asked {
	struct slice host;
	bool over, told, up;
	int rc;
};

static void
got(struct slice host, struct slice text, void *ctx)
{
	static const struct slice name =
	    SLICE("\npostern_policyd_queue_helper_up ");
	struct asked *a = ctx;
	const char *at = slice_find(text, name);

	if (at == NULL || !slice_eq(host, a->host))
		return;
	at += name.len;
	a->told = true;
	a->up = at < text.at + text.len && *at == '1';
}

static void
end(int rc, void *ctx)
{
	struct asked *a = ctx;

	a->rc = rc;
	a->over = true;
}

static void
report_helper(struct doctor *d, struct cli_store *s, size_t held)
{
	struct asked a = { .host = slice_of(d->config->host_name) };
	enum health health = held > 0 ? HEALTH_FAIL : HEALTH_WARN;

	metrics_list(s->store, a.host, store_long_deadline(s->store), got, end,
	    &a);
	cli_store_wait(s, &a.over);
	if (a.rc < 0)
		return; /* doctor_redis has said it */
	if (a.up)
		doctor_report(d, HEALTH_OK, NULL, "held mail: queue helper");
	else
		doctor_report(d, health,
		    a.told ? "see queue_helper in postern.conf(5), and the log"
			     " of postern-policyd"
			   : "start postern-policyd; it says so within five"
			     " seconds",
		    "held mail: no queue helper: nothing is released");
}

/* Lines of "postqueue -j" that are about the hold queue. */
static int
count_queue(const struct doctor *d, size_t *ret_count)
{
	const char *const argv[] = { "postqueue", "-c",
		d->config->postfix_config_directory, "-j", NULL };
	struct slice rest, line;
	struct buf out;
	size_t n = 0;
	int rc;

	buf_init(&out, LIST_OCTETS);
	rc = subprocess_run(argv, LIST_TIMEOUT_MS, SUBPROCESS_HIDE, &out);
	rest = buf_slice(&out);
	while (rc == 0 && slice_split(&rest, '\n', &line))
		n += slice_starts(line, SLICE("{\"queue_name\": \"hold\""));
	buf_done(&out);
	if (rc == 0)
		*ret_count = n;
	return rc;
}

static void
report_lists(struct doctor *d, size_t listed)
{
	size_t there;

	if (count_queue(d, &there) != 0)
		return; /* doctor_postfix says whether it runs */
	if (there > listed)
		doctor_report(d, HEALTH_WARN,
		    "\"postqueue -p\" shows them with \"!\": what postern does"
		    " not release within minutes was held by an administrator",
		    "held mail: %zu in the hold queue, %zu on the list", there,
		    listed);
	else
		doctor_report(d, HEALTH_OK, NULL,
		    "held mail: %zu in the hold queue, %zu on the list", there,
		    listed);
}

void
doctor_held(struct doctor *d)
{
	size_t counts[HOLD_REASONS], listed = 0;
	struct cli_store s;

	if (cli_store_open(d->config, &s) < 0)
		return; /* doctor_redis has said it */
	if (held_client_counts(&s, slice_of(d->config->host_name), counts) ==
	    0) {
		for (size_t i = 0; i < HOLD_REASONS; i++)
			listed += counts[i];
		report_helper(d, &s, listed);
		report_lists(d, listed);
	}
	cli_store_close(&s);
}
