/* SPDX-License-Identifier: BSD-2-Clause */
/* Shutting a scanning process in: Landlock, limits, descriptors. */
#include "milter/scan_confine.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/err.h"

#define OPEN_FILES 512 /* archives in archives each hold some */

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITES \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | \
	    LANDLOCK_ACCESS_FS_MAKE_REG)
/* All that the first version of Landlock knows. */
#define HANDLED \
	(READS | WRITES | LANDLOCK_ACCESS_FS_EXECUTE | \
	    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK | \
	    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
	    LANDLOCK_ACCESS_FS_MAKE_SYM)

static int
allow(int rules, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr beneath = {
		.allowed_access = access,
		.parent_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	long rc;

	if (beneath.parent_fd < 0)
		return ERR_NOTFOUND;
	rc = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH,
	    &beneath, 0);
	(void)close(beneath.parent_fd);
	return rc < 0 ? ERR_UNAVAIL : 0;
}

int
scan_confine_files(const char *directory)
{
	static const char *const libraries[] = { "/lib", "/lib64", "/usr/lib" };
	const struct landlock_ruleset_attr handled = {
		.handled_access_fs = HANDLED,
	};
	long rules = syscall(SYS_landlock_create_ruleset, &handled,
	    sizeof(handled.handled_access_fs), 0);
	int rc;

	if (rules < 0)
		return ERR_UNAVAIL;
	rc = allow((int)rules, directory, READS | WRITES);
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		(void)allow((int)rules, libraries[i], READS);
	if (rc == 0 && syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		rc = ERR_UNAVAIL;
	(void)close((int)rules);
	return rc;
}

/* Octets of address space in use; 0: unknown. */
static uint64_t
address_space(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	(void)fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Lower, never higher. */
static int
set(int resource, uint64_t value)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)resource, &limit) < 0)
		return ERR_IO;
	if (limit.rlim_max > value)
		limit.rlim_max = value;
	limit.rlim_cur = limit.rlim_max;

	return setrlimit((__rlimit_resource_t)resource, &limit) == 0 ? 0
								     : ERR_IO;
}

int
scan_confine_limits(uint64_t file_octets, uint64_t memory_octets)
{
	uint64_t used = address_space();
	int rc;

	(void)signal(SIGXFSZ, SIG_IGN); /* an error of write(2) does */
	if ((rc = set(RLIMIT_FSIZE, file_octets)) < 0 ||
	    (rc = set(RLIMIT_NOFILE, OPEN_FILES)) < 0 ||
	    (rc = set(RLIMIT_CORE, 0)) < 0)
		return rc;
	return used > 0 ? set(RLIMIT_AS, used + memory_octets) : ERR_IO;
}

int
scan_confine_descriptors(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return ERR_IO;
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		if (dup2(null, i) < 0)
			return ERR_IO;
	if (fd != STDERR_FILENO + 1 && dup2(fd, STDERR_FILENO + 1) < 0)
		return ERR_IO;
	return close_range(STDERR_FILENO + 2, ~0U, 0) == 0 ? 0 : ERR_IO;
}
