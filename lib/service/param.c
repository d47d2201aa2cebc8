/* SPDX-License-Identifier: BSD-2-Clause */
/* Parameter tables: defaults, setting, bounds, printing. */
#include "service/param.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/number.h"

#define TIME_MAX_MS (10LL * 365 * 86400 * 1000)

static const struct unit {
	const char *name;
	int64_t ms;
} units[] = {
	{ "d", 86400000 },
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
};
#define UNITS (sizeof(units) / sizeof(units[0]))

int
param_time(const char *text, int64_t *ret_ms)
{
	size_t digits = strspn(text, "0123456789");
	int64_t per = 1000;
	uint64_t n;
	int rc;

	if (text[digits] != '\0') {
		size_t i = 0;

		while (i < UNITS && strcmp(units[i].name, text + digits) != 0)
			i++;
		if (i == UNITS)
			return ERR_SYNTAX;
		per = units[i].ms;
	}
	rc = number_parse((struct slice){ text, digits }, 0,
	    (uint64_t)(TIME_MAX_MS / per), &n);
	if (rc < 0)
		return rc;
	*ret_ms = (int64_t)n * per;
	return 0;
}

static int
parse_uint(const char *text, int64_t *ret_value)
{
	uint64_t n;
	int rc = number_parse(slice_of(text), 0, UINT32_MAX, &n);

	if (rc == 0)
		*ret_value = (int64_t)n;
	return rc;
}

static int
parse_bool(const char *text, int64_t *ret_value)
{
	if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
		return ERR_SYNTAX;
	*ret_value = text[0] == 'y';
	return 0;
}

/* Whether text is one of the words in "a|b|c". */
static bool
is_allowed(const char *list, const char *text)
{
	struct slice rest = slice_of(list), word;

	while (slice_split(&rest, '|', &word))
		if (slice_eq(word, slice_of(text)))
			return true;
	return false;
}

static int
set_string(const struct param *p, char *field, const char *text)
{
	char *copy, *old;

	if (p->min != NULL && !is_allowed(p->min, text))
		return ERR_LIMIT;
	if ((copy = strdup(text)) == NULL)
		return ERR_NOMEM;
	memcpy(&old, field, sizeof(old));
	free(old);
	memcpy(field, &copy, sizeof(copy));
	return 0;
}

static int
in_bounds(int64_t value, const char *min, const char *max,
    int (*parse)(const char *, int64_t *))
{
	int64_t lo = 0, hi = INT64_MAX;
	int rc;

	if (min != NULL && (rc = parse(min, &lo)) < 0)
		return rc;
	if (max != NULL && (rc = parse(max, &hi)) < 0)
		return rc;
	return value < lo || value > hi ? ERR_LIMIT : 0;
}

static int
set_number(const struct param *p, char *field, const char *text,
    int (*parse)(const char *, int64_t *))
{
	int64_t value;
	int rc;

	if ((rc = parse(text, &value)) < 0 ||
	    (rc = in_bounds(value, p->min, p->max, parse)) < 0)
		return rc;
	if (p->type == PARAM_T_TIME) {
		memcpy(field, &value, sizeof(value));
	} else if (p->type == PARAM_T_UINT) {
		unsigned u = (unsigned)value;

		memcpy(field, &u, sizeof(u));
	} else {
		bool b = value != 0;

		memcpy(field, &b, sizeof(b));
	}
	return 0;
}

static int
set_field(const struct param *p, void *config, const char *text)
{
	char *field = (char *)config + p->offset;

	switch (p->type) {
	case PARAM_T_UINT:
		return set_number(p, field, text, parse_uint);
	case PARAM_T_TIME:
		return set_number(p, field, text, param_time);
	case PARAM_T_BOOL:
		return set_number(p, field, text, parse_bool);
	case PARAM_T_STRING:
		return set_string(p, field, text);
	}
	return ERR_SYNTAX;
}

int
param_defaults(const struct param *table, void *config)
{
	const char *none = NULL;
	int rc;

	/* First all strings, so that param_free may follow a failure. */
	for (const struct param *p = table; p->name != NULL; p++)
		if (p->type == PARAM_T_STRING)
			memcpy((char *)config + p->offset, &none, sizeof(none));
	for (const struct param *p = table; p->name != NULL; p++)
		if ((rc = set_field(p, config, p->defval)) < 0)
			return rc;
	return 0;
}

void
param_free(const struct param *table, void *config)
{
	for (const struct param *p = table; p->name != NULL; p++) {
		char *field = (char *)config + p->offset, *text;

		if (p->type != PARAM_T_STRING)
			continue;
		memcpy(&text, field, sizeof(text));
		free(text);
		text = NULL;
		memcpy(field, &text, sizeof(text));
	}
}

const struct param *
param_find(const struct param *table, const char *name)
{
	for (const struct param *p = table; p->name != NULL; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

int
param_set(const struct param *table, void *config, const char *name,
    const char *text)
{
	const struct param *p = param_find(table, name);

	return p != NULL ? set_field(p, config, text) : ERR_NOTFOUND;
}

static int64_t
get_number(const struct param *p, const void *config)
{
	const char *field = (const char *)config + p->offset;
	int64_t time = 0;
	unsigned u = 0;
	bool b = false;

	if (p->type == PARAM_T_TIME)
		memcpy(&time, field, sizeof(time));
	else if (p->type == PARAM_T_UINT)
		memcpy(&u, field, sizeof(u));
	else
		memcpy(&b, field, sizeof(b));
	return time + (int64_t)u + (int64_t)b;
}

static const char *
get_string(const struct param *p, const void *config)
{
	const char *text;

	memcpy(&text, (const char *)config + p->offset, sizeof(text));
	return text;
}

bool
param_equal(const struct param *p, const void *a, const void *b)
{
	if (p->type == PARAM_T_STRING)
		return strcmp(get_string(p, a), get_string(p, b)) == 0;
	return get_number(p, a) == get_number(p, b);
}

int
param_copy(const struct param *p, void *to, const void *from)
{
	static const size_t sizes[] = {
		[PARAM_T_UINT] = sizeof(unsigned),
		[PARAM_T_TIME] = sizeof(int64_t),
		[PARAM_T_BOOL] = sizeof(bool),
	};

	if (p->type == PARAM_T_STRING)
		return set_string(p, (char *)to + p->offset,
		    get_string(p, from));
	memcpy((char *)to + p->offset, (const char *)from + p->offset,
	    sizes[p->type]);
	return 0;
}

static void
print_time(int64_t ms, FILE *out)
{
	size_t i = 0;

	while (ms % units[i].ms != 0) /* the last one is 1 */
		i++;
	if (ms == 0)
		i = UNITS - 2;
	fprintf(out, "%" PRId64 "%s", ms / units[i].ms, units[i].name);
}

void
param_print_value(const struct param *p, const void *config, FILE *out)
{
	if (p->flags & PARAM_SECRET) {
		fprintf(out, "(hidden)");
		return;
	}
	switch (p->type) {
	case PARAM_T_UINT:
		fprintf(out, "%" PRId64, get_number(p, config));
		break;
	case PARAM_T_TIME:
		print_time(get_number(p, config), out);
		break;
	case PARAM_T_BOOL:
		fprintf(out, "%s", get_number(p, config) ? "yes" : "no");
		break;
	case PARAM_T_STRING:
		fprintf(out, "%s", get_string(p, config));
		break;
	}
}

void
param_describe(const struct param *p, char *room, size_t size)
{
	switch (p->type) {
	case PARAM_T_UINT:
		(void)snprintf(room, size, "a number from %s to %s", p->min,
		    p->max);
		break;
	case PARAM_T_TIME:
		(void)snprintf(room, size,
		    "a time from %s to %s (200ms, 90s, 5m, 1h, 1d)", p->min,
		    p->max);
		break;
	case PARAM_T_BOOL:
		(void)snprintf(room, size, "yes or no");
		break;
	case PARAM_T_STRING:
		(void)snprintf(room, size,
		    p->min != NULL ? "one of %s" : "text", p->min);
		break;
	}
}

void
param_print_mdoc(const struct param *table, FILE *out)
{
	for (const struct param *p = table; p->name != NULL; p++) {
		bool bounded = p->type != PARAM_T_STRING || p->min != NULL;
		char what[200];

		param_describe(p, what, sizeof(what));
		fprintf(out, ".It Ic %s\n%s\n.Pp\n", p->name, p->doc);
		if (bounded)
			fprintf(out, "Value: %s.\n", what);
		if (p->defval[0] != '\0')
			fprintf(out, "Default:\n.Ql %s .\n", p->defval);
		else
			fprintf(out, "Default: empty.\n");
		if (p->flags & PARAM_RESTART)
			fprintf(out, "Takes effect at the next start.\n");
	}
}
