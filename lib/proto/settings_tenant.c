/* SPDX-License-Identifier: BSD-2-Clause */
/* One tenant's document to a struct tenant. */
#include "proto/settings_tenant.h"

#include <stdlib.h>

#include "proto/event.h"
#include "proto/json.h"
#include "proto/settings_snapshot.h"
#include "proto/settings_view.h"
#include "util/arena.h"
#include "util/crypto.h"
#include "util/err.h"

#define SECRET_MAX 16384

/* While a tenant is compiled: the first error stays in rc. */
struct work {
	struct settings *s;
	struct tenant *t;
	const struct master_key *master;
	int rc;
};

/* Words in the order of their enums. */
static const char *const mode_words[] = { "enforce", "observe", "off", NULL };
static const char *const suppressed_words[] = { "reject", "accept", NULL };
static const char *const unavailable_words[] = { "tempfail", "pass", NULL };
static const char *const received_words[] = { "abbreviated", "normal", "keep",
	"remove", NULL };
static const char *const key_words[] = { "tenant", "sasl_user", "client",
	"sender", "sender_domain", "recipient", "recipient_domain", NULL };
static const char *const state_words[] = { "prepared", "published", "active",
	"retiring", "removed", NULL };
static const char *const format_words[] = { "standard", "cmc-json", "cmc-form",
	NULL };
static const char *const event_words[] = { "deliveries", "bounces", "blocks",
	NULL };
static const char *const delivery_words[] = { [EVENT_QUEUED] = "queued",
	[EVENT_SUCCEEDED] = "succeeded",
	[EVENT_DEFERRED] = "deferred",
	[EVENT_FAILED] = "failed",
	NULL };
static const char *const permission_words[] = { "read", "write", "download",
	"admin", NULL };
static const char *const access_words[] = { "api", "smtp", NULL };

static void *
take(struct work *w, size_t count, size_t size)
{
	void *p = arena_calloc(w->s->arena, count + 1, size);

	if (p == NULL)
		w->rc = ERR_NOMEM;
	return p;
}

/* A copy that lives as long as the snapshot; absent stays absent. */
static struct slice
keep(struct work *w, struct slice s)
{
	struct slice copy = { NULL, 0 };

	if (s.at == NULL)
		return copy;
	copy = arena_dup(w->s->arena, s);
	if (copy.at == NULL)
		w->rc = ERR_NOMEM;
	return copy;
}

static struct slice
keep_lower(struct work *w, struct slice s)
{
	char room[SETTINGS_LOWER_MAX];

	return keep(w, settings_lower(s, room));
}

static struct owned *
own(struct work *w)
{
	struct owned *o = take(w, 0, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->next = w->s->owned;
	w->s->owned = o;
	return o;
}

/* The secret as plain text; absent without the master key. */
static struct slice
open_secret(struct work *w, struct view v, const char *where)
{
	struct slice text = view_string(v), context;
	char room[SETTINGS_CONTEXT_MAX];
	struct owned *o;
	int rc;

	if (text.at == NULL || w->rc < 0 ||
	    (crypto_is_sealed(text) && w->master == NULL))
		return (struct slice){ NULL, 0 };
	o = own(w);
	struct buf *plain = o != NULL ? take(w, 0, sizeof(*plain)) : NULL;

	if (plain == NULL)
		return (struct slice){ NULL, 0 };
	buf_init(plain, SECRET_MAX);
	o->secret = plain;
	if (!crypto_is_sealed(text))
		rc = buf_add_slice(plain, text);
	else if (settings_secret_context(w->t->name, where, room, &context))
		rc = crypto_open(w->master, context, text, plain);
	else
		rc = ERR_CRYPTO;
	if (rc < 0)
		w->rc = rc;
	return rc < 0 ? (struct slice){ NULL, 0 } : buf_slice(plain);
}

static void
compile_selector(struct work *w, struct view v, struct dkim_selector *d)
{
	struct slice pem =
	    open_secret(w, view_get(v, "key"), SETTINGS_WHERE_DKIM);
	struct sign_key *key;
	struct owned *o;
	int rc;

	d->selector = keep(w, view_string(view_get(v, "selector")));
	d->state =
	    (enum dkim_state)view_word(view_get(v, "state"), state_words);
	if (pem.at == NULL || w->master == NULL || w->rc < 0)
		return;
	o = own(w);
	if (o == NULL)
		return;
	rc = sign_key_parse(pem, &key);
	if (rc < 0) {
		w->rc = rc;
		return;
	}
	o->key = key;
	d->key = key;
}

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
	struct settings_domain *d = take(w, count, sizeof(*d));

	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		struct view v = view_at(list, i), keys = view_get(v, "dkim");
		size_t nkeys = view_count(keys);
		struct dkim_selector *key = take(w, nkeys, sizeof(*key));

		for (size_t n = 0; w->rc == 0 && n < nkeys; n++)
			compile_selector(w, view_at(keys, n), &key[n]);
		d[i].name = keep_lower(w, view_string(view_get(v, "name")));
		d[i].subdomains = view_bool(view_get(v, "subdomains"));
		d[i].selectors = key;
		d[i].selector_count = nkeys;
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

static void
compile_conditions(struct tenant *t, struct view document)
{
	struct view nothing = { document.node, NULL };

	for (size_t i = 0; i < SETTINGS_STATUS_MAX; i++)
		t->conditions[i].count = 1;
	set_conditions(t, view_get(nothing, "blocking").value);
	set_conditions(t, view_get(document, "blocking").value);
}

static void
compile_limits(struct work *w, struct view list)
{
	size_t count = view_count(list);
	struct limit_rule *l = take(w, count, sizeof(*l));

	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		struct view v = view_at(list, i), rates = view_get(v, "rates");

		l[i].name = keep(w, view_string(view_get(v, "name")));
		l[i].mode = (enum settings_mode)view_word(view_get(v, "mode"),
		    mode_words);
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

	h->name = keep(w, view_string(view_get(v, "name")));
	h->url = keep(w, view_string(view_get(v, "url")));
	h->enabled = view_bool(view_get(v, "enabled"));
	h->events = view_words(view_get(v, "events"), event_words);
	h->deliveries = view_words(view_get(v, "deliveries"), delivery_words);
	h->format =
	    (enum webhook_format)view_word(view_get(v, "format"), format_words);
	for (size_t i = 0; i < view_count(secrets) && i < SETTINGS_SECRETS_MAX;
	     i++) {
		struct slice secret =
		    open_secret(w, view_at(secrets, i), SETTINGS_WHERE_SECRETS);

		if (secret.at != NULL)
			h->secrets[h->secret_count++] = secret;
	}
	h->api_key =
	    open_secret(w, view_get(v, "api_key"), SETTINGS_WHERE_API_KEY);
	h->authorization = open_secret(w, view_get(v, "authorization"),
	    SETTINGS_WHERE_AUTHORIZATION);
	h->batch_events = (unsigned)view_integer(view_get(v, "batch_events"));
	h->batch_ms = view_period_ms(view_get(v, "batch_interval"));
}

static void
compile_webhooks(struct work *w, struct view list)
{
	size_t count = view_count(list);
	struct webhook *h = take(w, count, sizeof(*h));

	for (size_t i = 0; w->rc == 0 && i < count; i++)
		compile_webhook(w, view_at(list, i), &h[i]);
	w->t->webhooks = h;
	w->t->webhook_count = count;
}

static void
compile_users(struct work *w, struct view list)
{
	size_t count = view_count(list);
	struct api_user *u = take(w, count, sizeof(*u));

	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		struct view v = view_at(list, i);
		unsigned access =
		    view_words(view_get(v, "access"), access_words);

		u[i].name = keep(w, view_string(view_get(v, "name")));
		u[i].key_hash = keep(w, view_string(view_get(v, "key_hash")));
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
	struct work w = { s, t, master, 0 };
	struct view v = view_document(input->name, input->doc),
		    suppression = view_get(v, "suppression");

	t->name = keep(&w, input->name);
	t->title = keep(&w, view_string(view_get(v, "title")));
	if (t->title.len == 0)
		t->title = t->name;
	t->revision = input->revision;
	t->suppression =
	    (enum settings_mode)view_word(view_get(suppression, "mode"),
		mode_words);
	t->on_suppressed = (enum on_suppressed)view_word(view_get(suppression,
							     "on_suppressed"),
	    suppressed_words);
	t->suppression_unavailable =
	    (enum when_unavailable)view_word(view_get(suppression,
						 "when_unavailable"),
		unavailable_words);
	t->received = (enum received_mode)view_word(view_get(v, "received"),
	    received_words);
	t->return_path_domain = keep_lower(&w,
	    view_string(view_get(view_get(v, "return_path"), "domain")));
	compile_conditions(t, v);
	compile_limits(&w, view_get(v, "limits"));
	compile_domains(&w, view_get(v, "domains"));
	compile_webhooks(&w, view_get(v, "webhooks"));
	compile_users(&w, view_get(v, "api_users"));
	return w.rc;
}
