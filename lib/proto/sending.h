/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SENDING_H
#define PROTO_SENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/shaping.h"

/*
 * Which of its sending addresses a filter uses for a domain, and how much one
 * that is warmed up may still send.  Pure: day and clock are arguments.
 */

/*
 * What may leave from it on a day (yyyymmdd, in the plan's time zone):
 * UINT64_MAX without a plan, and behind its last day; 0 before its first.
 */
uint64_t sending_ceiling(const struct sending_address *a, unsigned yyyymmdd);

/*
 * The same address for the same domain, as long as nothing changes: rendezvous
 * hashing, so that a change moves only the domains that it must.
 * full  of each of s->addresses, whether it is left out today; NULL: none is
 * ret_address  index into f->addresses; SHAPING_NO_ADDRESS: this host has none
 *       of them
 * False: it has some, and all are full.
 */
bool sending_pick(const struct shaping *s, const struct shaping_filter *f,
    struct slice host, struct slice domain, const bool *full,
    size_t *ret_address);

/*
 * What was sent from one address on one day.  An attempt is only known when it
 * has ended, and by then the queue manager may have chosen this address for
 * thousands more: what was given in the last minutes and has not ended counts,
 * too.
 */
#define SENDING_MINUTES 10
struct sending_use {
	unsigned yyyymmdd;
	uint64_t told;      /* attempts of all hosts, as Redis knows them */
	uint64_t under_way; /* ours that Redis is just being told of */
	uint64_t untold;    /* ours since */
	int64_t minute;     /* that given[0] is about */
	uint32_t given[SENDING_MINUTES], ended[SENDING_MINUTES];
};
/* Another day begins at nothing (what was given stays given). */
void sending_use_day(struct sending_use *u, unsigned yyyymmdd);
void sending_use_given(struct sending_use *u, int64_t now_ms);
void sending_use_ended(struct sending_use *u, int64_t now_ms);
/*
 * hosts  0: Redis answers; else the number of hosts that share what is left
 *        since it said so last
 */
bool sending_use_full(struct sending_use *u, uint64_t ceiling, unsigned hosts,
    int64_t now_ms);

#endif /* PROTO_SENDING_H */
