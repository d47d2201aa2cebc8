/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether the milter's spool has message facts that Redis lacks. */
#include "store/message_spool.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

static bool
has_content(const char *directory, const char *name)
{
	char path[PATH_MAX];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s/%s", directory, name);

	return n > 0 && (size_t)n < sizeof(path) && stat(path, &st) == 0 &&
	       st.st_size > 0;
}

bool
message_spool_waits(const char *state_directory)
{
	/* In the order of the rename, lest a file is missed between. */
	return has_content(state_directory, MESSAGE_SPOOL_ADDING) ||
	       has_content(state_directory, MESSAGE_SPOOL_REPLAYING);
}
