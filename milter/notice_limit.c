/* SPDX-License-Identifier: BSD-2-Clause */
/* How many notices are sent. */
#include <stdio.h>
#include <stdlib.h>

#include "milter/notice.h"

#define MINUTE_US (60 * INT64_C(1000000))

struct minute {
	char tenant[64], virus[256];
	int64_t ends_us;
	unsigned sent;
	unsigned long missed;
};

struct notice_limit {
	struct minute at[NOTICE_TENANTS_MAX]; /* the first count ones run */
	size_t count;
	struct minute over; /* told last */
};

struct notice_limit *
notice_limit_new(void)
{
	return calloc(1, sizeof(struct notice_limit));
}

void
notice_limit_free(struct notice_limit *l)
{
	free(l);
}

static struct minute *
minute_of(struct notice_limit *l, struct slice tenant)
{
	for (size_t i = 0; i < l->count; i++)
		if (slice_eq(slice_of(l->at[i].tenant), tenant))
			return &l->at[i];
	return NULL;
}

bool
notice_limit_ok(struct notice_limit *l, struct slice tenant, struct slice virus,
    int64_t now_us)
{
	struct minute *m = minute_of(l, tenant);

	/* One that is over and missed none counts no more. */
	if (m != NULL && m->ends_us <= now_us && m->missed == 0)
		m->ends_us = now_us + MINUTE_US, m->sent = 0;
	if (m == NULL) {
		if (l->count == NOTICE_TENANTS_MAX)
			return false;
		m = &l->at[l->count++];
		*m = (struct minute){ .ends_us = now_us + MINUTE_US };
		(void)snprintf(m->tenant, sizeof(m->tenant), "%.*s",
		    SLICE_F(tenant));
	}
	if (m->sent < NOTICE_PER_MINUTE) {
		m->sent++;
		return true;
	}
	m->missed++;
	(void)snprintf(m->virus, sizeof(m->virus), "%.*s", SLICE_F(virus));
	return false;
}

bool
notice_limit_over(struct notice_limit *l, int64_t now_us,
    struct notice_missed *ret_missed, int64_t *ret_next_us)
{
	*ret_next_us = 0;
	for (size_t i = 0; i < l->count;) {
		struct minute *m = &l->at[i];

		if (m->ends_us > now_us) {
			if (*ret_next_us == 0 || m->ends_us < *ret_next_us)
				*ret_next_us = m->ends_us;
			i++;
			continue;
		}
		l->over = *m;
		*m = l->at[--l->count];
		if (l->over.missed == 0)
			continue;
		*ret_missed = (struct notice_missed){
			.tenant = slice_of(l->over.tenant),
			.virus = slice_of(l->over.virus),
			.count = l->over.missed,
		};
		return true;
	}
	return false;
}
