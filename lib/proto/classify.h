/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_CLASSIFY_H
#define PROTO_CLASSIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bounce_class.h"
#include "proto/status.h"
#include "util/slice.h"

/*
 * From the words of a mail system to one of the product's error statuses, by
 * the rules of proto/bounce_rules.h.  Texts come first, from the specific to
 * the vague; then the enhanced code (RFC 3463, RFC 5248), the reply code, and
 * its class.  Time is linear in the text, of which the first CLASSIFY_TEXT_MAX
 * octets are looked at.
 */
#define CLASSIFY_TEXT_MAX 4096

struct bounce_rules;

struct classify_verdict {
	int status;              /* enum status; never STATUS_NONE */
	enum bounce_class class; /* finer than that */
	unsigned retry_after_s;  /* "try again in 5 minutes"; 0: not said */
	struct slice blocklist;  /* named in the text: "Spamhaus ZEN", which
				    lives as long as the rules, or a host
				    name, borrowed from the text; or absent */
	unsigned reply_code;     /* 0: none in the text */
	struct enhanced_code enhanced; /* class 0: none */
	const char *rule; /* name of the rule that decided; lives as long as
			     the rules */
	bool vague; /* by words or codes that tell little: another text about
		       the same failure may know better */
};
/* What was said, and by whom.  What is absent or empty is not known. */
struct classify_input {
	const struct bounce_rules *rules; /* NULL: those of the program */
	struct slice text; /* an SMTP reply, a diagnostic, a line of Postfix's,
			      or a sentence */
	struct slice dsn;  /* "5.1.1", of the Status field or the log */
	struct slice remote;    /* the host that refused: "mx.b.example", as the
				   log has it ("mx.b.example[192.0.2.1]:25",
				   "none"), or a Remote-MTA field */
	struct slice recipient; /* address or domain the mail was for */
	struct slice command;   /* it answers: "RCPT TO", "end of DATA"; absent:
				   what the text says ("in reply to ...") */
	bool local; /* words of our own Postfix, save what it quotes behind
		       "said: " */
};
/*
 * A temporary error (class 4) is 3, 5 where it says full, or 1 where a name
 * is not in the DNS, whatever its text says beside.
 */
void classify_reply(const struct classify_input *in,
    struct classify_verdict *ret_verdict);

/*
 * Lower case (of ASCII), every run of blanks and control octets one blank, the
 * repeated codes of the lines of one reply ("550-5.1.1 a 550 5.1.1 b") dropped;
 * also where the reply stands behind "said: ".
 */
size_t classify_normalize(struct slice text, char room[CLASSIFY_TEXT_MAX]);

/*
 * pattern   alternatives with '|' between; '*' in one stands for up to
 *           CLASSIFY_GAP octets
 * text      normalized
 */
#define CLASSIFY_GAP 48
bool classify_match(struct slice pattern, struct slice text);

/*
 * The same for many patterns on one text: which pairs of neighbouring octets
 * it has is noted once, and an alternative is searched for only when its own
 * pairs are among them.
 */
#define CLASSIFY_PAIRS 4096
struct classify_text {
	struct slice text; /* normalized */
	uint64_t pairs[CLASSIFY_PAIRS / 64];
};
void classify_text_init(struct classify_text *t, struct slice normalized);
bool classify_text_match(struct slice pattern, const struct classify_text *t);

/*
 * The host name of the blocklist in a text that names none of the well-known
 * ones: "blocked using bl.example.net", "listed in dnsbl.example".  A part of
 * the text; absent: none.
 */
struct slice classify_list_host(struct slice text);

#endif /* PROTO_CLASSIFY_H */
