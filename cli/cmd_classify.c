/* SPDX-License-Identifier: BSD-2-Clause */
/* postern classify: what a mail that came back, or an SMTP reply, means. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/commands.h"
#include "proto/bounce_mail.h"
#include "proto/bounce_rules.h"
#include "proto/json.h"
#include "service/host_config.h"
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
	    (rc = set_text(line, "class",
		 slice_of(fails ? bounce_class_word(v->class) : ""))) < 0 ||
	    (rc = set_text(line, "fault",
		 slice_of(fails ? fault_word(bounce_class_fault(v->class))
				: ""))) < 0 ||
	    (rc = json_set(line, "may_block",
		 fails ? json_new_bool(bounce_class_may_block(v->class))
		       : json_new_null())) < 0 ||
	    (rc = set_number(line, "reply_code", v->reply_code)) < 0 ||
	    (rc = set_text(line, "enhanced", slice_of(enhanced))) < 0 ||
	    (rc = set_number(line, "retry_after", v->retry_after_s)) < 0 ||
	    (rc = set_text(line, "blocklist", v->blocklist)) < 0 ||
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
classify_mail(const char *file, const struct bounce_rules *rules,
    struct slice mail)
{
	static const struct classify_verdict nothing;
	struct arena *arena = arena_new(ARENA_MAX);
	struct bounce_mail m;
	int rc;

	if (arena == NULL)
		return ERR_NOMEM;
	if ((rc = bounce_mail_read(mail, rules, arena, &m)) < 0) {
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
classify_file(const char *path, const struct bounce_rules *rules, bool named)
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
		rc =
		    classify_mail(named ? path : NULL, rules, buf_slice(&mail));
	if (rc < 0)
		cli_error("%s: %s", path, err_text(rc));
	buf_done(&mail);
	return rc;
}

static int
classify_text(const struct bounce_rules *rules, struct slice text)
{
	struct classify_input in = { .rules = rules, .text = text };
	struct slice none = { NULL, 0 };
	struct classify_verdict v;

	classify_reply(&in, &v);
	return print_line(NULL, none, BOUNCE_FAILED, &v);
}

/* A reply on each line of standard input. */
static int
classify_lines(const struct bounce_rules *rules)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = getline(&line, &room, stdin)) >= 0)
		rc = classify_text(rules,
		    slice_trim((struct slice){ line, (size_t)n }));
	if (rc == 0 && ferror(stdin))
		rc = ERR_IO;
	free(line);
	return rc;
}

/* ---- rules ---- */

static void
bad_rule(unsigned line, const char *message, void *ctx)
{
	const char *const *path = ctx;

	if (line == 0)
		cli_error("%s: %s", *path, message);
	else
		cli_error("%s:%u: %s", *path, line, message);
}

/* Those of the site, where it has some; what is wrong is told. */
static int
load_rules(struct cli *cli, struct bounce_rules **ret_rules)
{
	const struct host_config *config = cli_config(cli);
	struct slice none = { NULL, 0 };

	if (config == NULL)
		return ERR_CONFIG;
	const char *path = config->bounce_rules;
	if (path[0] == '\0')
		return bounce_rules_make(none, bad_rule, &path, ret_rules);
	return bounce_rules_load(path, bad_rule, &path, ret_rules);
}

static int
check_rules(const char *path)
{
	struct slice none = { NULL, 0 };
	struct bounce_rules *rules;
	unsigned examples;
	int wrong, rc;

	if (path == NULL) {
		path = "bounce-rules.conf";
		rc = bounce_rules_make(none, bad_rule, &path, &rules);
	} else if (access(path, R_OK) < 0) {
		cli_error("%s: %s", path, strerror(errno));
		return EX_NOINPUT;
	} else {
		rc = bounce_rules_load(path, bad_rule, &path, &rules);
	}
	if (rc < 0)
		return rc == ERR_CONFIG ? EX_DATAERR : cli_exit(rc);
	wrong = bounce_rules_check(rules, bad_rule, &path, &examples);
	(void)printf("%zu rules with those of the program; %u examples, "
		     "%d wrong\n",
	    bounce_rules_count(rules), examples, wrong);
	bounce_rules_unref(rules);
	return wrong == 0 ? EX_OK : EX_DATAERR;
}

static int
classify_files(const struct bounce_rules *rules, int argc, char *argv[])
{
	int rc = 0;

	if (argc < 2)
		return classify_file("-", rules, false);
	for (int i = 1; i < argc; i++) {
		int one = classify_file(argv[i], rules, argc > 2);

		if (one < 0)
			rc = one;
	}
	return rc;
}

static int
classify_run(struct cli *cli, int argc, char *argv[])
{
	bool reply = argc > 1 && strcmp(argv[1], "--reply") == 0;
	bool replies = argc > 1 && strcmp(argv[1], "--replies") == 0;
	struct bounce_rules *rules;
	int rc;

	if (argc > 1 && strcmp(argv[1], "--check-rules") == 0)
		return argc > 3 ? EX_USAGE : check_rules(argv[2]);
	if ((reply && argc != 3) || (replies && argc != 2))
		return EX_USAGE;
	if ((rc = load_rules(cli, &rules)) < 0)
		return cli_exit(rc);
	if (reply)
		rc = classify_text(rules, slice_of(argv[2]));
	else if (replies)
		rc = classify_lines(rules);
	else
		rc = classify_files(rules, argc, argv);
	bounce_rules_unref(rules);
	return cli_exit(rc);
}

const struct command command_classify = {
	.name = "classify",
	.summary = "say what bounces, or an SMTP reply, mean",
	.usage = "[FILE ...]\n--reply TEXT\n--replies\n--check-rules [FILE]",
	.run = classify_run,
};
