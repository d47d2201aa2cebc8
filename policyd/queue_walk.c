/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the directories of Postfix's queues. */
#include "policyd/queue_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policyd/queue_protocol.h"
#include "util/err.h"

/* What is no directory is left out: queue directories are Postfix's, and a
 * link in one would lead us elsewhere. */
static int
push(struct queue_walk *w, int at, const char *name)
{
	int fd;

	if (w->depth == QUEUE_WALK_DEPTH)
		return ERR_LIMIT;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	w->levels[w->depth] = fdopendir(fd);
	if (w->levels[w->depth] == NULL) {
		(void)close(fd);
		return ERR_NOMEM;
	}
	w->depth++;
	return 0;
}

int
queue_walk_open(struct queue_walk *w, const char *queue_directory,
    const char *name)
{
	int fd, rc;

	w->depth = 0;
	fd = open(queue_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ERR_IO;
	rc = push(w, fd, name);
	(void)close(fd);
	return rc;
}

int
queue_walk_next(struct queue_walk *w, const char **ret_name, int *ret_dir)
{
	while (w->depth > 0) {
		DIR *top = w->levels[w->depth - 1];
		const struct dirent *entry = readdir(top);

		if (entry == NULL) {
			(void)closedir(top);
			w->depth--;
			continue;
		}
		const char *name = entry->d_name;
		if (name[0] != '.' && name[0] != '\0' && name[1] == '\0') {
			(void)push(w, dirfd(top), name);
		} else if (queue_id_ok(slice_of(name))) {
			*ret_name = name;
			*ret_dir = dirfd(top);
			return 1;
		}
	}
	return 0;
}

void
queue_walk_close(struct queue_walk *w)
{
	while (w->depth > 0)
		(void)closedir(w->levels[--w->depth]);
}
