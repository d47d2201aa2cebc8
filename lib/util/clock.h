/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

#include <stdint.h>

/*
 * The only source of time.  A deadline is a point on the monotonic clock, in
 * microseconds; a timeout is a length.  Wall time is microseconds since 1970.
 */
int64_t clock_mono_us(void);
int64_t clock_wall_us(void);

/* The deadline that lies ms milliseconds from now. */
static inline int64_t
clock_deadline_ms(int64_t ms)
{
	return clock_mono_us() + ms * 1000;
}

/* Tests only: stop both clocks at this wall time; 0 lets them run again. */
void clock_set_for_test(int64_t wall_us);

#endif /* UTIL_CLOCK_H */
