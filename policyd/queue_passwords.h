/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_QUEUE_PASSWORDS_H
#define POLICYD_QUEUE_PASSWORDS_H

#include "postfix-conf/transports.h"
#include "util/buf.h"

/* Passwords of forwarding servers, for smtp(8), as root: files "pn-..." of the
 * configuration directory, one for each transport, mode 0600. */

/*
 * ret_changed: how many were not there like that.  Nothing is opened where no
 * transport has one.  ERR_CRYPTO, ERR_NOTFOUND: the master key does not open
 * it, is not there; ERR_SYNTAX: no password for Postfix; ERR_IO, ERR_NOMEM.
 */
int queue_passwords_write(const char *folder, const char *key_file,
    const struct postfix_transports *wanted, struct buf *why,
    size_t *ret_changed);
/* Removes those of transports that are not wanted. */
void queue_passwords_clean(const char *folder,
    const struct postfix_transports *wanted);

#endif /* POLICYD_QUEUE_PASSWORDS_H */
