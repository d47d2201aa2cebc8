/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounces passed on to who sent the message. */
#include "bounced/returns.h"

#include <stdio.h>
#include <stdlib.h>

#include "bounced/submit.h"
#include "proto/address.h"
#include "proto/bounce_format.h"
#include "proto/own_mail.h"
#include "proto/settings.h"
#include "store/event_store.h"
#include "store/settings_store.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define COMMAND_MS 2000
#define CURSOR_MAX_LEN 512
#define ARENA_MAX ((size_t)1024 * 1024)
#define TEXT_MAX ((size_t)2 * 1024 * 1024)
/* Its queued event is written when the log says so: around the tag's time. */
#define EARLY_MS 15000
#define LATE_MS (INT64_C(3600) * 1000)
#define PAGES_MAX 50

struct returns {
	struct store *store;
	struct settings_watch *settings;
	struct submit *submit;
	struct slice host;
	uint8_t copy_key[CRYPTO_SHA256_LEN];
	struct returns_counters counters;
};

/* One bounce under way. */
struct job {
	struct returns *returns;
	struct returned_bounce bounce;
	struct arena *arena;
	struct event facts; /* its slices in the arena */
	bool found;
	char cursor[CURSOR_MAX_LEN];
	size_t cursor_len;
	unsigned pages;
	returns_done *done;
	void *ctx;
};

struct returns *
returns_new(struct store *s, struct settings_watch *settings,
    struct submit *submit, const struct returns_options *options)
{
	struct returns *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->store = s;
	r->settings = settings;
	r->submit = submit;
	r->host = options->host;
	memcpy(r->copy_key, options->copy_key, sizeof(r->copy_key));
	return r;
}

void
returns_free(struct returns *r)
{
	if (r == NULL)
		return;
	crypto_wipe(r->copy_key, sizeof(r->copy_key));
	free(r);
}

const struct returns_counters *
returns_counters(const struct returns *r)
{
	return &r->counters;
}

static void
finish(struct job *job, int rc)
{
	if (rc < 0)
		job->returns->counters.trouble++;
	arena_free(job->arena);
	job->done(rc, job->ctx);
	free(job);
}

static void
say(const struct job *job, const char *what, struct slice answer)
{
	struct log_line l;

	log_line(&l, job->bounce.tag.queue_id);
	log_line_add(&l, "bounce", slice_of(what));
	log_line_add(&l, "tenant", job->facts.tenant);
	log_line_add(&l, "to", job->facts.forward_to);
	log_line_add(&l, "answer", answer);
	log_line_end(&l, LOG_L_INFO);
}

/* ---- the mail ---- */

static void
on_submitted(int rc, struct slice answer, void *ctx)
{
	struct job *job = ctx;

	if (rc == 0) {
		job->returns->counters.passed_on++;
		say(job, "passed-on", answer);
	} else if (rc == ERR_DENIED) {
		/* It will not be taken another time, either. */
		job->returns->counters.refused++;
		say(job, "not-passed-on", answer);
		rc = 0;
	}
	finish(job, rc);
}

/* Failures, or where there is none, delays. */
static size_t
choose(struct job *job, struct bounce_report **ret_reports)
{
	const struct bounce_mail *m = job->bounce.mail;
	struct bounce_report *r =
	    arena_calloc(job->arena, m->count + 1, sizeof(*r));
	size_t n = 0;

	*ret_reports = r;
	for (size_t i = 0; r != NULL && i < m->count; i++)
		if (m->reports[i].kind == m->kind)
			r[n++] = m->reports[i];
	return n;
}

/* MAILER-DAEMON, as the settings name it or in the domain bounces go to. */
static struct slice
sender_of(const struct job *job, const struct tenant *t, char room[ADDRESS_MAX])
{
	struct slice domain = t->return_path_domain;
	int n;

	if (t->bounce_from.len > 0)
		return t->bounce_from;
	if (domain.len == 0)
		domain = address_domain(job->facts.return_path);
	n = snprintf(room, ADDRESS_MAX, "mailer-daemon@%.*s", SLICE_F(domain));
	if (n < 0 || n >= ADDRESS_MAX)
		return SLICE("mailer-daemon");
	return (struct slice){ room, (size_t)n };
}

static int
write_mail(struct job *job, const struct tenant *t, struct buf *out)
{
	char from_room[ADDRESS_MAX], id[OWN_MAIL_ID_LEN];
	struct slice to = job->facts.forward_to;
	struct bounce_report *reports;
	size_t count = choose(job, &reports);
	int rc;

	if (reports == NULL)
		return ERR_NOMEM;
	rc = own_mail_field(job->returns->copy_key, t->name, to,
	    clock_wall_us() / 1000000, out);
	if (rc < 0)
		return rc;
	return bounce_format(
	    &(struct bounce_note){
		.form =
		    t->bounces_simple ? BOUNCE_FORM_SIMPLE : BOUNCE_FORM_REPORT,
		.from = sender_of(job, t, from_room),
		.to = to,
		.host = job->returns->host,
		.id = own_mail_id(id),
		.at_ms = clock_wall_us() / 1000,
		.subject = job->facts.subject,
		.message_id = job->facts.message_id,
		.reports = reports,
		.count = count,
		.returned = job->bounce.mail->returned,
	    },
	    out);
}

static void
pass_on(struct job *job)
{
	struct settings *s = settings_current(job->returns->settings);
	const struct tenant *t = settings_tenant(s, job->facts.tenant);
	struct buf text;
	int rc = ERR_NOTFOUND;

	buf_init(&text, TEXT_MAX);
	if (t != NULL)
		rc = write_mail(job, t, &text);
	settings_unref(s);
	if (rc == 0)
		rc = submit_mail(job->returns->submit, job->facts.forward_to,
		    buf_slice(&text), on_submitted, job);
	buf_done(&text);
	if (rc == ERR_NOTFOUND)
		finish(job, 0); /* the tenant has gone: so have its wishes */
	else if (rc < 0)
		finish(job, rc);
}

/* ---- who sent it ---- */

static struct slice
keep(struct job *job, struct slice s)
{
	return s.at == NULL ? s : arena_dup(job->arena, s);
}

static void
on_row(const struct event *e, void *ctx)
{
	struct job *job = ctx;
	struct slice host = job->bounce.host;

	/* Queue ids of other hosts may be the same. */
	if (job->found || !slice_starts(e->id, host) || e->id.len <= host.len ||
	    e->id.at[host.len] != '/')
		return;
	job->found = true;
	job->facts = (struct event){
		.tenant = keep(job, e->tenant),
		.forward_to = keep(job, e->forward_to),
		.return_path = keep(job, e->return_path),
		.subject = keep(job, e->subject),
		.message_id = keep(job, e->message_id),
	};
}

static void search(struct job *job);

static void
on_page(int rc, struct slice next, void *ctx)
{
	struct job *job = ctx;

	if (rc < 0) {
		finish(job, rc);
		return;
	}
	if (!job->found && next.len > 0 && next.len <= sizeof(job->cursor) &&
	    ++job->pages < PAGES_MAX) {
		memcpy(job->cursor, next.at, next.len);
		job->cursor_len = next.len;
		search(job);
		return;
	}
	if (job->found && job->facts.forward_to.len > 0)
		pass_on(job);
	else
		finish(job, 0);
}

static void
search(struct job *job)
{
	int64_t at_ms = job->bounce.tag.sent_s * 1000;
	const struct event_query q = {
		.queue_id = job->bounce.tag.queue_id,
		.types = 1u << EVENT_QUEUED,
		.from_ms = at_ms - EARLY_MS,
		.to_ms = at_ms + LATE_MS,
		.cursor = { job->cursor, job->cursor_len },
		.limit = 1,
	};

	event_page(job->returns->store, &q, clock_deadline_ms(COMMAND_MS),
	    on_row, on_page, job);
}

/* Whether any tenant passes bounces on: else nothing is looked up. */
static bool
is_wanted(const struct settings *s)
{
	for (size_t i = 0; i < settings_tenant_count(s); i++) {
		const struct tenant *t = settings_tenant_at(s, i);

		if (t->envelope_sender.forward_bounces)
			return true;
		for (size_t k = 0; k < t->domain_count; k++)
			if (t->domains[k].envelope_sender.forward_bounces)
				return true;
	}
	return false;
}

void
returns_mail(struct returns *r, const struct returned_bounce *bounce,
    returns_done *done, void *ctx)
{
	struct settings *s = settings_current(r->settings);
	bool wanted = (bounce->mail->kind == BOUNCE_FAILED ||
			  bounce->mail->kind == BOUNCE_DELAY) &&
		      bounce->mail->count > 0 && is_wanted(s);
	struct job *job;

	settings_unref(s);
	if (!wanted) {
		done(0, ctx);
		return;
	}
	job = calloc(1, sizeof(*job));
	if (job == NULL || (job->arena = arena_new(ARENA_MAX)) == NULL) {
		free(job);
		r->counters.trouble++;
		done(ERR_NOMEM, ctx);
		return;
	}
	job->returns = r;
	job->bounce = *bounce;
	job->done = done;
	job->ctx = ctx;
	search(job);
}
