/* SPDX-License-Identifier: BSD-2-Clause */
/* Transports into main.cf and master.cf, with a way back. */
#include "policyd/queue_transports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policyd/queue_command.h"
#include "policyd/queue_passwords.h"
#include "policyd/queue_saved.h"
#include "util/clock.h"
#include "util/err.h"

#define OUTPUT_MAX ((size_t)4 * 1024 * 1024)
#define ERRORS_MAX 2000
#define EDITS_AT_ONCE 40
#define DEADLINE_MS 60000

struct job {
	struct arena *arena;
	const char *folder;
	struct buf *why;
	int64_t deadline_us;
	struct postfix_transports_now now;
	struct queue_saved main_cf, master_cf;
};

/* ---- commands ---- */

/* What a command complained about: the last line. */
static void
tell(struct job *job, const char *command, int rc, struct slice errors)
{
	struct slice last = slice_trim(errors), line;

	while (slice_split(&last, '\n', &line))
		if (last.at == NULL)
			break;
	(void)buf_addf(job->why, "%s: %.*s", command,
	    errors.len > 0 ? (int)line.len : (int)strlen(err_text(rc)),
	    errors.len > 0 ? line.at : err_text(rc));
}

/* out may be NULL. */
static int
run(struct job *job, const char *const *argv, struct buf *out)
{
	struct buf errors;
	struct queue_command c = { .argv = argv,
		.deadline_us = job->deadline_us,
		.out = out,
		.errors = &errors };
	int rc;

	buf_init(&errors, ERRORS_MAX);
	rc = queue_command_run(&c, NULL);
	if (rc > 0)
		rc = ERR_IO;
	if (rc < 0)
		tell(job, argv[0], rc, buf_slice(&errors));
	buf_done(&errors);
	return rc;
}

typedef int parser(struct arena *arena, struct slice text,
    struct postfix_values *ret_values, size_t *ret_line);

static int
read_values(struct job *job, const char *const *argv, parser *parse,
    struct postfix_values *ret_values)
{
	struct slice text;
	struct buf out;
	size_t line;
	int rc;

	buf_init(&out, OUTPUT_MAX);
	rc = run(job, argv, &out);
	text = arena_dup(job->arena, buf_slice(&out));
	buf_done(&out);
	if (rc == 0 && text.at == NULL)
		rc = ERR_NOMEM;
	return rc == 0 ? parse(job->arena, text, ret_values, &line) : rc;
}

static int
read_now(struct job *job)
{
	static const char *const entries[] = { "postconf", "-M", NULL },
				 *const services[] = { "postconf", "-P", NULL };
	const char *values[20] = { "postconf" };
	struct postfix_transports_now *now = &job->now;
	size_t line, n = 0;
	int rc;

	for (; postfix_transports_parameters[n] != NULL && n < 18; n++)
		values[n + 1] = postfix_transports_parameters[n];
	rc = read_values(job, entries, postfix_entries_parse, &now->entries);
	if (rc == 0)
		rc = read_values(job, services, postfix_values_parse,
		    &now->services);
	if (rc == 0)
		rc = read_values(job, values, postfix_values_parse,
		    &now->values);
	if (rc == 0)
		rc = postfix_values_parse(job->arena,
		    buf_slice(&job->main_cf.text), &now->main, &line);
	now->config_directory = slice_of(job->folder);
	return rc;
}

/* ---- editing ---- */

static const char *
edit_argument(struct job *job, const struct postfix_edit *e)
{
	struct buf text;
	char *argument;

	if (e->value.at == NULL)
		return arena_text(job->arena, e->name);
	buf_init(&text, OUTPUT_MAX);
	(void)buf_add_slice(&text, e->name);
	(void)buf_add_text(&text, "=");
	(void)buf_add_slice(&text, e->value);
	argument =
	    text.rc == 0 ? arena_text(job->arena, buf_slice(&text)) : NULL;
	buf_done(&text);
	return argument;
}

/* All edits of one kind, some at a time. */
static int
edit_all(struct job *job, const struct postfix_edits *edits,
    enum postfix_file file, bool remove, const char *option)
{
	const char *argv[EDITS_AT_ONCE + 3] = { "postconf", option };
	size_t n = 2;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i <= edits->count; i++) {
		bool last = i == edits->count;

		if (!last && (edits->at[i].file != file ||
				 (edits->at[i].value.at == NULL) != remove))
			continue;
		if (!last) {
			argv[n] = edit_argument(job, &edits->at[i]);
			if (argv[n++] == NULL)
				return ERR_NOMEM;
		}
		if (n < EDITS_AT_ONCE + 2 && (!last || n == 2))
			continue;
		argv[n] = NULL;
		rc = run(job, argv, NULL);
		n = 2;
	}
	return rc;
}

static int
edit(struct job *job, const struct postfix_edits *edits)
{
	int rc = edit_all(job, edits, POSTFIX_MASTER_ENTRY, true, "-MX");

	if (rc == 0)
		rc = edit_all(job, edits, POSTFIX_MAIN_CF, true, "-X");
	if (rc == 0)
		rc = edit_all(job, edits, POSTFIX_MAIN_CF, false, "-e");
	if (rc == 0)
		rc = edit_all(job, edits, POSTFIX_MASTER_ENTRY, false, "-Me");
	return rc;
}

static int
check_and_reload(struct job *job)
{
	static const char *const check[] = { "postfix", "check", NULL },
				 *const status[] = { "postfix", "status",
					 NULL },
				 *const reload[] = { "postfix", "reload",
					 NULL };
	struct buf errors;
	const struct queue_command is_running = { .argv = status,
		.deadline_us = job->deadline_us,
		.errors = &errors };
	int rc = run(job, check, NULL);

	if (rc < 0)
		return rc;
	buf_init(&errors, ERRORS_MAX);
	rc = queue_command_run(&is_running, NULL);
	buf_done(&errors);
	/* One that does not run reads it when it starts. */
	return rc == 0 ? run(job, reload, NULL) : rc < 0 ? rc : 0;
}

/* Time of its own: that of the way there may be used up. */
static void
take_back(struct job *job)
{
	struct buf unused;
	struct job again = *job;
	int rc = queue_saved_restore(&job->main_cf);

	if (rc == 0)
		rc = queue_saved_restore(&job->master_cf);
	(void)buf_add_text(job->why,
	    rc == 0 ? "; main.cf and master.cf are as they were"
		    : "; main.cf and master.cf could not be put back");
	buf_init(&unused, ERRORS_MAX);
	again.why = &unused;
	again.deadline_us = clock_deadline_ms(DEADLINE_MS);
	(void)check_and_reload(&again);
	buf_done(&unused);
}

/* ---- together ---- */

/* Some parameter of the hooks: "postern postfix enable" was there. */
static bool
is_enabled(const struct job *job)
{
	const struct postfix_values *main_cf = &job->now.main;

	for (size_t i = 0; i < main_cf->count; i++)
		if (slice_starts(main_cf->at[i].name, SLICE("postern_")))
			return true;
	return false;
}

static int
change(struct job *job, const char *key_file,
    const struct postfix_transports *wanted, size_t *ret_done)
{
	struct postfix_edits edits;
	size_t passwords = 0;
	int rc = postfix_transports_plan(job->arena, &job->now, wanted, &edits);

	if (rc < 0)
		return rc;
	rc = queue_passwords_write(job->folder, key_file, wanted, job->why,
	    &passwords);
	if (rc == 0 && edits.count + passwords > 0) {
		rc = edit(job, &edits);
		if (rc == 0)
			rc = check_and_reload(job);
		if (rc < 0)
			take_back(job);
	}
	if (rc < 0)
		return rc;
	queue_passwords_clean(job->folder, wanted);
	*ret_done = edits.count + passwords;
	return 0;
}

int
queue_transports_apply(struct arena *arena, const char *config_directory,
    const char *key_file, const struct postfix_transports *wanted,
    struct buf *why, size_t *ret_done)
{
	struct job job = { .arena = arena,
		.folder = config_directory,
		.why = why,
		.deadline_us = clock_deadline_ms(DEADLINE_MS) };
	int rc = queue_saved_read(&job.main_cf, config_directory, "main.cf");

	if (rc == 0)
		rc = queue_saved_read(&job.master_cf, config_directory,
		    "master.cf");
	if (rc < 0)
		(void)buf_addf(why, "%s: %s", config_directory, err_text(rc));
	else
		rc = read_now(&job);
	if (rc == 0 && wanted->count > 0 && !is_enabled(&job)) {
		(void)buf_add_text(why,
		    "Postern's hooks are not in main.cf: \"postern postfix "
		    "enable\" puts them there");
		rc = ERR_UNAVAIL;
	}
	if (rc == 0)
		rc = change(&job, key_file, wanted, ret_done);
	queue_saved_done(&job.main_cf);
	queue_saved_done(&job.master_cf);
	return rc;
}
