/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_HOLD_ARGS_H
#define STORE_HOLD_ARGS_H

#include "store/args.h"

/* Arguments about held mail, for hold_store.c and message_store.c. */
struct hold_record;
struct message_facts;

/* Keys: due, ready, of, count, gate. */
void hold_args_keys(struct args *a, struct slice host);
/* Queue id, record, score in due (0: none, ready at once), score in ready. */
void hold_args_record(struct args *a, const struct hold_record *r);
/* What message_put.lua wants, for m->hold. */
void hold_args_request(struct args *a, const struct message_facts *m);

#endif /* STORE_HOLD_ARGS_H */
