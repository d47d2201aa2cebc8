/* SPDX-License-Identifier: BSD-2-Clause */
/* The section complaints of a tenant's settings: judged and compiled. */
#include "proto/address.h"
#include "proto/filter.h"
#include "proto/settings_check.h"
#include "proto/settings_work.h"

static void
compile_block(struct view v, struct blocking_condition *b)
{
	b->enabled = view_bool(view_get(v, "enabled"));
	b->observe = view_bool(view_get(v, "observe"));
	b->count = (unsigned)view_integer(view_get(v, "count"));
	b->watch_days = (unsigned)view_integer(view_get(v, "watch_days"));
	b->forget_days = (unsigned)view_integer(view_get(v, "forget_days"));
	b->stream_only = view_bool(view_get(v, "stream_only"));
}

void
work_complaints(struct work *w, struct view v)
{
	struct complaint_settings *c = &w->t->complaints;
	struct view list = view_get(v, "addresses"),
		    feedback = view_get(v, "feedback_id");
	size_t count = view_count(list);
	struct slice *addresses = work_take(w, count, sizeof(*addresses));

	for (size_t i = 0; w->rc == 0 && i < count; i++)
		addresses[i] =
		    work_keep_address(w, view_string(view_at(list, i)));
	c->addresses = addresses;
	c->address_count = w->rc == 0 ? count : 0;
	compile_block(view_get(v, "block"), &c->block);
	c->cfbl = view_bool(view_get(v, "cfbl"));
	c->feedback_sender =
	    work_keep(w, view_string(view_get(feedback, "sender")));
	c->feedback_header =
	    work_keep(w, view_string(view_get(feedback, "header")));
}

void
check_complaints(struct check *c, struct view v)
{
	struct view addresses = view_get(v, "addresses");
	struct slice header =
	    view_string(view_get(view_get(v, "feedback_id"), "header"));
	const char *why;

	for (size_t i = 0; i < view_count(addresses); i++) {
		struct slice text = view_string(view_at(addresses, i)), address;
		char room[ADDRESS_MAX];

		if (text.at != NULL &&
		    (address_canonical(text, room, &address) < 0 ||
			address_domain(address).len == 0))
			check_wrong(c,
			    check_place("/complaints/addresses/%zu", i).text,
			    "is no mail address");
	}
	if (view_bool(view_get(v, "cfbl")) && view_count(addresses) == 0)
		check_wrong(c, "/complaints/cfbl",
		    "needs an address among addresses");
	if (header.at != NULL && (why = filter_header_wrong(header)) != NULL)
		check_wrong(c, "/complaints/feedback_id/header", "%s", why);
}
