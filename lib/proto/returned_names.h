/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_RETURNED_NAMES_H
#define PROTO_RETURNED_NAMES_H

#include "proto/bounce_parts.h"
#include "util/slice.h"

/*
 * By what a mail that came back names the message it is about: fields of the
 * returned message or header, of the reports (RFC 3464, RFC 5965), and, where
 * they are quoted in a text, behind ">" and "|".  None is believed here.
 */
#define RETURNED_NAMES_MAX 8

struct returned_id {
	struct slice host; /* who says "by" in a Received field */
	struct slice queue_id;
};
struct returned_names {
	/* Words as X-Postern-Ref and CFBL-Feedback-ID have them (proto/
	 * trace_field.h), the outermost message's first, each once. */
	struct slice traces[RETURNED_NAMES_MAX];
	size_t trace_count;
	/* Addresses it was sent with: Original-Mail-From, Return-Path; each
	 * once. */
	struct slice senders[RETURNED_NAMES_MAX];
	size_t sender_count;
	/* ENVID of a report of RFC 5965 (2.2.1 of RFC 3464: bounce_mail.h). */
	struct slice envelope_id;
	/* Its own Message-ID, with angle brackets: the one in its header, not
	 * one that a report or another part has. */
	struct slice message_id;
	struct returned_id ids[RETURNED_NAMES_MAX]; /* from the top */
	size_t id_count;
};
/*
 * message  the whole mail
 * parts    of it; slices point into both, or the parts' arena
 * The mail's own header is not looked at: it has fields of ours, too, when it
 * came by our milter.
 */
void returned_names_read(struct slice message, const struct bounce_parts *parts,
    struct returned_names *ret_names);

#endif /* PROTO_RETURNED_NAMES_H */
