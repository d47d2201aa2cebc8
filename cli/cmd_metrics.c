/* SPDX-License-Identifier: BSD-2-Clause */
/* postern metrics: what the daemons of all hosts count. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/cli_store.h"
#include "cli/commands.h"
#include "service/host_config.h"
#include "service/metrics.h"
#include "store/metrics_store.h"
#include "util/clock.h"
#include "util/err.h"

#define WAIT_MS 10000
#define TEXTS_MAX 5000 /* daemons of all hosts */
#define OUTPUT_MAX ((size_t)256 * 1024 * 1024)

struct collected {
	struct metrics_text *texts;
	size_t count;
	bool over;
	int rc;
};

static struct slice
copy(struct slice s)
{
	char *at = malloc(s.len + 1);

	if (at == NULL)
		return (struct slice){ NULL, 0 };
	memcpy(at, s.at, s.len);
	return (struct slice){ at, s.len };
}

static void
on_text(struct slice host, struct slice text, void *ctx)
{
	struct collected *c = ctx;
	struct metrics_text *more;

	if (c->count == TEXTS_MAX)
		return;
	more = realloc(c->texts, (c->count + 1) * sizeof(*more));
	if (more == NULL) {
		c->rc = ERR_NOMEM;
		return;
	}
	c->texts = more;
	c->texts[c->count] = (struct metrics_text){ copy(host), copy(text) };
	if (c->texts[c->count].host.at == NULL ||
	    c->texts[c->count].text.at == NULL)
		c->rc = ERR_NOMEM;
	c->count++;
}

static void
on_end(int rc, void *ctx)
{
	struct collected *c = ctx;

	if (c->rc == 0)
		c->rc = rc;
	c->over = true;
}

static void
drop(struct collected *c)
{
	for (size_t i = 0; i < c->count; i++) {
		union {
			const char *in;
			void *out;
		} host = { c->texts[i].host.at },
		  text = { c->texts[i].text.at };

		free(host.out);
		free(text.out);
	}
	free(c->texts);
}

static int
print(const struct collected *c)
{
	struct buf out;
	int rc;

	buf_init(&out, OUTPUT_MAX);
	rc = metrics_merge(c->texts, c->count, &out);
	if (rc == 0 &&
	    (fwrite(buf_slice(&out).at, 1, out.len, stdout) != out.len ||
		fflush(stdout) != 0))
		rc = ERR_IO;
	buf_done(&out);
	return rc;
}

static int
metrics_run(struct cli *cli, int argc, char *argv[])
{
	struct collected c = { .count = 0 };
	struct cli_store s = { .base = NULL };
	const struct host_config *config;
	int rc;

	(void)argv;
	if (argc != 1)
		return EX_USAGE;
	if ((config = cli_config(cli)) == NULL)
		return EX_CONFIG;
	if ((rc = cli_store_open(config, &s)) < 0)
		return cli_exit(rc);
	metrics_list(s.store, slice_of(config->host_name),
	    clock_deadline_ms(WAIT_MS), on_text, on_end, &c);
	cli_store_wait(&s, &c.over);
	cli_store_close(&s);
	rc = c.rc == 0 ? print(&c) : c.rc;
	if (rc == 0 && c.count == 0)
		rc = ERR_NOTFOUND;
	drop(&c);
	if (rc < 0)
		cli_error("metrics: %s", rc == ERR_NOTFOUND
					     ? "no daemon has left any"
					     : err_text(rc));
	return cli_exit(rc);
}

const struct command command_metrics = {
	.name = "metrics",
	.summary = "print what the daemons count",
	.usage = "",
	.run = metrics_run,
};
