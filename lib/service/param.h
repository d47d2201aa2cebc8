/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SERVICE_PARAM_H
#define SERVICE_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * One table of these is the only place where a parameter is declared.  The
 * loader, "-x params" (from which the manual page is made) and the tests all
 * walk the table.
 */
enum param_type {
	PARAM_T_UINT, /* unsigned int */
	PARAM_T_TIME, /* int64_t milliseconds; "90" (s), "200ms", "5m", "1d" */
	PARAM_T_BOOL, /* bool; "yes" or "no" */
	PARAM_T_STRING, /* const char *; min/max: NULL, or a "|" list of the
			   only values allowed in min */
};

enum param_flag {
	PARAM_RESTART = 1 << 0, /* a reload does not change it */
	PARAM_SECRET = 1 << 1,  /* never shown in logs or by the API */
};

struct param {
	const char *name; /* as written in the configuration file */
	enum param_type type;
	size_t offset;                  /* of the field in the config struct */
	const char *defval, *min, *max; /* text, in the file's own syntax */
	unsigned flags;
	const char *doc; /* mdoc text: what it does, why one would change it */
};

/* clang-format off */
/* A field of the wrong C type does not compile. */
#define PARAM_FIELD(cfg, field, ctype) \
	(offsetof(cfg, field) + 0 * \
	    sizeof(char[_Generic(((cfg *)0)->field, ctype: 1, default: -1)]))
#define PARAM_UINT(cfg, field, def, lo, hi, fl, text) \
	{ #field, PARAM_T_UINT, PARAM_FIELD(cfg, field, unsigned), \
	  def, lo, hi, fl, text }
/* The field's name ends in _ms, the parameter's does not say the unit. */
#define PARAM_TIME(cfg, name, field, def, lo, hi, fl, text) \
	{ name, PARAM_T_TIME, PARAM_FIELD(cfg, field, int64_t), \
	  def, lo, hi, fl, text }
#define PARAM_BOOL(cfg, field, def, fl, text) \
	{ #field, PARAM_T_BOOL, PARAM_FIELD(cfg, field, bool), \
	  def, NULL, NULL, fl, text }
#define PARAM_STRING(cfg, field, def, allowed, fl, text) \
	{ #field, PARAM_T_STRING, PARAM_FIELD(cfg, field, const char *), \
	  def, allowed, NULL, fl, text }
/* clang-format on */
#define PARAM_END \
	{ \
		.name = NULL \
	}

/* Parse "90", "200ms", "5m", ...: ERR_SYNTAX, or ERR_LIMIT beyond 10 years. */
int param_time(const char *text, int64_t *ret_ms);

/*
 * Fill every field with its default.  A default that does not parse or
 * breaks its own bounds is a bug: a unit test runs this over all tables.
 * Strings are copied; param_free frees them.
 */
int param_defaults(const struct param *table, void *config);
void param_free(const struct param *table, void *config);

/*
 * Set one parameter from text.  On failure the field keeps its value.
 * ERR_NOTFOUND  no such name    ERR_SYNTAX  not a value of that type
 * ERR_LIMIT     outside min..max
 */
int param_set(const struct param *table, void *config, const char *name,
    const char *text);

/* The row of that name, or NULL. */
const struct param *param_find(const struct param *table, const char *name);
/* Whether two configurations have the same value there. */
bool param_equal(const struct param *p, const void *a, const void *b);
/* Give one the value of the other.  ERR_NOMEM. */
int param_copy(const struct param *p, void *to, const void *from);
/* The value as the file would have it. */
void param_print_value(const struct param *p, const void *config, FILE *out);
/* What a value has to look like, for a person: "a number from 1 to 9". */
void param_describe(const struct param *p, char *room, size_t size);

/* Write the table as mdoc(7) list items, for postern.conf(5). */
void param_print_mdoc(const struct param *table, FILE *out);

#endif /* SERVICE_PARAM_H */
