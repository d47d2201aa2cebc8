/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_PROVIDER_FILE_H
#define STORE_PROVIDER_FILE_H

#include "proto/settings.h"

/*
 * The provider file (postern-policyd(8)): the document SETTINGS_PROVIDERS on
 * disk.  Every error is reported: of JSON with line and column (path is then
 * ""), else with the place in the document.
 * ERR_NOTFOUND: no such file; ERR_IO; ERR_LIMIT: too large; ERR_SYNTAX: no
 * JSON; ERR_CONFIG: not what it must be; ERR_NOMEM.
 */
struct json;

#define PROVIDER_FILE_MAX ((size_t)1024 * 1024)
int provider_file_read(const char *path, settings_error *error, void *ctx,
    struct json **ret_doc);

#endif /* STORE_PROVIDER_FILE_H */
