/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_XTEXT_H
#define PROTO_XTEXT_H

#include "util/buf.h"
#include "util/slice.h"

/*
 * The form in which ENVID and ORCPT stand in SMTP commands (RFC 3461, 4):
 * what is not printable ASCII, and "+" and "=", as "+" and two hex digits.
 * ERR_LIMIT, ERR_NOMEM.
 */
int xtext_encode(struct slice text, struct buf *out);

#endif /* PROTO_XTEXT_H */
