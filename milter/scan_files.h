/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SCAN_FILES_H
#define MILTER_SCAN_FILES_H

#include <stddef.h>
#include <stdint.h>

/* Files of the scanner: its signatures, and what it unpacks. */

/*
 * Makes the directory, mode 0700, for user ("": us); privileged step.
 * ERR_DENIED: there is one that others can reach; ERR_NOTFOUND: no such user;
 * ERR_IO.  With a text for a person in error.
 */
int scan_files_make(const char *path, const char *user, char *error,
    size_t error_size);
/* Removes what is in the directory; follows no link. */
void scan_files_empty(const char *path);
/* And the directory itself. */
void scan_files_remove(const char *path);

/*
 * A number that is another one when names, sizes or times of the files in
 * the directory are; and the time of the newest file (0: there is none).
 * ERR_IO.
 */
int scan_files_look(const char *path, uint64_t *ret_print,
    int64_t *ret_newest_s);

#endif /* MILTER_SCAN_FILES_H */
