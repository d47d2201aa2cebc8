/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_POLICY_REQUEST_H
#define PROTO_POLICY_REQUEST_H

#include <stddef.h>
#include <sys/types.h>

#include "util/slice.h"

/*
 * Postfix access policy delegation, request side.
 * Spec: Postfix SMTPD_POLICY_README, "Protocol description".
 */

/* Octets in one request, from "request=" to the empty line. */
#define POLICY_REQUEST_MAX 65536

/* Every attribute of Postfix 2.1 to 3.10; a later one is skipped. */
/* clang-format off */
#define POLICY_ATTR_LIST(X) \
	X(POLICY_REQUEST, "request") /* always "smtpd_access_policy" */ \
	X(POLICY_STATE, "protocol_state") /* CONNECT, ... RCPT, DATA, ... */ \
	X(POLICY_PROTOCOL, "protocol_name") /* ESMTP or SMTP */ \
	X(POLICY_HELO, "helo_name") \
	X(POLICY_QUEUE_ID, "queue_id") /* "" before the first recipient */ \
	X(POLICY_SENDER, "sender") /* "" is the null reverse-path */ \
	X(POLICY_RCPT, "recipient") /* "" before RCPT TO */ \
	X(POLICY_RCPT_COUNT, "recipient_count") /* at DATA, END-OF-MESSAGE */ \
	X(POLICY_CLIENT, "client_address") /* IPv4 or IPv6, text form */ \
	X(POLICY_CLIENT_NAME, "client_name") /* verified, or "unknown" */ \
	X(POLICY_CLIENT_PORT, "client_port") \
	X(POLICY_REVERSE_NAME, "reverse_client_name") /* not verified */ \
	X(POLICY_INSTANCE, "instance") /* the same for one message */ \
	X(POLICY_SASL_METHOD, "sasl_method") \
	X(POLICY_SASL_USER, "sasl_username") /* "" when not logged in */ \
	X(POLICY_SASL_SENDER, "sasl_sender") \
	X(POLICY_SIZE, "size") /* declared; real at END-OF-MESSAGE */ \
	X(POLICY_CCERT_SUBJECT, "ccert_subject") \
	X(POLICY_CCERT_ISSUER, "ccert_issuer") \
	X(POLICY_CCERT_FINGERPRINT, "ccert_fingerprint") \
	X(POLICY_CCERT_PUBKEY, "ccert_pubkey_fingerprint") \
	X(POLICY_TLS_PROTOCOL, "encryption_protocol") \
	X(POLICY_TLS_CIPHER, "encryption_cipher") \
	X(POLICY_TLS_KEYSIZE, "encryption_keysize") \
	X(POLICY_ETRN_DOMAIN, "etrn_domain") \
	X(POLICY_STRESS, "stress") \
	X(POLICY_CONTEXT, "policy_context") /* 3.1 */ \
	X(POLICY_SERVER, "server_address") /* 3.2 */ \
	X(POLICY_SERVER_PORT, "server_port") /* 3.2 */ \
	X(POLICY_COMPATIBILITY, "compatibility_level") /* 3.8 */ \
	X(POLICY_MAIL_VERSION, "mail_version") /* 3.8 */

enum policy_attr {
#define X(id, name) id,
	POLICY_ATTR_LIST(X)
#undef X
	POLICY_NATTR
};
/* clang-format on */

struct policy_request {
	struct slice attr[POLICY_NATTR]; /* point into the parsed buffer */
};

/*
 * policy_request_parse - take one request off the head of a buffer
 *
 * buf, len   what has arrived so far; may hold part of a request, or
 *            more than one; need not end in NUL; is not written to
 * ret_req    filled on success only; its slices live as long as buf
 *
 * Attributes may come in any order; an unknown one is skipped; of a
 * repeated one the first counts, so that text appended by a client can
 * not replace what Postfix said.
 *
 * Returns  > 0           octets used, the final empty line included
 *          0             the request is not complete: read more
 *          ERR_SYNTAX    no '=', empty name, NUL, or not a policy request
 *          ERR_LIMIT     more than POLICY_REQUEST_MAX octets
 * After an error the stream has lost its place: close it.
 */
ssize_t policy_request_parse(const char *buf, size_t len,
    struct policy_request *ret_req);

/* "sasl_username"; the name as Postfix writes it. */
struct slice policy_attr_name(enum policy_attr attr);

#endif /* PROTO_POLICY_REQUEST_H */
