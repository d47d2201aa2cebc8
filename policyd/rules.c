/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy rules, in the order in which they decide. */
#include "policyd/rule.h"

const struct rule *const rules[] = {
	&rule_settings,
	&rule_access,
	&rule_suppression,
	&rule_rate,
	&rule_interval,
	NULL,
};
