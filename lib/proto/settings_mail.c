/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a tenant's document that say what becomes of a message. */
#include "proto/filter.h"
#include "proto/settings_tenant.h"
#include "proto/settings_work.h"

/* Words in the order of their enums. */
static const char *const envelope_words[] = { "verp", "keep", "address",
	"domain", NULL };
static const char *const forward_words[] = { "copy", "redirect", NULL };
static const char *const existing_words[] = { "keep", "replace", NULL };
static const char *const trouble_words[] = { "tempfail", "pass", "hold",
	"reject", NULL };
static const char *const preflight_words[] = { "alignment", "dmarc", "from",
	"date", "message-id", "unsubscribe", "line-length", NULL };

void
work_envelope_sender(struct work *w, struct view v, struct envelope_sender *e)
{
	e->given = v.value != NULL;
	e->mode =
	    (enum envelope_mode)view_word(view_get(v, "mode"), envelope_words);
	e->address = work_keep_address(w, view_string(view_get(v, "address")));
	e->domain = work_keep_lower(w, view_string(view_get(v, "domain")));
	e->forward_bounces = view_bool(view_get(v, "forward_bounces"));
}

const struct filter *
work_filter(struct work *w, struct view v)
{
	struct filter *f = NULL;
	struct owned *o = work_own(w);
	int rc;

	if (o == NULL)
		return NULL;
	rc = filter_compile(view_string(view_get(v, "header")),
	    view_string(view_get(v, "pattern")), &f, NULL, 0);
	if (rc < 0)
		w->rc = rc;
	o->filter = f;
	return f;
}

void
work_forwards(struct work *w, struct view list,
    const struct forward_rule **ret_rules, size_t *ret_count)
{
	size_t count = view_count(list);
	struct forward_rule *rule = work_take(w, count, sizeof(*rule));

	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		struct view v = view_at(list, i);

		rule[i].name = work_keep(w, view_string(view_get(v, "name")));
		rule[i].filter = work_filter(w, v);
		rule[i].to =
		    work_keep_address(w, view_string(view_get(v, "to")));
		rule[i].mode = (enum forward_mode)view_word(view_get(v, "mode"),
		    forward_words);
	}
	*ret_rules = rule;
	*ret_count = w->rc == 0 ? count : 0;
}

static void
compile_unsubscribe(struct work *w, struct view v)
{
	struct unsubscribe_settings *u = &w->t->unsubscribe;
	struct view list = view_get(v, "filters");
	size_t count = view_count(list);
	struct unsubscribe_filter *f = work_take(w, count, sizeof(*f));

	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		struct view entry = view_at(list, i);

		f[i].name = work_keep(w, view_string(view_get(entry, "name")));
		f[i].filter = work_filter(w, entry);
	}
	u->url = work_keep(w, view_string(view_get(v, "url")));
	u->mailto = work_keep_address(w, view_string(view_get(v, "mailto")));
	u->existing =
	    (enum unsubscribe_existing)view_word(view_get(v, "existing"),
		existing_words);
	u->filters = f;
	u->filter_count = w->rc == 0 ? count : 0;
}

static void
compile_scan(struct work *w, struct view v)
{
	struct scan_settings *scan = &w->t->scan;
	struct view list = view_get(v, "notify");
	size_t count = view_count(list);
	struct slice *notify = work_take(w, count, sizeof(*notify));

	scan->mode =
	    (enum settings_mode)view_word(view_get(v, "mode"), work_mode_words);
	scan->when_unavailable =
	    (enum scan_trouble)view_word(view_get(v, "when_unavailable"),
		trouble_words);
	scan->when_unscannable =
	    (enum scan_trouble)view_word(view_get(v, "when_unscannable"),
		trouble_words);
	for (size_t i = 0; w->rc == 0 && i < count; i++)
		notify[i] = work_keep_address(w, view_string(view_at(list, i)));
	scan->notify = notify;
	scan->notify_count = w->rc == 0 ? count : 0;
	scan->notify_from =
	    work_keep_address(w, view_string(view_get(v, "notify_from")));
	scan->keep_days = (unsigned)view_integer(view_get(v, "keep_days"));
}

void
work_mail(struct work *w, struct view document)
{
	struct view bcc = view_get(document, "bcc"),
		    preflight = view_get(document, "preflight");
	struct tenant *t = w->t;

	work_envelope_sender(w, view_get(document, "envelope_sender"),
	    &t->envelope_sender);
	work_forwards(w, view_get(document, "forwarding"), &t->forwards,
	    &t->forward_count);
	t->bcc_host = work_keep(w, view_string(view_get(bcc, "host")));
	t->bcc_port = (unsigned)view_integer(view_get(bcc, "port"));
	compile_unsubscribe(w, view_get(document, "unsubscribe"));
	compile_scan(w, view_get(document, "scan"));
	t->preflight.mode =
	    (enum settings_mode)view_word(view_get(preflight, "mode"),
		work_mode_words);
	t->preflight.ignore =
	    view_words(view_get(preflight, "ignore"), preflight_words);
}

/* ---- what the milter has to do at all ---- */

static bool
signs(const struct settings_domain *d)
{
	for (size_t i = 0; i < d->selector_count; i++)
		if (d->selectors[i].state == DKIM_ACTIVE)
			return true;
	return false;
}

static unsigned
tenant_needs(const struct tenant *t)
{
	unsigned needs = 0;

	for (size_t i = 0; i < t->domain_count; i++)
		if (signs(&t->domains[i]))
			needs |= NEED_BODY;
	if (t->preflight.mode != MODE_OFF &&
	    (t->preflight.ignore & PREFLIGHT_LINE_LENGTH) == 0)
		needs |= NEED_BODY;
	if (t->scan.mode != MODE_OFF || t->smime.certificate_count > 0 ||
	    t->bcc_host.len > 0 || t->unsubscribe.filter_count > 0 ||
	    t->schedule.prohibitions_by_recipient ||
	    t->schedule.priorities_by_recipient ||
	    t->schedule.day_caps_by_recipient)
		needs |= NEED_BODY | NEED_BUFFER;
	if (t->relay.max_size > 0)
		needs |= NEED_BODY;
	if (t->relay.max_sessions > 0 || t->relay.max_sessions_per_client > 0)
		needs |= NEED_MAIL;
	if (t->inbound.max_sessions > 0)
		needs |= NEED_DATA;
	if (t->received == RECEIVED_ABBREVIATED ||
	    t->received == RECEIVED_NORMAL)
		needs |= NEED_HELO;
	return needs;
}

unsigned
settings_needs_of(const struct settings *s)
{
	unsigned needs = 0;

	for (size_t i = 0; i < s->tenant_count; i++)
		needs |= tenant_needs(&s->tenants[i]);
	if (s->operator_domain != NULL && signs(s->operator_domain))
		needs |= NEED_BODY;
	return needs;
}
