/* SPDX-License-Identifier: BSD-2-Clause */
/* Services of shaping filters, compared with Postfix's configuration. */
#include "cli/postfix_transports.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/postfix_files.h"
#include "postfix-conf/transports.h"
#include "service/host_config.h"
#include "util/err.h"
#include "util/read_all.h"

#define PARAMETERS_MAX 20

/* The list that policyd has left; none without a file. */
static int
read_wanted(struct arena *arena, const char *state_directory,
    struct postfix_transports *wanted)
{
	char path[PATH_MAX];
	struct slice text;
	struct buf out;
	size_t line = 0;
	int fd, rc;

	if (snprintf(path, sizeof(path), "%s/" POSTFIX_TRANSPORTS_FILE,
		state_directory) >= (int)sizeof(path))
		return ERR_LIMIT;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : ERR_IO;
	buf_init(&out, POSTFIX_TRANSPORTS_MAX + READ_PIECE);
	rc = read_all(fd, &out);
	(void)close(fd);
	text = arena_dup(arena, buf_slice(&out));
	buf_done(&out);
	if (rc == 0)
		rc = text.at != NULL
			 ? postfix_transports_parse(arena, text, wanted, &line)
			 : ERR_NOMEM;
	if (rc == ERR_SYNTAX)
		cli_error("%s: line %zu: not as postern-policyd writes it",
		    path, line);
	return rc;
}

/* What is in force, by main.cf or by default. */
static int
set_values(struct arena *arena, const struct postfix_now *now,
    struct postfix_values *values)
{
	size_t n = 0;

	values->at = arena_calloc(arena, PARAMETERS_MAX, sizeof(*values->at));
	if (values->at == NULL)
		return ERR_NOMEM;
	for (const char *const *p = postfix_transports_parameters;
	     *p != NULL && n < PARAMETERS_MAX; p++) {
		struct slice name = slice_of(*p),
			     value = postfix_values_get(&now->main, name);

		if (value.at == NULL)
			value = postfix_values_get(&now->defaults, name);
		if (value.at != NULL)
			values->at[n++] = (struct postfix_value){ name, value };
	}
	values->count = n;
	return 0;
}

/* main.cf itself: postconf does not show what nobody uses. */
static int
set_main(struct arena *arena, const char *folder, struct postfix_values *main)
{
	struct postfix_files files;
	struct slice text;
	size_t line;
	int rc = postfix_files_now(folder, &files);

	if (rc < 0)
		return rc;
	text = arena_dup(arena, buf_slice(&files.original[POSTFIX_KEPT_MAIN]));
	postfix_files_done(&files);
	return text.at != NULL ? postfix_values_parse(arena, text, main, &line)
			       : ERR_NOMEM;
}

static int
append(struct arena *arena, struct postfix_edits *edits,
    const struct postfix_edits *more)
{
	size_t count = edits->count + more->count;
	struct postfix_edit *at;

	if (more->count == 0)
		return 0;
	at = arena_calloc(arena, count, sizeof(*at));
	if (at == NULL)
		return ERR_NOMEM;
	if (edits->count > 0)
		memcpy(at, edits->at, edits->count * sizeof(*at));
	memcpy(at + edits->count, more->at, more->count * sizeof(*at));
	*edits = (struct postfix_edits){ at, count };
	return 0;
}

int
postfix_transports_edits(struct arena *arena, const struct host_config *config,
    const char *folder, const struct postfix_now *now,
    enum postfix_transports_what what, struct postfix_edits *edits)
{
	struct postfix_transports wanted = { .tables = slice_of(
						 config->policyd_map_listen) };
	struct postfix_transports_now mine = { .entries = now->entries,
		.services = now->services,
		.config_directory = slice_of(folder) };
	struct postfix_edits more;
	int rc = 0;

	if (what == TRANSPORTS_WANTED)
		rc = read_wanted(arena, config->state_directory, &wanted);
	if (rc == 0)
		rc = set_values(arena, now, &mine.values);
	if (rc == 0)
		rc = set_main(arena, folder, &mine.main);
	if (rc == 0)
		rc = postfix_transports_plan(arena, &mine, &wanted, &more);
	return rc == 0 ? append(arena, edits, &more) : rc;
}

void
postfix_transports_forget(const char *folder)
{
	const struct slice suffix = SLICE(POSTFIX_PASSWORD_SUFFIX);
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		struct slice name = slice_of(entry->d_name);

		if (name.len <= suffix.len ||
		    !slice_eq(slice_skip(name, name.len - suffix.len), suffix))
			continue;
		name.len -= suffix.len;
		if (postfix_transport_name_ok(name))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	(void)closedir(dir);
}
