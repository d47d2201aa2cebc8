/* SPDX-License-Identifier: BSD-2-Clause */
/* SASL PLAIN (RFC 4616) and LOGIN, the server's side. */
#include "proto/sasl.h"

#include <string.h>

#include "util/buf.h"
#include "util/crypto.h"
#include "util/err.h"

unsigned
sasl_mechanism(struct slice name)
{
	if (slice_eq_nocase(name, SLICE("PLAIN")))
		return RELAY_PLAIN;
	if (slice_eq_nocase(name, SLICE("LOGIN")))
		return RELAY_LOGIN;
	return 0;
}

void
sasl_begin(struct sasl_exchange *x, enum relay_mechanism mechanism)
{
	memset(x, 0, sizeof(*x));
	x->mechanism = mechanism;
}

void
sasl_end(struct sasl_exchange *x)
{
	crypto_wipe(x, sizeof(*x));
}

/* No control characters: names go into log lines and other protocols. */
static bool
take_name(struct sasl_exchange *x, struct slice name)
{
	if (name.len == 0 || name.len > sizeof(x->name))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.at[i] < ' ' || name.at[i] == 0x7f)
			return false;
	memcpy(x->name, name.at, name.len);
	x->name_len = name.len;
	return true;
}

static bool
take_password(struct sasl_exchange *x, struct slice password)
{
	if (password.len == 0 || password.len > sizeof(x->password) ||
	    memchr(password.at, '\0', password.len) != NULL)
		return false;
	memcpy(x->password, password.at, password.len);
	x->password_len = password.len;
	return true;
}

/*
 * RFC 4616, 2: "message = [authzid] UTF8NUL authcid UTF8NUL passwd".  To act
 * for somebody else is not offered.
 */
static enum sasl_step
take_plain(struct sasl_exchange *x, struct slice message)
{
	struct slice rest = message, as, name;

	if (!slice_split(&rest, '\0', &as) ||
	    !slice_split(&rest, '\0', &name) || rest.at == NULL ||
	    (as.len > 0 && !slice_eq_nocase(as, name)))
		return SASL_BAD;
	return take_name(x, name) && take_password(x, rest) ? SASL_READY
							    : SASL_BAD;
}

static enum sasl_step
take(struct sasl_exchange *x, struct slice octets, struct slice *ret_challenge)
{
	if (x->mechanism == RELAY_PLAIN)
		return take_plain(x, octets);
	if (x->name_len > 0)
		return take_password(x, octets) ? SASL_READY : SASL_BAD;
	if (!take_name(x, octets))
		return SASL_BAD;
	*ret_challenge = SLICE("UGFzc3dvcmQ6"); /* "Password:" */
	return SASL_MORE;
}

enum sasl_step
sasl_next(struct sasl_exchange *x, struct slice response64,
    struct slice *ret_challenge)
{
	enum sasl_step step = SASL_BAD;
	struct buf octets;

	if (response64.at == NULL) {
		if (x->responses > 0)
			return SASL_BAD;
		*ret_challenge = x->mechanism == RELAY_PLAIN
				     ? SLICE("")
				     : SLICE("VXNlcm5hbWU6"); /* "Username:" */
		return SASL_MORE;
	}
	x->responses++;
	/* RFC 4954, 4: "=" is an empty initial response. */
	if (slice_eq(response64, SLICE("=")))
		response64.len = 0;
	buf_init(&octets, SASL_RESPONSE_MAX);
	if (crypto_base64_decode(response64, &octets) == 0)
		step = take(x, buf_slice(&octets), ret_challenge);
	if (octets.at != NULL)
		crypto_wipe(octets.at, octets.cap);
	buf_done(&octets);
	return step;
}
