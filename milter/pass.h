/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_PASS_H
#define MILTER_PASS_H

#include "milter/module.h"

/* One message on its way through the modules. */
struct pass {
	struct message msg;
	void *states[MILTER_MODULES_MAX];
	enum body_want wants[MILTER_MODULES_MAX];
	enum message_kind kind; /* once it began */
	enum verdict verdict;   /* of the body */
	bool began;             /* states are there */
	bool no_body;           /* the MTA keeps bodies to itself */
	int rc;                 /* < 0: it can not be taken as it is */
};

int pass_init(struct pass *p);
void pass_done(struct pass *p);

/* A new message (MAIL FROM): the one before is forgotten. */
void pass_begin(struct pass *p);
void pass_body(struct pass *p, struct slice octets);
/* Asks all modules; msg's reply says why not. */
enum verdict pass_eom(struct pass *p);
/*
 * Every module's answer to how this recipient's copy would differ; 0 of those
 * that do not care.  For module_split.
 */
void pass_treatments(struct message *msg, const struct message_rcpt *rcpt,
    uint64_t ret_treatments[MILTER_MODULES_MAX]);
/* The message is over, in whatever way. */
void pass_end(struct pass *p);
/* The one line about it. */
void pass_log(const struct pass *p, const char *action);

#endif /* MILTER_PASS_H */
