/* SPDX-License-Identifier: BSD-2-Clause */
/* One tenant's document to a struct tenant. */
#include "proto/settings_tenant.h"

#include <stdlib.h>

#include "proto/event.h"
#include "proto/json.h"
#include "proto/settings_work.h"
#include "util/err.h"

/* Words in the order of their enums. */
static const char *const suppressed_words[] = { "reject", "accept", NULL };
static const char *const unavailable_words[] = { "tempfail", "pass", NULL };
static const char *const received_words[] = { "abbreviated", "normal", "keep",
	"remove", NULL };
static const char *const key_words[] = { "tenant", "sasl_user", "client",
	"sender", "sender_domain", "recipient", "recipient_domain", NULL };
static const char *const format_words[] = { "standard", "cmc-json", "cmc-form",
	NULL };
static const char *const event_words[] = { "deliveries", "bounces", "blocks",
	"complaints", "alarms", "inbound", NULL };
static const char *const delivery_words[] = { [EVENT_QUEUED] = "queued",
	[EVENT_SUCCEEDED] = "succeeded",
	[EVENT_DEFERRED] = "deferred",
	[EVENT_FAILED] = "failed",
	NULL };
static const char *const permission_words[] = { "read", "write", "download",
	"admin", NULL };
static const char *const access_words[] = { "api", "smtp", NULL };

static int
compare_names(const void *a, const void *b)
{
	const struct settings_domain *x = a, *y = b;
	size_t len = x->name.len < y->name.len ? x->name.len : y->name.len;
	int order = len > 0 ? memcmp(x->name.at, y->name.at, len) : 0;

	if (order != 0)
		return order;
	return (x->name.len > y->name.len) - (x->name.len < y->name.len);
}

static void
compile_domains(struct work *w, struct view list)
{
	size_t count = view_count(list);
	struct settings_domain *d = work_take(w, count, sizeof(*d));

	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		struct view v = view_at(list, i);
		struct slice form =
		    view_string(view_get(v, "canonicalization"));

		d[i].name =
		    work_keep_lower(w, view_string(view_get(v, "name")));
		d[i].subdomains = view_bool(view_get(v, "subdomains"));
		d[i].simple_header = slice_starts(form, SLICE("simple/"));
		d[i].simple_body = slice_find(form, SLICE("/simple")) != NULL;
		work_selectors(w, view_get(v, "dkim"), SETTINGS_WHERE_DKIM,
		    &d[i]);
		work_envelope_sender(w, view_get(v, "envelope_sender"),
		    &d[i].envelope_sender);
	}
	if (w->rc < 0)
		return;
	/* Sorted, for settings_signing_domain. */
	qsort(d, count, sizeof(*d), compare_names);
	w->t->domains = d;
	w->t->domain_count = count;
}

/* Members that are given replace what is there. */
static void
set_condition(const struct json *entry, struct blocking_condition *c)
{
	const struct json *v;

	if ((v = json_get(entry, "enabled")) != NULL)
		c->enabled = json_bool(v);
	if ((v = json_get(entry, "observe")) != NULL)
		c->observe = json_bool(v);
	if ((v = json_get(entry, "once_per_day")) != NULL)
		c->once_per_day = json_bool(v);
	if ((v = json_get(entry, "count")) != NULL)
		c->count = (unsigned)json_integer(v);
	if ((v = json_get(entry, "watch_days")) != NULL)
		c->watch_days = (unsigned)json_integer(v);
	if ((v = json_get(entry, "forget_days")) != NULL)
		c->forget_days = (unsigned)json_integer(v);
	if ((v = json_get(entry, "lift_on_success")) != NULL)
		c->lift_on_success = json_bool(v);
	if ((v = json_get(entry, "any_fault")) != NULL)
		c->any_fault = json_bool(v);
	if ((v = json_get(entry, "stream_only")) != NULL)
		c->stream_only = json_bool(v);
}

static void
set_conditions(struct tenant *t, const struct json *list)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *entry = json_at(list, i);
		int64_t status = json_integer(json_get(entry, "status"));

		if (status > 0 && status < SETTINGS_STATUS_MAX)
			set_condition(entry, &t->conditions[status]);
	}
}

/* Who turns on a status that is off by default wants its errors to count. */
bool
settings_any_fault(int status)
{
	return status != STATUS_HOST_UNKNOWN && status != STATUS_USER_UNKNOWN &&
	       status != STATUS_TIMEOUT && status != STATUS_FULL &&
	       status != STATUS_ADDRESS;
}

static void
compile_conditions(struct tenant *t, struct view document)
{
	struct view nothing = { document.node, NULL };

	for (int i = 0; i < SETTINGS_STATUS_MAX; i++) {
		t->conditions[i].count = 1;
		t->conditions[i].lift_on_success =
		    i == STATUS_TIMEOUT || i == STATUS_FULL;
		t->conditions[i].any_fault = settings_any_fault(i);
	}
	set_conditions(t, view_get(nothing, "blocking").value);
	set_conditions(t, view_get(document, "blocking").value);
}

static void
compile_limits(struct work *w, struct view list)
{
	size_t count = view_count(list);
	struct limit_rule *l = work_take(w, count, sizeof(*l));

	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		struct view v = view_at(list, i), rates = view_get(v, "rates");

		l[i].name = work_keep(w, view_string(view_get(v, "name")));
		l[i].mode = (enum settings_mode)view_word(view_get(v, "mode"),
		    work_mode_words);
		l[i].keys = view_words(view_get(v, "key"), key_words);
		l[i].per_recipient = view_bool(view_get(v, "per_recipient"));
		l[i].rate_count = view_count(rates);
		for (size_t n = 0;
		     n < l[i].rate_count && n < SETTINGS_RATES_MAX; n++) {
			struct view r = view_at(rates, n);
			struct rate *to = &l[i].rates[n];

			to->quantity =
			    (uint64_t)view_integer(view_get(r, "quantity"));
			to->burst =
			    (uint64_t)view_integer(view_get(r, "burst"));
			if (to->burst == 0)
				to->burst = to->quantity;
			to->period_us =
			    view_period_ms(view_get(r, "period")) * 1000;
		}
	}
	w->t->limits = l;
	w->t->limit_count = count;
}

static void
compile_webhook(struct work *w, struct view v, struct webhook *h)
{
	struct view secrets = view_get(v, "secrets");

	h->name = work_keep(w, view_string(view_get(v, "name")));
	h->url = work_keep(w, view_string(view_get(v, "url")));
	h->enabled = view_bool(view_get(v, "enabled"));
	h->events = view_words(view_get(v, "events"), event_words);
	h->deliveries = view_words(view_get(v, "deliveries"), delivery_words);
	h->format =
	    (enum webhook_format)view_word(view_get(v, "format"), format_words);
	for (size_t i = 0; i < view_count(secrets) && i < SETTINGS_SECRETS_MAX;
	     i++) {
		struct slice secret = work_open_secret(w, view_at(secrets, i),
		    SETTINGS_WHERE_SECRETS);

		if (secret.at != NULL)
			h->secrets[h->secret_count++] = secret;
	}
	h->api_key =
	    work_open_secret(w, view_get(v, "api_key"), SETTINGS_WHERE_API_KEY);
	h->authorization = work_open_secret(w, view_get(v, "authorization"),
	    SETTINGS_WHERE_AUTHORIZATION);
	h->batch_events = (unsigned)view_integer(view_get(v, "batch_events"));
	h->batch_ms = view_period_ms(view_get(v, "batch_interval"));
}

static void
compile_webhooks(struct work *w, struct view list)
{
	size_t count = view_count(list);
	struct webhook *h = work_take(w, count, sizeof(*h));

	for (size_t i = 0; w->rc == 0 && i < count; i++)
		compile_webhook(w, view_at(list, i), &h[i]);
	w->t->webhooks = h;
	w->t->webhook_count = count;
}

static void
compile_users(struct work *w, struct view list)
{
	size_t count = view_count(list);
	struct api_user *u = work_take(w, count, sizeof(*u));

	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		struct view v = view_at(list, i);
		unsigned access =
		    view_words(view_get(v, "access"), access_words);

		u[i].name = work_keep(w, view_string(view_get(v, "name")));
		u[i].key_hash =
		    work_keep(w, view_string(view_get(v, "key_hash")));
		u[i].enabled = view_bool(view_get(v, "enabled"));
		u[i].api = (access & 1U) != 0;
		u[i].smtp = (access & 2U) != 0;
		u[i].permissions =
		    view_words(view_get(v, "permissions"), permission_words);
	}
	w->t->users = u;
	w->t->user_count = count;
}

int
settings_tenant_compile(struct settings *s, struct tenant *t,
    const struct settings_input *input, const struct master_key *master)
{
	struct work w = { s, t, input->name, master, 0 };
	struct view v = view_document(input->name, input->doc),
		    suppression = view_get(v, "suppression");

	t->name = work_keep(&w, input->name);
	t->title = work_keep(&w, view_string(view_get(v, "title")));
	if (t->title.len == 0)
		t->title = t->name;
	t->revision = input->revision;
	t->suppression =
	    (enum settings_mode)view_word(view_get(suppression, "mode"),
		work_mode_words);
	t->on_suppressed = (enum on_suppressed)view_word(view_get(suppression,
							     "on_suppressed"),
	    suppressed_words);
	t->suppression_unavailable =
	    (enum when_unavailable)view_word(view_get(suppression,
						 "when_unavailable"),
		unavailable_words);
	t->received = (enum received_mode)view_word(view_get(v, "received"),
	    received_words);
	t->return_path_domain = work_keep_lower(&w,
	    view_string(view_get(view_get(v, "return_path"), "domain")));
	t->bounces_simple =
	    slice_eq(view_string(view_get(view_get(v, "bounces"), "format")),
		SLICE("simple"));
	t->bounce_from = work_keep_address(&w,
	    view_string(view_get(view_get(v, "bounces"), "from")));
	work_mail(&w, v);
	work_schedule(&w, v);
	work_smime(&w, view_get(v, "smime"));
	t->retry = view_retry(view_get(v, "retry"));
	work_outbreak(&w, view_get(v, "outbreak"));
	work_complaints(&w, view_get(v, "complaints"));
	work_inbound(&w, view_get(v, "inbound"));
	work_relay(&w, view_get(v, "relay"));
	compile_conditions(t, v);
	work_streams(&w, view_get(v, "streams"));
	compile_limits(&w, view_get(v, "limits"));
	compile_domains(&w, view_get(v, "domains"));
	compile_webhooks(&w, view_get(v, "webhooks"));
	compile_users(&w, view_get(v, "api_users"));
	return w.rc;
}

int
settings_operator_compile(struct settings *s, struct view global,
    const struct master_key *master)
{
	struct work w = { s, NULL, SLICE(SETTINGS_GLOBAL), master, 0 };
	struct view v = view_get(global, "operator_signature");
	struct settings_domain *d;

	if (v.value == NULL)
		return 0;
	d = work_take(&w, 0, sizeof(*d));
	if (d == NULL)
		return ERR_NOMEM;
	d->name = work_keep_lower(&w, view_string(view_get(v, "domain")));
	work_selectors(&w, view_get(v, "dkim"), SETTINGS_WHERE_OPERATOR_DKIM,
	    d);
	s->operator_domain = d;
	return w.rc;
}
