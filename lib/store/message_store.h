/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_MESSAGE_STORE_H
#define STORE_MESSAGE_STORE_H

#include <stdint.h>

#include "proto/event.h"
#include "util/buf.h"
#include "util/slice.h"

/*
 * What the milter knows of a message, left under its queue id for the log
 * follower; one write.  Suppressed recipients, or all those of a message that
 * is refused, become FAILED events in the host's stream in the same script.
 */
struct hold_request;
struct store;

#define MESSAGE_TTL_S (15 * 86400) /* longer than any queue lifetime + DSN */

struct message_facts {
	struct slice host, queue_id;
	struct event facts; /* tenant, sender, return_path, from, subject,
			       message_id, api_data, source_ip, created_ms */
	const struct slice *recipients; /* canonical; that go on */
	size_t recipient_count;
	const struct slice *suppressed; /* canonical; taken off */
	const struct slice *suppressed_reason;
	size_t suppressed_count;
	int suppressed_status;          /* enum status; 0: 10 */
	struct slice suppressed_origin; /* as in struct event */
	/* A copy for an archive: its deliveries are none of the recipients',
	 * only failures are told, as observed events of origin "bcc".  Not for
	 * the spool. */
	bool archive;
	/* Shall it be held?  Decided and listed in the same script; NULL: not
	 * asked.  Not for the spool. */
	const struct hold_request *hold;
};
/* held: the MTA is to put it into its hold queue. */
typedef void message_stored(int rc, bool held, void *ctx);
void message_put(struct store *s, const struct message_facts *facts,
    int64_t deadline_us, message_stored *stored, void *ctx);
/* Whether anything is kept of it (facts, or the state of its recipients), and
 * whether delivery to one of them was tried. */
typedef void message_known(int rc, bool known, bool tried, void *ctx);
void message_look(struct store *s, struct slice host, struct slice queue_id,
    int64_t deadline_us, message_known *known, void *ctx);
/*
 * The same as one line of text (without its LF) for the spool that is kept
 * while Redis is away; message_put_line stores what such a line says.
 * _print: ERR_LIMIT, ERR_NOMEM.  _parse: slices lie in arena and in line;
 * ERR_SYNTAX: not such a line; ERR_NOMEM.
 */
#define MESSAGE_LINE_MAX (16 * 1024 * 1024)
struct arena;
int message_facts_print(const struct message_facts *facts, struct buf *out);
int message_facts_parse(struct slice line, struct arena *arena,
    struct message_facts *ret_facts);
void message_put_line(struct store *s, struct slice line, int64_t deadline_us,
    message_stored *stored, void *ctx);

#endif /* STORE_MESSAGE_STORE_H */
