/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_SECRET_FILE_H
#define UTIL_SECRET_FILE_H

#include <stddef.h>

/* The first line of a small file (a password), without its line end (LF or
 * CR LF). */
#define SECRET_FILE_MAX 1000
/*
 * path   "" or NULL: no file, and ret_text is empty
 * ERR_NOTFOUND, ERR_DENIED, ERR_LIMIT (longer), ERR_IO
 * Wipe ret_text with crypto_wipe when it is no longer needed.
 */
int secret_file_read(const char *path, char ret_text[SECRET_FILE_MAX]);
/* What to tell an operator, behind the file's name. */
const char *secret_file_error(int rc);

#endif /* UTIL_SECRET_FILE_H */
