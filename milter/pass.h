/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_PASS_H
#define MILTER_PASS_H

#include "milter/module.h"

/* One message on its way through the modules. */
struct pass {
	struct message msg;
	void *states[MILTER_MODULES_MAX];
	bool began; /* states are there */
	int rc;     /* < 0: it can not be taken as it is */
};

int pass_init(struct pass *p);
void pass_done(struct pass *p);

/* A new message (MAIL FROM): the one before is forgotten. */
void pass_begin(struct pass *p);
void pass_body(struct pass *p, struct slice octets);
/* Asks all modules; msg's reply says why not. */
enum verdict pass_eom(struct pass *p);
/* The message is over, in whatever way. */
void pass_end(struct pass *p);
/* The one line about it. */
void pass_log(const struct pass *p, const char *action);

#endif /* MILTER_PASS_H */
