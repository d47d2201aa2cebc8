/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_POSTFIX_FILES_H
#define CLI_POSTFIX_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/crypto.h"

/*
 * main.cf and master.cf as they were before Postern's first change, kept in
 * STATE_DIRECTORY/postfix with the checksums of what Postern left, so that
 * "disable" gives them back to the octet, unless somebody else has changed
 * them since.
 */
#define POSTFIX_FILE_MAX ((size_t)4 * 1024 * 1024)

enum postfix_kept {
	POSTFIX_KEPT_MAIN,
	POSTFIX_KEPT_MASTER,
	POSTFIX_KEPT_COUNT
};

struct postfix_files {
	bool known;                              /* originals are there */
	struct buf original[POSTFIX_KEPT_COUNT]; /* only when known */
	/* Whether a file is as Postern left it. */
	bool untouched[POSTFIX_KEPT_COUNT];
};

const char *postfix_kept_name(enum postfix_kept which); /* "main.cf" */

/*
 * Read what is kept and compare it with config_directory.
 * ERR_DENIED: the folder or a file is not ours alone; ERR_IO, ERR_LIMIT,
 * ERR_NOMEM.  known is false when nothing is kept.
 */
int postfix_files_load(const char *state_directory,
    const char *config_directory, struct postfix_files *ret_files);
/* Both files as they are, as if they were kept. */
int postfix_files_now(const char *config_directory,
    struct postfix_files *ret_files);
void postfix_files_done(struct postfix_files *files);

/* Keep copies of both files, where none are kept yet. */
int postfix_files_keep(const char *state_directory,
    const char *config_directory);
/*
 * Note what Postern left: checksums of both files now.  untouched: of which
 * one nobody else had a hand in; the others are never restored whole.
 */
int postfix_files_mark(const char *state_directory,
    const char *config_directory, const bool untouched[POSTFIX_KEPT_COUNT]);
/* Put an original back: owner, group and mode stay. */
int postfix_files_restore(const struct postfix_files *files,
    const char *config_directory, enum postfix_kept which);
/* Forget them. */
int postfix_files_drop(const char *state_directory);

#endif /* CLI_POSTFIX_FILES_H */
