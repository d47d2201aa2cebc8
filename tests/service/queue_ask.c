/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks the queue helper as policyd does: starts it as root, becomes the user,
 * and does what the lines of standard input say.
 *	queue_ask FILE
 * Each line is "release ID...", "hold", "retry", "expire", "delete", "count",
 * "list" or "read ID"; lines between two empty ones are asked for at once, and
 * answered before the next.  Answers: "LINE RC DONE TEXT".
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/loop.h"
#include "policyd/queue_client.h"
#include "policyd/queue_protocol.h"
#include "service/host_config.h"
#include "service/privilege.h"
#include "service/sandbox.h"
#include "util/err.h"

#define LINE_MAX_OCTETS (QUEUE_IDS_MAX * 2 * (QUEUE_ID_MAX + 1))

struct line {
	unsigned number;
	size_t count; /* of rows */
};

static struct queue_client *client;
static unsigned lines, left;
static bool idle = true;

static void
over(struct line *line)
{
	free(line);
	(void)fflush(stdout);
	idle = --left == 0;
}

static void
on_done(int rc, size_t done, struct slice text, void *ctx)
{
	struct line *line = ctx;

	printf("%u %d %zu %.*s\n", line->number, rc, done, SLICE_F(text));
	over(line);
}

static void
on_counted(int rc, const struct queue_counts *counts, void *ctx)
{
	struct line *line = ctx;

	printf("%u %d %zu %zu\n", line->number, rc, counts->incoming,
	    counts->active);
	over(line);
}

static void
on_listed(int rc, const struct queue_held *held, size_t count, void *ctx)
{
	struct line *line = ctx;

	for (size_t i = 0; i < count; i++)
		printf("%u row %.*s %" PRId64 "\n", line->number,
		    SLICE_F(held[i].queue_id), held[i].since_ms);
	line->count += count;
	if (count > 0)
		return;
	printf("%u %d %zu \n", line->number, rc, line->count);
	over(line);
}

static void
on_read(int rc, struct slice text, void *ctx)
{
	struct line *line = ctx;

	printf("%u %d %zu \n%.*s\n", line->number, rc, text.len, SLICE_F(text));
	over(line);
}

static void
on_lost(void *ctx)
{
	(void)ctx;
	printf("lost\n");
	(void)fflush(stdout);
}

static void
ask(struct slice text)
{
	static const struct {
		const char *word;
		enum queue_verb verb;
	} verbs[] = {
		{ "release", QUEUE_RELEASE },
		{ "hold", QUEUE_HOLD },
		{ "retry", QUEUE_RETRY },
		{ "expire", QUEUE_EXPIRE },
		{ "delete", QUEUE_DELETE },
	};
	static struct slice ids[QUEUE_IDS_MAX * 2];
	struct line *line = calloc(1, sizeof(*line));
	struct slice word;
	size_t n = 0;

	if (line == NULL || !slice_split(&text, ' ', &word))
		abort();
	line->number = ++lines;
	left++;
	idle = false;
	while (n < QUEUE_IDS_MAX * 2 && slice_split(&text, ' ', &ids[n]))
		n++;
	if (slice_eq(word, SLICE("count")))
		queue_count(client, on_counted, line);
	else if (slice_eq(word, SLICE("list")))
		queue_list_held(client, on_listed, line);
	else if (slice_eq(word, SLICE("read")))
		queue_read(client, ids[0], on_read, line);
	else
		for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
			if (slice_eq(word, slice_of(verbs[i].word)))
				queue_do(client, verbs[i].verb, ids, n, on_done,
				    line);
}

static void
serve(struct event_base *base)
{
	static char room[LINE_MAX_OCTETS];

	while (fgets(room, sizeof(room), stdin) != NULL) {
		struct slice text = slice_trim(slice_of(room));

		if (text.len > 0)
			ask(text);
		else
			loop_run_until(base, &idle);
	}
	loop_run_until(base, &idle);
}

static void
on_config_error(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "%s\n", text);
}

int
main(int argc, char *argv[])
{
	struct host_config *config;
	struct event_base *base;
	char error[256];

	if (argc != 2 ||
	    host_config_load(argv[1], on_config_error, NULL, &config) < 0 ||
	    queue_client_open(config, &client) < 0 ||
	    privilege_drop(config->user, error, sizeof(error)) < 0 ||
	    sandbox_enter(SANDBOX_POLICYD) < 0)
		return EXIT_FAILURE;
	base = loop_new();
	if (base == NULL || queue_client_start(client, base) < 0)
		return EXIT_FAILURE;
	queue_client_on_lost(client, on_lost, NULL);
	serve(base);
	queue_client_free(client);
	loop_free(base);
	host_config_free(config);
	return EXIT_SUCCESS;
}
