/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_QUEUE_WALK_H
#define POLICYD_QUEUE_WALK_H

#include <dirent.h>
#include <stddef.h>

/*
 * The files of one of Postfix's queues, one after another, however deep they
 * are hashed: a directory whose name has one character holds more of them
 * (as Postfix's own mail_scan_dir has it).  Files that come or go meanwhile
 * may be missed or seen.
 */
#define QUEUE_WALK_DEPTH 17 /* hash_queue_depth is at most 16 */

struct queue_walk {
	DIR *levels[QUEUE_WALK_DEPTH];
	size_t depth; /* 0: closed */
};

/*
 * name: "hold".  ERR_NOTFOUND: Postfix has not made it yet; ERR_IO: nor is
 * there the directory that it would be in.
 */
int queue_walk_open(struct queue_walk *w, const char *queue_directory,
    const char *name);
/*
 * 1: a queue file, whose name holds until the next call, in the directory
 * ret_dir; 0: no more, and it is closed.
 */
int queue_walk_next(struct queue_walk *w, const char **ret_name, int *ret_dir);
void queue_walk_close(struct queue_walk *w);

#endif /* POLICYD_QUEUE_WALK_H */
