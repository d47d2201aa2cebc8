/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SETTINGS_FILE_H
#define STORE_SETTINGS_FILE_H

/*
 * The last good settings on disk, DIRECTORY/settings.json, mode 0600:
 * {"documents": [{"name", "revision", "document"}]}.  Secrets in it are
 * sealed.
 */
struct json;

/* ERR_NOTFOUND: no such file; ERR_IO; ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM. */
int settings_file_read(const char *directory, struct json **ret_file);
/* Whole or not at all, also when the machine stops meanwhile. */
int settings_file_write(const char *directory, const struct json *file);

#endif /* STORE_SETTINGS_FILE_H */
