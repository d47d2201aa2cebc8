/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nothing is judged by defaults while the settings are not known: a start
 * without Redis, on a host that has never had any.
 */
#include "policyd/policyd.h"
#include "policyd/rule.h"
#include "store/settings_store.h"

static void
settings_check(struct rule_call *call)
{
	static const struct rule_result next = { .verdict = RULE_NEXT };
	const struct rule_result defer = { .verdict = RULE_DEFER,
		.enhanced = { 4, 3, 0 },
		.text = SLICE("settings are not known yet, try again") };

	rule_done(call, settings_watch_known(call->request->daemon->watch)
			    ? &next
			    : &defer);
}

const struct rule rule_settings = {
	.name = "settings",
	.stages = RULE_AT_RELAY | RULE_AT_RCPT,
	.check = settings_check,
	.late = settings_check,
};
