/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_LMTP_COMMAND_H
#define PROTO_LMTP_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * LMTP as a server reads it: command lines and the text behind DATA.
 * RFC 2033; commands as in RFC 5321, 4.1.1; SIZE RFC 1870; 8BITMIME RFC 6152;
 * SMTPUTF8 RFC 6531; DSN parameters (RFC 3461) are checked for form only.
 */
#define LMTP_LINE_MAX 2048 /* RFC 5321, 4.5.3.1.4, with room for extensions */

enum lmtp_verb {
	LMTP_LHLO,
	LMTP_MAIL,
	LMTP_RCPT,
	LMTP_DATA,
	LMTP_RSET,
	LMTP_NOOP,
	LMTP_QUIT,
	LMTP_VRFY,
	LMTP_OTHER, /* HELO, EHLO and what nobody knows: 500 */
};
struct lmtp_command {
	enum lmtp_verb verb;
	struct slice argument; /* LHLO: the name; others: the rest */
	struct slice path;     /* MAIL, RCPT: between < and > */
	uint64_t size;         /* MAIL: SIZE=, 0: not said */
	bool utf8;             /* MAIL: SMTPUTF8 */
};
/*
 * line   without its CRLF
 * ERR_SYNTAX: a known verb with an argument that is none (501); a control
 * octet anywhere.  ERR_LIMIT: longer than LMTP_LINE_MAX.
 * ERR_NOTFOUND: a parameter of MAIL or RCPT that was not offered (555).
 */
int lmtp_command_parse(struct slice line, struct lmtp_command *ret_command);

/*
 * The text behind DATA, in pieces as they come.  The end is CR LF . CR LF and
 * nothing else: a bare LF never ends a line (smuggling).  Dots are unstuffed.
 */
struct lmtp_data {
	unsigned state;
	bool too_large; /* the rest is read, and thrown away */
};
void lmtp_data_begin(struct lmtp_data *d);
/*
 * Returns octets of piece used; *ret_end: the end was among them (what is
 * left is the next command).  Text goes to out; when out is full, too_large.
 */
size_t lmtp_data_feed(struct lmtp_data *d, struct slice piece, struct buf *out,
    bool *ret_end);

#endif /* PROTO_LMTP_COMMAND_H */
