/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection's octets: lines, and the exchanges that their responses make. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/dovecot_auth.h"
#include "proto/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
inside(struct slice s, const char *at, size_t len)
{
	if (s.at != NULL && (s.at < at || s.at + s.len > at + len))
		abort();
}

static void
respond(struct sasl_exchange *x, struct slice response)
{
	struct slice challenge = { NULL, 0 };
	struct buf out;

	buf_init(&out, 2000);
	switch (sasl_next(x, response, &challenge)) {
	case SASL_MORE:
		if (challenge.at == NULL ||
		    dovecot_continue(&out, 1, challenge) < 0)
			abort();
		break;
	case SASL_READY:
		/* What is taken as a name can be written. */
		if (x->name_len == 0 || x->name_len > SASL_NAME_MAX ||
		    x->password_len == 0 ||
		    x->password_len > SASL_PASSWORD_MAX ||
		    dovecot_ok(&out, 1,
			(struct slice){ x->name, x->name_len }) < 0)
			abort();
		sasl_begin(x, x->mechanism);
		break;
	case SASL_BAD:
		sasl_begin(x, x->mechanism);
		break;
	}
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data;
	struct sasl_exchange x;
	struct dovecot_line line;
	ssize_t n;

	sasl_begin(&x, RELAY_PLAIN);
	while ((n = dovecot_parse(at, size, &line)) > 0) {
		struct dovecot_line less;

		if ((size_t)n > size || at[n - 1] != '\n' ||
		    dovecot_parse(at, (size_t)n - 1, &less) != 0)
			abort();
		inside(line.mechanism, at, (size_t)n);
		inside(line.client, at, (size_t)n);
		inside(line.server_port, at, (size_t)n);
		inside(line.response, at, (size_t)n);
		if (line.command == DOVECOT_AUTH &&
		    sasl_mechanism(line.mechanism) != 0)
			sasl_begin(&x, (enum relay_mechanism)sasl_mechanism(
					   line.mechanism));
		if (line.command == DOVECOT_AUTH ||
		    line.command == DOVECOT_CONT)
			respond(&x, line.response);
		at += n;
		size -= (size_t)n;
	}
	return 0;
}
