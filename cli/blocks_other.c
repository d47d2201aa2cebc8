/* SPDX-License-Identifier: BSD-2-Clause */
/* postern blocks: the verbs that are not about one address. */
#include "cli/blocks_other.h"

#include <string.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "proto/rfc3339.h"
#include "proto/status.h"
#include "util/err.h"
#include "util/number.h"

#define DAYS_MAX 400
#define COUNT_MAX 1000

static const struct verb {
	const char *name;
	int words; /* at most, with itself */
	int (*run)(struct blocks_other *b);
} verbs[] = {
	{ "outbreaks", 3, blocks_outbreaks },
	{ "lift", 1, blocks_lift },
	{ "would", 1, blocks_would },
	{ NULL, 0, NULL },
};

int
blocks_other_wait(struct blocks_other *b)
{
	cli_store_wait(&b->store, &b->over);
	b->over = false;
	return b->rc;
}

/* ---- options ---- */

static bool
take_number(const char *text, uint64_t least, uint64_t most, unsigned *ret_n)
{
	uint64_t n;

	if (number_parse(slice_of(text), least, most, &n) < 0) {
		cli_error("%s: not a number from %u to %u", text,
		    (unsigned)least, (unsigned)most);
		return false;
	}
	*ret_n = (unsigned)n;
	return true;
}

/* "2026-01-31" or RFC 3339. */
static bool
take_time(const char *text, const char *clock, int64_t *ret_s)
{
	char whole[40];
	int64_t us;
	size_t len = strlen(text);

	if (len == 10) {
		memcpy(whole, text, len);
		memcpy(whole + len, clock, strlen(clock) + 1);
		text = whole;
	}
	if (rfc3339_parse(slice_of(text), &us) < 0) {
		cli_error("%.40s: not a time like 2026-01-31 or "
			  "2026-01-31T12:00:00Z",
		    text);
		return false;
	}
	*ret_s = us / 1000000;
	return true;
}

static bool
take_status(const char *text, int *ret_status)
{
	unsigned n;

	if (!take_number(text, 0, SETTINGS_STATUS_MAX - 1, &n))
		return false;
	if (!status_known((int)n)) {
		cli_error("%s: not an error status", text);
		return false;
	}
	*ret_status = (int)n;
	return true;
}

/* Options without a value; false: none of them. */
static bool
take_flag(struct blocks_other *b, const char *name)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{ "--json", &b->json },
		{ "--dry-run", &b->dry_run },
		{ "--yes", &b->yes },
		{ "--complaints", &b->complaints },
		{ "--once-per-day", &b->condition.once_per_day },
		{ "--lift-on-success", &b->condition.lift_on_success },
		{ "--any-fault", &b->any_fault },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(name, flags[i].name) == 0) {
			*flags[i].flag = true;
			return true;
		}
	return false;
}

/* 1: an option and its value; 0: no such option; -1: a bad value. */
static int
take_option(struct blocks_other *b, const char *name, const char *value)
{
	struct blocking_condition *c = &b->condition;
	bool ok = true;

	if (strcmp(name, "-t") == 0)
		b->tenant = slice_of(value);
	else if (strcmp(name, "--origin") == 0)
		b->origin = slice_of(value);
	else if (strcmp(name, "--status") == 0)
		ok = take_status(value, &b->status);
	else if (strcmp(name, "--from") == 0)
		ok = take_time(value, "T00:00:00Z", &b->from_s);
	else if (strcmp(name, "--to") == 0)
		ok = take_time(value, "T23:59:59Z", &b->to_s);
	else if (strcmp(name, "--days") == 0)
		ok = take_number(value, 1, DAYS_MAX, &b->days);
	else if (strcmp(name, "--count") == 0)
		ok = take_number(value, 1, COUNT_MAX, &c->count);
	else if (strcmp(name, "--forget-days") == 0)
		ok = take_number(value, 0, 3650, &c->forget_days);
	else if (strcmp(name, "--watch-days") == 0)
		ok = take_number(value, 0, 3650, &c->watch_days);
	else
		return 0;
	return ok ? 1 : -1;
}

static int
take_options(struct blocks_other *b, int argc, char *argv[])
{
	for (int i = 1; i < argc; i++) {
		int taken = 0;

		if (take_flag(b, argv[i]))
			continue;
		if (argv[i][0] != '-') {
			if (b->word_count == 3)
				return EX_USAGE;
			b->words[b->word_count++] = argv[i];
			continue;
		}
		if (i + 1 < argc)
			taken = take_option(b, argv[i], argv[i + 1]);
		if (taken == 0)
			return EX_USAGE;
		if (taken < 0)
			return EX_DATAERR;
		i++;
	}
	return 0;
}

/* ---- the command ---- */

/* The first word that is neither an option nor the tenant. */
static const struct verb *
find_verb(int argc, char *argv[])
{
	const struct verb *v = verbs;
	int i = 1;

	while (i < argc && argv[i][0] == '-')
		i += strcmp(argv[i], "-t") == 0 ? 2 : 1;
	while (v->name != NULL && (i >= argc || strcmp(v->name, argv[i]) != 0))
		v++;
	return v;
}

int
blocks_other(struct cli *cli, int argc, char *argv[])
{
	struct blocks_other b = {
		.tenant = SLICE(SETTINGS_DEFAULT_TENANT),
		.status = -1,
		.days = 7,
	};
	const struct verb *v = find_verb(argc, argv);
	int rc;

	if (v->name == NULL)
		return -1;
	if ((rc = take_options(&b, argc, argv)) != 0)
		return rc;
	if (b.word_count < 1 || b.word_count > v->words ||
	    strcmp(b.words[0], v->name) != 0)
		return EX_USAGE;
	if (!settings_name_ok(b.tenant)) {
		cli_error("%.*s: not a tenant's name", SLICE_F(b.tenant));
		return EX_USAGE;
	}
	b.config = cli_config(cli);
	if (b.config == NULL)
		return EX_CONFIG;
	rc = cli_store_open(b.config, &b.store);
	if (rc == 0)
		rc = v->run(&b);
	cli_store_close(&b.store);
	/* An exit status, or an error that was not told yet. */
	if (rc < 0)
		cli_error("%s", err_text(rc));
	return rc < 0 ? cli_exit(rc) : rc;
}
