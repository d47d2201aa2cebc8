/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_MESSAGE_H
#define MILTER_MESSAGE_H

#include <stdint.h>

#include "proto/header.h"
#include "proto/settings.h"
#include "util/arena.h"
#include "util/slice.h"

/*
 * What is known of one message, and the edits that modules ask for.  The
 * body streams by; it is kept, in memory, only where a module has asked for
 * it.  All other memory is the message's arena; one thread at a time.
 * Nothing in this file knows libmilter.
 */

/* More than Postfix's header_size_limit lets through in all sane set-ups. */
#define MESSAGE_FIELDS_MAX 20000
#define MESSAGE_HEADER_MAX (4 * 1024 * 1024)
/* With the envelope: about 50,000 recipients. */
#define MESSAGE_MEMORY_MAX (32 * 1024 * 1024)

struct copy_token;
struct filter_values;
struct guest;
struct hold_request;
struct message_body;
struct milter;
struct split;

enum rcpt_fate {
	RCPT_GOES,
	RCPT_SUPPRESSED, /* taken off: an event tells */
	RCPT_COPIED,     /* taken off: it is in a copy of its own */
	RCPT_REDIRECTED, /* taken off: another stands for it */
};
struct message_rcpt {
	struct slice raw;     /* as the MTA wrote it, NUL behind */
	struct slice address; /* canonical; what was written if it is none */
	bool from_smtpd;      /* a policy server was asked about it */
	bool added;           /* by us: the MTA does not have it yet */
	enum rcpt_fate fate;
	struct slice reason; /* suppressed: why; added: by which rule */
	struct slice orcpt;  /* added: whom it stands for, or absent */
};

enum field_state { FIELD_KEPT, FIELD_CHANGED, FIELD_DELETED };
struct message_field {
	struct header_field field; /* NUL behind both; as it will leave,
				      but for one blank behind the colon */
	enum field_state state;
	bool tight; /* it came without that blank */
};

struct message {
	struct arena *arena;
	const struct milter *host; /* what all messages share */
	struct settings *settings; /* one snapshot for the whole message */
	const struct tenant *tenant;
	void *const *states; /* of the modules; NULL before they are asked */
	int64_t began_us;    /* end of message; monotonic clock */
	int64_t arrived_ms;  /* wall clock */

	struct slice client, listener_port, sasl_user; /* may be absent */
	/* As the client calls itself, as its address resolves, and ours. */
	struct slice helo, client_name, server_name, server;
	bool tls;
	bool sendmail; /* is the MTA: no policy server was asked */
	/* From outside, and all its recipients are what comes back to. */
	bool comes_back;
	/* The receiving server of one of them; NULL: none. */
	const struct tenant *inbound;
	struct slice stream; /* of the tenant's settings; or absent */
	struct slice queue_id;
	struct slice sender; /* canonical, as it came; empty: null sender */
	struct slice sender_path; /* as the MTA wrote it */
	struct message_rcpt *rcpts;
	size_t rcpt_count, rcpt_cap;
	struct message_field *fields;
	size_t field_count, field_cap, header_octets;

	/* Came in again through the internal listener; NULL: from outside. */
	const struct copy_token *copy;
	struct guest *guest; /* of that copy, where it meets the others */
	struct split *split; /* its copies, where it has some */
	bool accepted;       /* the MTA was told that it may have it */
	struct slice envid;  /* ENVID of MAIL FROM, as written; or absent */
	struct message_body *body;    /* kept whole; NULL: not */
	bool body_may_change;         /* kept: look at it at the end */
	struct filter_values *values; /* for filters; made when first used */

	struct slice new_sender;  /* absent: kept */
	bool forward_bounces;     /* to the old one, where there is a new */
	struct slice new_envid;   /* goes with new_sender; or absent */
	struct buf *new_body;     /* takes the place of the body; or NULL */
	struct slice hold_reason; /* into the hold queue; or absent */
	const struct hold_request *hold; /* what the store is asked; or NULL */
	bool hold_asked;                 /* it may be listed as held */
	bool unscanned;             /* for a virus: its copies say so, too */
	struct header_field *added; /* at the top; the last one is first */
	size_t added_count, added_cap;

	/* the log line's */
	struct slice preflight;  /* checks found wanting, blanks between */
	struct slice signatures; /* "s1._domainkey.example.com ..." */
	size_t suppressed, would_suppress;
	bool spooled;
	struct buf *notes; /* "key=value" of modules, for the log line */
	/* The MTA's reply where the verdict is not to go on. */
	const char *reply_dsn, *reply_text;
};

int message_init(struct message *msg);
void message_done(struct message *msg);
/* Forgets the message, keeps some memory for the next one. */
void message_reset(struct message *msg);

/* Building it: ERR_NOMEM; ERR_LIMIT: header too large. */
int message_add_rcpt(struct message *msg, struct slice raw, bool from_smtpd);
int message_add_field(struct message *msg, struct slice name,
    struct slice value);
/* Whose mail it is that comes from outside: fills comes_back and inbound. */
void message_look_back(struct message *msg);
/* Whether what becomes of this recipient's mail is told by events: not where
 * postern-bounced gets it. */
bool message_is_told(const struct message *msg, const struct message_rcpt *r);
/* In the arena; .at == NULL: no room. */
struct slice message_keep(struct message *msg, struct slice s);

/* The n-th field of this name from the top (0: first); NULL: none. */
const struct message_field *message_find(const struct message *msg,
    const char *name, size_t n);
/* Fields of that name that will leave. */
size_t message_count(const struct message *msg, const char *name);
/* Recipients that go on. */
size_t message_rcpts_left(const struct message *msg);
/* The header as it will leave, from the top.  NULL: no memory. */
struct header_field *message_leaving(struct message *msg, size_t *ret_count);

/* ---- edits: noted here, made together at the end ---- */
void message_delete_field(struct message *msg, size_t i);
int message_change_field(struct message *msg, size_t i, struct slice value);
/* At the top, above those added before. */
int message_add_top(struct message *msg, const char *name, struct slice value);
/* envid: for MAIL FROM's ENVID, not encoded; may be absent. */
int message_change_sender(struct message *msg, struct slice address,
    struct slice envid);
void message_remove_rcpt(struct message *msg, size_t i, enum rcpt_fate fate,
    struct slice reason);
/*
 * One more recipient that leaves; orcpt: the one that it stands for, for
 * RCPT TO's ORCPT, or absent.  Nothing happens if it is there already.
 */
int message_new_rcpt(struct message *msg, struct slice address,
    struct slice orcpt, struct slice reason);
/*
 * Another body; body (which is emptied) begins behind the empty line and has
 * its lines in CRLF.  The signature covers it.
 */
int message_replace_body(struct message *msg, struct buf *body);
void message_hold(struct message *msg, struct slice reason);
/* " key=value" on the message's log line; value is made safe. */
void message_note(struct message *msg, const char *key, struct slice value);
/* The header as it came, decoded on demand, for filter_match.  NULL: memory. */
struct filter_values *message_values(struct message *msg);

/*
 * The message as it came, where a module asked for it (BODY_BUFFER): one
 * memfd with the header, its lines in CRLF, an empty line, and the body as the
 * MTA hands it over.  Valid until the message is over.  ERR_UNAVAIL: not kept;
 * ERR_LIMIT, ERR_NOMEM, ERR_IO.
 */
int message_kept_fd(struct message *msg, int *ret_fd, size_t *ret_size);
int message_kept_body(struct message *msg, struct slice *ret_body);
/* For VERDICT_TEMPFAIL and VERDICT_REJECT; static text, or of the arena. */
void message_reply(struct message *msg, const char *dsn, const char *text);

/* The MTA, or a test's stand-in.  0, or < 0: it does not answer. */
struct message_editor {
	/* index: 1 for the first field of that name; value NULL: delete */
	int (*change_field)(void *ctx, const char *name, int index,
	    const char *value);
	int (*add_top)(void *ctx, const char *name, const char *value);
	/* args: ESMTP parameters, or NULL */
	int (*change_sender)(void *ctx, const char *path, const char *args);
	int (*remove_rcpt)(void *ctx, const char *raw);
	int (*add_rcpt)(void *ctx, const char *path, const char *args);
	int (*replace_body)(void *ctx, struct slice octets); /* in pieces */
	int (*hold)(void *ctx, const char *reason);
};
/*
 * Makes the edits with the fewest calls.  From the bottom up, as a deleted
 * field changes the index of those below it.
 */
int message_apply(struct message *msg, const struct message_editor *editor,
    void *ctx);

#endif /* MILTER_MESSAGE_H */
