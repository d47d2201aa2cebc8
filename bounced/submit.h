/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_SUBMIT_H
#define BOUNCED_SUBMIT_H

#include <stdint.h>

#include "util/slice.h"

/*
 * Mail that this daemon writes, handed to the MTA's internal listener from a
 * thread of its own, one after the other: the loop never waits for it.  The
 * null sender is its envelope sender, so that nothing of it ever comes back.
 */
struct event_base;
struct submit;

#define SUBMIT_WAITING_MAX 200               /* mails */
#define SUBMIT_OCTETS_MAX ((size_t)64 << 20) /* of all that wait */

/*
 * address  "inet:ADDRESS:PORT" or "unix:PATH"; helo: name of this host; both
 *          must live as long as this
 * NULL: no memory, or no thread.
 */
struct submit *submit_new(struct event_base *base, const char *address,
    const char *helo);
/*
 * Ends the thread, which may take as long as its mail has time; what waits is
 * told ERR_CANCELED.  Takes NULL.
 */
void submit_free(struct submit *s);

/*
 * recipient, text: copied; lines of text end in LF or CRLF
 * done()  on the loop, exactly once if this returns 0: 0: the MTA has it;
 *         ERR_DENIED: refused for good; ERR_UNAVAIL, ERR_TIMEOUT, ERR_IO and
 *         others: not now, or not known; answer: the MTA's words, or empty
 * ERR_LIMIT: too much waits; ERR_NOMEM.
 */
typedef void submitted(int rc, struct slice answer, void *ctx);
int submit_mail(struct submit *s, struct slice recipient, struct slice text,
    submitted *done, void *ctx);

#endif /* BOUNCED_SUBMIT_H */
