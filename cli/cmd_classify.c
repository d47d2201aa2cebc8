/* SPDX-License-Identifier: BSD-2-Clause */
/* postern classify: what a mail that came back, or an SMTP reply, means. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "proto/bounce_mail.h"
#include "proto/json.h"
#include "util/arena.h"
#include "util/buf.h"
#include "util/err.h"

#define MAIL_MAX (64 * 1024 * 1024) /* read of one file */
#define ARENA_MAX (64 * 1024 * 1024)

/* A member that is null when there is no text. */
static int
set_text(struct json *line, const char *name, struct slice text)
{
	if (text.len == 0)
		return json_set(line, name, json_new_null());
	return json_set_string(line, name, text);
}

static int
set_number(struct json *line, const char *name, int64_t n)
{
	return json_set(line, name,
	    n == 0 ? json_new_null() : json_new_integer(n));
}

/* One line of JSON to standard output. */
static int
print_line(const char *file, struct slice recipient, enum bounce_kind kind,
    const struct classify_verdict *v)
{
	struct json *line = json_new_object();
	char enhanced[40] = "";
	struct buf out;
	int rc;

	buf_init(&out, 1 << 20);
	if (v->enhanced.class != 0)
		(void)snprintf(enhanced, sizeof(enhanced), "%u.%u.%u",
		    v->enhanced.class, v->enhanced.subject, v->enhanced.detail);
	bool fails = v->status != STATUS_NONE;
	if ((file != NULL &&
		(rc = json_set_string(line, "file", slice_of(file))) < 0) ||
	    (rc = set_text(line, "recipient", recipient)) < 0 ||
	    (rc = set_number(line, "status", v->status)) < 0 ||
	    (rc = set_number(line, "reply_code", v->reply_code)) < 0 ||
	    (rc = set_text(line, "enhanced", slice_of(enhanced))) < 0 ||
	    (rc = set_text(line, "kind", slice_of(bounce_kind_word(kind)))) <
		0 ||
	    (rc = set_text(line, "rule", slice_of(fails ? v->rule : ""))) < 0 ||
	    (rc = json_print(line, JSON_COMPACT, &out)) < 0) {
		cli_error("%s", err_text(rc));
	} else {
		(void)printf("%s\n", buf_text(&out));
	}
	json_free(line);
	buf_done(&out);
	return rc;
}

static int
classify_mail(const char *file, struct slice mail)
{
	static const struct classify_verdict nothing;
	struct arena *arena = arena_new(ARENA_MAX);
	struct bounce_mail m;
	int rc;

	if (arena == NULL)
		return ERR_NOMEM;
	if ((rc = bounce_mail_read(mail, NULL, arena, &m)) < 0) {
		arena_free(arena);
		return rc;
	}
	if (m.count == 0)
		rc = print_line(file, (struct slice){ NULL, 0 }, m.kind,
		    &nothing);
	for (size_t i = 0; i < m.count && rc == 0; i++)
		rc = print_line(file, m.reports[i].recipient, m.reports[i].kind,
		    &m.reports[i].verdict);
	arena_free(arena);
	return rc;
}

static int
read_all(FILE *f, struct buf *out)
{
	size_t n;

	do {
		int rc = buf_reserve(out, 65536);

		if (rc < 0)
			return rc;
		n = fread(out->at + out->len, 1, 65536, f);
		out->len += n;
	} while (n > 0);
	return ferror(f) ? ERR_IO : 0;
}

static int
classify_file(const char *path, bool named)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *f = standard ? stdin : fopen(path, "re");
	struct buf mail;
	int rc;

	if (f == NULL) {
		cli_error("%s: %s", path, strerror(errno));
		return ERR_IO;
	}
	buf_init(&mail, MAIL_MAX);
	rc = read_all(f, &mail);
	if (!standard)
		(void)fclose(f);
	if (rc == 0)
		rc = classify_mail(named ? path : NULL, buf_slice(&mail));
	if (rc < 0)
		cli_error("%s: %s", path, err_text(rc));
	buf_done(&mail);
	return rc;
}

static int
classify_text(const char *text)
{
	struct slice none = { NULL, 0 };
	struct classify_verdict v;

	classify_reply(&(struct classify_input){ .text = slice_of(text) }, &v);
	return print_line(NULL, none, BOUNCE_FAILED, &v);
}

static int
classify_run(struct cli *cli, int argc, char *argv[])
{
	int rc = 0;

	(void)cli;
	if (argc > 1 && strcmp(argv[1], "--reply") == 0)
		return argc == 3 ? cli_exit(classify_text(argv[2])) : EX_USAGE;
	if (argc < 2)
		return cli_exit(classify_file("-", false));
	for (int i = 1; i < argc; i++) {
		int one = classify_file(argv[i], argc > 2);

		if (one < 0)
			rc = one;
	}
	return cli_exit(rc);
}

const struct command command_classify = {
	.name = "classify",
	.summary = "say what bounces, or an SMTP reply, mean",
	.usage = "[FILE ...]\n--reply TEXT",
	.run = classify_run,
};
