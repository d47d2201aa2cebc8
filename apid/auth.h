/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_AUTH_H
#define APID_AUTH_H

#include <stdint.h>

#include "proto/settings.h"
#include "util/slice.h"

/*
 * Who asks?  Two forms of the Authorization header field:
 *	Basic	base64(NAME ":" KEY), RFC 7617
 *	Bearer	KEY, where KEY carries the name: "ptn_" base64url(NAME) "_"
 *		and 32 random characters, as `postern' makes them (RFC 6750)
 */
#define AUTH_ROOM 1024
struct credentials {
	struct slice name, key;
};
/*
 * Pure.  room: where the decoded octets go; both slices point into it.
 * ERR_SYNTAX: another scheme or form; ERR_LIMIT: too long.
 */
int auth_parse(struct slice header, char room[AUTH_ROOM],
    struct credentials *ret_credentials);

enum auth_result {
	AUTH_OK,
	AUTH_NONE,    /* no Authorization header field */
	AUTH_BAD,     /* unknown name, wrong key, disabled, no API access */
	AUTH_TOO_MANY /* failures lately: nothing was checked */
};

/*
 * Checking a key costs 40 ms of CPU on purpose.  So credentials that were
 * right are remembered (as a MAC under a key of this process that covers the
 * stored hash, so that a changed key is a new one), and those that are not
 * remembered are checked at a bounded rate, per client and over all.
 */
struct auth;
struct auth *auth_new(void); /* NULL: no memory */
void auth_free(struct auth *a);

/*
 * client     who, for the limits: an address
 * ret_wait_s for AUTH_TOO_MANY: seconds until the next check
 */
enum auth_result auth_check(struct auth *a, const struct settings *settings,
    struct slice header, struct slice client, const struct api_user **ret_user,
    const struct tenant **ret_tenant, int64_t *ret_wait_s);

#endif /* APID_AUTH_H */
