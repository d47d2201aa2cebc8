/* SPDX-License-Identifier: BSD-2-Clause */
/* The global document's section "retention". */
#include "proto/settings_tenant.h"

struct retention_settings
settings_retention_of(struct view global)
{
	struct view v = view_get(global, "retention");

	return (struct retention_settings){
		.events_days =
		    (unsigned)view_integer(view_get(v, "events_days")),
		.audit_days = (unsigned)view_integer(view_get(v, "audit_days")),
	};
}
