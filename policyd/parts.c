/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the daemon, one row each, in the order of their start. */
#include <stddef.h>

#include "policyd/part.h"

const struct policyd_part *const policyd_parts[] = {
	&part_queue, /* the first: the others ask it */
	&part_sending,
	&part_transports,
	&part_pace,
	&part_scheduler,
	&part_auth,
	&part_providers,
	&part_retry,
	&part_map, /* the last: its tables are those of the others */
	NULL,
};
