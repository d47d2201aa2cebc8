/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_COPY_H
#define MILTER_COPY_H

#include "milter/message.h"

/*
 * The header is complete: fields that only Postern may write go, whoever
 * wrote them.  0; ERR_DENIED: not to be taken, by this way.
 */
int copy_enter(struct message *msg);

#endif /* MILTER_COPY_H */
