/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virus scan: asks the scanner about the message, and refuses it, or does
 * what the tenant has set where nobody can say.  Copies of a message are not
 * scanned again; they share what was found out.
 */
#include <stdio.h>

#include "milter/copy.h"
#include "milter/facts.h"
#include "milter/keeper.h"
#include "milter/milter.h"
#include "milter/module.h"
#include "milter/scan_client.h"
#include "service/metrics.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define FIELD "X-Virus-Scanned"
#define ORIGIN SLICE("virus")
#define TEXT_MAX (SCAN_NAME_MAX + 100)

static const struct scan_settings *
settings_of(const struct message *msg)
{
	return &msg->tenant->scan;
}

static enum body_want
scan_begin(struct message *msg, void *state)
{
	(void)state;
	if (settings_of(msg)->mode == MODE_OFF)
		return BODY_NOT;
	/* What the client says of it is worth nothing. */
	for (size_t i = 0; i < msg->field_count; i++)
		if (slice_eq_nocase(msg->fields[i].field.name, SLICE(FIELD)))
			message_delete_field(msg, i);
	if (msg->copy != NULL || msg->host->scan == NULL)
		return BODY_NOT;
	return BODY_BUFFER;
}

/* ---- asking ---- */

/*
 * The name of a signature, which whoever made the database has chosen, may
 * stand in an SMTP reply: no octet that libmilter or a client would act on.
 */
static void
make_safe(char *name)
{
	static const char fine[] = "._:/+-(){}@";

	for (; *name != '\0'; name++) {
		char c = *name;

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			(c >= '0' && c <= '9') || strchr(fine, c) != NULL))
			*name = '_';
	}
}

static int
ask(struct message *msg, struct scan_verdict *ret_verdict)
{
	const struct milter *host = msg->host;
	size_t size;
	int fd, rc;

	if (host->scan == NULL)
		return ERR_CONFIG;
	rc = message_kept_fd(msg, &fd, &size);
	if (rc == ERR_LIMIT) {
		*ret_verdict = (struct scan_verdict){ SCAN_UNSCANNABLE,
			"message too large" };
		return 0;
	}
	if (rc == 0)
		rc = scan_client_scan(host->scan, fd, size,
		    clock_deadline_ms(host->scan_timeout_ms), ret_verdict);
	return rc;
}

/* ---- what follows ---- */

#define CODES "550 5.7.1 "

/* The reply, which the events of its recipients have, too. */
static enum verdict
refuse(struct message *msg, const char *why, const char *name)
{
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text), CODES "Message refused: %s%s", why,
	    name);
	struct slice kept = message_keep(msg, slice_of(text));
	if (kept.at == NULL)
		kept = SLICE(CODES "Message refused");
	(void)facts_refused(msg, STATUS_OTHER, ORIGIN, kept);
	message_reply(msg, "5.7.1", kept.at + sizeof(CODES) - 1);
	return VERDICT_REJECT;
}

static enum verdict
infected(struct message *msg, const char *name)
{
	char text[TEXT_MAX];

	metrics_add(METRIC_MILTER_SCAN_VIRUS, 1);
	message_note(msg, "virus", slice_of(name));
	if (settings_of(msg)->mode == MODE_OBSERVE) {
		(void)snprintf(text, sizeof(text),
		    "contains %s; not refused: only observed", name);
		facts_observed(msg, ORIGIN, slice_of(text));
		return VERDICT_NEXT;
	}
	if (msg->host->keeper != NULL)
		keeper_add(msg->host->keeper, msg, slice_of(name));
	return refuse(msg, "contains ", name);
}

static enum verdict
go_on_marked(struct message *msg)
{
	msg->unscanned = true;
	if (message_add_top(msg, FIELD, SLICE(" no")) < 0)
		return VERDICT_TEMPFAIL;
	return VERDICT_NEXT;
}

static enum verdict
in_trouble(struct message *msg, enum scan_trouble what, const char *name)
{
	switch (what) {
	case SCAN_PASS:
		return go_on_marked(msg);
	case SCAN_HOLD:
		message_hold(msg, SLICE("not scanned for viruses"));
		return go_on_marked(msg);
	case SCAN_REJECT:
		return refuse(msg, "can not be scanned: ", name);
	case SCAN_TEMPFAIL:
		break;
	}
	message_reply(msg, "4.7.1", "Virus scan not possible now, try later");
	return VERDICT_TEMPFAIL;
}

static enum verdict
unscannable(struct message *msg, const char *name)
{
	metrics_add(METRIC_MILTER_SCAN_UNSCANNABLE, 1);
	message_note(msg, "unscannable", slice_of(name));
	if (settings_of(msg)->mode == MODE_OBSERVE)
		return VERDICT_NEXT;
	return in_trouble(msg, settings_of(msg)->when_unscannable, name);
}

static enum verdict
unavailable(struct message *msg, int rc)
{
	static struct log_limit limit;
	unsigned long missed;

	metrics_add(METRIC_MILTER_SCAN_UNAVAILABLE, 1);
	message_note(msg, "scan", SLICE("unavailable"));
	if (log_limit_ok(&limit, 60, &missed))
		log_warning("no virus scan for mail of tenant %.*s: %s (%lu "
			    "more)",
		    SLICE_F(msg->tenant->name),
		    rc == ERR_CONFIG ? "milter_scanner is not set"
				     : err_text(rc),
		    missed);
	if (settings_of(msg)->mode == MODE_OBSERVE)
		return VERDICT_NEXT;
	return in_trouble(msg, settings_of(msg)->when_unavailable, "");
}

/* It was scanned, or not, when it came from outside. */
static enum verdict
copy_eom(struct message *msg)
{
	if (msg->copy->held)
		message_hold(msg, SLICE("not scanned for viruses"));
	return msg->copy->unscanned ? go_on_marked(msg) : VERDICT_NEXT;
}

static enum verdict
scan_eom(struct message *msg, void *state)
{
	struct scan_verdict verdict;
	int rc;

	(void)state;
	if (msg->copy != NULL)
		return copy_eom(msg);
	if (settings_of(msg)->mode == MODE_OFF)
		return VERDICT_NEXT;
	if ((rc = ask(msg, &verdict)) < 0)
		return unavailable(msg, rc);
	make_safe(verdict.name);
	switch (verdict.result) {
	case SCAN_CLEAN:
		break;
	case SCAN_INFECTED:
		return infected(msg, verdict.name);
	case SCAN_UNSCANNABLE:
		return unscannable(msg, verdict.name);
	}
	metrics_add(METRIC_MILTER_SCAN_CLEAN, 1);
	return VERDICT_NEXT;
}

const struct module module_scan = {
	.name = "scan",
	.kinds = KIND_FIRST | KIND_SPLIT | KIND_BCC,
	.begin = scan_begin,
	.eom = scan_eom,
};
