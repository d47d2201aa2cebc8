/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The modules in their order.  What may stop the message comes first, what
 * rewrites it after that, then the signature over all of it, whether it is
 * held, and at last the facts, which say how it leaves.
 */
#include "milter/module.h"

const struct module *const milter_modules[] = {
	&module_size,
	&module_inbound,
	&module_suppression,
	&module_preflight,
	&module_scan,
	&module_forward,
	&module_unsubscribe_limit,
	&module_split,
	&module_unsubscribe,
	&module_envelope_sender,
	&module_feedback,
	&module_received,
	&module_smime,
	&module_dkim,
	&module_hold,
	&module_facts,
	&module_commit,
	NULL,
};

_Static_assert(sizeof(milter_modules) / sizeof(milter_modules[0]) <=
		   MILTER_MODULES_MAX,
    "too many modules");
