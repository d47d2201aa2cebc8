/* SPDX-License-Identifier: BSD-2-Clause */
/* Message facts on disk while Redis is away. */
#include "milter/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/message_spool.h"
#include "store/message_store.h"
#include "store/store.h"
#include "util/err.h"
#include "util/log.h"

/*
 * Two files: lines are added to one; replaying begins by renaming it to the
 * other, which is read by the loop's thread alone and removed at its end.
 */
struct spool {
	struct store *store;
	char adding[PATH_MAX], replaying[PATH_MAX];
	pthread_mutex_t lock; /* of the next four */
	int fd;               /* of the file lines are added to; -1: none */
	size_t size, max;
	size_t replay_size;
	_Atomic bool pending; /* there is something to replay */
	_Atomic bool kicked;  /* and it was asked for */

	/* the loop's thread only */
	FILE *in;
	char *line; /* being stored */
	size_t line_cap;
	ssize_t line_len;
	bool busy;
	unsigned long stored, refused;
};

static size_t
size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0 ? (size_t)st.st_size : 0;
}

/* A line that a crash cut short must not be glued to the next one. */
static int
end_last_line(const char *path)
{
	char last = '\n';
	int rc = 0;

	int fd = open(path, O_RDWR | O_CLOEXEC | O_APPEND);
	if (fd < 0)
		return errno == ENOENT ? 0 : ERR_IO;
	if (lseek(fd, -1, SEEK_END) >= 0 && read(fd, &last, 1) == 1 &&
	    last != '\n' && write(fd, "\n", 1) != 1)
		rc = ERR_IO;
	(void)close(fd);
	return rc;
}

int
spool_open(const char *directory, unsigned max_kb, struct store *store,
    struct spool **ret_spool)
{
	struct spool *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return ERR_NOMEM;
	if (pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		return ERR_NOMEM;
	}
	s->store = store;
	s->fd = -1;
	s->max = (size_t)max_kb * 1024;
	int n = snprintf(s->adding, sizeof(s->adding),
	    "%s/" MESSAGE_SPOOL_ADDING, directory);
	int m = snprintf(s->replaying, sizeof(s->replaying),
	    "%s/" MESSAGE_SPOOL_REPLAYING, directory);
	if (n < 0 || m < 0 || (size_t)m >= sizeof(s->replaying)) {
		spool_close(s);
		return ERR_LIMIT;
	}
	if ((rc = end_last_line(s->adding)) < 0) {
		spool_close(s);
		return rc;
	}
	s->size = size_of(s->adding);
	s->replay_size = size_of(s->replaying);
	s->pending = s->size + s->replay_size > 0;
	*ret_spool = s;
	return 0;
}

void
spool_close(struct spool *s)
{
	if (s == NULL)
		return;
	if (s->in != NULL)
		(void)fclose(s->in);
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->line);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

void
spool_set_max(struct spool *s, unsigned max_kb)
{
	(void)pthread_mutex_lock(&s->lock);
	s->max = (size_t)max_kb * 1024;
	(void)pthread_mutex_unlock(&s->lock);
}

size_t
spool_size(struct spool *s)
{
	(void)pthread_mutex_lock(&s->lock);
	size_t size = s->size + s->replay_size;
	(void)pthread_mutex_unlock(&s->lock);
	return size;
}

/* With the lock held.  All of it, or nothing. */
static int
append(struct spool *s, struct slice line)
{
	if (s->fd < 0)
		s->fd = open(s->adding,
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (s->fd < 0)
		return ERR_IO;
	ssize_t n = write(s->fd, line.at, line.len);
	if (n >= 0 && (size_t)n == line.len) {
		s->size += line.len;
		return 0;
	}
	/* The disk is full: take back what was written of it. */
	if (n > 0 && ftruncate(s->fd, (off_t)s->size) < 0)
		log_error("%s: %s", s->adding, strerror(errno));
	return ERR_IO;
}

int
spool_add(struct spool *s, struct slice line)
{
	char *whole;
	int rc;

	while (line.len > 0 && line.at[line.len - 1] == '\n')
		line.len--;
	if (memchr(line.at, '\n', line.len) != NULL)
		return ERR_SYNTAX;
	if ((whole = malloc(line.len + 1)) == NULL)
		return ERR_NOMEM;
	memcpy(whole, line.at, line.len);
	whole[line.len] = '\n';
	(void)pthread_mutex_lock(&s->lock);
	if (s->size + s->replay_size + line.len + 1 > s->max)
		rc = ERR_LIMIT;
	else
		rc = append(s, (struct slice){ whole, line.len + 1 });
	(void)pthread_mutex_unlock(&s->lock);
	free(whole);
	if (rc == 0)
		s->pending = true;
	return rc;
}

/* ---- replaying: the loop's thread ---- */

static void next_line(struct spool *s);

static void
line_stored(int rc, bool held, void *ctx)
{
	struct spool *s = ctx;

	(void)held;
	s->busy = false;
	if (rc < 0 && err_is_temporary(rc))
		return; /* the same line again, when Redis is back */
	if (rc < 0)
		s->refused++;
	else
		s->stored++;
	(void)pthread_mutex_lock(&s->lock);
	s->replay_size -= (size_t)s->line_len < s->replay_size
			      ? (size_t)s->line_len
			      : s->replay_size;
	(void)pthread_mutex_unlock(&s->lock);
	s->line_len = 0;
	next_line(s);
}

static void
end_replay(struct spool *s)
{
	(void)fclose(s->in);
	s->in = NULL;
	(void)unlink(s->replaying);
	(void)pthread_mutex_lock(&s->lock);
	s->replay_size = 0;
	if (s->size == 0)
		s->pending = false;
	(void)pthread_mutex_unlock(&s->lock);
	log_info("facts of %lu messages stored that waited for Redis",
	    s->stored);
	if (s->refused > 0)
		log_warning("facts of %lu messages were damaged and are lost",
		    s->refused);
	s->stored = s->refused = 0;
}

/* What is there to read: a file left over, or the one lines are added to. */
static bool
begin_replay(struct spool *s)
{
	(void)pthread_mutex_lock(&s->lock);
	if (s->replay_size == 0 && s->size > 0 &&
	    rename(s->adding, s->replaying) == 0) {
		if (s->fd >= 0)
			(void)close(s->fd);
		s->fd = -1;
		s->replay_size = s->size;
		s->size = 0;
	}
	bool any = s->replay_size > 0;
	(void)pthread_mutex_unlock(&s->lock);
	if (!any)
		return false;
	s->in = fopen(s->replaying, "re");
	return s->in != NULL;
}

static void
next_line(struct spool *s)
{
	for (;;) {
		if (s->in == NULL && !begin_replay(s))
			return;
		if (s->line_len <= 0)
			s->line_len = getline(&s->line, &s->line_cap, s->in);
		if (s->line_len > 0)
			break;
		end_replay(s);
	}
	struct slice line = { s->line, (size_t)s->line_len };

	if (line.at[line.len - 1] == '\n')
		line.len--;
	s->busy = true;
	message_put_line(s->store, line, store_deadline(s->store), line_stored,
	    s);
}

static void
replay(void *ctx)
{
	struct spool *s = ctx;

	s->kicked = false;
	if (!s->busy)
		next_line(s);
}

void
spool_kick(struct spool *s)
{
	if (!s->pending || atomic_exchange(&s->kicked, true))
		return;
	if (store_post(s->store, replay, s) < 0)
		s->kicked = false;
}
