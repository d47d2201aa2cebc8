/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_LIMIT_GCRA_H
#define STORE_LIMIT_GCRA_H

#include <stdint.h>

#include "proto/settings.h"

/* What a rate means in times, the same for Redis and for the local form. */
struct gcra {
	int64_t interval_us; /* that one message takes */
	int64_t ahead_us;    /* that may be used ahead: the burst */
};

/*
 * The share of one of so many hosts.  Rounded so that no sum of shares is
 * more than the rate, but for the one message of burst that each host has.
 */
struct gcra gcra_of(const struct rate *rate, unsigned hosts);

#endif /* STORE_LIMIT_GCRA_H */
