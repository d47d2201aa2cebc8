/* SPDX-License-Identifier: BSD-2-Clause */
/* postern postfix: the hooks in Postfix's configuration, put in by postconf(1)
 * and taken out again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/postfix_config.h"
#include "cli/postfix_files.h"
#include "cli/postfix_transports.h"
#include "cli/subprocess.h"
#include "service/host_config.h"
#include "util/err.h"

#define ARENA_MAX ((size_t)32 * 1024 * 1024)
#define CHECK_TIMEOUT_MS 60000

struct job {
	const struct host_config *config;
	const char *folder; /* Postfix's configuration directory */
	struct arena *arena;
	struct postfix_now now;
	struct postfix_values before; /* main.cf as it was kept */
	struct postfix_edits edits;
	struct slice domains[POSTFIX_RETURN_DOMAINS_MAX];
	size_t domain_count;
};

static void
print_line(char sign, const struct postfix_edit *e, struct slice value)
{
	if (value.at != NULL)
		(void)printf("%c %.*s = %.*s\n", sign, SLICE_F(e->name),
		    SLICE_F(value));
}

static void
print_edits(const struct postfix_edits *edits)
{
	static const char *const names[] = {
		[POSTFIX_MAIN_CF] = "main.cf",
		[POSTFIX_MASTER_CF] = "master.cf",
		[POSTFIX_MASTER_ENTRY] = "master.cf",
	};

	for (size_t i = 0; i < edits->count; i++) {
		const struct postfix_edit *e = &edits->at[i];

		(void)printf("%s: %s\n", names[e->file], e->why);
		print_line('-', e, e->old);
		print_line('+', e, e->value);
	}
}

/* main.cf from before "enable", where it was kept. */
static int
read_before(struct job *job)
{
	struct postfix_files kept;
	struct slice text;
	size_t line;
	int rc = postfix_files_load(job->config->state_directory, job->folder,
	    &kept);

	if (rc < 0)
		return rc;
	if (kept.known) {
		text = arena_dup(job->arena,
		    buf_slice(&kept.original[POSTFIX_KEPT_MAIN]));
		rc = text.at != NULL ? postfix_values_parse(job->arena, text,
					   &job->before, &line)
				     : ERR_NOMEM;
		job->now.before = &job->before;
	}
	postfix_files_done(&kept);
	return rc;
}

/* Whose passwords these are is the site's choice. */
static void
warn_of_sasl(const struct postfix_now *now, const struct postfix_wanted *wanted)
{
	struct slice name = postfix_sasl_foreign(now, wanted);

	if (name.at != NULL)
		cli_error("this Postfix has SMTP AUTH of its own (%.*s), which "
			  "stays: API users can not log in. For them set "
			  "smtpd_sasl_type = dovecot and smtpd_sasl_path = "
			  "%.*s",
		    SLICE_F(name), SLICE_F(wanted->auth));
}

/* What "enable" has to do still. */
static int
plan_enable(struct job *job)
{
	struct postfix_wanted wanted;
	int rc = postfix_config_wanted(job->arena, job->config, job->folder,
	    &wanted);

	if (rc == 0)
		rc = postfix_config_settings(job->arena, job->config,
		    job->domains, job->domain_count, &wanted);
	if (rc < 0)
		return rc;
	rc = postfix_config_read(job->arena, job->folder, &job->now);
	if (rc == 0)
		rc = read_before(job);
	if (rc < 0)
		return rc;
	rc = postfix_plan_enable(job->arena, &job->now, &wanted, &job->edits);
	if (rc == 0)
		rc = postfix_transports_edits(job->arena, job->config,
		    job->folder, &job->now, TRANSPORTS_WANTED, &job->edits);
	if (rc == 0)
		warn_of_sasl(&job->now, &wanted);
	return rc;
}

static int
postfix_check(const char *folder)
{
	const char *const argv[] = { "postfix", "-c", folder, "check", NULL };
	int rc = subprocess_run(argv, CHECK_TIMEOUT_MS, SUBPROCESS_SHOW, NULL);

	return rc > 0 ? ERR_CONFIG : rc;
}

static int
postfix_reload(const char *folder)
{
	const char *const status[] = { "postfix", "-c", folder, "status",
		NULL };
	const char *const reload[] = { "postfix", "-c", folder, "reload",
		NULL };
	int rc =
	    subprocess_run(status, CHECK_TIMEOUT_MS, SUBPROCESS_HIDE, NULL);

	if (rc != 0) {
		(void)printf("Postfix is not running: nothing to reload\n");
		return rc < 0 ? rc : 0;
	}
	rc = subprocess_run(reload, CHECK_TIMEOUT_MS, SUBPROCESS_SHOW, NULL);
	return rc > 0 ? ERR_IO : rc;
}

/* postfix check did not like the result: as it was before, octet by octet. */
static void
take_back(const struct job *job, const struct postfix_files *before)
{
	for (int i = 0; i < POSTFIX_KEPT_COUNT; i++)
		if (postfix_files_restore(before, job->folder,
			(enum postfix_kept)i) < 0)
			cli_error("%s/%s could not be put back", job->folder,
			    postfix_kept_name((enum postfix_kept)i));
	cli_error("\"postfix check\" failed: nothing was changed");
}

/*
 * With the originals kept first, and put back when Postfix refuses the result.
 * now  both files as they are at this moment
 */
static int
enable_edits(const struct job *job, struct postfix_files *kept,
    const struct postfix_files *now)
{
	const char *state = job->config->state_directory;
	int rc = 0;

	if (!kept->known) {
		rc = postfix_files_keep(state, job->folder);
		for (int i = 0; i < POSTFIX_KEPT_COUNT; i++)
			kept->untouched[i] = true;
	}
	if (rc == 0)
		rc = postfix_config_apply(job->folder, &job->edits);
	if (rc == 0)
		rc = postfix_check(job->folder);
	if (rc < 0) {
		take_back(job, now);
		return rc;
	}
	return postfix_files_mark(state, job->folder, kept->untouched);
}

static int
enable_run(struct job *job)
{
	const char *state = job->config->state_directory;
	struct postfix_files kept, now;
	int rc = plan_enable(job);

	if (rc < 0)
		return rc;
	if (job->edits.count == 0) {
		(void)printf("all hooks are in place already\n");
		return 0;
	}
	rc = postfix_files_load(state, job->folder, &kept);
	if (rc < 0) {
		cli_error("%s/postfix: %s", state, err_text(rc));
		return rc;
	}
	rc = postfix_files_now(job->folder, &now);
	if (rc == 0) {
		print_edits(&job->edits);
		rc = enable_edits(job, &kept, &now);
		postfix_files_done(&now);
	}
	postfix_files_done(&kept);
	return rc < 0 ? rc : postfix_reload(job->folder);
}

/* The edits of one file only. */
static struct postfix_edits
edits_of(struct postfix_edits *all, enum postfix_kept which)
{
	struct postfix_edits some = { .at = all->at, .count = 0 };

	for (size_t i = 0; i < all->count; i++)
		if ((all->at[i].file == POSTFIX_MAIN_CF) ==
		    (which == POSTFIX_KEPT_MAIN))
			some.at[some.count++] = all->at[i];
	return some;
}

static int
disable_file(struct job *job, const struct postfix_files *kept,
    enum postfix_kept which)
{
	struct postfix_values before;
	struct postfix_edits edits;
	size_t line;
	int rc = 0;

	if (kept->known && kept->untouched[which]) {
		(void)printf("%s: as it was before\n",
		    postfix_kept_name(which));
		return postfix_files_restore(kept, job->folder, which);
	}
	if (kept->known)
		rc = postfix_values_parse(job->arena,
		    buf_slice(&kept->original[POSTFIX_KEPT_MAIN]), &before,
		    &line);
	if (rc == 0)
		rc = postfix_plan_disable(job->arena, &job->now,
		    kept->known ? &before : NULL, &job->edits);
	if (rc == 0)
		rc = postfix_transports_edits(job->arena, job->config,
		    job->folder, &job->now, TRANSPORTS_NONE, &job->edits);
	if (rc < 0)
		return rc;
	edits = edits_of(&job->edits, which);
	print_edits(&edits);
	return postfix_config_apply(job->folder, &edits);
}

static int
disable_run(struct job *job)
{
	const char *state = job->config->state_directory;
	struct postfix_files kept;
	int rc = postfix_files_load(state, job->folder, &kept);

	if (rc < 0) {
		cli_error("%s/postfix: %s", state, err_text(rc));
		return rc;
	}
	/* Before anything goes: postconf does not show what nobody uses. */
	rc = postfix_config_read(job->arena, job->folder, &job->now);
	/* master.cf first: it refers to what main.cf declares. */
	if (rc == 0)
		rc = disable_file(job, &kept, POSTFIX_KEPT_MASTER);
	if (rc == 0)
		rc = disable_file(job, &kept, POSTFIX_KEPT_MAIN);
	postfix_files_done(&kept);
	if (rc == 0)
		rc = postfix_check(job->folder);
	if (rc == 0)
		postfix_transports_forget(job->folder);
	if (rc == 0)
		rc = postfix_files_drop(state);
	return rc < 0 ? rc : postfix_reload(job->folder);
}

static int
diff_run(struct job *job)
{
	int rc = plan_enable(job);

	if (rc < 0)
		return rc;
	print_edits(&job->edits);
	return job->edits.count > 0 ? 1 : 0;
}

static int
status_run(struct job *job)
{
	int rc = plan_enable(job);
	struct slice policy;

	if (rc < 0)
		return rc;
	policy = postfix_values_get(&job->now.main, SLICE("postern_policy"));
	if (job->edits.count == 0)
		(void)printf("enabled in %s\n", job->folder);
	else if (policy.at == NULL)
		(void)printf("not enabled in %s\n", job->folder);
	else
		(void)printf("enabled in %s, but %zu changes are to be made;"
			     " see \"postern postfix diff\"\n",
		    job->folder, job->edits.count);
	return job->edits.count > 0 ? 1 : 0;
}

static const struct {
	const char *name;
	int (*run)(struct job *job);
} actions[] = {
	{ "enable", enable_run },
	{ "disable", disable_run },
	{ "diff", diff_run },
	{ "status", status_run },
};

/* -c FOLDER and -d DOMAIN behind the action; false: usage. */
static bool
read_options(struct job *job, int argc, char *argv[])
{
	for (int i = 2; i < argc; i += 2) {
		bool domain = strcmp(argv[i], "-d") == 0;

		if (i + 1 == argc || (!domain && strcmp(argv[i], "-c") != 0) ||
		    (domain && job->domain_count == POSTFIX_RETURN_DOMAINS_MAX))
			return false;
		if (domain)
			job->domains[job->domain_count++] =
			    slice_of(argv[i + 1]);
		else
			job->folder = argv[i + 1];
	}
	return true;
}

static int
postfix_run(struct cli *cli, int argc, char *argv[])
{
	struct job *job;
	size_t i, count = sizeof(actions) / sizeof(actions[0]);
	int rc = EX_USAGE;

	for (i = 0; i < count; i++)
		if (argc > 1 && strcmp(argv[1], actions[i].name) == 0)
			break;
	if (i == count)
		return EX_USAGE;
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return EX_OSERR;
	if (!read_options(job, argc, argv))
		goto done;
	job->config = cli_config(cli);
	rc = EX_CONFIG;
	if (job->config == NULL)
		goto done;
	if (job->folder == NULL)
		job->folder = job->config->postfix_config_directory;
	job->arena = arena_new(ARENA_MAX);
	rc = job->arena != NULL ? actions[i].run(job) : ERR_NOMEM;
	if (rc < 0) {
		cli_error("postfix %s: %s", argv[1], err_text(rc));
		rc = cli_exit(rc);
	}
	arena_free(job->arena);
done:
	free(job);
	return rc;
}

const struct command command_postfix = {
	.name = "postfix",
	.summary = "put Postern's hooks into Postfix, or take them out",
	.usage = "diff [-c FOLDER] [-d DOMAIN]...\n"
		 "enable [-c FOLDER] [-d DOMAIN]...\n"
		 "disable [-c FOLDER]\n"
		 "status [-c FOLDER] [-d DOMAIN]...",
	.run = postfix_run,
};
