/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail that came in, sent on to other addresses. */
#include "bounced/forward.h"

#include <stdlib.h>

#include "bounced/fields.h"
#include "bounced/submit.h"
#include "proto/address.h"
#include "proto/filter.h"
#include "proto/inbound.h"
#include "proto/own_mail.h"
#include "util/arena.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define ARENA_MAX ((size_t)16 * 1024 * 1024) /* values for filters */
#define HEAD_MAX 2048
#define LOOP_FIELD "Delivered-To"

struct forward {
	struct submit *submit;
	uint8_t copy_key[CRYPTO_SHA256_LEN];
	struct forward_counters counters;
};

struct forwarding {
	struct forward *forward;
	struct settings *settings;
	const struct tenant *tenant;
	struct inbound_forwarding to;
	char recipient[ADDRESS_MAX];
	size_t recipient_len;
	size_t pending;
	int rc;
	forward_done *done;
	void *ctx;
};

/* One address of it. */
struct sending {
	struct forwarding *forwarding;
	const struct forward_rule *rule;
};

struct forward *
forward_new(struct submit *submit, const uint8_t copy_key[CRYPTO_SHA256_LEN])
{
	struct forward *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->submit = submit;
	memcpy(f->copy_key, copy_key, sizeof(f->copy_key));
	return f;
}

void
forward_free(struct forward *f)
{
	if (f == NULL)
		return;
	crypto_wipe(f->copy_key, sizeof(f->copy_key));
	free(f);
}

const struct forward_counters *
forward_counters(const struct forward *f)
{
	return &f->counters;
}

/* ---- where it goes ---- */

/* The first tenant with that return path domain that forwards at all. */
static const struct tenant *
tenant_of_domain(const struct settings *s, struct slice domain)
{
	for (size_t i = 0; i < settings_tenant_count(s); i++) {
		const struct tenant *t = settings_tenant_at(s, i);

		if (t->inbound.forward_count > 0 &&
		    slice_eq(t->return_path_domain, domain))
			return t;
	}
	return NULL;
}

static bool
has_been_here(const struct fields *fields, struct slice recipient)
{
	for (size_t i = 0; i < fields->count; i++)
		if (slice_eq_nocase(fields->at[i].name, SLICE(LOOP_FIELD)) &&
		    slice_eq_nocase(slice_trim(fields->at[i].value), recipient))
			return true;
	return false;
}

static int
decide(const struct tenant *t, struct slice recipient, struct slice message,
    struct inbound_forwarding *ret)
{
	struct arena *arena = arena_new(ARENA_MAX);
	struct filter_values *values;
	struct fields fields;
	int rc =
	    arena != NULL ? fields_read(message, arena, &fields) : ERR_NOMEM;

	if (rc == 0 && has_been_here(&fields, recipient)) {
		*ret = (struct inbound_forwarding){ .count = 0 };
	} else if (rc == 0) {
		values = filter_values_new(arena, fields.at, fields.count);
		rc = values != NULL
			 ? inbound_forward(&t->inbound, values, recipient, ret)
			 : ERR_NOMEM;
	}
	arena_free(arena);
	return rc;
}

static void
gives_up(const struct tenant *t)
{
	static struct log_limit limit;
	unsigned long missed;

	if (log_limit_ok(&limit, 60, &missed))
		log_warning("a forwarding rule of tenant %.*s gives up: its "
			    "expression takes too long; mail is put off (%lu "
			    "more mails)",
		    SLICE_F(t->name), missed);
}

int
forward_decide(struct forward *f, struct settings *s, const struct tenant *t,
    struct slice recipient, struct slice message,
    struct forwarding **ret_forwarding)
{
	struct forwarding *w;
	int rc;

	*ret_forwarding = NULL;
	if (t == NULL)
		t = tenant_of_domain(s, address_domain(recipient));
	if (t == NULL || t->inbound.forward_count == 0)
		return 0;
	if ((w = calloc(1, sizeof(*w))) == NULL)
		return ERR_NOMEM;
	rc = decide(t, recipient, message, &w->to);
	if (rc < 0 || w->to.count == 0) {
		if (rc == ERR_LIMIT)
			gives_up(t);
		free(w);
		return rc;
	}
	w->forward = f;
	w->settings = settings_ref(s);
	w->tenant = t;
	memcpy(w->recipient, recipient.at, recipient.len);
	w->recipient_len = recipient.len;
	*ret_forwarding = w;
	return 0;
}

bool
forwarding_redirects(const struct forwarding *w)
{
	return w->to.redirected;
}

void
forwarding_free(struct forwarding *w)
{
	if (w == NULL)
		return;
	settings_unref(w->settings);
	free(w);
}

/* ---- sending ---- */

static void
part_done(struct forwarding *w)
{
	forward_done *done = w->done;
	void *ctx = w->ctx;
	int rc = w->rc;

	if (--w->pending > 0)
		return;
	if (rc < 0)
		w->forward->counters.trouble++;
	forwarding_free(w);
	done(rc, ctx);
}

static void
say(const struct sending *x, const char *what, struct slice answer)
{
	const struct forwarding *w = x->forwarding;
	struct log_line l;

	log_line(&l, (struct slice){ NULL, 0 });
	log_line_add(&l, "forward", slice_of(what));
	log_line_add(&l, "tenant", w->tenant->name);
	log_line_add(&l, "rule", x->rule->name);
	log_line_add(&l, "recipient",
	    (struct slice){ w->recipient, w->recipient_len });
	log_line_add(&l, "to", x->rule->to);
	log_line_add(&l, "answer", answer);
	log_line_end(&l, LOG_L_INFO);
}

static void
on_submitted(int rc, struct slice answer, void *ctx)
{
	struct sending *x = ctx;
	struct forwarding *w = x->forwarding;

	if (rc == 0) {
		w->forward->counters.sent++;
		say(x, "sent", answer);
	} else if (rc == ERR_DENIED) {
		w->forward->counters.refused++;
		say(x, "refused", answer);
	} else {
		w->rc = rc;
	}
	free(x);
	part_done(w);
}

/* What stands before the mail as it came. */
static int
add_head(const struct forwarding *w, struct slice to, struct buf *out)
{
	int rc = own_mail_field(w->forward->copy_key, w->tenant->name, to,
	    clock_wall_us() / 1000000, out);

	(void)buf_add_text(out, LOOP_FIELD ": ");
	(void)buf_add(out, w->recipient, w->recipient_len);
	(void)buf_add_char(out, '\n');
	return rc < 0 ? rc : out->rc;
}

static int
send_one(struct forwarding *w, const struct forward_rule *rule,
    struct slice message)
{
	struct sending *x = malloc(sizeof(*x));
	struct buf text;
	int rc;

	if (x == NULL)
		return ERR_NOMEM;
	*x = (struct sending){ w, rule };
	buf_init(&text, HEAD_MAX + message.len);
	rc = add_head(w, rule->to, &text);
	if (rc == 0)
		rc = buf_add_slice(&text, message);
	if (rc == 0)
		rc = submit_mail(w->forward->submit, rule->to, buf_slice(&text),
		    on_submitted, x);
	buf_done(&text);
	if (rc < 0)
		free(x);
	return rc;
}

void
forwarding_run(struct forwarding *w, struct slice message, forward_done *done,
    void *ctx)
{
	size_t count = w->to.count;

	w->done = done;
	w->ctx = ctx;
	w->pending = count + 1;
	for (size_t i = 0; i < count; i++) {
		int rc = send_one(w, w->to.to[i], message);

		if (rc < 0) {
			w->rc = rc;
			w->pending--;
		}
	}
	part_done(w);
}
