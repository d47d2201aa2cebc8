/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SMTP_ANSWER_H
#define PROTO_SMTP_ANSWER_H

#include <stdbool.h>
#include <sys/types.h>

#include "util/slice.h"

/* What an SMTP server answers to a command.  RFC 5321, 4.2. */
#define SMTP_ANSWER_MAX 4096 /* octets of the whole answer, all lines */
#define SMTP_ANSWER_LINES 64 /* of them */
#define SMTP_ANSWER_TEXT_MAX 512
struct smtp_answer {
	unsigned code; /* 200..599; 0: there was none */
	/* The lines' texts with a line feed between, cut; NUL behind. */
	char text[SMTP_ANSWER_TEXT_MAX];
};

/*
 * Takes one answer off the head of what has arrived.
 * Returns  > 0         octets used
 *          0           not complete: read more
 *          ERR_SYNTAX  no answer, or lines with different codes
 *          ERR_LIMIT   too long
 */
ssize_t smtp_answer_parse(struct slice in, struct smtp_answer *ret_answer);

/* Does an answer to EHLO offer this extension?  RFC 5321, 4.1.1.1. */
bool smtp_answer_offers(const struct smtp_answer *ehlo, const char *keyword);

#endif /* PROTO_SMTP_ANSWER_H */
