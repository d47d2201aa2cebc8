/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_LOG_SOURCE_H
#define BOUNCED_LOG_SOURCE_H

#include <stddef.h>

#include "proto/postfix_log.h"
#include "util/slice.h"

/*
 * Where Postfix's log lines come from: a file (log_file.c) or the journal
 * (log_journal.c).  A position is a text of its own, kept as the follower's
 * checkpoint.
 */
#define LOG_POSITION_MAX 200

struct log_source;
/* log: a line that matters; its slices live inside the call only. */
typedef void log_found(const struct postfix_log *log, void *ctx);

struct log_source_ops {
	/*
	 * Go to a position.  Empty: there is none yet, begin with what comes
	 * from now on.  0; 1: that place is gone, lines may be missing;
	 * ERR_IO: not now.
	 */
	int (*seek)(struct log_source *s, struct slice position);
	/*
	 * Hands over what matters in the next lines, no more than max of them.
	 * Returns lines looked at, 0: there is nothing now; ERR_IO.
	 */
	int (*read)(struct log_source *s, size_t max, log_found *found,
	    void *ctx);
	/* Behind the last line looked at. */
	struct slice (
	    *position)(struct log_source *s, char room[LOG_POSITION_MAX]);
	/* Becomes readable when there may be something; -1: poll only. */
	int (*descriptor)(struct log_source *s);
	void (*woken)(struct log_source *s); /* the descriptor was readable */
	void (*close)(struct log_source *s);
};
/* Every source begins with this. */
struct log_source {
	const struct log_source_ops *ops;
};

/* path: absolute.  The file need not exist yet.  NULL: no memory. */
struct log_source *log_file_new(const char *path);
/* The journal of this host; NULL: no memory, or not built in. */
struct log_source *log_journal_new(void);

#endif /* BOUNCED_LOG_SOURCE_H */
