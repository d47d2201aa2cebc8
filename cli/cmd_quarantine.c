/* SPDX-License-Identifier: BSD-2-Clause */
/* postern quarantine: messages that were refused because of a virus. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/quarantine_client.h"
#include "cli/quarantine_text.h"
#include "util/arena.h"
#include "util/err.h"

#define TEXT_OCTETS (1024 * 1024)
#define RECORD_OCTETS (128 * 1024)
#define MESSAGE_OCTETS ((size_t)300 * 1024 * 1024)

struct run {
	struct store_client client;
	struct slice tenant, id;
	const char *file;
	bool json;
	struct arena *arena;
	struct quarantine_record record; /* of id */
};

/* ---- list ---- */

static void
print_row(const struct quarantine_record *r, void *ctx)
{
	const struct run *run = ctx;
	struct buf line;

	buf_init(&line, TEXT_OCTETS);
	if (run->json) {
		(void)quarantine_to_json(r, &line);
		(void)buf_add_char(&line, '\n');
	} else {
		quarantine_line(r, &line);
	}
	(void)fwrite(buf_text(&line), 1, line.len, stdout);
	buf_done(&line);
}

static int
verb_list(struct run *r)
{
	char cursor[QUARANTINE_ID_MAX] = "";
	int rc;

	do
		rc = quarantine_client_page(&r->client, r->tenant, cursor,
		    print_row, r);
	while (rc == 0 && cursor[0] != '\0');
	return rc;
}

/* ---- one of them ---- */

/* No look at it without a line in the audit log. */
static int
find(struct run *r, const char *action)
{
	int rc = quarantine_client_find(&r->client, r->tenant, r->id, r->arena,
	    &r->record);

	if (rc < 0)
		return rc;
	return quarantine_client_audit(&r->client, r->tenant, r->id, action);
}

static int
gather(struct slice plain, void *ctx)
{
	return buf_add_slice(ctx, plain);
}

static int
verb_view(struct run *r)
{
	struct buf text, message;
	int rc;

	if ((rc = find(r, "quarantine_view")) < 0)
		return rc;
	if (r->json) {
		print_row(&r->record, r);
		return 0;
	}
	buf_init(&text, TEXT_OCTETS);
	buf_init(&message, MESSAGE_OCTETS);
	quarantine_facts(&r->record, &text);
	if (r->record.content == QUARANTINE_KEPT &&
	    (rc = quarantine_client_read(&r->client, &r->record, gather,
		 &message)) == 0)
		rc = quarantine_structure(buf_slice(&message), &text);
	(void)fwrite(buf_text(&text), 1, text.len, stdout);
	buf_done(&text);
	buf_done(&message);
	return rc;
}

static int
write_out(struct slice plain, void *ctx)
{
	const int *fd = ctx;

	while (plain.len > 0) {
		ssize_t n = write(*fd, plain.at, plain.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_IO;
		plain = slice_skip(plain, (size_t)n);
	}
	return 0;
}

/* Into a new file only: never a terminal, never over something. */
static int
verb_download(struct run *r)
{
	int rc = find(r, "quarantine_download"), fd;

	if (rc < 0)
		return rc;
	if (r->record.content != QUARANTINE_KEPT) {
		cli_error("%.*s: has no content: %s", SLICE_F(r->id),
		    quarantine_content_text(r->record.content));
		return ERR_CONFLICT;
	}
	fd = open(r->file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd < 0) {
		cli_error("%s: %s", r->file, strerror(errno));
		return ERR_IO;
	}
	rc = quarantine_client_read(&r->client, &r->record, write_out, &fd);
	if (close(fd) < 0 && rc == 0)
		rc = ERR_IO;
	if (rc < 0)
		(void)unlink(r->file);
	return rc;
}

static int
verb_delete(struct run *r)
{
	int rc = find(r, "quarantine_delete");

	return rc < 0 ? rc
		      : quarantine_client_delete(&r->client, r->tenant, r->id);
}

/* ---- the command ---- */

static const struct verb {
	const char *name;
	bool id, file;
	int (*run)(struct run *r);
} verbs[] = {
	{ "list", false, false, verb_list },
	{ "view", true, false, verb_view },
	{ "download", true, true, verb_download },
	{ "delete", true, false, verb_delete },
	{ NULL, false, false, NULL },
};

/* Options before and behind the verb; the words left, or -1. */
static int
take_options(struct run *r, int argc, char *argv[], const char *words[2])
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		bool value = i + 1 < argc;

		if (strcmp(argv[i], "--json") == 0)
			r->json = true;
		else if (strcmp(argv[i], "-t") == 0 && value)
			r->tenant = slice_of(argv[++i]);
		else if (strcmp(argv[i], "-o") == 0 && value)
			r->file = argv[++i];
		else if (argv[i][0] == '-' || n == 2)
			return -1;
		else
			words[n++] = argv[i];
	}
	return n;
}

static void
tell(const struct run *r, int rc)
{
	if (rc == ERR_NOTFOUND)
		cli_error("%.*s: no such message is kept of tenant %.*s",
		    SLICE_F(r->id), SLICE_F(r->tenant));
	else if (rc == ERR_CRYPTO)
		cli_error("%.*s: sealed by another master key, or damaged",
		    SLICE_F(r->id));
	else if (rc < 0 && rc != ERR_CONFLICT)
		cli_error("%s", err_text(rc));
}

static int
run(struct cli *cli, int argc, char *argv[])
{
	struct run r = { .tenant = slice_of(SETTINGS_DEFAULT_TENANT) };
	const char *words[2] = { NULL, NULL };
	const struct verb *verb = verbs;
	int n = take_options(&r, argc, argv, words), rc;

	while (n > 0 && verb->name != NULL && strcmp(verb->name, words[0]) != 0)
		verb++;
	if (n < 1 || verb->name == NULL || n != (verb->id ? 2 : 1) ||
	    verb->file != (r.file != NULL))
		return EX_USAGE;
	if (!settings_name_ok(r.tenant)) {
		cli_error("%.*s: not a tenant's name", SLICE_F(r.tenant));
		return EX_USAGE;
	}
	r.id = slice_of(words[1]);
	if ((r.arena = arena_new(RECORD_OCTETS)) == NULL)
		return cli_exit(ERR_NOMEM);
	if ((rc = store_client_open(cli, &r.client)) == 0) {
		rc = verb->run(&r);
		tell(&r, rc);
		store_client_close(&r.client);
	}
	arena_free(r.arena);
	return cli_exit(rc);
}

const struct command command_quarantine = {
	.name = "quarantine",
	.summary = "messages that were refused because of a virus",
	.usage = "[-t TENANT] list [--json]\n"
		 "[-t TENANT] view ID [--json]\n"
		 "[-t TENANT] download ID -o FILE\n"
		 "[-t TENANT] delete ID",
	.run = run,
};
