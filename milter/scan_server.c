/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections of the milter, and the line in front of the workers. */
#include "milter/scan_server.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "milter/scan_channel.h"
#include "milter/scan_files.h"
#include "milter/scan_pool.h"
#include "milter/scan_queue.h"
#include "net/listener.h"
#include "net/loop.h"
#include "service/host_config.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)
#define LOG_EVERY_S 10

struct client {
	struct scan_waiting waiting; /* first: the queue's entries */
	struct client *prev, *next;
	int fd, passed; /* passed: -1: not there */
	struct loop_watch *readable;
	struct loop_timer *deadline;
	char in[SCAN_REQUEST_LEN];
	size_t have;
	bool asked; /* a request is in work */
	struct scan_request request;
};

static struct server {
	struct event_base *base;
	const struct host_config *config;
	int listening[LISTENER_MAX], listening_count;
	struct listener *listener;
	struct scan_pool *pool;
	struct scan_queue queue;
	struct client *clients;
	unsigned client_count, asked_count;
	bool stopping;
	unsigned long scans, infected, unscannable, failed, refused;
	struct log_limit full_limit, bad_limit, hopeless_limit;
} server;

#define S server

static void
warn(struct log_limit *limit, const char *text)
{
	unsigned long missed;

	if (log_limit_ok(limit, LOG_EVERY_S, &missed))
		log_warning("client: %s (%lu more)", text, missed);
}

static void
forget_request(struct client *c)
{
	if (!c->asked)
		return;
	c->asked = false;
	S.asked_count--;
	scan_queue_remove(&S.queue, &c->waiting);
	scan_pool_forget(S.pool, c);
	loop_timer_stop(c->deadline);
}

static void
close_client(struct client *c)
{
	forget_request(c);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		S.clients = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	S.client_count--;
	loop_watch_free(c->readable);
	loop_timer_free(c->deadline);
	(void)close(c->fd);
	if (c->passed >= 0)
		(void)close(c->passed);
	free(c);
}

static void
drop_passed(struct client *c)
{
	if (c->passed >= 0)
		(void)close(c->passed);
	c->passed = -1;
}

/* Closes the client if it does not take the answer. */
static void
answer(struct client *c, const struct scan_answer *a)
{
	uint8_t octets[SCAN_ANSWER_MAX];
	struct scan_answer out = *a;

	switch (a->outcome) {
	case SCAN_OUT_CLEAN:
		break;
	case SCAN_OUT_INFECTED:
		S.infected++;
		break;
	case SCAN_OUT_UNSCANNABLE:
		S.unscannable++;
		break;
	case SCAN_OUT_FAILED:
		S.failed++;
		break;
	}
	forget_request(c);
	drop_passed(c);
	out.id = c->request.id;
	size_t len = scan_answer_format(&out, octets);
	if (scan_channel_send(c->fd, octets, len, -1) < 0)
		close_client(c);
}

static void
answer_failed(struct client *c, const char *why)
{
	struct scan_answer a = { .outcome = SCAN_OUT_FAILED };

	scan_name_set(a.name, slice_of(why));
	answer(c, &a);
}

static struct client *
of_waiting(struct scan_waiting *w)
{
	return (struct client *)w;
}

/* Hands out what waits, as long as there are workers. */
static void
pump(void *ctx)
{
	(void)ctx;
	while (S.queue.first != NULL) {
		struct client *c = of_waiting(S.queue.first);

		if (scan_pool_is_hopeless(S.pool)) {
			warn(&S.hopeless_limit, "no signatures are loaded");
			answer_failed(c, "no signatures are loaded");
			continue;
		}
		if (!scan_pool_start(S.pool, c->passed, c->request.size, c))
			return;
		S.scans++;
		scan_queue_remove(&S.queue, &c->waiting);
		drop_passed(c);
	}
}

static void
on_done(void *ctx, void *job, const struct scan_answer *a)
{
	(void)ctx;
	answer(job, a);
}

static void
on_deadline(void *ctx)
{
	answer_failed(ctx, "no answer in time");
}

/* NULL: as it must be. */
static const char *
check_passed(const struct client *c)
{
	struct stat st;
	int seals;

	if (c->passed < 0)
		return "no descriptor";
	seals = fcntl(c->passed, F_GET_SEALS);
	if (seals < 0 || (seals & SEALS) != SEALS)
		return "the descriptor is not a sealed memfd";
	if (fstat(c->passed, &st) < 0 ||
	    (uint64_t)st.st_size != c->request.size)
		return "the size is another one";
	return NULL;
}

static void
begin(struct client *c)
{
	const char *wrong = check_passed(c);

	if (wrong != NULL) {
		S.refused++;
		warn(&S.bad_limit, wrong);
		answer_failed(c, wrong);
		return;
	}
	c->asked = true;
	S.asked_count++;
	loop_timer_set(c->deadline, c->request.timeout_ms);
	scan_queue_add(&S.queue, &c->waiting);
	pump(NULL);
}

static void
refuse(struct client *c, const char *why)
{
	S.refused++;
	warn(&S.bad_limit, why);
	close_client(c);
}

/* Octets are there; one request at a time. */
static void
take(struct client *c, size_t n, int passed)
{
	if (c->asked || (passed >= 0 && c->passed >= 0)) {
		if (passed >= 0)
			(void)close(passed);
		refuse(c, "not its turn");
		return;
	}
	if (passed >= 0)
		c->passed = passed;
	c->have += n;
	int rc =
	    scan_request_parse((struct slice){ c->in, c->have }, &c->request);
	if (rc < 0) {
		refuse(c, "not a request");
	} else if (rc > 0) {
		c->have = 0;
		begin(c);
	}
}

static void
on_readable(int fd, void *ctx)
{
	struct client *c = ctx;
	int passed = -1;
	ssize_t n;

	n = scan_channel_receive(fd, c->in + c->have, sizeof(c->in) - c->have,
	    &passed);
	if (n == ERR_TIMEOUT)
		return;
	if (n == ERR_LIMIT)
		refuse(c, "several descriptors, or no room for one");
	else if (n <= 0)
		close_client(c);
	else
		take(c, (size_t)n, passed);
}

static void
on_accepted(int fd, void *ctx)
{
	struct client *c = calloc(1, sizeof(*c));

	(void)ctx;
	if (c == NULL) {
		(void)close(fd);
		return;
	}
	c->fd = fd;
	c->passed = -1;
	c->deadline = loop_timer_new(S.base, on_deadline, c);
	c->readable = loop_watch_new(S.base, fd, on_readable, c);
	c->next = S.clients;
	if (S.clients != NULL)
		S.clients->prev = c;
	S.clients = c;
	S.client_count++;
	if (c->deadline == NULL || c->readable == NULL)
		close_client(c);
}

static void
on_full(void *ctx)
{
	(void)ctx;
	warn(&S.full_limit, "no descriptor left to accept one");
}

/* ---- the parts of struct service ---- */

/* The milter's own group may connect. */
static const char *
group_of_milter(const struct host_config *config)
{
	const struct passwd *pw =
	    config->user[0] != '\0' ? getpwnam(config->user) : NULL;
	const struct group *gr = pw != NULL ? getgrgid(pw->pw_gid) : NULL;

	return gr != NULL ? gr->gr_name : "";
}

int
scan_server_open(const struct host_config *config)
{
	char error[700];
	int rc;

	rc = scan_files_make(config->scan_temporary_directory,
	    config->scan_user, error, sizeof(error));
	if (rc < 0) {
		log_error("scan_temporary_directory: %s", error);
		return rc;
	}
	rc = listener_open(config->scan_listen, group_of_milter(config),
	    S.listening, error, sizeof(error));
	if (rc < 0) {
		log_error("scan_listen: %s", error);
		return rc;
	}
	S.listening_count = rc;
	/* Workers whose engine has died come to us. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	return 0;
}

int
scan_server_start(const struct host_config *config, struct event_base *base)
{
	const struct scan_pool_events events = { .done = on_done,
		.changed = pump };
	int rc;

	S.base = base;
	S.config = config;
	scan_files_empty(config->scan_temporary_directory);
	if ((rc = scan_pool_new(base, config, &events, &S.pool)) < 0)
		return rc;
	S.listener =
	    listener_start(base, S.listening[0], on_accepted, on_full, NULL);
	return S.listener != NULL ? 0 : ERR_NOMEM;
}

int
scan_server_reload(const struct host_config *config)
{
	S.config = config;
	scan_pool_reload(S.pool, config);
	return 0;
}

unsigned
scan_server_drain(void)
{
	if (S.listener != NULL)
		listener_stop(S.listener);
	S.listener = NULL;
	for (struct client *c = S.clients, *next; c != NULL; c = next) {
		next = c->next;
		if (!c->asked && c->have == 0)
			close_client(c);
	}
	return S.asked_count;
}

void
scan_server_stop(void)
{
	if (S.listener != NULL)
		listener_stop(S.listener);
	while (S.clients != NULL)
		close_client(S.clients);
	scan_pool_free(S.pool);
	if (S.config != NULL)
		scan_files_empty(S.config->scan_temporary_directory);
	for (int i = 0; i < S.listening_count; i++)
		listener_close(S.listening[i]);
}

void
scan_server_state(void)
{
	struct scan_pool_state p;
	int64_t now_s = clock_wall_us() / 1000000;

	scan_pool_state(S.pool, &p);
	log_info("state: scans=%lu, infected=%lu, unscannable=%lu, failed=%lu, "
		 "refused=%lu, clients=%u, queue=%zu, workers=%u, busy=%u, "
		 "restarts=%lu, reloads=%lu, load_failures=%lu, generation=%u, "
		 "signatures=%u, database_hours=%lld",
	    S.scans, S.infected, S.unscannable, S.failed, S.refused,
	    S.client_count, S.queue.count, p.workers, p.busy, p.restarts,
	    p.reloads, p.load_failures, p.generation, p.signatures,
	    (long long)(p.database_s > 0 ? (now_s - p.database_s) / 3600 : 0));
}
