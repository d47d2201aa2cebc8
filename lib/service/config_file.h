/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SERVICE_CONFIG_FILE_H
#define SERVICE_CONFIG_FILE_H

#include "util/slice.h"

/*
 * The syntax of Postfix's main.cf (postconf(5)), without "$name": "name =
 * value"; a line that begins with a blank or tab continues the value; empty
 * lines and lines whose first visible octet is "#" are skipped, also between
 * a value and its continuation.  A pure parser.
 */
#define CONFIG_FILE_MAX ((size_t)256 * 1024) /* octets of a file */

/* Both slices live during the call only; line counts from 1. */
typedef void config_file_entry(void *ctx, unsigned line, struct slice name,
    struct slice value);
typedef void config_file_error(void *ctx, unsigned line, const char *text);

/*
 * Calls entry() for each setting and error() for each line that is none, in
 * the order of the file.  Pieces of a continued value are joined by one
 * blank.
 * 0; ERR_SYNTAX: error() was called; ERR_LIMIT: too long; ERR_NOMEM.
 */
int config_file_parse(struct slice text, config_file_entry *entry,
    config_file_error *error, void *ctx);

#endif /* SERVICE_CONFIG_FILE_H */
