/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_DOVECOT_AUTH_H
#define PROTO_DOVECOT_AUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * Dovecot's authentication protocol, version 1, as an MTA speaks it to check
 * who logs in: lines of words between tabs.
 * Spec: Dovecot doc/auth-protocol.txt; Postfix src/xsasl/xsasl_dovecot_server.c
 *
 * There is no reply for temporary trouble among these: Postfix takes each FAIL,
 * with "temp" or without, for a wrong password (535).  The connection is closed
 * instead: then it says 454.
 */

/* Octets of a line, its end included; Postfix passes 12288 of a response on. */
#define DOVECOT_LINE_MAX 16384

enum dovecot_command {
	DOVECOT_VERSION, /* major, minor */
	DOVECOT_CPID,    /* id */
	DOVECOT_AUTH,    /* id, mechanism, and the parameters below */
	DOVECOT_CONT,    /* id, response */
	DOVECOT_CANCEL,  /* id */
	DOVECOT_OTHER    /* to be skipped, as the specification says */
};

/* Slices point into the buffer that was parsed; absent: not given. */
struct dovecot_line {
	enum dovecot_command command;
	uint32_t major, minor, id;
	struct slice mechanism, service;
	struct slice client, client_port; /* rip, rport: who logs in */
	struct slice server, server_port; /* lip, lport */
	bool secured;          /* TLS; what is sent can not be overheard */
	struct slice response; /* base64, not looked at yet */
};

/*
 * One line off the head of what has arrived.
 * > 0: octets used; 0: it is not whole yet; ERR_SYNTAX: words are missing, or
 * a number is none; ERR_LIMIT: longer than DOVECOT_LINE_MAX.
 */
ssize_t dovecot_parse(const char *buf, size_t len,
    struct dovecot_line *ret_line);

/*
 * Replies, appended to out.  What comes from outside (user, reason) must be
 * without control characters: ERR_SYNTAX.  ERR_LIMIT, ERR_NOMEM.
 */
/* mechanisms: enum relay_mechanism bits; cookie: 32 hex digits. */
int dovecot_greet(struct buf *out, unsigned mechanisms, uint32_t server_pid,
    uint32_t connection, const char *cookie);
int dovecot_continue(struct buf *out, uint32_t id, struct slice challenge64);
int dovecot_ok(struct buf *out, uint32_t id, struct slice user);
/* user may be absent. */
int dovecot_fail(struct buf *out, uint32_t id, struct slice user,
    struct slice reason);

#endif /* PROTO_DOVECOT_AUTH_H */
