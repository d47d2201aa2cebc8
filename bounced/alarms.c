/* SPDX-License-Identifier: BSD-2-Clause */
/* Alarms by mail. */
#include "bounced/alarms.h"

#include <stdlib.h>

#include "bounced/submit.h"
#include "proto/own_mail.h"
#include "proto/system_mail.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define TEXT_MAX ((size_t)64 * 1024)

struct alarms {
	struct submit *submit;
	struct slice host;
	uint8_t copy_key[CRYPTO_SHA256_LEN];
};

struct alarms *
alarms_new(struct submit *submit, struct slice host,
    const uint8_t copy_key[CRYPTO_SHA256_LEN])
{
	struct alarms *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->submit = submit;
	a->host = host;
	memcpy(a->copy_key, copy_key, sizeof(a->copy_key));
	return a;
}

void
alarms_free(struct alarms *a)
{
	if (a == NULL)
		return;
	crypto_wipe(a->copy_key, sizeof(a->copy_key));
	free(a);
}

static void
failed(int rc, struct slice answer)
{
	log_warning("an alarm was not sent by mail: %s%s%.*s", err_text(rc),
	    answer.len > 0 ? ": " : "", SLICE_F(answer));
}

static void
on_submitted(int rc, struct slice answer, void *ctx)
{
	(void)ctx;
	if (rc < 0)
		failed(rc, answer);
}

static void
add_body(const struct tenant *t, const struct event *e, struct buf *out)
{
	(void)buf_add_text(out,
	    "Postern has something that a person should look at.\n\n");
	system_mail_line("Tenant:    ", t->name, out);
	system_mail_line("Provider:  ", e->recipient, out);
	system_mail_line("What:      ", e->reason, out);
	(void)buf_addf(out,
	    "\nWhat goes on now, and how to end it:\n\n"
	    "    postern blocks outbreaks -t %.*s\n",
	    SLICE_F(t->name));
}

static void
add_mail(const struct alarms *a, const struct tenant *t, const struct event *e,
    struct slice to, struct buf *out)
{
	char id[OWN_MAIL_ID_LEN];
	struct buf subject, body;

	buf_init(&subject, SYSTEM_MAIL_VALUE_MAX);
	buf_init(&body, TEXT_MAX / 4);
	(void)buf_addf(&subject, "Postern alarm: %.*s at %.*s (%.*s)",
	    SLICE_F(e->origin), SLICE_F(e->recipient), SLICE_F(t->name));
	add_body(t, e, &body);
	system_mail_header(&(struct system_mail){ .name = "Postern",
			       .from = t->bounce_from,
			       .to = &to,
			       .to_count = 1,
			       .subject = buf_slice(&subject),
			       .host = a->host,
			       .id = own_mail_id(id),
			       .at_ms = clock_wall_us() / 1000 },
	    out);
	system_mail_text(buf_slice(&body), out);
	buf_done(&subject);
	buf_done(&body);
}

static int
tell_one(struct alarms *a, const struct tenant *t, const struct event *e,
    struct slice to)
{
	struct buf text;
	int rc;

	buf_init(&text, TEXT_MAX);
	rc = own_mail_field(a->copy_key, t->name, to, clock_wall_us() / 1000000,
	    &text);
	add_mail(a, t, e, to, &text);
	if (rc == 0)
		rc = text.rc;
	if (rc == 0)
		rc = submit_mail(a->submit, to, buf_slice(&text), on_submitted,
		    NULL);
	buf_done(&text);
	return rc;
}

void
alarms_tell(struct alarms *a, const struct tenant *t, const struct event *e)
{
	int rc;

	if (e->type != EVENT_ALARM)
		return;
	for (size_t i = 0; i < t->outbreak.notify_count; i++)
		if ((rc = tell_one(a, t, e, t->outbreak.notify[i])) < 0)
			failed(rc, (struct slice){ NULL, 0 });
}
