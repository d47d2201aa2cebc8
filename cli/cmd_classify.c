/* SPDX-License-Identifier: BSD-2-Clause */
/* postern classify: what a mail that came back, or an SMTP reply, means. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/mail_source.h"
#include "proto/bounce_mail.h"
#include "proto/bounce_rules.h"
#include "proto/json.h"
#include "service/host_config.h"
#include "util/arena.h"
#include "util/buf.h"
#include "util/err.h"

#define ARENA_MAX (64 * 1024 * 1024) /* made of one mail */
#define LINE_MAX_OURS (1 << 20)      /* octets of one line of output */
#define OUT_MAX 65536                /* gathered before they are written */

struct output {
	const struct bounce_rules *rules;
	struct arena *arena;
	struct buf lines;
	bool named; /* there may be several files */
};

/* ---- one line of JSON ---- */

static void
add_name(struct buf *b, const char *name)
{
	(void)buf_add_char(b, b->at[b->len - 1] == '{' ? '"' : ',');
	if (b->at[b->len - 1] == ',')
		(void)buf_add_char(b, '"');
	(void)buf_add_text(b, name);
	(void)buf_add_text(b, "\":");
}

/* null where there is no text. */
static void
add_text(struct buf *b, const char *name, struct slice text)
{
	add_name(b, name);
	if (text.len == 0)
		(void)buf_add_text(b, "null");
	else
		(void)json_print_string(text, b);
}

static void
add_number(struct buf *b, const char *name, uint64_t n)
{
	add_name(b, name);
	if (n == 0)
		(void)buf_add_text(b, "null");
	else
		(void)buf_addf(b, "%llu", (unsigned long long)n);
}

/* What is finer than a status; null where nothing failed. */
static void
add_class(struct buf *b, const struct classify_verdict *v)
{
	bool fails = v->status != STATUS_NONE;
	enum fault fault = bounce_class_fault(v->class);

	add_text(b, "class",
	    slice_of(fails ? bounce_class_word(v->class) : ""));
	add_text(b, "fault", slice_of(fails ? fault_word(fault) : ""));
	add_name(b, "may_block");
	(void)buf_add_text(b, !fails                             ? "null"
			      : bounce_class_may_block(v->class) ? "true"
								 : "false");
}

/* Where it came from, and which mail of a mailbox. */
struct origin {
	const char *path; /* NULL: there is but one */
	size_t number;    /* 0: no mailbox */
};

static int
add_line(struct buf *b, const struct origin *from,
    const struct bounce_report *r)
{
	const struct classify_verdict *v = &r->verdict;
	bool fails = v->status != STATUS_NONE;
	char enhanced[40] = "";

	if (v->enhanced.class != 0)
		(void)snprintf(enhanced, sizeof(enhanced), "%u.%u.%u",
		    v->enhanced.class, v->enhanced.subject, v->enhanced.detail);
	(void)buf_add_char(b, '{');
	if (from->path != NULL)
		add_text(b, "file", slice_of(from->path));
	if (from->number > 0)
		add_number(b, "message", from->number);
	add_text(b, "recipient", r->recipient);
	add_number(b, "status", (uint64_t)v->status);
	add_class(b, v);
	add_number(b, "reply_code", v->reply_code);
	add_text(b, "enhanced", slice_of(enhanced));
	add_number(b, "retry_after", v->retry_after_s);
	add_text(b, "blocklist", v->blocklist);
	add_text(b, "kind", slice_of(bounce_kind_word(r->kind)));
	add_text(b, "rule", slice_of(fails ? v->rule : ""));
	if (fails) {
		if (!slice_eq_nocase(r->final, r->recipient))
			add_text(b, "final", r->final);
		add_text(b, "reason", r->reason);
	}
	(void)buf_add_text(b, "}\n");
	return b->rc;
}

static int
flush(struct output *out)
{
	struct slice s = buf_slice(&out->lines);
	bool ok =
	    fwrite(s.at, 1, s.len, stdout) == s.len && fflush(stdout) == 0;

	buf_clear(&out->lines);
	if (ok)
		return 0;
	cli_error("standard output: %s", strerror(errno));
	return ERR_IO;
}

/* ---- mails ---- */

static int
on_mail(void *ctx, const char *path, size_t number, struct slice mail)
{
	struct output *out = ctx;
	struct origin from = { out->named ? path : NULL, number };
	struct bounce_mail m;
	int rc;

	arena_reset(out->arena);
	if ((rc = bounce_mail_read(mail, out->rules, out->arena, &m)) < 0)
		return rc;
	if (m.count == 0)
		rc = add_line(&out->lines, &from,
		    &(struct bounce_report){ .kind = m.kind });
	for (size_t i = 0; i < m.count && rc == 0; i++)
		rc = add_line(&out->lines, &from, &m.reports[i]);
	if (rc == 0 && out->lines.len >= OUT_MAX)
		rc = flush(out);
	return rc;
}

static void
on_failed(void *ctx, const char *path, const char *why)
{
	(void)ctx;
	cli_error("%s: %s", path, why);
}

static bool
is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
classify_mails(const struct bounce_rules *rules, int count, char *const paths[])
{
	struct output out = { .rules = rules, .arena = arena_new(ARENA_MAX) };
	struct mail_source source = { .found = on_mail,
		.failed = on_failed,
		.ctx = &out };
	int last = 0, rc;

	if (out.arena == NULL)
		return ERR_NOMEM;
	buf_init(&out.lines, OUT_MAX + LINE_MAX_OURS);
	mail_source_init(&source);
	out.named = count > 1 || is_directory(paths[0]);
	for (int i = 0; i < count; i++)
		if ((rc = mail_source_read(&source, paths[i])) < 0)
			last = rc;
	if ((rc = flush(&out)) < 0)
		last = rc;
	mail_source_done(&source);
	buf_done(&out.lines);
	arena_free(out.arena);
	return last;
}

static int
classify_text(const struct bounce_rules *rules, struct slice text)
{
	struct classify_input in = { .rules = rules, .text = text };
	struct bounce_report r = { .kind = BOUNCE_FAILED };
	struct buf line;
	int rc;

	classify_reply(&in, &r.verdict);
	buf_init(&line, LINE_MAX_OURS);
	if ((rc = add_line(&line, &(struct origin){ .path = NULL }, &r)) == 0)
		(void)printf("%s", buf_text(&line));
	buf_done(&line);
	return rc;
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
classify_run(struct cli *cli, int argc, char *argv[])
{
	bool reply = argc > 1 && strcmp(argv[1], "--reply") == 0;
	bool replies = argc > 1 && strcmp(argv[1], "--replies") == 0;
	char input[] = "-", *standard[] = { input };
	struct bounce_rules *rules;
	int rc;

	if (argc > 1 && strcmp(argv[1], "--check-rules") == 0)
		return argc > 3 ? EX_USAGE : check_rules(argv[2]);
	if ((reply && argc != 3) || (replies && argc != 2))
		return EX_USAGE;
	if (argc > 1 && strcmp(argv[1], "--") == 0) {
		argc--;
		argv++;
	} else if (!reply && !replies && argc > 1 && argv[1][0] == '-' &&
		   argv[1][1] != '\0') {
		return EX_USAGE;
	}
	if ((rc = load_rules(cli, &rules)) < 0)
		return cli_exit(rc);
	if (reply)
		rc = classify_text(rules, slice_of(argv[2]));
	else if (replies)
		rc = classify_lines(rules);
	else if (argc < 2)
		rc = classify_mails(rules, 1, standard);
	else
		rc = classify_mails(rules, argc - 1, argv + 1);
	bounce_rules_unref(rules);
	return cli_exit(rc);
}

const struct command command_classify = {
	.name = "classify",
	.summary = "say what bounces, or an SMTP reply, mean",
	.usage = "[FILE | DIRECTORY ...]\n--reply TEXT\n--replies\n"
		 "--check-rules [FILE]",
	.run = classify_run,
};
