/* SPDX-License-Identifier: BSD-2-Clause */
/* postern held: mail that waits in the hold queues of the hosts. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/held_client.h"
#include "proto/rfc3339.h"
#include "proto/settings.h"
#include "service/host_config.h"
#include "store/hold_json.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/utf8.h"

#define LINE_OCTETS 16384
#define VALUE_MAX 200
#define NAMES_OCTETS ((size_t)64 * 1024 * 1024)
#define WORDS_MAX 1000
#define WAIT_MS 10000 /* for the schedulers */
#define PAUSE_NS 200000000L

/* One message that a verb is about. */
struct target {
	struct slice host, queue_id, tenant;
	struct target *next;
};
struct run {
	struct cli_store store;
	const struct verb *verb;
	struct slice host, tenant, reason, rule;
	bool json, all, yes;
	const char *words[WORDS_MAX];
	int word_count;
	struct arena *arena;
	struct slice here; /* the host whose rows come */
	struct target *targets, **last;
	size_t target_count;
	bool heading;
};

/* ---- list ---- */

static void
add_safe(struct buf *out, struct slice value, int width)
{
	struct buf shown;

	buf_init(&shown, VALUE_MAX);
	utf8_safe(value.len > 0 ? value : SLICE("<>"), &shown);
	(void)buf_addf(out, "%-*s", width, buf_text(&shown));
	buf_done(&shown);
}

/* When: a time, or what else it waits for. */
static void
add_when(struct buf *out, const struct hold_record *r)
{
	char when[RFC3339_MAX];

	if (r->release_ms > 0 && r->release_ms < INT64_MAX) {
		(void)rfc3339_format(r->release_ms * 1000, when);
		(void)buf_addf(out, "%.19sZ  ", when);
	} else {
		(void)buf_addf(out, "%-20s  ",
		    r->release_ms == 0 ? "its turn" : "never");
	}
}

static bool
wanted(const struct run *run, const struct hold_record *r)
{
	return (run->reason.at == NULL ||
		   slice_eq(run->reason,
		       slice_of(hold_reason_word(r->reason)))) &&
	       (run->rule.at == NULL || slice_eq(run->rule, r->rule));
}

static void
print_row(const struct hold_record *r, void *ctx)
{
	struct run *run = ctx;
	struct buf line;

	if (!wanted(run, r))
		return;
	buf_init(&line, LINE_OCTETS);
	if (run->json) {
		(void)hold_to_json(run->here, r, &line);
	} else {
		if (!run->heading)
			(void)printf("%-15s %-15s %-9s %4s  %-20s  %s\n",
			    "QUEUE ID", "HOST", "REASON", "PRIO", "RELEASE",
			    "SENDER -> RECIPIENT");
		run->heading = true;
		add_safe(&line, r->queue_id, 15);
		(void)buf_add_char(&line, ' ');
		add_safe(&line, run->here, 15);
		(void)buf_addf(&line, " %-9s %4u  ",
		    hold_reason_word(r->reason), r->priority);
		add_when(&line, r);
		add_safe(&line, r->sender, 0);
		(void)buf_add_text(&line, " -> ");
		add_safe(&line, r->recipient, 0);
		if (r->recipients > 1)
			(void)buf_addf(&line, " and %zu more",
			    r->recipients - 1);
	}
	(void)printf("%s\n", buf_text(&line));
	buf_done(&line);
}

/* Every held message of the hosts that are meant. */
static int
each(struct run *run, hold_row *row)
{
	struct slice hosts[HELD_HOSTS_MAX] = { run->host };
	int count = 1, rc = 0;

	if (run->host.at == NULL)
		count = held_client_hosts(&run->store, run->arena, hosts);
	for (int i = 0; i < count && rc == 0; i++) {
		run->here = hosts[i];
		rc = held_client_list(&run->store, hosts[i], run->tenant, row,
		    run);
	}
	return count < 0 ? count : rc;
}

static int
verb_list(struct run *run)
{
	return each(run, print_row);
}

/* ---- which ones ---- */

static int
add_target(struct run *run, struct slice host, struct slice queue_id,
    struct slice tenant)
{
	struct target *t = arena_alloc(run->arena, sizeof(*t));

	if (t == NULL)
		return ERR_NOMEM;
	t->host = host;
	t->queue_id = arena_dup(run->arena, queue_id);
	t->tenant = arena_dup(run->arena, tenant);
	if (t->queue_id.at == NULL || t->tenant.at == NULL)
		return ERR_NOMEM;
	*run->last = t;
	run->last = &t->next;
	run->target_count++;
	return 0;
}

static void
gather(const struct hold_record *r, void *ctx)
{
	struct run *run = ctx;

	if (wanted(run, r) &&
	    add_target(run, run->here, r->queue_id, r->tenant) < 0)
		cli_error("too many messages: the rest stays as it is");
}

/* The one with this queue id, of the host that is meant. */
static int
find(struct run *run, const char *word, struct hold_record *ret_record)
{
	int rc = held_client_find(&run->store, run->here, slice_of(word),
	    run->arena, ret_record);

	if (rc == 0 && run->tenant.at != NULL &&
	    !slice_eq(run->tenant, ret_record->tenant))
		rc = ERR_NOTFOUND;
	if (rc == ERR_NOTFOUND)
		cli_error("%s: no such message is held on %.*s", word,
		    SLICE_F(run->here));
	return rc;
}

static int
choose(struct run *run)
{
	int rc = 0;

	run->last = &run->targets;
	if (run->all)
		return each(run, gather);
	for (int i = 1; i < run->word_count && rc == 0; i++) {
		struct hold_record r;

		if ((rc = find(run, run->words[i], &r)) == 0)
			rc = add_target(run, run->here, r.queue_id, r.tenant);
	}
	return rc;
}

/* ---- show ---- */

static void
print_fact(const char *name, struct slice value)
{
	struct buf line;

	if (value.at == NULL)
		return;
	buf_init(&line, LINE_OCTETS);
	add_safe(&line, value, 0);
	(void)printf("%-12s %s\n", name, buf_text(&line));
	buf_done(&line);
}

static void
print_time(const char *name, int64_t at_ms)
{
	char when[RFC3339_MAX];

	(void)rfc3339_format(at_ms * 1000, when);
	print_fact(name, slice_of(when));
}

static int
verb_show(struct run *run)
{
	struct hold_record r;
	int rc = find(run, run->words[1], &r);

	if (rc < 0)
		return rc;
	if (run->json) {
		print_row(&r, run);
		return 0;
	}
	print_fact("Queue id:", r.queue_id);
	print_fact("Host:", run->here);
	print_fact("Tenant:", r.tenant);
	print_fact("Reason:", slice_of(hold_reason_word(r.reason)));
	if (r.rule.len > 0)
		print_fact("Rule:", r.rule);
	(void)printf("%-12s %u\n", "Priority:", r.priority);
	print_time("Arrived:", r.arrived_ms);
	if (r.release_ms == INT64_MAX)
		print_fact("Release:", SLICE("never, unless by hand"));
	else if (r.release_ms == 0)
		print_fact("Release:", SLICE("as soon as it is its turn"));
	else
		print_time("Release:", r.release_ms);
	print_fact("Tried:", r.deferred ? SLICE("yes") : SLICE("no"));
	print_fact("Sender:", r.sender);
	print_fact("Recipient:", r.recipient);
	(void)printf("%-12s %zu\n", "Recipients:", r.recipients);
	print_fact("Subject:", r.subject);
	return 0;
}

/* ---- release, drop, hold ---- */

/* Dropping several is asked about once more. */
static bool
confirmed(const struct run *run)
{
	char answer[8] = "";

	if (run->yes || run->target_count <= 1)
		return true;
	if (isatty(STDIN_FILENO) == 0) {
		cli_error("%zu messages: say --yes to drop them",
		    run->target_count);
		return false;
	}
	(void)printf("Drop %zu messages?  Nobody will get them.  [y/N] ",
	    run->target_count);
	(void)fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

static int
ask(struct run *run, const struct target *t, enum hold_ask verb)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	int64_t end_us = clock_deadline_ms(WAIT_MS);
	int rc;

	while ((rc = held_client_ask(&run->store, t->host, verb,
		    t->queue_id)) == ERR_LIMIT &&
	       clock_mono_us() < end_us)
		(void)nanosleep(&pause, NULL);
	if (rc == ERR_LIMIT)
		cli_error("%.*s: too much is asked of this host already",
		    SLICE_F(t->host));
	return rc;
}

/* The schedulers do it; say who has not. */
static int
await(struct run *run, const char *word)
{
	size_t late = 0;

	for (struct target *t = run->targets; t != NULL; t = t->next) {
		int rc = held_client_gone(&run->store, t->host, t->queue_id,
		    late == 0 ? WAIT_MS : 0);

		if (rc < 0)
			return rc;
		if (rc == 0 && late++ == 0)
			cli_error("asked for, but not done yet: does"
				  " postern-policyd run on %.*s?",
			    SLICE_F(t->host));
	}
	(void)printf("%zu %s", run->target_count - late, word);
	if (late > 0)
		(void)printf(", %zu asked for", late);
	(void)putchar('\n');
	return late > 0 ? ERR_TIMEOUT : 0;
}

static int
ask_all(struct run *run, enum hold_ask verb, const char *action,
    const char *word)
{
	int rc = choose(run);

	if (rc == 0 && verb == HOLD_ASK_DROP && !confirmed(run))
		return ERR_CANCELED;
	for (struct target *t = run->targets; t != NULL && rc == 0;
	     t = t->next) {
		rc = held_client_audit(&run->store, t->tenant, t->host,
		    t->queue_id, action);
		if (rc == 0)
			rc = ask(run, t, verb);
	}
	return rc == 0 ? await(run, word) : rc;
}

static int
verb_release(struct run *run)
{
	return ask_all(run, HOLD_ASK_RELEASE, "held_release", "released");
}

static int
verb_drop(struct run *run)
{
	return ask_all(run, HOLD_ASK_DROP, "held_drop", "dropped");
}

static int
verb_hold(struct run *run)
{
	int rc = choose(run);

	for (struct target *t = run->targets; t != NULL && rc == 0;
	     t = t->next) {
		rc = held_client_keep(&run->store, t->host, t->queue_id);
		if (rc == 0)
			rc = held_client_audit(&run->store, t->tenant, t->host,
			    t->queue_id, "held_hold");
	}
	if (rc == 0)
		(void)printf("%zu held until they are released by hand\n",
		    run->target_count);
	return rc;
}

/* ---- the command ---- */

static const struct verb {
	const char *name;
	enum { NO_IDS, ONE_ID, SOME_IDS } ids;
	int (*run)(struct run *run);
} verbs[] = {
	{ "list", NO_IDS, verb_list },
	{ "show", ONE_ID, verb_show },
	{ "release", SOME_IDS, verb_release },
	{ "drop", SOME_IDS, verb_drop },
	{ "hold", SOME_IDS, verb_hold },
	{ NULL, NO_IDS, NULL },
};

static bool
take_options(struct run *run, int argc, char *argv[])
{
	const struct {
		const char *name, *short_name;
		struct slice *value;
	} values[] = {
		{ "--host", "-H", &run->host },
		{ "--tenant", "-t", &run->tenant },
		{ "--reason", "-r", &run->reason },
		{ "--rule", "-R", &run->rule },
	};
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{ "--json", &run->json },
		{ "--all", &run->all },
		{ "--yes", &run->yes },
	};

	for (int i = 1; i < argc; i++) {
		size_t n = sizeof(values) / sizeof(values[0]), v = 0, f = 0;
		size_t m = sizeof(flags) / sizeof(flags[0]);

		while (v < n && strcmp(argv[i], values[v].name) != 0 &&
		       strcmp(argv[i], values[v].short_name) != 0)
			v++;
		while (f < m && strcmp(argv[i], flags[f].name) != 0)
			f++;
		if (v < n && i + 1 < argc)
			*values[v].value = slice_of(argv[++i]);
		else if (f < m)
			*flags[f].flag = true;
		else if (argv[i][0] == '-' || run->word_count == WORDS_MAX)
			return false;
		else
			run->words[run->word_count++] = argv[i];
	}
	return run->word_count > 0;
}

static bool
options_fit(const struct run *run)
{
	int ids = run->word_count - 1;
	bool filters = run->reason.at != NULL || run->rule.at != NULL;

	switch (run->verb->ids) {
	case NO_IDS:
		return ids == 0 && !run->all && !run->yes;
	case ONE_ID:
		return ids == 1 && !run->all && !run->yes && !filters;
	case SOME_IDS:
		return run->all ? ids == 0 : ids > 0 && !filters;
	}
	return false;
}

static int
run(struct cli *cli, int argc, char *argv[])
{
	static struct run r;
	const struct host_config *config;
	int rc;

	r = (struct run){ .verb = verbs };
	if (!take_options(&r, argc, argv))
		return EX_USAGE;
	while (r.verb->name != NULL && strcmp(r.verb->name, r.words[0]) != 0)
		r.verb++;
	if (r.verb->name == NULL || !options_fit(&r))
		return EX_USAGE;
	if (r.tenant.at != NULL && !settings_name_ok(r.tenant)) {
		cli_error("%.*s: not a tenant's name", SLICE_F(r.tenant));
		return EX_USAGE;
	}
	if ((config = cli_config(cli)) == NULL)
		return EX_CONFIG;
	r.here = r.host.at != NULL ? r.host : slice_of(config->host_name);
	if ((r.arena = arena_new(NAMES_OCTETS)) == NULL)
		return cli_exit(ERR_NOMEM);
	if ((rc = cli_store_open(config, &r.store)) == 0) {
		rc = r.verb->run(&r);
		if (rc < 0 && rc != ERR_NOTFOUND && rc != ERR_CANCELED &&
		    rc != ERR_TIMEOUT && rc != ERR_LIMIT)
			cli_error("%s", err_text(rc));
		cli_store_close(&r.store);
	}
	arena_free(r.arena);
	return cli_exit(rc);
}

const struct command command_held = {
	.name = "held",
	.summary = "mail that waits for its time or its turn",
	.usage = "list [--host HOST] [--tenant TENANT] [--reason REASON]"
		 " [--rule NAME] [--json]\n"
		 "show QUEUEID [--host HOST] [--json]\n"
		 "release|hold QUEUEID... [--host HOST]\n"
		 "drop QUEUEID... [--host HOST] [--yes]\n"
		 "release|drop|hold --all [--host HOST] [--tenant TENANT]"
		 " [--reason REASON] [--rule NAME] [--yes]",
	.run = run,
};
