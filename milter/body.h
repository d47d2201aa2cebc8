/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_BODY_H
#define MILTER_BODY_H

#include "milter/message.h"

/*
 * A message as it came, kept whole in memory: header, its lines in CRLF, an
 * empty line, and the body as the MTA hands it over.  What is small stays in
 * a buffer until somebody wants the descriptor.  One thread at a time.
 */
#define BODY_KEPT_MAX ((size_t)1024 * 1024 * 1024)

struct message_body;

/* Begins with the fields that are not deleted.  NULL: no memory. */
struct message_body *body_new(const struct message *msg);
void body_free(struct message_body *b); /* takes NULL */
/* A failure is told when the message is asked for. */
void body_add(struct message_body *b, struct slice octets);

/* As message_kept_fd and message_kept_body; nothing can be added after that. */
int body_fd(struct message_body *b, int *ret_fd, size_t *ret_size);
int body_octets(struct message_body *b, struct slice *ret_body);

#endif /* MILTER_BODY_H */
