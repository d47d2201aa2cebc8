/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_RESOURCES_H
#define APID_RESOURCES_H

#include "apid/router.h"

/* The route table of each resource_NAME.c; route_tables has them all. */
extern const struct route routes_blocks[];
extern const struct route routes_blocks_file[];
extern const struct route routes_conditions[];
extern const struct route routes_events[];
extern const struct route routes_health[];
extern const struct route routes_held[];
extern const struct route routes_inbound[];
extern const struct route routes_limits[];
extern const struct route routes_messages[];
extern const struct route routes_outbreaks[];
extern const struct route routes_reports[];
extern const struct route routes_shaping[];
extern const struct route routes_statistics[];
extern const struct route routes_webhooks[];

#endif /* APID_RESOURCES_H */
