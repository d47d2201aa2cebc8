/* SPDX-License-Identifier: BSD-2-Clause */
/* postern limits: what is used of rate limits; resets, overrides. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/cli_settings.h"
#include "cli/cli_store.h"
#include "cli/commands.h"
#include "cli/store_client.h"
#include "proto/limit_value.h"
#include "proto/rfc3339.h"
#include "proto/schema.h"
#include "store/audit_store.h"
#include "store/limit_json.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

#define LINE_OCTETS 16384
#define VALUE_MAX 2048
#define FOR_MAX_MS (366 * 86400 * INT64_C(1000))

/* One run of the command, and what its callbacks leave. */
struct run {
	struct cli_store store;
	struct settings *settings;
	const struct tenant *tenant;
	struct slice tenant_name;
	const struct limit_rule *rule;
	struct buf value;
	struct limit limit;
	struct rate rate;
	bool json, unlimited, end, over, changed;
	long long for_ms;
	int rc;
};

static int
wait_for(struct run *r)
{
	cli_store_wait(&r->store, &r->over);
	r->over = false;
	return r->rc;
}

/* ---- reading ---- */

/* "100 in 3600 s (burst 100)" */
static void
add_rate(const struct rate *rate, struct buf *out)
{
	(void)buf_addf(out, "%llu in %lld s (burst %llu)",
	    (unsigned long long)rate->quantity,
	    (long long)(rate->period_us / 1000000),
	    (unsigned long long)rate->burst);
}

static int
verb_list(struct run *r)
{
	static const char *const modes[] = { [MODE_ENFORCE] = "",
		[MODE_OBSERVE] = ", observed only",
		[MODE_OFF] = ", off" };

	for (size_t i = 0; i < r->tenant->limit_count; i++) {
		const struct limit_rule *rule = &r->tenant->limits[i];
		struct buf line;

		buf_init(&line, LINE_OCTETS);
		if (r->json) {
			(void)limit_rule_to_json(rule, &line);
		} else {
			(void)buf_addf(&line, "%.*s: by ", SLICE_F(rule->name));
			limit_keys_format(rule->keys, &line);
			for (size_t n = 0; n < rule->rate_count; n++) {
				(void)buf_add_text(&line, ", ");
				add_rate(&rule->rates[n], &line);
			}
			(void)buf_add_text(&line, modes[rule->mode]);
		}
		(void)printf("%s\n", buf_text(&line));
		buf_done(&line);
	}
	return 0;
}

static void
print_view(const struct run *r, const struct limit_view *v)
{
	struct buf line;
	char until[RFC3339_MAX];

	buf_init(&line, LINE_OCTETS);
	if (r->json) {
		(void)limit_view_to_json(r->rule, r->limit.value, v, &line);
		(void)printf("%s\n", buf_text(&line));
		buf_done(&line);
		return;
	}
	if (v->overridden) {
		(void)rfc3339_format(v->until_us, until);
		(void)buf_addf(&line, "until %.19sZ: %s", until,
		    v->unlimited ? "no limit\n" : "instead of the rule\n");
	}
	for (size_t i = 0; i < v->rate_count; i++) {
		add_rate(v->overridden ? &v->rate : &r->rule->rates[i], &line);
		(void)buf_addf(&line, ": %llu used",
		    (unsigned long long)v->rates[i].used);
		if (v->rates[i].wait_us > 0)
			(void)buf_addf(&line, ", the next one in %lld s",
			    (long long)((v->rates[i].wait_us + 999999) /
					1000000));
		(void)buf_add_char(&line, '\n');
	}
	(void)fputs(buf_text(&line), stdout);
	buf_done(&line);
}

static void
on_shown(int rc, const struct limit_view *view, void *ctx)
{
	struct run *r = ctx;

	if (rc == 0)
		print_view(r, view);
	r->rc = rc;
	r->over = true;
}

static int
verb_show(struct run *r)
{
	limit_show(r->store.store, &r->limit, store_deadline(r->store.store),
	    on_shown, r);
	return wait_for(r);
}

/* ---- changing ---- */

static void
on_changed(int rc, bool changed, void *ctx)
{
	struct run *r = ctx;

	r->changed = changed;
	r->rc = rc;
	r->over = true;
}

static void
on_audit(int rc, void *ctx)
{
	on_changed(rc, true, ctx);
}

/* The change is made: who did it, and what it looks like now. */
static int
tell(struct run *r, const char *action)
{
	struct audit_entry entry = {
		.tenant = r->tenant->name,
		.actor = client_author(),
		.client = SLICE("cli"),
		.action = slice_of(action),
	};
	struct buf target;
	int rc;

	if (r->rc < 0)
		return r->rc;
	if (!r->changed)
		(void)printf("was so before\n");
	buf_init(&target, 2 * VALUE_MAX);
	(void)buf_add_slice(&target, r->rule->name);
	(void)buf_add_char(&target, ' ');
	limit_value_format(r->limit.value, &target);
	entry.target = buf_slice(&target);
	if (r->changed) {
		audit_append(r->store.store, &entry,
		    store_deadline(r->store.store), on_audit, r);
		(void)wait_for(r);
	}
	rc = r->rc;
	buf_done(&target);
	return rc < 0 ? rc : verb_show(r);
}

static int
verb_reset(struct run *r)
{
	limit_reset(r->store.store, &r->limit, store_deadline(r->store.store),
	    on_changed, r);
	(void)wait_for(r);
	return tell(r, "limit_reset");
}

static int
verb_override(struct run *r)
{
	struct store *s = r->store.store;

	if (r->end) {
		limit_override_end(s, &r->limit, store_deadline(s), on_changed,
		    r);
		(void)wait_for(r);
		return tell(r, "limit_override_end");
	}
	limit_override(s, &r->limit, r->unlimited ? NULL : &r->rate,
	    clock_wall_us() + r->for_ms * 1000, store_deadline(s), on_changed,
	    r);
	(void)wait_for(r);
	return tell(r, "limit_override");
}

/* ---- the command ---- */

static const struct verb {
	const char *name;
	bool value; /* NAME VALUE ... */
	int (*run)(struct run *r);
} verbs[] = {
	{ "list", false, verb_list },
	{ "show", true, verb_show },
	{ "reset", true, verb_reset },
	{ "override", true, verb_override },
	{ NULL, false, NULL },
};

#define WORDS_MAX 10 /* verb, name, a value of up to seven parts */

static bool
take_number(const char *text, uint64_t *ret_number)
{
	return number_parse(slice_of(text), 1, 1000000000, ret_number) == 0;
}

/* Options anywhere; how many words are left, or -1. */
static int
take_options(struct run *r, int argc, char *argv[], const char *words[])
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		long long ms;

		if (strcmp(argv[i], "--json") == 0) {
			r->json = true;
		} else if (strcmp(argv[i], "--unlimited") == 0) {
			r->unlimited = true;
		} else if (strcmp(argv[i], "--end") == 0) {
			r->end = true;
		} else if (argv[i][0] != '-') {
			if (n == WORDS_MAX)
				return -1;
			words[n++] = argv[i];
		} else if (value == NULL) {
			return -1;
		} else if (strcmp(argv[i], "-t") == 0) {
			r->tenant_name = slice_of(argv[++i]);
		} else if (strcmp(argv[i], "--quantity") == 0) {
			if (!take_number(argv[++i], &r->rate.quantity))
				return -1;
		} else if (strcmp(argv[i], "--burst") == 0) {
			if (!take_number(argv[++i], &r->rate.burst))
				return -1;
		} else if (strcmp(argv[i], "--period") == 0) {
			if (schema_period_parse(slice_of(argv[++i]), &ms) < 0 ||
			    ms < 1000 || ms > FOR_MAX_MS)
				return -1;
			r->rate.period_us = ms * 1000;
		} else if (strcmp(argv[i], "--for") == 0) {
			if (schema_period_parse(slice_of(argv[++i]),
				&r->for_ms) < 0 ||
			    r->for_ms < 1 || r->for_ms > FOR_MAX_MS)
				return -1;
		} else {
			return -1;
		}
	}
	return n;
}

/* An override has a time, and a rate or none. */
static bool
override_is_whole(struct run *r)
{
	bool rate = r->rate.quantity > 0 && r->rate.period_us > 0;

	if (r->rate.burst == 0)
		r->rate.burst = r->rate.quantity;
	if (r->end)
		return !rate && !r->unlimited && r->for_ms == 0;
	return r->for_ms > 0 && rate != r->unlimited;
}

/* Rule and value of the words; an exit status. */
static int
find(struct run *r, const char *const words[], int count)
{
	struct buf text;
	int rc;

	r->tenant = settings_tenant(r->settings, r->tenant_name);
	if (r->tenant == NULL) {
		cli_error("%.*s: no such tenant", SLICE_F(r->tenant_name));
		return EX_DATAERR;
	}
	if (count == 0)
		return EX_OK;
	for (size_t i = 0; i < r->tenant->limit_count; i++)
		if (slice_eq(r->tenant->limits[i].name, slice_of(words[0])))
			r->rule = &r->tenant->limits[i];
	if (r->rule == NULL) {
		cli_error("%s: the settings have no such limit", words[0]);
		return EX_DATAERR;
	}
	buf_init(&text, VALUE_MAX);
	for (int i = 1; i < count; i++) {
		(void)buf_add_text(&text, i > 1 ? " " : "");
		(void)buf_add_text(&text, words[i]);
	}
	rc = limit_value_parse(r->rule->keys, buf_slice(&text), &r->value);
	buf_done(&text);
	if (rc < 0) {
		struct buf keys;

		buf_init(&keys, 200);
		limit_keys_format(r->rule->keys, &keys);
		cli_error("%s counts by: %s", words[0], buf_text(&keys));
		buf_done(&keys);
		return EX_DATAERR;
	}
	r->limit = (struct limit){ r->tenant->name, r->rule->name,
		buf_slice(&r->value), r->rule->rates, r->rule->rate_count, 1 };
	return EX_OK;
}

static int
run(struct cli *cli, int argc, char *argv[])
{
	struct run r = { .tenant_name = slice_of(SETTINGS_DEFAULT_TENANT) };
	const char *words[WORDS_MAX];
	const struct verb *verb = verbs;
	int n = take_options(&r, argc, argv, words), rc, status = EX_OK;
	const struct host_config *config;

	while (n > 0 && verb->name != NULL && strcmp(verb->name, words[0]) != 0)
		verb++;
	if (n < 1 || verb->name == NULL || (verb->value ? n < 3 : n != 1) ||
	    (verb->run == verb_override && !override_is_whole(&r)))
		return EX_USAGE;
	config = cli_config(cli);
	if (config == NULL)
		return EX_CONFIG;
	buf_init(&r.value, VALUE_MAX);
	rc = cli_store_open(config, &r.store);
	if (rc == 0)
		rc = cli_settings_load(&r.store, NULL, &r.settings);
	if (rc == 0)
		status = find(&r, words + 1, n - 1);
	if (rc == 0 && status == EX_OK)
		rc = verb->run(&r);
	if (rc < 0)
		cli_error("%s", err_text(rc));
	settings_unref(r.settings);
	cli_store_close(&r.store);
	buf_done(&r.value);
	return rc < 0 ? cli_exit(rc) : status;
}

const struct command command_limits = {
	.name = "limits",
	.summary = "rate limits: what is used, resets, overrides for a time",
	.usage = "[-t TENANT] list [--json]\n"
		 "[-t TENANT] show NAME VALUE... [--json]\n"
		 "[-t TENANT] reset NAME VALUE...\n"
		 "[-t TENANT] override NAME VALUE... --for PERIOD "
		 "--quantity N --period PERIOD [--burst N]\n"
		 "[-t TENANT] override NAME VALUE... --for PERIOD --unlimited\n"
		 "[-t TENANT] override NAME VALUE... --end",
	.run = run,
};
