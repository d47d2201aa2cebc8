/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_ALARMS_H
#define BOUNCED_ALARMS_H

#include "proto/event.h"
#include "proto/settings.h"
#include "util/crypto.h"

/*
 * Alarms by mail: each event of that type, of this host, is told to those whom
 * the tenant's section outbreak names.  Tried once: the event itself stays in
 * the log and goes to webhooks, whatever becomes of the mail.
 */
struct alarms;
struct submit;

/* host must live as long; copy_key is copied.  NULL: no memory. */
struct alarms *alarms_new(struct submit *submit, struct slice host,
    const uint8_t copy_key[CRYPTO_SHA256_LEN]);
void alarms_free(struct alarms *a); /* takes NULL; nothing is under way */
/* An alarm was read; other events are no concern of it. */
void alarms_tell(struct alarms *a, const struct tenant *t,
    const struct event *e);

#endif /* BOUNCED_ALARMS_H */
