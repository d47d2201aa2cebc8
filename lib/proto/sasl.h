/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SASL_H
#define PROTO_SASL_H

#include <stddef.h>

#include "proto/relay.h"
#include "util/slice.h"

/*
 * The server's side of the mechanisms PLAIN (RFC 4616) and LOGIN
 * (draft-murchison-sasl-login), responses and challenges in base64.  Pure.
 */
#define SASL_NAME_MAX 255
#define SASL_PASSWORD_MAX 512
#define SASL_RESPONSE_MAX 1024 /* octets of one response, decoded */

enum sasl_step {
	SASL_MORE,  /* send the challenge, wait for a response */
	SASL_READY, /* name and password are there */
	SASL_BAD    /* not as the mechanism has it */
};

struct sasl_exchange {
	enum relay_mechanism mechanism;
	unsigned responses; /* so far */
	char name[SASL_NAME_MAX], password[SASL_PASSWORD_MAX];
	size_t name_len, password_len;
};

/* A mechanism by its name, without case; 0: not known. */
unsigned sasl_mechanism(struct slice name);

void sasl_begin(struct sasl_exchange *x, enum relay_mechanism mechanism);
/*
 * response64     absent: the client has sent none yet; "=": an empty one
 * ret_challenge  for SASL_MORE: base64, static
 */
enum sasl_step sasl_next(struct sasl_exchange *x, struct slice response64,
    struct slice *ret_challenge);
/* Wipes it. */
void sasl_end(struct sasl_exchange *x);

#endif /* PROTO_SASL_H */
