/* SPDX-License-Identifier: BSD-2-Clause */
/* Mails from files, mailboxes (RFC 4155) and directories. */
#include "cli/mail_source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/err.h"

#define PIECE ((size_t)65536) /* read at once */
#define PATH_MAX_OURS 4096

void
mail_source_init(struct mail_source *s)
{
	buf_init(&s->buf, MAIL_SOURCE_MAX + PIECE);
}

void
mail_source_done(struct mail_source *s)
{
	buf_done(&s->buf);
}

/* ---- mailboxes ---- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "From a@b.example Mon Oct  5 09:14:22 2026": it has a time. */
static bool
is_separator(struct slice line)
{
	if (!slice_starts(line, SLICE("From ")))
		return false;
	for (size_t i = 5; i + 5 <= line.len; i++)
		if (line.at[i] == ' ' && is_digit(line.at[i + 1]) &&
		    is_digit(line.at[i + 2]) && line.at[i + 3] == ':' &&
		    is_digit(line.at[i + 4]))
			return true;
	return false;
}

/* The line at text; false: it has no end yet. */
static bool
whole_line(struct slice text, bool end, struct slice *ret_line)
{
	const char *p = text.len > 0 ? memchr(text.at, '\n', text.len) : NULL;

	if (p == NULL && !end)
		return false;
	*ret_line = (struct slice){ text.at,
		p != NULL ? (size_t)(p - text.at) : text.len };
	return true;
}

/* "Name: value", as a mail begins. */
static bool
is_field(struct slice line)
{
	const char *colon = memchr(line.at, ':', line.len);
	struct slice name = { line.at,
		colon != NULL ? (size_t)(colon - line.at) : 0 };

	return name.len > 0 && memchr(name.at, ' ', name.len) == NULL;
}

size_t
mail_source_mbox_next(struct slice text, size_t *from, bool end)
{
	static const struct slice mark = SLICE("\nFrom ");
	struct slice line, next;
	const char *p;

	while ((p = slice_find(slice_skip(text, *from), mark)) != NULL) {
		size_t at = (size_t)(p - text.at) + 1;
		struct slice rest = slice_skip(text, at);

		if (!whole_line(rest, end, &line) ||
		    !whole_line(slice_skip(rest, line.len + 1), end, &next)) {
			*from = at - 1;
			return 0;
		}
		/* Many leave out the empty line before it; a mail begins
		 * behind it all the same. */
		if (is_separator(line) && is_field(next))
			return at;
		*from = at;
	}
	if (end)
		return text.len;
	/* A mark may be cut by the end. */
	if (text.len > mark.len && text.len - mark.len > *from)
		*from = text.len - mark.len;
	return 0;
}

/* The mail behind its "From " line. */
static struct slice
without_separator(struct slice mail)
{
	const char *p = memchr(mail.at, '\n', mail.len);

	return p == NULL ? (struct slice){ mail.at, 0 }
			 : slice_skip(mail, (size_t)(p - mail.at) + 1);
}

/* ---- files ---- */

/* 1: there may be more; 0: the end. */
static int
read_piece(struct mail_source *s, int fd)
{
	ssize_t n;
	int rc = buf_reserve(&s->buf, PIECE);

	if (rc < 0)
		return rc;
	do
		n = read(fd, s->buf.at + s->buf.len, PIECE);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return ERR_IO;
	s->buf.len += (size_t)n;
	return n > 0;
}

/* All mails of the mailbox whose beginning is in the buffer. */
static int
read_mbox(struct mail_source *s, int fd, const char *path)
{
	size_t number = 0, from = 0, len;
	int rc, more = 1;

	for (;;) {
		struct slice text = buf_slice(&s->buf);

		len = mail_source_mbox_next(text, &from, more == 0);
		if (len == 0 && more == 0)
			return 0;
		if (len == 0) {
			if ((more = read_piece(s, fd)) < 0)
				return more;
			continue;
		}
		text.len = len;
		rc = s->found(s->ctx, path, ++number, without_separator(text));
		if (rc < 0)
			return rc;
		buf_consume(&s->buf, len);
		from = 0;
	}
}

static int
read_fd(struct mail_source *s, int fd, const char *path)
{
	struct slice line;
	int rc;

	buf_clear(&s->buf);
	while ((rc = read_piece(s, fd)) > 0) {
		if (!whole_line(buf_slice(&s->buf), false, &line))
			continue;
		if (is_separator(line))
			return read_mbox(s, fd, path);
		break;
	}
	while (rc > 0)
		rc = read_piece(s, fd);
	return rc < 0 ? rc : s->found(s->ctx, path, 0, buf_slice(&s->buf));
}

static int
failed(struct mail_source *s, const char *path, int rc, const char *why)
{
	s->failed(s->ctx, path, why);
	return rc;
}

static int
of_errno(void)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return ERR_NOTFOUND;
	case EACCES:
	case EPERM:
		return ERR_DENIED;
	default:
		return ERR_IO;
	}
}

static int
read_file(struct mail_source *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return failed(s, path, of_errno(), strerror(errno));
	int rc = read_fd(s, fd, path);
	if (rc == ERR_IO)
		s->failed(s->ctx, path, strerror(errno));
	else if (rc < 0)
		s->failed(s->ctx, path, err_text(rc));
	(void)close(fd);
	return rc;
}

/* ---- directories ---- */

static int read_any(struct mail_source *s, const char *path, unsigned depth,
    bool given);

static int
is_shown(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int
read_directory(struct mail_source *s, const char *path, unsigned depth)
{
	struct dirent **names;
	int last = 0;

	if (depth == MAIL_SOURCE_DEPTH_MAX)
		return failed(s, path, ERR_LIMIT, "too many directories deep");
	int count = scandir(path, &names, is_shown, alphasort);
	if (count < 0)
		return failed(s, path, of_errno(), strerror(errno));
	for (int i = 0; i < count; i++) {
		char file[PATH_MAX_OURS];
		int n = snprintf(file, sizeof(file), "%s/%s", path,
		    names[i]->d_name);
		int rc = n < 0 || (size_t)n >= sizeof(file)
			     ? failed(s, path, ERR_LIMIT, "path too long")
			     : read_any(s, file, depth + 1, false);

		free(names[i]);
		if (rc < 0)
			last = rc;
	}
	free(names);
	return last;
}

static int
read_any(struct mail_source *s, const char *path, unsigned depth, bool given)
{
	struct stat st;

	if (given ? stat(path, &st) < 0 : lstat(path, &st) < 0)
		return failed(s, path, of_errno(), strerror(errno));
	if (S_ISLNK(st.st_mode) && (stat(path, &st) < 0 || S_ISDIR(st.st_mode)))
		return 0;
	if (S_ISDIR(st.st_mode))
		return read_directory(s, path, depth);
	/* A pipe that is named is read; one that lies about would block. */
	if (!S_ISREG(st.st_mode) && !given)
		return 0;
	return read_file(s, path);
}

int
mail_source_read(struct mail_source *s, const char *path)
{
	if (strcmp(path, "-") != 0)
		return read_any(s, path, 0, true);
	int rc = read_fd(s, STDIN_FILENO, path);
	if (rc < 0)
		s->failed(s->ctx, path,
		    rc == ERR_IO ? strerror(errno) : err_text(rc));
	return rc;
}
