/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail for applications: judged, sealed, and put into Redis piece by piece. */
#include "bounced/inbound.h"

#include <stdlib.h>

#include "bounced/fields.h"
#include "proto/encoded_word.h"
#include "proto/event.h"
#include "proto/filter.h"
#include "store/inbound_store.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define ARENA_MAX (16 << 20) /* header fields, decoded for filters */
#define VALUE_MAX 998        /* octets kept of a decoded field */
#define RAW_MAX (16 * 1024)  /* of it that are looked at */
#define DAY_MS (86400 * INT64_C(1000))

struct inbound {
	struct store *store;
	struct inbound_options options;
	struct inbound_counters counters;
};

/* One mail under way. */
struct job {
	struct inbound *in;
	struct settings *settings;
	struct arena *arena;
	struct fields fields;
	struct slice message;
	struct slice address; /* canonical recipient */
	struct inbound_record record;
	char id[INBOUND_ID_MAX];
	uint64_t next; /* piece to put */
	struct buf box;
	inbound_mail_done *done;
	void *ctx;
};

struct inbound *
inbound_new(struct store *s, const struct inbound_options *options)
{
	struct inbound *in = calloc(1, sizeof(*in));

	if (in == NULL)
		return NULL;
	in->store = s;
	in->options = *options;
	return in;
}

void
inbound_free(struct inbound *in)
{
	free(in);
}

void
inbound_limit(struct inbound *in, uint64_t octets_max)
{
	in->options.octets_max = octets_max;
}

const struct inbound_counters *
inbound_counters(const struct inbound *in)
{
	return &in->counters;
}

/* ---- how it ends ---- */

static void
say(const struct job *job, const char *result)
{
	struct log_line l;

	log_line(&l, (struct slice){ NULL, 0 });
	log_line_add(&l, "inbound", slice_of(result));
	log_line_add(&l, "tenant", job->record.tenant);
	log_line_add(&l, "from", job->record.sender);
	log_line_add(&l, "recipient", job->address);
	if (job->record.filter.at != NULL)
		log_line_add(&l, "filter", job->record.filter);
	if (job->id[0] != '\0')
		log_line_add(&l, "id", slice_of(job->id));
	log_line_number(&l, "size", (int64_t)job->message.len);
	log_line_end(&l, LOG_L_INFO);
}

static void
end(struct job *job, int rc)
{
	inbound_mail_done *done = job->done;
	void *ctx = job->ctx;

	buf_done(&job->box);
	arena_free(job->arena);
	settings_unref(job->settings);
	free(job);
	done(rc, ctx);
}

static void
trouble(struct job *job, int rc)
{
	static struct log_limit limit;
	unsigned long missed;

	job->in->counters.trouble++;
	if (log_limit_ok(&limit, 60, &missed))
		log_warning("inbound mail can not be kept: %s; it is put off "
			    "(%lu more mails)",
		    err_text(rc), missed);
	end(job, rc < 0 && err_is_temporary(rc) ? rc : ERR_UNAVAIL);
}

static void
full(struct job *job)
{
	static struct log_limit limit;
	unsigned long missed;

	job->in->counters.full++;
	if (log_limit_ok(&limit, 600, &missed))
		log_warning("inbound mail has no room in inbound_max_kb: it is "
			    "put off (%lu more mails)",
		    missed);
	end(job, ERR_UNAVAIL);
}

/* ---- keeping it ---- */

static void
on_finished(int rc, void *ctx)
{
	struct job *job = ctx;

	if (rc < 0) {
		trouble(job, rc);
		return;
	}
	job->in->counters.kept++;
	say(job, "kept");
	end(job, 0);
}

static void
finish(struct job *job)
{
	const struct inbound_record *r = &job->record;
	const struct event e = { .created_ms = r->created_us / 1000,
		.type = EVENT_INBOUND,
		.tenant = r->tenant,
		.recipient = job->address,
		.reason = r->id,
		.origin = r->filter,
		.return_path = r->sender,
		.sender = r->sender,
		.from = r->from,
		.subject = r->subject,
		.message_id = r->message_id };

	inbound_finish(job->in->store, job->in->options.host, r, &e,
	    store_long_deadline(job->in->store), on_finished, job);
}

static void put_next(struct job *job);

static void
on_put(int rc, void *ctx)
{
	struct job *job = ctx;

	if (rc < 0)
		trouble(job, rc);
	else
		put_next(job);
}

static void
put_next(struct job *job)
{
	const struct content_piece piece = { INBOUND_PURPOSE,
		job->record.tenant, job->record.id, job->next,
		job->record.pieces };
	struct slice plain =
	    slice_skip(job->message, (size_t)job->next * CONTENT_PIECE);
	int rc;

	if (job->next == job->record.pieces) {
		finish(job);
		return;
	}
	if (plain.len > CONTENT_PIECE)
		plain.len = CONTENT_PIECE;
	buf_clear(&job->box);
	rc = content_seal(job->in->options.master, &piece, plain, &job->box);
	if (rc < 0) {
		trouble(job, rc);
		return;
	}
	inbound_put(job->in->store, job->in->options.host, job->record.id,
	    job->next++, buf_slice(&job->box),
	    store_long_deadline(job->in->store), on_put, job);
}

static void
on_begun(int rc, enum inbound_begun begun, void *ctx)
{
	struct job *job = ctx;

	if (rc < 0) {
		trouble(job, rc);
		return;
	}
	switch (begun) {
	case INBOUND_FULL:
		full(job);
		break;
	case INBOUND_GO_ON:
		put_next(job);
		break;
	case INBOUND_KNOWN:
		job->in->counters.duplicate++;
		say(job, "duplicate");
		end(job, 0);
		break;
	}
}

/* ---- what it is ---- */

/* The first field of that name as a person reads it; absent: none. */
static struct slice
decoded(struct job *job, const char *name)
{
	struct slice kept = { NULL, 0 }, raw;
	struct buf text;

	for (size_t i = 0; i < job->fields.count; i++) {
		if (!slice_eq_nocase(job->fields.at[i].name, slice_of(name)))
			continue;
		raw = job->fields.at[i].value;
		if (raw.len > RAW_MAX)
			raw.len = RAW_MAX;
		buf_init(&text, VALUE_MAX);
		if (encoded_word_decode(raw, &text) == 0)
			kept = arena_dup(job->arena, buf_slice(&text));
		buf_done(&text);
		break;
	}
	return kept;
}

/* Names of the webhooks that get it, one a line. */
static struct slice
webhooks_of(struct job *job, const struct tenant *t,
    const struct inbound_filter *filter)
{
	struct buf names;
	struct slice kept;

	buf_init(&names, SETTINGS_TEXT_MAX);
	for (size_t i = 0; i < t->webhook_count; i++) {
		const struct webhook *w = &t->webhooks[i];

		if (!w->enabled || (w->events & WEBHOOK_INBOUND) == 0 ||
		    !inbound_filter_for(filter, w->name))
			continue;
		if (names.len > 0)
			(void)buf_add_char(&names, '\n');
		(void)buf_add_slice(&names, w->name);
	}
	kept = names.rc == 0 ? arena_dup(job->arena, buf_slice(&names))
			     : (struct slice){ NULL, 0 };
	buf_done(&names);
	return kept;
}

static int
fill_record(struct job *job, const struct tenant *t,
    const struct inbound_filter *filter)
{
	struct inbound_record *r = &job->record;
	int rc = inbound_id(job->in->options.host, r->tenant, r->sender,
	    r->recipient, job->message, job->id);

	if (rc < 0)
		return rc;
	r->id = slice_of(job->id);
	r->created_us = clock_wall_us();
	r->expires_ms = r->created_us / 1000 + t->inbound.keep_days * DAY_MS;
	r->filter = filter->name;
	r->from = decoded(job, "From");
	r->subject = decoded(job, "Subject");
	r->message_id = decoded(job, "Message-ID");
	r->webhooks = webhooks_of(job, t, filter);
	r->size = job->message.len;
	r->pieces = content_pieces(job->message.len);
	return r->webhooks.at != NULL ? 0 : ERR_NOMEM;
}

static int
find_filter(struct job *job, const struct tenant *t,
    const struct inbound_filter **ret_filter)
{
	static struct log_limit limit;
	struct filter_values *values =
	    filter_values_new(job->arena, job->fields.at, job->fields.count);
	unsigned long missed;
	int rc;

	if (values == NULL)
		return ERR_NOMEM;
	rc = inbound_filter_of(&t->inbound, values, job->address, ret_filter);
	if (rc == ERR_LIMIT && log_limit_ok(&limit, 60, &missed))
		log_warning("an inbound filter of tenant %.*s gives up: its "
			    "expression takes too long; mail is put off (%lu "
			    "more mails)",
		    SLICE_F(t->name), missed);
	return rc;
}

/* 0: under way, or dropped (*ret_filter NULL). */
static int
judge(struct job *job, const struct tenant *t,
    const struct inbound_filter **ret_filter)
{
	int rc = fields_read(job->message, job->arena, &job->fields);

	if (rc == 0)
		rc = find_filter(job, t, ret_filter);
	if (rc == 0 && *ret_filter != NULL)
		rc = fill_record(job, t, *ret_filter);
	return rc;
}

static struct job *
job_new(struct inbound *in, const struct inbound_envelope *e)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	job->in = in;
	job->arena = arena_new(ARENA_MAX);
	if (job->arena == NULL) {
		free(job);
		return NULL;
	}
	job->settings = settings_ref(e->settings);
	buf_init(&job->box, CONTENT_PIECE + CRYPTO_BOX_EXTRA);
	job->record.tenant = e->tenant->name;
	job->record.sender = arena_dup(job->arena, e->sender);
	job->record.recipient = arena_dup(job->arena, e->recipient);
	job->address = arena_dup(job->arena, e->address);
	return job;
}

void
inbound_mail(struct inbound *in, const struct inbound_envelope *envelope,
    struct slice message, inbound_mail_done *done, void *ctx)
{
	struct job *job = job_new(in, envelope);
	const struct inbound_filter *filter = NULL;
	int rc;

	if (job == NULL) {
		in->counters.trouble++;
		done(ERR_NOMEM, ctx);
		return;
	}
	job->message = message;
	job->done = done;
	job->ctx = ctx;
	rc = judge(job, envelope->tenant, &filter);
	if (rc < 0) {
		trouble(job, rc);
	} else if (filter == NULL) {
		in->counters.dropped++;
		say(job, "dropped");
		end(job, 0);
	} else {
		inbound_begin(in->store, in->options.host, &job->record,
		    in->options.octets_max, store_long_deadline(in->store),
		    on_begun, job);
	}
}
