/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories of the scanner. */
#include "milter/scan_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/err.h"

#define DEPTH_MAX 32 /* libclamav's own directories are two deep */

static int
fail(int rc, char *error, size_t size, const char *path, const char *text)
{
	(void)snprintf(error, size, "%s: %s", path, text);
	return rc;
}

static int
find_user(const char *user, uid_t *ret_uid, gid_t *ret_gid)
{
	struct passwd entry, *found = NULL;
	char room[16384];

	*ret_uid = geteuid();
	*ret_gid = getegid();
	if (user[0] == '\0')
		return 0;
	if (getpwnam_r(user, &entry, room, sizeof(room), &found) != 0 ||
	    found == NULL)
		return ERR_NOTFOUND;
	*ret_uid = found->pw_uid;
	*ret_gid = found->pw_gid;
	return 0;
}

int
scan_files_make(const char *path, const char *user, char *error,
    size_t error_size)
{
	struct stat st;
	uid_t uid;
	gid_t gid;
	int rc;

	if ((rc = find_user(user, &uid, &gid)) < 0)
		return fail(rc, error, error_size, user, "no such user");
	if (mkdir(path, 0700) == 0) {
		if (uid != geteuid() && lchown(path, uid, gid) < 0)
			return fail(ERR_IO, error, error_size, path,
			    strerror(errno));
	} else if (errno != EEXIST) {
		return fail(ERR_IO, error, error_size, path, strerror(errno));
	}
	/* Its parent may be one where everybody makes things. */
	if (lstat(path, &st) < 0)
		return fail(ERR_IO, error, error_size, path, strerror(errno));
	if (!S_ISDIR(st.st_mode) || st.st_uid != uid || (st.st_mode & 077) != 0)
		return fail(ERR_DENIED, error, error_size, path,
		    "not a directory of scan_user alone");
	return 0;
}

/* fd: of the directory; is closed. */
static void
empty(int fd, int depth)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *e;

	if (dir == NULL) {
		(void)close(fd);
		return;
	}
	while ((e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, e->d_name, 0) == 0 || depth == 0)
			continue;
		int below = openat(fd, e->d_name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			empty(below, depth - 1);
		(void)unlinkat(fd, e->d_name, AT_REMOVEDIR);
	}
	(void)closedir(dir);
}

void
scan_files_empty(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		empty(fd, DEPTH_MAX);
}

void
scan_files_remove(const char *path)
{
	scan_files_empty(path);
	(void)rmdir(path);
}

/* FNV-1a; adding those of all files, their order does not count. */
static uint64_t
mix(uint64_t print, const void *octets, size_t len)
{
	const unsigned char *p = octets;

	for (size_t i = 0; i < len; i++)
		print = (print ^ p[i]) * 0x100000001b3;
	return print;
}

/* freshclam keeps notes beside the signatures, and files not done yet. */
static bool
is_signatures(const char *name)
{
	const char *dot = strrchr(name, '.');

	return name[0] != '.' && dot != NULL && strcmp(dot, ".dat") != 0 &&
	       strcmp(dot, ".tmp") != 0;
}

int
scan_files_look(const char *path, uint64_t *ret_print, int64_t *ret_newest_s)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	uint64_t sum = 0;
	int64_t newest_s = 0;
	struct stat st;

	if (dir == NULL)
		return ERR_IO;
	while ((e = readdir(dir)) != NULL) {
		if (!is_signatures(e->d_name) ||
		    fstatat(dirfd(dir), e->d_name, &st, 0) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		uint64_t one = 0xcbf29ce484222325;
		one = mix(one, e->d_name, strlen(e->d_name));
		one = mix(one, &st.st_size, sizeof(st.st_size));
		one = mix(one, &st.st_mtim, sizeof(st.st_mtim));
		sum += one;
		if (st.st_mtim.tv_sec > newest_s)
			newest_s = st.st_mtim.tv_sec;
	}
	(void)closedir(dir);
	*ret_print = sum;
	*ret_newest_s = newest_s;
	return 0;
}
