/* SPDX-License-Identifier: BSD-2-Clause */
/* Postfix's lines in the systemd journal; the only user of libsystemd. */
#include "bounced/log_source.h"

#include <stdlib.h>
#include <systemd/sd-journal.h>

#include "util/clock.h"
#include "util/err.h"

struct log_journal {
	struct log_source source;
	sd_journal *journal;
	char position[LOG_POSITION_MAX];
	size_t position_len;
};

static struct slice
field(sd_journal *j, const char *name)
{
	const void *data;
	size_t len;

	if (sd_journal_get_data(j, name, &data, &len) < 0)
		return (struct slice){ NULL, 0 };
	struct slice s = { data, len };
	return slice_skip(s, strlen(name) + 1); /* "NAME=" */
}

static bool
keep_position(struct log_journal *l)
{
	char *cursor;

	if (sd_journal_get_cursor(l->journal, &cursor) < 0)
		return false;
	size_t n = strlen(cursor);
	bool fits = n <= LOG_POSITION_MAX;
	if (fits) {
		memcpy(l->position, cursor, n);
		l->position_len = n;
	}
	free(cursor);
	return fits;
}

/*
 * The place of a journal without any line of Postfix's: whatever comes is new.
 * Behind its tail, sd_journal_next() would find nothing for ever.
 */
static const struct slice at_head = { "head", 4 };

static int
seek_head(struct log_journal *l)
{
	if (sd_journal_seek_head(l->journal) < 0)
		return ERR_IO;
	memcpy(l->position, at_head.at, at_head.len);
	l->position_len = at_head.len;
	return 0;
}

static int
journal_seek(struct log_source *s, struct slice position)
{
	struct log_journal *l = (struct log_journal *)s;
	char cursor[LOG_POSITION_MAX + 1];

	if (slice_eq(position, at_head))
		return seek_head(l);
	if (position.len == 0 || position.len > LOG_POSITION_MAX) {
		if (sd_journal_seek_tail(l->journal) < 0)
			return ERR_IO;
		/* Onto the last entry, so that there is a cursor to keep. */
		if (sd_journal_previous(l->journal) > 0)
			(void)keep_position(l);
		else if (seek_head(l) < 0)
			return ERR_IO;
		return position.len > 0 ? 1 : 0;
	}
	memcpy(cursor, position.at, position.len);
	cursor[position.len] = '\0';
	if (sd_journal_seek_cursor(l->journal, cursor) < 0 ||
	    sd_journal_next(l->journal) < 0)
		return ERR_IO;
	memcpy(l->position, position.at, position.len);
	l->position_len = position.len;
	if (sd_journal_test_cursor(l->journal, cursor) > 0)
		return 0;
	/* Vacuumed away: this entry is the next one there is. */
	(void)sd_journal_previous(l->journal);
	return 1;
}

static int
journal_read(struct log_source *s, size_t max, log_found *found, void *ctx)
{
	struct log_journal *l = (struct log_journal *)s;
	size_t lines = 0;

	while (lines < max) {
		struct postfix_log log;
		uint64_t at_us;
		int rc = sd_journal_next(l->journal);

		if (rc < 0)
			return ERR_IO;
		if (rc == 0)
			break;
		lines++;
		if (sd_journal_get_realtime_usec(l->journal, &at_us) < 0)
			at_us = (uint64_t)clock_wall_us();
		/* The tag first: what is fetched next may replace it. */
		char tag[128];
		struct slice name = field(l->journal, "SYSLOG_IDENTIFIER");
		if (name.len == 0 || name.len > sizeof(tag))
			continue;
		memcpy(tag, name.at, name.len);
		name.at = tag;
		if (postfix_log_message(name, field(l->journal, "MESSAGE"),
			(int64_t)(at_us / 1000), &log))
			found(&log, ctx);
	}
	if (lines > 0 && !keep_position(l))
		return ERR_IO;
	return (int)lines;
}

static struct slice
journal_position(struct log_source *s, char room[LOG_POSITION_MAX])
{
	struct log_journal *l = (struct log_journal *)s;

	memcpy(room, l->position, l->position_len);
	return (struct slice){ room, l->position_len };
}

static int
journal_descriptor(struct log_source *s)
{
	return sd_journal_get_fd(((struct log_journal *)s)->journal);
}

static void
journal_woken(struct log_source *s)
{
	(void)sd_journal_process(((struct log_journal *)s)->journal);
}

static void
journal_close(struct log_source *s)
{
	struct log_journal *l = (struct log_journal *)s;

	sd_journal_close(l->journal);
	free(l);
}

static const struct log_source_ops journal_ops = {
	.seek = journal_seek,
	.read = journal_read,
	.position = journal_position,
	.descriptor = journal_descriptor,
	.woken = journal_woken,
	.close = journal_close,
};

struct log_source *
log_journal_new(void)
{
	struct log_journal *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->source.ops = &journal_ops;
	/* LOG_MAIL: what the kernel's and others' lines need not pass. */
	if (sd_journal_open(&l->journal,
		SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM) < 0) {
		free(l);
		return NULL;
	}
	if (sd_journal_add_match(l->journal, "SYSLOG_FACILITY=2", 0) < 0) {
		journal_close(&l->source);
		return NULL;
	}
	return &l->source;
}
