/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SOCKETMAP_H
#define PROTO_SOCKETMAP_H

#include <sys/types.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * Look-ups of Postfix's tables, server side (socketmap_table(5)): a request
 * and its reply are one netstring each (http://cr.yp.to/proto/netstrings.txt).
 */
#define MAP_REQUEST_MAX 10000 /* longer than any address or SMTP reply text */
#define MAP_REPLY_MAX 100000  /* Postfix takes no longer one */
/* Of a whole request, with "10000:" and ",". */
#define MAP_REQUEST_OCTETS_MAX (MAP_REQUEST_MAX + 7)

enum map_code { MAP_OK, MAP_NOTFOUND, MAP_TEMP, MAP_PERM };

struct socketmap_request {
	struct slice name; /* not empty, without blanks */
	struct slice key;  /* may have blanks; no NUL */
};

/*
 * Take one request off the head of a stream.
 *
 * buf, len     what has arrived so far: part of a request, or more than one
 * ret_request  filled on success only; its slices live as long as buf
 *
 * Returns  > 0         octets used
 *          0           the request is not complete: read more
 *          ERR_SYNTAX  no netstring, or not "NAME KEY" in it
 *          ERR_LIMIT   longer than MAP_REQUEST_MAX
 * After an error the stream has lost its place: close it.
 */
ssize_t socketmap_request_parse(const char *buf, size_t len,
    struct socketmap_request *ret_request);

/*
 * Add a reply: "OK VALUE", "NOTFOUND ", "TEMP text", "PERM text".
 * ERR_SYNTAX: control octets in value; ERR_LIMIT, ERR_NOMEM.  Then nothing was
 * added.
 */
int socketmap_reply_format(enum map_code code, struct slice value,
    struct buf *out);

#endif /* PROTO_SOCKETMAP_H */
