/* SPDX-License-Identifier: BSD-2-Clause */
/* The section inbound of a tenant's settings: judged and compiled. */
#include "proto/address.h"
#include "proto/settings_check.h"
#include "proto/settings_work.h"

#define INTERVAL_LEAST_MS 10

static const struct slice *
keep_list(struct work *w, struct view list, size_t *ret_count)
{
	size_t count = view_count(list);
	struct slice *kept = work_take(w, count, sizeof(*kept));

	for (size_t i = 0; w->rc == 0 && i < count; i++)
		kept[i] = work_keep_lower(w, view_string(view_at(list, i)));
	*ret_count = w->rc == 0 ? count : 0;
	return kept;
}

static void
compile_filter(struct work *w, struct view v, struct inbound_filter *f)
{
	struct view conditions = view_get(v, "conditions"),
		    hooks = view_get(v, "webhooks");
	size_t count = view_count(conditions), hook_count = view_count(hooks);
	const struct filter **filters = work_take(w, count, sizeof(*filters));
	struct slice *names = work_take(w, hook_count, sizeof(*names));

	f->name = work_keep(w, view_string(view_get(v, "name")));
	for (size_t i = 0; w->rc == 0 && i < count; i++)
		filters[i] = work_filter(w, view_at(conditions, i));
	for (size_t i = 0; w->rc == 0 && i < hook_count; i++)
		names[i] = work_keep(w, view_string(view_at(hooks, i)));
	if (w->rc < 0)
		return;
	f->conditions = filters;
	f->condition_count = count;
	f->webhooks = names;
	f->webhook_count = hook_count;
}

void
work_inbound(struct work *w, struct view v)
{
	struct inbound_settings *in = &w->t->inbound;
	struct view list = view_get(v, "filters");
	size_t count = view_count(list);
	struct inbound_filter *filters = work_take(w, count, sizeof(*filters));

	in->domains = keep_list(w, view_get(v, "domains"), &in->domain_count);
	in->max_sessions = (unsigned)view_integer(view_get(v, "max_sessions"));
	in->interval_ms = view_integer(view_get(v, "interval_ms"));
	in->max_size =
	    (uint64_t)view_integer(view_get(v, "max_size_kb")) * 1024;
	in->refuse_own_from = view_bool(view_get(v, "refuse_own_from"));
	in->refuse_same_from = view_bool(view_get(v, "refuse_same_from"));
	in->keep_days = (unsigned)view_integer(view_get(v, "keep_days"));
	for (size_t i = 0; w->rc == 0 && i < count; i++)
		compile_filter(w, view_at(list, i), &filters[i]);
	in->filters = filters;
	in->filter_count = w->rc == 0 ? count : 0;
	work_forwards(w, view_get(v, "forwarding"), &in->forwards,
	    &in->forward_count);
}

/* ---- judged ---- */

static bool
has_webhook(struct view webhooks, struct slice name)
{
	for (size_t i = 0; i < view_count(webhooks); i++)
		if (slice_eq(view_string(
				 view_get(view_at(webhooks, i), "name")),
			name))
			return true;
	return false;
}

static void
check_one_filter(struct check *c, struct view v, struct view webhooks, size_t n)
{
	struct view conditions = view_get(v, "conditions"),
		    hooks = view_get(v, "webhooks");

	for (size_t i = 0; i < view_count(conditions); i++)
		check_condition(c, view_at(conditions, i),
		    check_place("/inbound/filters/%zu/conditions/%zu", n, i)
			.text);
	for (size_t i = 0; i < view_count(hooks); i++)
		if (!has_webhook(webhooks, view_string(view_at(hooks, i))))
			check_wrong(c,
			    check_place("/inbound/filters/%zu/webhooks/%zu", n,
				i)
				.text,
			    "is no webhook of this tenant");
}

/* What goes to a domain of its own would come again. */
static void
check_loops(struct check *c, struct view rules, struct view domains)
{
	for (size_t i = 0; i < view_count(rules); i++) {
		struct slice to =
		    view_string(view_get(view_at(rules, i), "to"));

		for (size_t k = 0; k < view_count(domains); k++)
			if (slice_eq_nocase(view_string(view_at(domains, k)),
				address_domain(to)))
				check_wrong(c,
				    check_place("/inbound/forwarding/%zu/to", i)
					.text,
				    "is in an accepted domain: it would come "
				    "back");
	}
}

void
check_inbound(struct check *c, struct view document)
{
	struct view v = view_get(document, "inbound"),
		    filters = view_get(v, "filters"),
		    forwarding = view_get(v, "forwarding");
	int64_t ms = view_integer(view_get(v, "interval_ms"));

	if (ms > 0 && ms < INTERVAL_LEAST_MS)
		check_wrong(c, "/inbound/interval_ms",
		    "must be 0 or 10 to 10000");
	check_unique(c, filters, "/inbound/filters", "name");
	for (size_t i = 0; i < view_count(filters); i++)
		check_one_filter(c, view_at(filters, i),
		    view_get(document, "webhooks"), i);
	check_forwards(c, forwarding, "/inbound/forwarding");
	check_loops(c, forwarding, view_get(v, "domains"));
}
