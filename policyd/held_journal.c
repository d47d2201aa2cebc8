/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages that this daemon has put into the hold queue. */
#include "policyd/held_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policyd/queue_client.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/map.h"
#include "util/read_all.h"

#define NAME "held-ids"
#define FILE_OCTETS_MAX ((size_t)HELD_JOURNAL_MAX * 2 * (QUEUE_ID_MAX + 1))

struct held_journal {
	struct map *ids;
	char path[PATH_MAX];
};

static int
note(struct held_journal *j, struct slice id)
{
	return map_set(j->ids, id, j, NULL);
}

static int
load(struct held_journal *j)
{
	int fd = open(j->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc;
	struct slice rest, line;
	struct buf text;

	if (fd < 0)
		return errno == ENOENT ? 0 : ERR_IO;
	buf_init(&text, FILE_OCTETS_MAX);
	rc = read_all(fd, &text);
	(void)close(fd);
	rest = buf_slice(&text);
	while (rc == 0 && slice_split(&rest, '\n', &line))
		if (slice_starts(line, SLICE("-")))
			(void)map_remove(j->ids, slice_skip(line, 1));
		else if (queue_id_ok(line))
			rc = note(j, line);
	buf_done(&text);
	return rc;
}

int
held_journal_open(const char *folder, struct held_journal **ret_journal)
{
	struct held_journal *j = calloc(1, sizeof(*j));
	int rc = ERR_NOMEM;

	if (j == NULL || (j->ids = map_new(HELD_JOURNAL_MAX)) == NULL)
		goto fail;
	rc = ERR_LIMIT;
	if (snprintf(j->path, sizeof(j->path), "%s/%s", folder, NAME) >=
	    (int)sizeof(j->path))
		goto fail;
	if ((rc = load(j)) < 0)
		goto fail;
	*ret_journal = j;
	return 0;
fail:
	held_journal_free(j);
	return rc;
}

void
held_journal_free(struct held_journal *j)
{
	if (j == NULL)
		return;
	map_free(j->ids, NULL);
	free(j);
}

static int
write_lines(const char *path, int flags, struct slice text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags,
	    0600);
	int rc = 0;

	if (fd < 0)
		return ERR_IO;
	while (text.len > 0 && rc == 0) {
		ssize_t n = write(fd, text.at, text.len);

		if (n < 0 && errno != EINTR)
			rc = ERR_IO;
		text = slice_skip(text, n > 0 ? (size_t)n : 0);
	}
	if (close(fd) < 0)
		rc = ERR_IO;
	return rc;
}

int
held_journal_add(struct held_journal *j, const struct slice *ids, size_t count)
{
	struct buf text;
	int rc = 0;

	buf_init(&text, FILE_OCTETS_MAX);
	/* A line that a crash has cut ends here. */
	(void)buf_add_char(&text, '\n');
	for (size_t i = 0; i < count && rc == 0; i++) {
		if (held_journal_has(j, ids[i]))
			continue;
		(void)buf_add_slice(&text, ids[i]);
		(void)buf_add_char(&text, '\n');
		rc = note(j, ids[i]);
	}
	if (rc == 0)
		rc = text.rc;
	if (rc == 0 && text.len > 1)
		rc = write_lines(j->path, O_APPEND, buf_slice(&text));
	buf_done(&text);
	return rc;
}

int
held_journal_drop(struct held_journal *j, const struct slice *ids, size_t count)
{
	struct buf text;
	int rc;

	buf_init(&text, FILE_OCTETS_MAX);
	(void)buf_add_char(&text, '\n');
	for (size_t i = 0; i < count; i++) {
		if (map_remove(j->ids, ids[i]) == NULL)
			continue;
		(void)buf_add_char(&text, '-');
		(void)buf_add_slice(&text, ids[i]);
		(void)buf_add_char(&text, '\n');
	}
	rc = text.rc;
	if (rc == 0 && text.len > 1)
		rc = write_lines(j->path, O_APPEND, buf_slice(&text));
	buf_done(&text);
	return rc;
}

bool
held_journal_has(const struct held_journal *j, struct slice id)
{
	return map_get(j->ids, id) != NULL;
}

size_t
held_journal_count(const struct held_journal *j)
{
	return map_count(j->ids);
}

int
held_journal_keep(struct held_journal *j,
    bool (*keep)(struct slice id, void *ctx), void *ctx)
{
	char path[PATH_MAX + 4];
	struct buf text;
	struct slice id;
	size_t pos = 0;
	void *value;
	int rc;

	buf_init(&text, FILE_OCTETS_MAX);
	while (map_next(j->ids, &pos, &id, &value))
		if (keep(id, ctx)) {
			(void)buf_add_slice(&text, id);
			(void)buf_add_char(&text, '\n');
		}
	(void)snprintf(path, sizeof(path), "%s.new", j->path);
	rc = text.rc;
	if (rc == 0)
		rc = write_lines(path, O_TRUNC, buf_slice(&text));
	buf_done(&text);
	if (rc == 0 && rename(path, j->path) < 0)
		rc = ERR_IO;
	for (pos = 0; rc == 0 && map_next(j->ids, &pos, &id, &value);)
		if (!keep(id, ctx))
			(void)map_remove(j->ids, id);
	return rc;
}
