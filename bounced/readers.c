/* SPDX-License-Identifier: BSD-2-Clause */
/* One mail for one recipient, to who reads it. */
#include "bounced/readers.h"

#include <stdlib.h>

#include "bounced/forward.h"
#include "bounced/inbound.h"
#include "bounced/intake.h"
#include "util/err.h"

struct reading {
	const struct readers *readers;
	struct incoming mail;
	struct forwarding *forwarding; /* when it is read; or NULL */
	readers_done *done;
	void *ctx;
};

static void
finish(int rc, void *ctx)
{
	struct reading *r = ctx;

	r->done(rc, r->ctx);
	free(r);
}

/* Whoever it is for has read it: others get it, too. */
static void
on_read(int rc, void *ctx)
{
	struct reading *r = ctx;

	if (r->forwarding == NULL || rc < 0) {
		forwarding_free(r->forwarding);
		finish(rc, r);
	} else {
		forwarding_run(r->forwarding, r->mail.message, finish, r);
	}
}

static void
to_inbound(struct reading *r)
{
	const struct inbound_envelope envelope = {
		.settings = r->mail.settings,
		.tenant = r->mail.tenant,
		.sender = r->mail.sender,
		.recipient = r->mail.recipient,
		.address = r->mail.address,
	};

	inbound_mail(r->readers->inbound, &envelope, r->mail.message, on_read,
	    r);
}

static void
to_intake(struct reading *r)
{
	struct slice message = r->mail.message;

	if (message.len > r->mail.bounce_max)
		message.len = r->mail.bounce_max;
	intake_mail(r->readers->intake, r->mail.address, message, on_read, r);
}

/* Where else does it go?  Half of a mail is none; of a bounce the beginning is
 * enough to be read, but not to be sent on. */
static int
look(struct reading *r)
{
	const struct incoming *m = &r->mail;
	int rc;

	if (m->cut)
		return m->route == ROUTE_INBOUND ? ERR_LIMIT : 0;
	rc = forward_decide(r->readers->forward, m->settings, m->tenant,
	    m->address, m->message, &r->forwarding);
	return rc == ERR_LIMIT ? ERR_UNAVAIL : rc;
}

void
readers_take(const struct readers *readers, const struct incoming *mail,
    readers_done *done, void *ctx)
{
	struct reading *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL) {
		done(ERR_NOMEM, ctx);
		return;
	}
	*r = (struct reading){ .readers = readers,
		.mail = *mail,
		.done = done,
		.ctx = ctx };
	rc = look(r);
	if (rc < 0 ||
	    (r->forwarding != NULL && forwarding_redirects(r->forwarding)))
		on_read(rc, r);
	else if (mail->route == ROUTE_INBOUND)
		to_inbound(r);
	else
		to_intake(r);
}
