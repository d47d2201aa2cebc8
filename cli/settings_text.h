/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_SETTINGS_TEXT_H
#define CLI_SETTINGS_TEXT_H

#include "util/buf.h"

/* Settings documents as text: read, printed, compared, edited. */
struct json;

/* "-" is standard input.  Told on stderr: ERR_IO, ERR_LIMIT. */
int settings_text_read(const char *path, struct buf *out);
/* Read and parsed; where it does not parse is told on stderr. */
int settings_text_load(const char *path, struct json **ret_doc);
/* Pretty, to standard output. */
int settings_text_print(const struct json *doc);
/* "- /path: old" and "+ /path: new" lines; returns how many. */
unsigned settings_text_diff(struct json *before, struct json *after);
/*
 * In $VISUAL or $EDITOR; 1: changed, 0: not, or an error told on stderr.
 * ret_path  the text as it was left, until settings_text_edited; "" when
 *           there is none
 */
#define SETTINGS_TEXT_PATH_MAX 40
int settings_text_edit(const struct json *doc,
    char ret_path[SETTINGS_TEXT_PATH_MAX], struct json **ret_doc);
/* rc < 0: the text was not taken; it stays, and stderr says where. */
void settings_text_edited(const char *path, struct slice tenant, int rc);

#endif /* CLI_SETTINGS_TEXT_H */
