/* SPDX-License-Identifier: BSD-2-Clause */
/* Monotonic and wall time, with a hand brake for tests. */
#include "util/clock.h"

#include <time.h>

static int64_t stopped_at;

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_mono_us(void)
{
	return stopped_at != 0 ? stopped_at : read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_wall_us(void)
{
	return stopped_at != 0 ? stopped_at : read_clock(CLOCK_REALTIME);
}

void
clock_set_for_test(int64_t wall_us)
{
	stopped_at = wall_us;
}
