/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef NET_CONNECTION_H
#define NET_CONNECTION_H

#include <stdbool.h>
#include <sys/types.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * One accepted stream socket: octets in, octets out, both bounded.  Made for
 * protocols of requests and answers: what the peer sent is handed out as it
 * lies in the buffer, and may be held there, without a copy, until its answer
 * is known; meanwhile nothing is read, so a peer that sends more only fills
 * its own socket.  What is answered in one turn leaves in one write.
 * An idle connection is never closed from this side.
 * All of it on the event loop's thread.
 */
struct event_base;
struct connection;

/*
 * Octets have come.  Returns how many were taken, 0 if a whole request is not
 * there yet, or < 0 to close the connection (what was answered leaves first).
 * Called again with the rest while octets are left and it takes some.
 */
typedef ssize_t connection_input(struct connection *c, struct slice in,
    void *ctx);
/*
 * It is over, and freed after this call: rc 0, the peer has closed; ERR_IO;
 * ERR_LIMIT, a request larger than max_in; or what input() returned.
 * unread: octets of a request that never became whole.
 */
typedef void connection_closed(struct connection *c, int rc, size_t unread,
    void *ctx);

struct connection_options {
	size_t max_in, max_out; /* octets */
	connection_input *input;
	connection_closed *closed;
	void *ctx;
};
/* Owns fd from now on, also when it fails: ERR_NOMEM. */
int connection_start(struct event_base *base, int fd,
    const struct connection_options *options, struct connection **ret_c);
/* Close and free without closed(). */
void connection_free(struct connection *c); /* takes NULL */

/*
 * From input(): no further call, and the octets handed out stay where they
 * are (those taken, too), until connection_release().
 * Releasing may close and free the connection (then closed() has been called).
 */
void connection_hold(struct connection *c);
void connection_release(struct connection *c);

/*
 * Where answers are added; they leave when input() has no more to do, or on
 * connection_release().  A failed addition (rc) closes the connection.
 */
struct buf *connection_output(struct connection *c);

/* Nothing is held, half read or half written. */
bool connection_is_idle(const struct connection *c);

#endif /* NET_CONNECTION_H */
