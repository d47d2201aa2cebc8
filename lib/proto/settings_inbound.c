/* SPDX-License-Identifier: BSD-2-Clause */
/* The section inbound of a tenant's settings: compiled. */
#include "proto/settings_work.h"

void
work_inbound(struct work *w, struct view v)
{
	struct inbound_settings *in = &w->t->inbound;
	struct view list = view_get(v, "domains");
	size_t count = view_count(list);
	struct slice *domains = work_take(w, count, sizeof(*domains));

	for (size_t i = 0; w->rc == 0 && i < count; i++)
		domains[i] = work_keep_lower(w, view_string(view_at(list, i)));
	in->domains = domains;
	in->domain_count = w->rc == 0 ? count : 0;
}
