/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include <stdint.h>

#include "util/slice.h"

/*
 * Postfix-style log lines: "QUEUEID: key=value, key=value".
 *   info     what an operator would grep
 *   warning  a person should look this week
 *   error    a person should look today
 * What came from outside is escaped ('?' for control octets) and cut at 500
 * octets a value.  lib/ does not log (debug excepted): the daemon does, once.
 * May be called from any thread.
 */
enum log_level { LOG_L_DEBUG, LOG_L_INFO, LOG_L_WARNING, LOG_L_ERROR };

/*
 * Where lines go: "syslog" (facility mail, tag "postern/NAME"), "stderr", or
 * an absolute path (appended to; log_reopen() after a rotation).  Before the
 * first call lines go to stderr.
 * ERR_IO (errno says why) when a file can not be opened, ERR_SYNTAX for any
 * other word, ERR_LIMIT for an endless path; then the old place stays.
 */
int log_open(const char *name, const char *target, enum log_level least);
/*
 * After a rotation: the path is opened anew when it is another file by now.
 * ERR_IO (errno says why): the old one goes on being written.
 */
int log_reopen(void);
void log_set_level(enum log_level least);

/* For lines of the daemon itself: log_warning("redis: %s", text). */
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * For a condition that would repeat with every message: true at most once in
 * every_s seconds for one static struct; *ret_missed counts the others.
 */
struct log_limit {
	int64_t next_us;
	unsigned long missed;
};
bool log_limit_ok(struct log_limit *limit, int64_t every_s,
    unsigned long *ret_missed);

/*
 * A line of facts.  Collect, then end it; absent slices are left out.
 *	struct log_line l;
 *	log_line(&l, queue_id);           // absent: "NOQUEUE"
 *	log_line_add(&l, "rule", SLICE("suppression"));
 *	log_line_number(&l, "delay_ms", 3);
 *	log_line_end(&l, LOG_L_INFO);
 * Keys are static text of our own.  A value that is empty or holds a blank, a
 * comma or a quote is put in double quotes; a quote or backslash in it then
 * gets a backslash.  What does not fit any more is left out: ", ...".
 */
struct log_line {
	char text[2000];
	size_t len;
};
void log_line(struct log_line *l, struct slice queue_id);
void log_line_add(struct log_line *l, const char *key, struct slice value);
void log_line_number(struct log_line *l, const char *key, int64_t value);
void log_line_end(struct log_line *l, enum log_level level);

#endif /* UTIL_LOG_H */
