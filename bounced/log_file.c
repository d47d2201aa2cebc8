/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Follows Postfix's log file through rotation by rename, by copying and
 * truncating, and through times in which nobody read.  A place in a log is
 * known by content: the hash of its first octets, so that it is found again in
 * a rotated, copied or compressed file.
 */
#include "bounced/log_source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

#define BUFFER_LEN (256 * 1024)
#define LINE_MAX_OCTETS (64 * 1024) /* longer: skipped */
#define FINGERPRINT_LEN 256
#define SIBLINGS_MAX 1000

/*
 * Offset 0 has no content to be known by: then hash is a wall clock time, in
 * microseconds, and all that was written since then is to be read.
 */
struct place {
	uint64_t inode, offset, hash; /* of the first octets, <= offset */
};

struct log_file {
	struct log_source source;
	char *path, *directory;
	const char *base; /* in path */
	int notify;
	/* what is being read: the current file (fd), or an older one (gz) */
	int fd;
	gzFile gz;
	struct timespec older; /* time of change of the one in gz */
	uint64_t inode;
	uint64_t offset; /* of buffer[begin] */
	char head[FINGERPRINT_LEN];
	size_t head_len; /* first octets of the file, as read */
	bool skipping;   /* inside a line that is too long */
	/* the last place that stands for something: kept until an octet of
	 * the file behind it was read */
	struct place last;
	size_t begin, end;
	struct postfix_log_clock clock;
	char buffer[BUFFER_LEN];
};

/* FNV-1a: tells files apart; nobody is kept out by it. */
static uint64_t
hash_of(const char *at, size_t len)
{
	uint64_t h = 0xcbf29ce484222325U;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)at[i]) * 0x100000001b3U;
	return h;
}

static size_t
fingerprint_len(uint64_t offset)
{
	return offset < FINGERPRINT_LEN ? (size_t)offset : FINGERPRINT_LEN;
}

static struct place
here(const struct log_file *f)
{
	return (struct place){ .inode = f->inode,
		.offset = f->offset,
		.hash = hash_of(f->head, fingerprint_len(f->offset)) };
}

static void
close_file(struct log_file *f)
{
	if (f->offset > 0)
		f->last = here(f);
	if (f->fd >= 0)
		(void)close(f->fd);
	if (f->gz != NULL)
		(void)gzclose(f->gz);
	f->fd = -1;
	f->gz = NULL;
	f->begin = f->end = 0;
	f->offset = 0;
	f->head_len = 0;
	f->inode = 0;
	f->skipping = false;
}

static bool
parse_place(struct slice text, struct place *ret_place)
{
	uint64_t *fields[] = { &ret_place->inode, &ret_place->offset,
		&ret_place->hash };
	struct slice piece;

	for (size_t i = 0; i < 3; i++)
		if (!slice_split(&text, ':', &piece) ||
		    number_parse(piece, 0, UINT64_MAX, fields[i]) < 0)
			return false;
	return text.at == NULL;
}

/* ---- opening ---- */

/* The first octets of the file in fd; false: it has not that many. */
static bool
head_matches(int fd, const struct place *place)
{
	char head[FINGERPRINT_LEN];
	size_t n = fingerprint_len(place->offset);
	struct stat st;

	return fstat(fd, &st) == 0 && (uint64_t)st.st_size >= place->offset &&
	       pread(fd, head, n, 0) == (ssize_t)n &&
	       hash_of(head, n) == place->hash;
}

/* The current file, from offset. */
static int
open_current(struct log_file *f, const struct place *place)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	uint64_t offset = place != NULL ? place->offset : 0;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return ERR_IO;
	}
	if (place != NULL && !head_matches(fd, place)) {
		(void)close(fd);
		return ERR_NOTFOUND;
	}
	size_t n = fingerprint_len(offset);
	close_file(f);
	if (pread(fd, f->head, n, 0) != (ssize_t)n ||
	    lseek(fd, (off_t)offset, SEEK_SET) < 0) {
		(void)close(fd);
		return ERR_IO;
	}
	f->fd = fd;
	f->head_len = n;
	f->inode = st.st_ino;
	f->offset = offset;
	return 0;
}

/* A rotated file, plain or compressed, from the place; it must be there. */
static int
open_sibling(struct log_file *f, const char *name, const struct place *place)
{
	char path[PATH_MAX], head[FINGERPRINT_LEN];
	size_t n = place != NULL ? fingerprint_len(place->offset) : 0;
	struct stat st;

	int len = snprintf(path, sizeof(path), "%s/%s", f->directory, name);
	if (len < 0 || (size_t)len >= sizeof(path))
		return ERR_IO;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return ERR_IO;
	gzFile gz = NULL;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (gz = gzdopen(fd, "rb")) == NULL) {
		(void)close(fd);
		return ERR_IO;
	}
	if (place != NULL && (gzread(gz, head, (unsigned)n) != (int)n ||
				 hash_of(head, n) != place->hash ||
				 gzseek(gz, (z_off_t)place->offset, SEEK_SET) !=
				     (z_off_t)place->offset)) {
		(void)gzclose(gz);
		return ERR_NOTFOUND;
	}
	close_file(f);
	f->gz = gz;
	f->older = st.st_mtim;
	f->inode = st.st_ino;
	f->head_len = n;
	memcpy(f->head, head, n);
	f->offset = place != NULL ? place->offset : 0;
	return 0;
}

static bool
is_later(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec
				    : a.tv_nsec > b.tv_nsec;
}

/* "mail.log.1", "mail.log-20261123.gz": a rotated form of ours? */
static bool
is_sibling(const struct log_file *f, const char *name)
{
	size_t n = strlen(f->base);

	return strncmp(name, f->base, n) == 0 &&
	       (name[n] == '.' || name[n] == '-');
}

/*
 * With a place: the rotated file that holds it.  Without: the oldest one
 * changed later than the one just read.  ERR_NOTFOUND: none.
 */
static int
open_older(struct log_file *f, const struct place *place)
{
	DIR *dir = opendir(f->directory);
	char best[NAME_MAX + 1] = "";
	struct timespec best_time = { 0 };
	struct dirent *e;
	int rc = ERR_NOTFOUND;

	if (dir == NULL)
		return ERR_IO;
	for (int n = 0; n < SIBLINGS_MAX && (e = readdir(dir)) != NULL;) {
		struct stat st;

		if (!is_sibling(f, e->d_name) ||
		    fstatat(dirfd(dir), e->d_name, &st, 0) < 0)
			continue;
		n++;
		if (place != NULL) {
			if (open_sibling(f, e->d_name, place) == 0) {
				rc = 0;
				break;
			}
			continue;
		}
		if (st.st_ino != f->inode && is_later(st.st_mtim, f->older) &&
		    (best[0] == '\0' || is_later(best_time, st.st_mtim))) {
			(void)snprintf(best, sizeof(best), "%s", e->d_name);
			best_time = st.st_mtim;
		}
	}
	(void)closedir(dir);
	if (place == NULL && best[0] != '\0')
		rc = open_sibling(f, best, NULL);
	return rc;
}

/* ---- the source ---- */

static struct slice
file_position(struct log_source *s, char room[LOG_POSITION_MAX])
{
	struct log_file *f = (struct log_file *)s;
	struct place at = f->offset > 0 ? here(f) : f->last;

	int len = snprintf(room, LOG_POSITION_MAX,
	    "%" PRIu64 ":%" PRIu64 ":%" PRIu64, at.inode, at.offset, at.hash);
	return (struct slice){ room, (size_t)len };
}

/* Begin with what comes from now on: behind the last whole line. */
static int
seek_end(struct log_file *f)
{
	struct stat st;
	int rc = open_current(f, NULL);

	if (rc == ERR_NOTFOUND)
		return 0; /* all of it is new, once it is there */
	if (rc < 0 || fstat(f->fd, &st) < 0)
		return ERR_IO;
	off_t from =
	    st.st_size > LINE_MAX_OCTETS ? st.st_size - LINE_MAX_OCTETS : 0;
	ssize_t got = pread(f->fd, f->buffer, LINE_MAX_OCTETS, from);
	const char *nl = got > 0 ? memrchr(f->buffer, '\n', (size_t)got) : NULL;
	struct place place = {
		.offset =
		    nl != NULL ? (uint64_t)(from + (nl - f->buffer) + 1) : 0,
	};
	size_t n = fingerprint_len(place.offset);
	if (pread(f->fd, f->buffer, n, 0) != (ssize_t)n)
		return ERR_IO;
	place.hash = hash_of(f->buffer, n);
	return open_current(f, &place);
}

/* All that was written since then: rotated files first. */
static int
seek_since(struct log_file *f, uint64_t wall_us)
{
	int rc;

	f->older = (struct timespec){ .tv_sec = (time_t)(wall_us / 1000000),
		.tv_nsec = (long)(wall_us % 1000000) * 1000 };
	rc = open_older(f, NULL);
	if (rc == ERR_NOTFOUND)
		rc = open_current(f, NULL);
	return rc < 0 && rc != ERR_NOTFOUND ? ERR_IO : 0;
}

static int
file_seek(struct log_source *s, struct slice position)
{
	struct log_file *f = (struct log_file *)s;
	struct place place;
	int rc;

	postfix_log_clock_init(&f->clock, clock_wall_us() / 1000000);
	close_file(f);
	/* File times are those of the last clock tick, a little behind. */
	f->last = (struct place){ .hash = (uint64_t)clock_wall_us() - 10000 };
	if (position.len == 0)
		return seek_end(f);
	if (!parse_place(position, &place))
		return seek_end(f) < 0 ? ERR_IO : 1;
	f->last = place;
	if (place.offset == 0)
		return seek_since(f, place.hash);
	rc = open_current(f, &place);
	if (rc == ERR_NOTFOUND)
		rc = open_older(f, &place);
	if (rc != ERR_NOTFOUND)
		return rc == 0 ? 0 : ERR_IO;
	/* Gone: all of the current file is newer. */
	rc = open_current(f, NULL);
	if (rc < 0 && rc != ERR_NOTFOUND)
		return ERR_IO;
	return 1;
}

/* Fill the buffer.  Octets added, 0: none now, ERR_IO. */
static ssize_t
fill(struct log_file *f)
{
	ssize_t n;

	if (f->begin > 0) {
		memmove(f->buffer, f->buffer + f->begin, f->end - f->begin);
		f->end -= f->begin;
		f->begin = 0;
	}
	if (f->end == BUFFER_LEN)
		return 0;
	if (f->gz != NULL)
		n = gzread(f->gz, f->buffer + f->end,
		    (unsigned)(BUFFER_LEN - f->end));
	else if (f->fd >= 0)
		n = read(f->fd, f->buffer + f->end, BUFFER_LEN - f->end);
	else
		return 0;
	if (n < 0)
		return ERR_IO;
	uint64_t at = f->offset + f->end;
	for (ssize_t i = 0; i < n && at + (uint64_t)i < FINGERPRINT_LEN; i++) {
		f->head[at + (uint64_t)i] = f->buffer[f->end + (size_t)i];
		f->head_len = (size_t)at + (size_t)i + 1;
	}
	f->end += (size_t)n;
	return n;
}

/* Does the open file still begin as what was read of it? */
static bool
is_same(const struct log_file *f)
{
	struct place at = here(f);

	return f->offset == 0 || head_matches(f->fd, &at);
}

/*
 * Nothing more in what is open: go over to the next file?
 * 1: there is another one to read; 0: not now.
 */
static int
next_file(struct log_file *f)
{
	struct place at = here(f);
	struct stat st, mine;
	int rc;

	if (f->gz != NULL) {
		/* A last line without its end is all there will ever be. */
		rc = open_older(f, NULL);
		if (rc == ERR_NOTFOUND)
			rc = open_current(f, NULL);
		if (rc == ERR_NOTFOUND)
			close_file(f);
		return rc == 0;
	}
	if (stat(f->path, &st) < 0)
		return 0;
	if (f->fd < 0)
		return open_current(f, NULL) == 0;
	if (st.st_ino != f->inode) {
		/* Renamed.  Its writer goes on with it until the new one
		 * has something; then one more look, and over. */
		if (st.st_size == 0)
			return 0;
		if (fill(f) > 0)
			return 1;
		if (fstat(f->fd, &mine) == 0)
			f->older = mine.st_mtim;
		rc = open_older(f, NULL);
		if (rc < 0)
			rc = open_current(f, NULL);
		return rc == 0;
	}
	if (is_same(f))
		return 0;
	/* Truncated: what was not read yet may be in a copy. */
	rc = open_older(f, &at);
	if (rc < 0)
		rc = open_current(f, NULL);
	return rc == 0;
}

/* One line off the buffer; false: there is none. */
static bool
take_line(struct log_file *f, struct slice *ret_line)
{
	size_t len = f->end - f->begin;
	const char *at = f->buffer + f->begin;
	const char *nl = memchr(at, '\n', len);

	if (nl == NULL && len < LINE_MAX_OCTETS)
		return false;
	size_t n = nl != NULL ? (size_t)(nl - at) : len;
	bool skip = f->skipping || n >= LINE_MAX_OCTETS;
	f->skipping = nl == NULL;
	f->begin += n + (nl != NULL);
	f->offset += n + (nl != NULL);
	if (n > 0 && at[n - 1] == '\r')
		n--;
	*ret_line = (struct slice){ at, skip ? 0 : n };
	return true;
}

static int
file_read(struct log_source *s, size_t max, log_found *found, void *ctx)
{
	struct log_file *f = (struct log_file *)s;
	struct slice line;
	struct postfix_log log;
	size_t lines = 0;

	f->clock.now_s = clock_wall_us() / 1000000;
	/* Truncated, and longer again than it was? */
	if (f->fd >= 0 && !is_same(f))
		(void)next_file(f);
	while (lines < max) {
		if (take_line(f, &line)) {
			lines++;
			if (postfix_log_parse(line, &f->clock, &log))
				found(&log, ctx);
			continue;
		}
		ssize_t n = fill(f);
		if (n < 0)
			return ERR_IO;
		if (n == 0 && next_file(f) == 0)
			break;
	}
	return (int)lines;
}

static int
file_descriptor(struct log_source *s)
{
	return ((struct log_file *)s)->notify;
}

static void
file_woken(struct log_source *s)
{
	struct log_file *f = (struct log_file *)s;
	char events[4096];

	/* What happened does not matter: the next read looks. */
	while (read(f->notify, events, sizeof(events)) > 0)
		;
}

static void
file_close(struct log_source *s)
{
	struct log_file *f = (struct log_file *)s;

	close_file(f);
	if (f->notify >= 0)
		(void)close(f->notify);
	free(f->path);
	free(f->directory);
	free(f);
}

static const struct log_source_ops file_ops = {
	.seek = file_seek,
	.read = file_read,
	.position = file_position,
	.descriptor = file_descriptor,
	.woken = file_woken,
	.close = file_close,
};

struct log_source *
log_file_new(const char *path)
{
	struct log_file *f = calloc(1, sizeof(*f));
	const char *slash = strrchr(path, '/');

	if (f == NULL)
		return NULL;
	f->source.ops = &file_ops;
	f->fd = f->notify = -1;
	f->path = strdup(path);
	f->directory = slash == NULL || slash == path
			   ? strdup(slash == NULL ? "." : "/")
			   : strndup(path, (size_t)(slash - path));
	if (f->path == NULL || f->directory == NULL) {
		file_close(&f->source);
		return NULL;
	}
	slash = strrchr(f->path, '/');
	f->base = slash != NULL ? slash + 1 : f->path;
	/* The folder: the file may come, go and be replaced. */
	f->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (f->notify >= 0)
		(void)inotify_add_watch(f->notify, f->directory,
		    IN_MODIFY | IN_CREATE | IN_MOVED_TO);
	return &f->source;
}
