/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_POSTFIX_LOG_H
#define PROTO_POSTFIX_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * One line of Postfix's log: what it tells of a message's fate.  Checked
 * against the sources of Postfix 3.7 (log_adhoc.c, qmgr_message.c,
 * qmgr_active.c, postsuper.c, cleanup_milter.c).  No allocation; slices point
 * into the line.
 */
enum postfix_log_kind {
	POSTFIX_LOG_QUEUED,   /* qmgr: in the active queue; told again at
				 every retry and restart.  cleanup: a milter
				 has it held, before qmgr sees it */
	POSTFIX_LOG_DELIVERY, /* one attempt for one recipient */
	POSTFIX_LOG_EXPIRED,  /* qmgr gave up; deferred recipients have no
				 line of their own */
	POSTFIX_LOG_REMOVED,  /* out of the queue: done, or by postsuper */
};
enum postfix_log_result {
	POSTFIX_SENT,
	POSTFIX_DEFERRED, /* also SOFTBOUNCE */
	POSTFIX_BOUNCED,
};
struct postfix_log {
	enum postfix_log_kind kind;
	int64_t at_ms;         /* wall clock, milliseconds since 1970 */
	struct slice tag;      /* "postfix-out/relay/smtp" */
	struct slice program;  /* "smtp" */
	struct slice queue_id; /* 6 or more letters and digits */
	struct slice sender;   /* QUEUED, EXPIRED: from=<...>, without <> */
	/* DELIVERY: */
	enum postfix_log_result result;
	struct slice recipient; /* to=<...> */
	struct slice original;  /* orig_to=<...>; absent: the same */
	struct slice relay;     /* "mx.example.com[192.0.2.1]:25", "none" */
	struct slice dsn;       /* "5.1.1" */
	struct slice text;      /* what stands in the last parentheses */
};

/*
 * A traditional time stamp ("Nov 23 07:00:00") has neither year nor zone: the
 * year is the last one in which it does not lie more than a day ahead of now,
 * the zone is this process's.  The hour found last is kept, so that mktime(3)
 * is asked once an hour of log.
 */
struct postfix_log_clock {
	int64_t now_s;
	char hour[9]; /* "Nov 23 07" */
	int64_t base_s;
};
void postfix_log_clock_init(struct postfix_log_clock *clock, int64_t now_s);

/*
 * line   without its line end: "STAMP HOST TAG[PID]: MESSAGE"; STAMP is
 *        traditional or RFC 3339 (rsyslog, postlogd)
 * Addresses are as Postfix prints them (info_log_address_format =
 * external): a local part that needs quotes has them.
 *
 * true: ret_log is filled.  false: another line, of whomever: skip it.
 */
bool postfix_log_parse(struct slice line, struct postfix_log_clock *clock,
    struct postfix_log *ret_log);
/* The same for a source that has stamp and tag apart (the journal). */
bool postfix_log_message(struct slice tag, struct slice message, int64_t at_ms,
    struct postfix_log *ret_log);

/*
 * Is the tag one of these syslog names?  names: blanks or commas between; a
 * name stands for itself and for those made from it ("postfix" for
 * "postfix/submission/smtpd" as well).
 */
bool postfix_log_tag_in(struct slice tag, struct slice names);

/*
 * The remote's own words in a delivery text: of "host H[IP] said: 550 5.1.1
 * no (in reply to RCPT TO command)" the part from 550 to no.  The whole text
 * when nobody else said it.
 * ret_stage  "RCPT TO" of "in reply to ..."; absent: none (may be NULL)
 */
struct slice postfix_log_remote(struct slice text, struct slice *ret_stage);

#endif /* PROTO_POSTFIX_LOG_H */
