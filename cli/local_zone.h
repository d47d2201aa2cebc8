/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_LOCAL_ZONE_H
#define CLI_LOCAL_ZONE_H

/*
 * The time zone of the person at the keyboard: $TZ where it names one
 * ("Europe/Berlin"), else /etc/localtime; what can not be read is UTC.  It
 * lives until the program ends.
 */
struct zone;

const struct zone *local_zone(void);
/* By name; NULL: there is none of that name. */
const struct zone *local_zone_named(const char *name);

#endif /* CLI_LOCAL_ZONE_H */
