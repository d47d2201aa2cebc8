/* SPDX-License-Identifier: BSD-2-Clause */
/* postern filter: does a filter match this mail, and what does it look at? */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/settings_text.h"
#include "cli/store_client.h"
#include "proto/address.h"
#include "proto/filter.h"
#include "proto/json.h"
#include "proto/settings.h"
#include "util/arena.h"
#include "util/err.h"

#define MAIL_MAX (64 * 1024 * 1024) /* read of one file */
#define ARENA_MAX (256 * 1024 * 1024)
/* As postern-milter(8) has them. */
#define FIELDS_MAX 20000
#define FIELD_MAX (4 * 1024 * 1024)
#define NO_MATCH 1 /* exit status */

/* A filter and where it comes from. */
struct named {
	const char *section; /* of the settings; NULL: the command line's */
	struct slice name;
	const struct filter *filter;
};

struct run {
	struct slice tenant;
	const char *header, *pattern, *document;
	bool draft, json;
	bool several; /* files: each line says which */
	struct arena *arena;
	struct slice *recipients;
	size_t recipient_count;
	struct settings *settings;
	struct filter *own;
	struct named *filters;
	size_t count;
	size_t matched;
};

/* ---- which filters ---- */

static int
use_expression(struct run *r)
{
	char error[200] = "out of memory";
	int rc = filter_compile(slice_of(r->header), slice_of(r->pattern),
	    &r->own, error, sizeof(error));

	if (rc < 0) {
		cli_error("%s: %s: %s", r->header, r->pattern, error);
		return rc;
	}
	r->filters = arena_alloc(r->arena, sizeof(*r->filters));
	if (r->filters == NULL)
		return ERR_NOMEM;
	r->filters[r->count++] = (struct named){ .filter = r->own };
	return 0;
}

static int
load_stored(struct run *r, struct cli *cli, struct json **ret_doc)
{
	struct store_client client;
	int64_t revision;
	int rc = store_client_open(cli, &client);

	if (rc < 0)
		return rc;
	rc = r->draft
		 ? store_client_draft(&client, r->tenant, &revision, ret_doc)
		 : store_client_revision(&client, r->tenant, 0, &revision,
		       ret_doc);
	store_client_close(&client);
	return rc;
}

static size_t
count_schedule(const struct schedule_rules *s)
{
	size_t n = s->priority_count;

	for (size_t i = 0; i < s->prohibition_count; i++)
		n += s->prohibitions[i].apply_count +
		     s->prohibitions[i].exclude_count;
	for (size_t i = 0; i < s->day_cap_count; i++)
		n += s->day_caps[i].condition_count;
	return n;
}

static void
list_conditions(struct run *r, const char *section, struct slice name,
    const struct filter *const *filters, size_t count)
{
	for (size_t i = 0; i < count; i++)
		r->filters[r->count++] =
		    (struct named){ section, name, filters[i] };
}

static void
list_schedule(struct run *r, const struct schedule_rules *s)
{
	for (size_t i = 0; i < s->prohibition_count; i++) {
		const struct prohibition *p = &s->prohibitions[i];

		list_conditions(r, "prohibitions apply", p->name, p->apply,
		    p->apply_count);
		list_conditions(r, "prohibitions exclude", p->name, p->exclude,
		    p->exclude_count);
	}
	for (size_t i = 0; i < s->priority_count; i++)
		list_conditions(r, "priorities", s->priorities[i].name,
		    &s->priorities[i].filter, 1);
	for (size_t i = 0; i < s->day_cap_count; i++)
		list_conditions(r, "day_caps", s->day_caps[i].name,
		    s->day_caps[i].conditions, s->day_caps[i].condition_count);
}

static int
list_filters(struct run *r, const struct tenant *t)
{
	const struct unsubscribe_settings *u = &t->unsubscribe;
	size_t most =
	    t->forward_count + u->filter_count + count_schedule(&t->schedule);

	r->filters = arena_calloc(r->arena, most + 1, sizeof(*r->filters));
	if (r->filters == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < t->forward_count; i++)
		r->filters[r->count++] = (struct named){ "forwarding",
			t->forwards[i].name, t->forwards[i].filter };
	for (size_t i = 0; i < u->filter_count; i++)
		r->filters[r->count++] = (struct named){ "unsubscribe",
			u->filters[i].name, u->filters[i].filter };
	list_schedule(r, &t->schedule);
	return 0;
}

static int
use_settings(struct run *r, struct cli *cli)
{
	struct settings_input in = { .name = r->tenant };
	const char *source = r->document != NULL ? r->document : "settings";
	struct json *doc = NULL;
	int rc = r->document != NULL ? settings_text_load(r->document, &doc)
				     : load_stored(r, cli, &doc);

	if (rc == 0 && doc != NULL) {
		rc = client_validate(doc, r->tenant, NULL, source);
		rc = rc < 0 ? ERR_SYNTAX : 0;
	}
	in.doc = doc;
	if (rc == 0)
		rc = settings_compile(&in, doc != NULL, NULL, NULL, NULL,
		    &r->settings);
	json_free(doc);
	if (rc < 0)
		return rc;
	const struct tenant *t = settings_tenant(r->settings, r->tenant);
	rc = t != NULL ? list_filters(r, t) : 0;
	if (rc == 0 && r->count == 0) {
		cli_error("%.*s: has no filters", SLICE_F(r->tenant));
		rc = ERR_NOTFOUND;
	}
	return rc;
}

/* ---- a mail ---- */

struct mail {
	struct arena *arena;
	struct header_field *fields;
	size_t count;
};

static int
on_field(void *ctx, const struct header_field *field)
{
	struct mail *m = ctx;
	struct header_field *kept = &m->fields[m->count];

	kept->name = arena_dup(m->arena, field->name);
	kept->value = arena_dup(m->arena, field->value);
	if (kept->name.at == NULL || kept->value.at == NULL)
		return ERR_NOMEM;
	m->count++;
	return 0;
}

static int
parse_mail(struct slice text, struct mail *m)
{
	struct header_parser p;
	ssize_t n;

	/* As mail programs keep it in a file. */
	if (slice_starts(text, SLICE("From "))) {
		struct slice line;

		(void)slice_split(&text, '\n', &line);
	}
	m->fields = arena_calloc(m->arena, FIELDS_MAX, sizeof(*m->fields));
	if (m->fields == NULL)
		return ERR_NOMEM;
	header_parser_init(&p, FIELD_MAX, FIELDS_MAX, on_field, m);
	n = header_parser_feed(&p, text);
	if (n >= 0)
		n = header_parser_end(&p);
	header_parser_done(&p);
	return n < 0 ? (int)n : 0;
}

/* ---- what a filter says ---- */

enum result { MATCHES, DIFFERS, ABSENT, UNKNOWN, GIVES_UP };

static const struct {
	const char *word, *text;
} results[] = {
	[MATCHES] = { "matches", "matches" },
	[DIFFERS] = { "differs", "does not match" },
	[ABSENT] = { "absent", "is not there, or more than once" },
	[UNKNOWN] = { "no-recipient",
	    "is the envelope recipient: give one with -r" },
	[GIVES_UP] = { "gives-up", "gives up, it takes too long" },
};

struct answer {
	const char *file;
	const struct named *named;
	struct slice value;
	enum result result;
};

static void
print_text(const struct run *r, const struct answer *a)
{
	const struct named *n = a->named;

	if (r->several)
		(void)printf("%s: ", a->file);
	if (n->section != NULL)
		(void)printf("%s %.*s: ", n->section, SLICE_F(n->name));
	(void)printf("%.*s %s", SLICE_F(filter_header(n->filter)),
	    results[a->result].text);
	if (a->value.at != NULL)
		(void)printf(": %.*s", SLICE_F(a->value));
	(void)putchar('\n');
}

static int
print_json(const struct answer *a)
{
	const struct named *n = a->named;
	struct json *line = json_new_object();
	struct buf out;
	int rc;

	buf_init(&out, 1 << 20);
	if ((rc = json_set_string(line, "file", slice_of(a->file))) < 0 ||
	    (rc = json_set_string(line, "section", slice_of(n->section))) < 0 ||
	    (rc = json_set_string(line, "name", n->name)) < 0 ||
	    (rc = json_set_string(line, "header", filter_header(n->filter))) <
		0 ||
	    (rc = json_set_string(line, "value", a->value)) < 0 ||
	    (rc = json_set_string(line, "result",
		 slice_of(results[a->result].word))) < 0 ||
	    (rc = json_print(line, JSON_COMPACT, &out)) < 0)
		cli_error("%s", err_text(rc));
	else
		(void)printf("%s\n", buf_text(&out));
	json_free(line);
	buf_done(&out);
	return rc;
}

static int
try_one(struct run *r, struct answer *a, struct filter_values *values,
    struct slice recipient)
{
	const struct filter *f = a->named->filter;
	int rc = filter_value(f, values, recipient, &a->value);

	if (rc < 0)
		return rc;
	rc = filter_match(f, values, recipient);
	if (rc < 0 && rc != ERR_LIMIT)
		return rc;
	a->result = rc == 1                  ? MATCHES
		    : rc == ERR_LIMIT        ? GIVES_UP
		    : a->value.at != NULL    ? DIFFERS
		    : filter_is_recipient(f) ? UNKNOWN
					     : ABSENT;
	r->matched += a->result == MATCHES;
	if (r->json)
		return print_json(a);
	print_text(r, a);
	return 0;
}

/* A filter about the recipient is tried with each. */
static int
try_filters(struct run *r, const char *file, struct filter_values *values)
{
	struct slice nobody = { NULL, 0 };
	int rc = 0;

	for (size_t i = 0; i < r->count && rc == 0; i++) {
		struct answer a = { .file = file, .named = &r->filters[i] };
		bool each = filter_is_recipient(a.named->filter) &&
			    r->recipient_count > 0;

		if (!each)
			rc = try_one(r, &a, values, nobody);
		for (size_t n = 0; each && n < r->recipient_count && rc == 0;
		     n++)
			rc = try_one(r, &a, values, r->recipients[n]);
	}
	return rc;
}

static int
try_file(struct run *r, const char *path)
{
	struct mail m = { .arena = arena_new(ARENA_MAX) };
	struct filter_values *values = NULL;
	struct buf text;
	int rc;

	if (m.arena == NULL)
		return ERR_NOMEM;
	buf_init(&text, MAIL_MAX);
	rc = settings_text_read(path, &text); /* tells */
	if (rc == 0) {
		rc = parse_mail(buf_slice(&text), &m);
		if (rc == 0) {
			values = filter_values_new(m.arena, m.fields, m.count);
			rc = values != NULL ? try_filters(r, path, values)
					    : ERR_NOMEM;
		}
		if (rc < 0)
			cli_error("%s: %s", path, err_text(rc));
	}
	buf_done(&text);
	arena_free(m.arena);
	return rc;
}

static int
try_files(struct run *r, int count, char *paths[])
{
	int rc = 0;

	r->several = count > 1;
	if (count == 0)
		return try_file(r, "-");
	for (int i = 0; i < count; i++) {
		int one = try_file(r, paths[i]);

		if (one < 0)
			rc = one;
	}
	return rc;
}

/* ---- the command ---- */

static int
add_recipient(struct run *r, const char *text)
{
	char room[ADDRESS_MAX];
	struct slice address;
	int rc = address_canonical(slice_of(text), room, &address);

	if (rc < 0 || address.len == 0) {
		cli_error("%s: not an address", text);
		return ERR_SYNTAX;
	}
	address = arena_dup(r->arena, address);
	if (address.at == NULL)
		return ERR_NOMEM;
	r->recipients[r->recipient_count++] = address;
	return 0;
}

enum { OPTION_DRAFT = 256, OPTION_SETTINGS, OPTION_JSON };

/* EX_USAGE: wrong usage; else 0 or an error, which is told. */
static int
parse_options(struct run *r, int argc, char *argv[])
{
	static const struct option options[] = {
		{ "draft", no_argument, NULL, OPTION_DRAFT },
		{ "json", no_argument, NULL, OPTION_JSON },
		{ "settings", required_argument, NULL, OPTION_SETTINGS },
		{ NULL, 0, NULL, 0 },
	};
	int c, rc = 0;

	optind = 0;
	while (rc == 0 &&
	       (c = getopt_long(argc, argv, "e:h:r:t:", options, NULL)) != -1) {
		switch (c) {
		case 'e':
			r->pattern = optarg;
			break;
		case 'h':
			r->header = optarg;
			break;
		case 'r':
			rc = add_recipient(r, optarg);
			break;
		case 't':
			r->tenant = slice_of(optarg);
			break;
		case OPTION_DRAFT:
			r->draft = true;
			break;
		case OPTION_JSON:
			r->json = true;
			break;
		case OPTION_SETTINGS:
			r->document = optarg;
			break;
		default:
			return EX_USAGE;
		}
	}
	/* One source of filters. */
	if (rc == 0 &&
	    ((r->header == NULL) != (r->pattern == NULL) ||
		(r->header != NULL) + r->draft + (r->document != NULL) > 1))
		return EX_USAGE;
	return rc;
}

static int
filter_run(struct cli *cli, int argc, char *argv[])
{
	struct run r = { .tenant = SLICE(SETTINGS_DEFAULT_TENANT) };
	int rc;

	if (argc < 2 || strcmp(argv[1], "test") != 0)
		return EX_USAGE;
	argc--;
	argv++;
	r.arena = arena_new(ARENA_MAX);
	if (r.arena == NULL)
		return EX_OSERR;
	r.recipients =
	    arena_calloc(r.arena, (size_t)argc + 1, sizeof(*r.recipients));
	rc = r.recipients != NULL ? parse_options(&r, argc, argv) : ERR_NOMEM;
	if (rc == 0)
		rc = r.header != NULL ? use_expression(&r)
				      : use_settings(&r, cli);
	if (rc == 0)
		rc = try_files(&r, argc - optind, argv + optind);
	settings_unref(r.settings);
	filter_free(r.own);
	arena_free(r.arena);
	if (rc != 0)
		return rc < 0 ? cli_exit(rc) : rc;
	return r.matched > 0 ? EX_OK : NO_MATCH;
}

const struct command command_filter = {
	.name = "filter",
	.summary = "try filters on a mail",
	.usage =
	    "test [-t TENANT] [--draft | --settings FILE] [-r ADDRESS ...] "
	    "[--json] [FILE ...]\n"
	    "test -h HEADER -e EXPRESSION [-r ADDRESS ...] [--json] "
	    "[FILE ...]",
	.run = filter_run,
};
