/* SPDX-License-Identifier: BSD-2-Clause */
/* Postfix-style log lines to syslog, a file or stderr. */
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

#define VALUE_MAX 500  /* octets of one value */
#define MORE ", ..."   /* ends a line that was too long */
#define TEXT_MAX 2048  /* octets of one line, without its head */
#define PATH_ROOM 1024 /* a log file's path and its NUL */
#define FILE_MODE 0640 /* group adm reads logs on Debian */
#define TAG_PREFIX "postern/"

enum place { TO_STDERR, TO_SYSLOG, TO_FILE };

/* Guarded by lock, except for least. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum place place = TO_STDERR;
static char tag[64] = "postern";
static char host[256] = "localhost";
static char path[PATH_ROOM];
static int file = -1;
static _Atomic int least_level = LOG_L_INFO;

/* New lines go to the file from the next one on; 0 or ERR_IO. */
static int
open_file(const char *name)
{
	int fd = open(name,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, FILE_MODE);

	if (fd < 0)
		return ERR_IO;
	if (file >= 0)
		(void)close(file);
	file = fd;
	return 0;
}

static void
leave_place(void)
{
	if (place == TO_SYSLOG)
		closelog();
	if (file >= 0)
		(void)close(file);
	file = -1;
}

static int
open_place(const char *target)
{
	if (target[0] == '/') {
		if (strlen(target) >= sizeof(path))
			return ERR_LIMIT;
		if (open_file(target) < 0)
			return ERR_IO;
		if (place == TO_SYSLOG)
			closelog();
		(void)snprintf(path, sizeof(path), "%s", target);
		place = TO_FILE;
		return 0;
	}
	if (strcmp(target, "syslog") != 0 && strcmp(target, "stderr") != 0)
		return ERR_SYNTAX;
	leave_place();
	place = TO_STDERR;
	if (strcmp(target, "syslog") == 0) {
		openlog(tag, LOG_PID | LOG_NDELAY, LOG_MAIL);
		place = TO_SYSLOG;
	}
	return 0;
}

int
log_open(const char *name, const char *target, enum log_level least)
{
	int rc;

	(void)pthread_mutex_lock(&lock);
	tzset();
	(void)snprintf(tag, sizeof(tag), "%s%s", TAG_PREFIX, name);
	if (gethostname(host, sizeof(host)) < 0)
		(void)snprintf(host, sizeof(host), "localhost");
	host[sizeof(host) - 1] = '\0';
	host[strcspn(host, ".")] = '\0'; /* as syslog does */
	least_level = (int)least;
	rc = open_place(target);
	(void)pthread_mutex_unlock(&lock);
	return rc;
}

static bool
is_current(void)
{
	struct stat there, ours;

	return stat(path, &there) == 0 && fstat(file, &ours) == 0 &&
	       there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

int
log_reopen(void)
{
	int rc = 0;

	(void)pthread_mutex_lock(&lock);
	if (place == TO_FILE && !is_current())
		rc = open_file(path); /* the old file is better than none */
	(void)pthread_mutex_unlock(&lock);
	return rc;
}

void
log_set_level(enum log_level least)
{
	least_level = (int)least;
}

static void
write_stream(int fd, const char *text)
{
	char line[TEXT_MAX + 400], stamp[32] = "";
	struct tm tm;
	int n;

	if (place == TO_FILE) {
		time_t now = (time_t)(clock_wall_us() / 1000000);

		if (localtime_r(&now, &tm) != NULL)
			(void)strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S ",
			    &tm);
	}
	n = snprintf(line, sizeof(line) - 1, "%s%s%s%s[%d]: %s", stamp,
	    place == TO_FILE ? host : "", place == TO_FILE ? " " : "", tag,
	    (int)getpid(), text);
	if (n < 0)
		return;
	size_t len =
	    (size_t)n < sizeof(line) - 1 ? (size_t)n : sizeof(line) - 2;
	line[len++] = '\n';
	/* One write, so that lines of several processes do not mix. */
	ssize_t done;
	do
		done = write(fd, line, len);
	while (done < 0 && errno == EINTR);
}

static bool
is_wanted(enum log_level level)
{
	return (int)level >= least_level;
}

/* text: one line, escaped already. */
static void
put_line(enum log_level level, const char *text)
{
	static const struct {
		int priority;
		const char *mark;
	} levels[] = {
		[LOG_L_DEBUG] = { LOG_DEBUG, "" },
		[LOG_L_INFO] = { LOG_INFO, "" },
		[LOG_L_WARNING] = { LOG_WARNING, "warning: " },
		[LOG_L_ERROR] = { LOG_ERR, "error: " },
	};
	char marked[TEXT_MAX + 16];
	int saved = errno;

	(void)snprintf(marked, sizeof(marked), "%s%s", levels[level].mark,
	    text);
	(void)pthread_mutex_lock(&lock);
	switch (place) {
	case TO_SYSLOG:
		syslog(LOG_MAIL | levels[level].priority, "%s", marked);
		break;
	case TO_STDERR:
		write_stream(STDERR_FILENO, marked);
		break;
	case TO_FILE:
		write_stream(file, marked);
		break;
	}
	(void)pthread_mutex_unlock(&lock);
	errno = saved;
}

static char
escaped(char c)
{
	unsigned char octet = (unsigned char)c;

	return octet < 0x20 || octet == 0x7f ? '?' : c;
}

static void __attribute__((format(printf, 2, 0)))
put_format(enum log_level level, const char *format, va_list ap)
{
	char text[TEXT_MAX];

	if (!is_wanted(level))
		return;
	if (vsnprintf(text, sizeof(text), format, ap) < 0)
		return;
	for (char *p = text; *p != '\0'; p++)
		*p = escaped(*p);
	put_line(level, text);
}

#define LOG_FUNCTION(name, level) \
	void name(const char *format, ...) \
	{ \
		va_list ap; \
\
		va_start(ap, format); \
		put_format(level, format, ap); \
		va_end(ap); \
	}
/* clang-format off */
LOG_FUNCTION(log_debug, LOG_L_DEBUG)
LOG_FUNCTION(log_info, LOG_L_INFO)
LOG_FUNCTION(log_warning, LOG_L_WARNING)
LOG_FUNCTION(log_error, LOG_L_ERROR)
/* clang-format on */

bool
log_limit_ok(struct log_limit *limit, int64_t every_s,
    unsigned long *ret_missed)
{
	int64_t now = clock_mono_us();
	bool ok;

	(void)pthread_mutex_lock(&lock);
	ok = now >= limit->next_us;
	if (ok) {
		if (ret_missed != NULL)
			*ret_missed = limit->missed;
		limit->missed = 0;
		limit->next_us = now + every_s * 1000000;
	} else {
		limit->missed++;
	}
	(void)pthread_mutex_unlock(&lock);
	return ok;
}

static void
add_octets(struct log_line *l, const char *at, size_t len)
{
	memcpy(l->text + l->len, at, len);
	l->len += len;
	l->text[l->len] = '\0';
}

void
log_line(struct log_line *l, struct slice queue_id)
{
	size_t len = queue_id.len < VALUE_MAX ? queue_id.len : VALUE_MAX;

	l->len = 0;
	if (len == 0)
		add_octets(l, "NOQUEUE", 7);
	for (size_t i = 0; i < len; i++) {
		char c = escaped(queue_id.at[i]);

		add_octets(l, &c, 1);
	}
	add_octets(l, ":", 1);
}

static bool
needs_quotes(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (memchr(" ,\"", value.at[i], 3) != NULL)
			return true;
	return value.len == 0;
}

/* The value as it stands in the line; room: 2 * VALUE_MAX + 8 octets. */
static size_t
format_value(struct slice value, char *room)
{
	bool quotes = needs_quotes(value), cut = value.len > VALUE_MAX;
	size_t n = 0;

	if (cut)
		value.len = VALUE_MAX;
	if (quotes)
		room[n++] = '"';
	for (size_t i = 0; i < value.len; i++) {
		char c = escaped(value.at[i]);

		if (quotes && (c == '"' || c == '\\'))
			room[n++] = '\\';
		room[n++] = c;
	}
	for (int i = 0; cut && i < 3; i++)
		room[n++] = '.';
	if (quotes)
		room[n++] = '"';
	return n;
}

void
log_line_add(struct log_line *l, const char *key, struct slice value)
{
	char piece[2 * VALUE_MAX + 8];
	size_t key_len = strlen(key), n;
	bool first =
	    l->text[l->len - 1] == ':' && memchr(l->text, ' ', l->len) == NULL;

	if (value.at == NULL)
		return;
	if (l->len >= sizeof(MORE) &&
	    memcmp(l->text + l->len - (sizeof(MORE) - 1), MORE,
		sizeof(MORE) - 1) == 0)
		return;
	n = format_value(value, piece);
	/* ", key=value", and room left to say that more was cut off. */
	if (l->len + 3 + key_len + n + sizeof(MORE) > sizeof(l->text)) {
		add_octets(l, MORE, sizeof(MORE) - 1);
		return;
	}
	add_octets(l, ", ", 2);
	if (first) { /* "QUEUEID: key=value": the comma goes */
		l->len -= 2;
		add_octets(l, " ", 1);
	}
	add_octets(l, key, key_len);
	add_octets(l, "=", 1);
	add_octets(l, piece, n);
}

void
log_line_number(struct log_line *l, const char *key, int64_t value)
{
	char room[NUMBER_TEXT_MAX + 1];
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	size_t sign = value < 0;

	room[0] = '-';
	size_t n = number_format(size, room + sign) + sign;
	log_line_add(l, key, (struct slice){ room, n });
}

void
log_line_end(struct log_line *l, enum log_level level)
{
	if (is_wanted(level))
		put_line(level, l->text);
}
