/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_SENDING_H
#define POLICYD_SENDING_H

#include <stddef.h>

#include "proto/shaping.h"
#include "util/slice.h"

/*
 * The sending addresses in operation: how much has left from each of them
 * today, counted over all hosts in Redis, and from what this host knows alone
 * while that is away.
 */
struct policyd;
struct sending;

enum sending_answer {
	SENDING_SYSTEM,  /* the filter has no address on this host: the
			    system's; *ret_address is SHAPING_NO_ADDRESS */
	SENDING_ADDRESS, /* *ret_address: index into f->addresses */
	SENDING_FULL     /* the ceilings of all of them are reached: put the
			    mail off */
};
/*
 * For one look-up of a recipient's transport: it counts as given until an
 * attempt ends, or for some minutes.
 * domain  of the recipient, in lower case
 */
enum sending_answer sending_choose(struct policyd *d, const struct shaping *s,
    const struct shaping_filter *f, struct slice domain, size_t *ret_address);
/*
 * An attempt to deliver from an address has ended, with whatever result.
 * address  index into f->addresses, or SHAPING_NO_ADDRESS
 */
void sending_attempted(struct policyd *d, const struct shaping *s,
    const struct shaping_filter *f, size_t address);

#endif /* POLICYD_SENDING_H */
