/* SPDX-License-Identifier: BSD-2-Clause */
/* Postfix access policy delegation, request side (SMTPD_POLICY_README). */
#include "proto/policy_request.h"

#include "util/err.h"

static const struct slice attr_names[POLICY_NATTR] = {
#define X(id, name) [id] = { name, sizeof(name) - 1 },
	POLICY_ATTR_LIST(X)
#undef X
};

struct slice
policy_attr_name(enum policy_attr attr)
{
	return attr_names[attr];
}

/*
 * The one attribute that a name of this length and these letters can be: 31
 * comparisons for each of 31 lines would cost more than the rest of the parser.
 */
static enum policy_attr
candidate(struct slice name)
{
	const char *c = name.at;

	switch (name.len) {
	case 4:
		return POLICY_SIZE;
	case 6:
		return c[1] == 'e' ? POLICY_SENDER : POLICY_STRESS;
	case 7:
		return POLICY_REQUEST;
	case 8:
		return c[0] == 'q' ? POLICY_QUEUE_ID : POLICY_INSTANCE;
	case 9:
		return c[0] == 'h' ? POLICY_HELO : POLICY_RCPT;
	case 11:
		switch (c[5]) {
		case 't':
			return c[7] == 'n' ? POLICY_CLIENT_NAME
					   : POLICY_CLIENT_PORT;
		case 'm':
			return POLICY_SASL_METHOD;
		case 's':
			return POLICY_SASL_SENDER;
		case 'd':
			return POLICY_ETRN_DOMAIN;
		}
		return POLICY_SERVER_PORT;
	case 12:
		return c[0] == 'c' ? POLICY_CCERT_ISSUER : POLICY_MAIL_VERSION;
	case 13:
		return c[0] == 'p'   ? POLICY_PROTOCOL
		       : c[0] == 's' ? POLICY_SASL_USER
				     : POLICY_CCERT_SUBJECT;
	case 14:
		if (c[0] == 'p')
			return c[1] == 'r' ? POLICY_STATE : POLICY_CONTEXT;
		return c[0] == 'c' ? POLICY_CLIENT : POLICY_SERVER;
	case 15:
		return POLICY_RCPT_COUNT;
	case 17:
		return c[0] == 'c' ? POLICY_CCERT_FINGERPRINT
				   : POLICY_TLS_CIPHER;
	case 18:
		return POLICY_TLS_KEYSIZE;
	case 19:
		return c[0] == 'r'   ? POLICY_REVERSE_NAME
		       : c[0] == 'e' ? POLICY_TLS_PROTOCOL
				     : POLICY_COMPATIBILITY;
	case 24:
		return POLICY_CCERT_PUBKEY;
	}
	return POLICY_NATTR;
}

/* Take "name=value" apart; remember the value if the name is known. */
static int
parse_attr(struct slice line, struct policy_request *req)
{
	const char *eq = memchr(line.at, '=', line.len);

	if (eq == NULL || eq == line.at)
		return ERR_SYNTAX;

	struct slice name = { line.at, (size_t)(eq - line.at) };
	enum policy_attr attr = candidate(name);

	if (attr != POLICY_NATTR && req->attr[attr].at == NULL &&
	    slice_eq(name, attr_names[attr]))
		req->attr[attr] = slice_skip(line, name.len + 1);
	return 0;
}

ssize_t
policy_request_parse(const char *buf, size_t len,
    struct policy_request *ret_req)
{
	struct policy_request req = { 0 };
	size_t pos = 0;

	if (len > POLICY_REQUEST_MAX)
		len = POLICY_REQUEST_MAX;

	while (pos < len) {
		const char *nl = memchr(buf + pos, '\n', len - pos);

		if (nl == NULL)
			break;
		struct slice line = { buf + pos, (size_t)(nl - buf) - pos };
		pos += line.len + 1;

		if (line.len > 0) {
			if (parse_attr(line, &req) < 0)
				return ERR_SYNTAX;
			continue;
		}
		if (!slice_eq(req.attr[POLICY_REQUEST],
			SLICE("smtpd_access_policy")) ||
		    memchr(buf, '\0', pos) != NULL)
			return ERR_SYNTAX;
		*ret_req = req;
		return (ssize_t)pos;
	}
	return len == POLICY_REQUEST_MAX ? ERR_LIMIT : 0;
}
