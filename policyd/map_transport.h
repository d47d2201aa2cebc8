/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_MAP_TRANSPORT_H
#define POLICYD_MAP_TRANSPORT_H

#include "util/slice.h"

/*
 * Where mail goes: the tables "transport", which answers the full recipient
 * address, and "transport-last", which answers the last of the keys that
 * transport(5) makes of it, so that what the site's own tables say of the
 * domain goes first.
 */
struct policyd;
struct settings;

/*
 * A recipient that is about to be mailed: begin to find its provider, if any
 * filter could need it.  recipient: canonical.
 */
void map_transport_warm(struct policyd *d, const struct settings *s,
    struct slice recipient);

#endif /* POLICYD_MAP_TRANSPORT_H */
