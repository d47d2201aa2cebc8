/* SPDX-License-Identifier: BSD-2-Clause */
/* Postfix's files as they were before Postern changed them. */
#include "cli/postfix_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/err.h"

#define FOLDER "postfix"
#define MARKS "left-by-postern"

static const char *const names[POSTFIX_KEPT_COUNT] = {
	[POSTFIX_KEPT_MAIN] = "main.cf",
	[POSTFIX_KEPT_MASTER] = "master.cf",
};

const char *
postfix_kept_name(enum postfix_kept which)
{
	return names[which];
}

static int
from_errno(void)
{
	switch (errno) {
	case ENOENT:
		return ERR_NOTFOUND;
	case EACCES:
	case EPERM:
	case ELOOP:
		return ERR_DENIED;
	default:
		return ERR_IO;
	}
}

static int
folder_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? from_errno() : fd;
}

/*
 * What is put back into Postfix's configuration runs as root: nobody else may
 * have had write access to it, whoever owns the state directory.
 */
static int
ours_alone(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ERR_IO;
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return ERR_DENIED;
	return 0;
}

static int
state_open(const char *state_directory, bool make)
{
	int fd, rc, state = folder_open(state_directory);

	if (state < 0)
		return state;
	if (make && mkdirat(state, FOLDER, 0700) < 0 && errno != EEXIST) {
		rc = from_errno();
		(void)close(state);
		return rc;
	}
	fd = openat(state, FOLDER,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	rc = fd < 0 ? from_errno() : ours_alone(fd);
	(void)close(state);
	if (rc == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

static int
file_read(int folder, const char *name, bool check, struct buf *out)
{
	int rc = 0, fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	char room[8192];
	ssize_t n = 1;

	if (fd < 0)
		return from_errno();
	if (check)
		rc = ours_alone(fd);
	while (rc == 0 && n != 0) {
		n = read(fd, room, sizeof(room));
		if (n < 0 && errno != EINTR)
			rc = ERR_IO;
		if (n > 0)
			rc = buf_add(out, room, (size_t)n);
	}
	(void)close(fd);
	return rc;
}

static int
write_all(int fd, struct slice s)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.at, s.len);

		if (n < 0 && errno != EINTR)
			return ERR_IO;
		if (n > 0)
			s = slice_skip(s, (size_t)n);
	}
	return fsync(fd) < 0 ? ERR_IO : 0;
}

/* Whole or not at all; like: owner and mode to take over, or NULL. */
static int
file_write(int folder, const char *name, struct slice text,
    const struct stat *like)
{
	char fresh[64];
	int fd, rc;

	(void)snprintf(fresh, sizeof(fresh), "%s.postern-new", name);
	(void)unlinkat(folder, fresh, 0);
	fd = openat(folder, fresh,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return from_errno();
	rc = write_all(fd, text);
	if (rc == 0 && like != NULL &&
	    (fchown(fd, like->st_uid, like->st_gid) < 0 ||
		fchmod(fd, like->st_mode & 07777) < 0))
		rc = from_errno();
	(void)close(fd);
	if (rc == 0 && renameat(folder, fresh, folder, name) < 0)
		rc = from_errno();
	if (rc == 0 && fsync(folder) < 0)
		rc = ERR_IO;
	if (rc < 0)
		(void)unlinkat(folder, fresh, 0);
	return rc;
}

/* "SHA256-hex main.cf\n", as it stands in MARKS. */
static int
mark_line(int config, enum postfix_kept which, struct buf *out)
{
	uint8_t hash[CRYPTO_SHA256_LEN];
	struct buf text;
	int rc;

	buf_init(&text, POSTFIX_FILE_MAX);
	rc = file_read(config, names[which], false, &text);
	if (rc == 0)
		rc = crypto_sha256(buf_slice(&text), hash);
	buf_done(&text);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < sizeof(hash); i++)
		buf_addf(out, "%02x", hash[i]);
	return buf_addf(out, " %s\n", names[which]);
}

static int
compare_marks(int state, int config, struct postfix_files *files)
{
	struct buf marks;
	int rc;

	buf_init(&marks, 4096);
	rc = file_read(state, MARKS, true, &marks);
	if (rc == ERR_NOTFOUND)
		rc = 0; /* interrupted before the mark: nothing is untouched */
	for (int i = 0; rc == 0 && i < POSTFIX_KEPT_COUNT; i++) {
		struct buf line;

		buf_init(&line, 256);
		rc = mark_line(config, (enum postfix_kept)i, &line);
		files->untouched[i] =
		    rc == 0 && line.len > 0 &&
		    slice_find(buf_slice(&marks), buf_slice(&line)) != NULL;
		buf_done(&line);
	}
	buf_done(&marks);
	return rc;
}

int
postfix_files_load(const char *state_directory, const char *config_directory,
    struct postfix_files *ret_files)
{
	struct postfix_files files = { .known = false };
	int rc, config, state = state_open(state_directory, false);

	for (int i = 0; i < POSTFIX_KEPT_COUNT; i++)
		buf_init(&files.original[i], POSTFIX_FILE_MAX);
	if (state == ERR_NOTFOUND) {
		*ret_files = files;
		return 0;
	}
	if (state < 0)
		return state;
	config = folder_open(config_directory);
	rc = config < 0 ? config : 0;
	for (int i = 0; rc == 0 && i < POSTFIX_KEPT_COUNT; i++)
		rc = file_read(state, names[i], true, &files.original[i]);
	if (rc == 0) {
		rc = compare_marks(state, config, &files);
		files.known = true;
	} else if (rc == ERR_NOTFOUND) {
		rc = 0;
	}
	if (config >= 0)
		(void)close(config);
	(void)close(state);
	if (rc < 0)
		postfix_files_done(&files);
	else
		*ret_files = files;
	return rc;
}

int
postfix_files_now(const char *config_directory, struct postfix_files *ret_files)
{
	struct postfix_files files = { .known = true };
	int rc = 0, config = folder_open(config_directory);

	if (config < 0)
		return config;
	for (int i = 0; i < POSTFIX_KEPT_COUNT; i++) {
		buf_init(&files.original[i], POSTFIX_FILE_MAX);
		if (rc == 0)
			rc = file_read(config, names[i], false,
			    &files.original[i]);
	}
	(void)close(config);
	if (rc < 0)
		postfix_files_done(&files);
	else
		*ret_files = files;
	return rc;
}

void
postfix_files_done(struct postfix_files *files)
{
	for (int i = 0; i < POSTFIX_KEPT_COUNT; i++)
		buf_done(&files->original[i]);
}

int
postfix_files_keep(const char *state_directory, const char *config_directory)
{
	int rc = 0, config, state = state_open(state_directory, true);

	if (state < 0)
		return state;
	config = folder_open(config_directory);
	if (config < 0)
		rc = config;
	for (int i = 0; rc == 0 && i < POSTFIX_KEPT_COUNT; i++) {
		struct buf text;

		buf_init(&text, POSTFIX_FILE_MAX);
		rc = file_read(config, names[i], false, &text);
		if (rc == 0)
			rc =
			    file_write(state, names[i], buf_slice(&text), NULL);
		buf_done(&text);
	}
	if (config >= 0)
		(void)close(config);
	(void)close(state);
	return rc;
}

int
postfix_files_mark(const char *state_directory, const char *config_directory,
    const bool untouched[POSTFIX_KEPT_COUNT])
{
	int rc = 0, config, state = state_open(state_directory, true);
	struct buf marks;

	if (state < 0)
		return state;
	buf_init(&marks, 4096);
	config = folder_open(config_directory);
	if (config < 0)
		rc = config;
	for (int i = 0; rc == 0 && i < POSTFIX_KEPT_COUNT; i++)
		if (untouched[i])
			rc = mark_line(config, (enum postfix_kept)i, &marks);
	if (rc == 0)
		rc = file_write(state, MARKS, buf_slice(&marks), NULL);
	buf_done(&marks);
	if (config >= 0)
		(void)close(config);
	(void)close(state);
	return rc;
}

int
postfix_files_restore(const struct postfix_files *files,
    const char *config_directory, enum postfix_kept which)
{
	int rc, config = folder_open(config_directory);
	struct stat st;

	if (config < 0)
		return config;
	if (fstatat(config, names[which], &st, 0) < 0)
		rc = from_errno();
	else
		rc = file_write(config, names[which],
		    buf_slice(&files->original[which]), &st);
	(void)close(config);
	return rc;
}

int
postfix_files_drop(const char *state_directory)
{
	int state = state_open(state_directory, false);

	if (state < 0)
		return state == ERR_NOTFOUND ? 0 : state;
	(void)unlinkat(state, MARKS, 0);
	for (int i = 0; i < POSTFIX_KEPT_COUNT; i++)
		(void)unlinkat(state, names[i], 0);
	(void)close(state);
	return 0;
}
