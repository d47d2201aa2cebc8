/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POSTFIX_CONF_VALUES_H
#define POSTFIX_CONF_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "util/arena.h"
#include "util/slice.h"

/*
 * Names and values in main.cf's syntax (postconf(5)): main.cf itself, or what
 * "postconf -n", "-d" and "-P" print.  Pure.
 */
struct postfix_value {
	struct slice name;
	struct slice value; /* lines joined by one blank */
};
struct postfix_values {
	struct postfix_value *at;
	size_t count;
};

#define POSTFIX_VALUES_MAX 10000

/*
 * Comments and empty lines are skipped, a line that begins with a blank goes
 * on with the one before.  Slices borrow from text or from the arena.
 * ERR_SYNTAX (a line without "="; ret_line says which, from 1), ERR_LIMIT,
 * ERR_NOMEM.
 */
int postfix_values_parse(struct arena *arena, struct slice text,
    struct postfix_values *ret_values, size_t *ret_line);

/*
 * What "postconf -M" prints: the name is "NAME/TYPE", the value the whole
 * entry with one blank between its words.  Errors as above.
 */
int postfix_entries_parse(struct arena *arena, struct slice text,
    struct postfix_values *ret_values, size_t *ret_line);

/* The last value of that name, as Postfix takes it; absent: not there. */
struct slice postfix_values_get(const struct postfix_values *values,
    struct slice name);

/*
 * Lists: items between commas and white space, braces kept together.
 * Takes the next item off the head of *rest; false: none is left.
 */
bool postfix_list_next(struct slice *rest, struct slice *ret_item);
bool postfix_list_has(struct slice list, struct slice item);

enum postfix_list_end { POSTFIX_LIST_FIRST, POSTFIX_LIST_LAST };
/* The list with item at that end, ", " between.  Absent: no memory. */
struct slice postfix_list_add(struct arena *arena, struct slice list,
    struct slice item, enum postfix_list_end where);
/* The list without every such item and one separator each. */
struct slice postfix_list_remove(struct arena *arena, struct slice list,
    struct slice item);

#endif /* POSTFIX_CONF_VALUES_H */
