/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_BOUNCE_RULES_H
#define PROTO_BOUNCE_RULES_H

#include "proto/bounce_class.h"
#include "proto/status.h"
#include "util/slice.h"

/*
 * The rules by which replies are judged, of the form in bounce-rules(5): those
 * of the program (dist/bounce-rules.conf, compiled in), and before them the
 * ones of a site's own file.  A set of rules never changes once it is made, and
 * is counted: whoever keeps one takes a reference.  Any thread may ask it.
 */
struct bounce_rules;

/* What is wrong in the site's file; line 0: the file as a whole. */
typedef void bounce_rules_error(unsigned line, const char *message, void *ctx);

/*
 * site  the text of the site's file; absent: there is none
 * 0; ERR_CONFIG: told by error(), once for each line that is wrong; ERR_NOMEM.
 */
#define BOUNCE_RULES_FILE_MAX (1024 * 1024) /* octets of a site's file */
#define BOUNCE_RULES_ERRORS_MAX 50          /* told of one file */
int bounce_rules_make(struct slice site, bounce_rules_error *error, void *ctx,
    struct bounce_rules **ret_rules);
/* The same, of a file; no such file: as with an absent text.  Also ERR_IO. */
int bounce_rules_load(const char *path, bounce_rules_error *error, void *ctx,
    struct bounce_rules **ret_rules);
struct bounce_rules *bounce_rules_ref(struct bounce_rules *rules);
void bounce_rules_unref(struct bounce_rules *rules); /* takes NULL */
/* Those of the program, made at the first call; NULL: no memory. */
const struct bounce_rules *bounce_rules_default(void);

/* How much a rule's words say. */
enum rule_weight {
	RULE_SURE,
	RULE_FAIR, /* overrules a vague one; another text about the same
		      failure may know better */
	RULE_VAGUE
};
struct bounce_rule {
	const char *name; /* lives as long as the set */
	enum bounce_class class;
	int status;
	enum rule_weight weight;
	bool of_site;
};

/* The SMTP command that was refused. */
enum rule_command {
	RULE_COMMAND_NONE, /* not known */
	RULE_CONNECT,      /* the greeting, too */
	RULE_HELO,
	RULE_MAIL,
	RULE_RCPT,
	RULE_DATA,
	RULE_END /* of data */
};
/* "RCPT TO", "end of DATA"; in any case of letters. */
enum rule_command rule_command_parse(struct slice word);

struct bounce_question {
	struct slice text;   /* normalized (classify_normalize) */
	struct slice remote; /* host name in lower case; or absent */
	struct slice domain; /* of the recipient, the same */
	struct enhanced_code enhanced;
	unsigned reply_code;
	enum rule_command command; /* where the text does not say it */
	bool local;                /* our own Postfix's words */
};
struct bounce_answer {
	const struct bounce_rule *rule; /* NULL: none fits */
	bool vague; /* neither sure, nor do a vague and a fair one agree */
	struct slice blocklist;    /* named in the text; or absent.  Lives as
				      long as the set */
	enum rule_command command; /* as told in the question or the text */
	bool waits;   /* the text has words that name a time to wait */
	size_t steps; /* of the search (phrase_set_find) */
};
/*
 * The first sure rule in the order of the files; else the first fair one; else
 * the first vague one.
 */
void bounce_rules_ask(const struct bounce_rules *rules,
    const struct bounce_question *q, struct bounce_answer *ret_answer);

/*
 * Judges the examples of the site's rules (without any: of the program's).
 * Returns how many are not decided by their rule, each told by error().
 * *ret_examples: how many there are.
 */
int bounce_rules_check(struct bounce_rules *rules, bounce_rules_error *error,
    void *ctx, unsigned *ret_examples);

/* For tests: how many rules, and octets of the search's memory. */
size_t bounce_rules_count(const struct bounce_rules *rules);
size_t bounce_rules_size(const struct bounce_rules *rules);
/* The text of the program's rules. */
extern const char bounce_rules_text[];

#endif /* PROTO_BOUNCE_RULES_H */
