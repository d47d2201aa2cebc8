/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_TABLES_H
#define TOOLS_TABLES_H

#include <stdio.h>

#include "util/slice.h"

/*
 * The members of a settings document, each with its JSON Pointer ("N" for an
 * index), text, bounds and default, as a list of mdoc(7).
 * document  a tenant's name, or SETTINGS_GLOBAL
 */
void settings_print_mdoc(struct slice document, FILE *out);

#endif /* TOOLS_TABLES_H */
