/* SPDX-License-Identifier: BSD-2-Clause */
/* postern doctor: is there an answer that many recipients got? */
#include "cli/cli_store.h"
#include "cli/doctor.h"
#include "service/host_config.h"
#include "store/outbreak_store.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/err.h"

#define TENANTS_MAX 1000

struct asked {
	struct doctor *doctor;
	struct slice tenants[TENANTS_MAX]; /* in the doctor's arena */
	size_t count, going;
	struct slice tenant;
	bool over;
	int rc;
};

static void
got_names(int rc, const struct slice *names, size_t count, void *ctx)
{
	struct asked *a = ctx;

	for (size_t i = 0; i < count && i < TENANTS_MAX; i++) {
		a->tenants[a->count] = arena_dup(a->doctor->arena, names[i]);
		if (a->tenants[a->count].at != NULL)
			a->count++;
	}
	a->rc = rc;
	a->over = true;
}

static void
listed(int rc, const struct outbreak *list, size_t count, void *ctx)
{
	struct asked *a = ctx;

	for (size_t i = 0; i < count; i++) {
		const struct outbreak *o = &list[i];

		if (o->ended_ms != 0)
			continue;
		a->going++;
		doctor_report(a->doctor, HEALTH_WARN,
		    "\"postern blocks outbreaks\" shows it; is your address on"
		    " a blocklist?  Else the provider has a fault, which passes",
		    "outbreak %.*s, tenant %.*s: %.*s gives many recipients"
		    " the same answer: %.*s",
		    SLICE_F(o->id), SLICE_F(a->tenant), SLICE_F(o->provider),
		    SLICE_F(o->text));
	}
	a->rc = rc;
	a->over = true;
}

void
doctor_outbreaks(struct doctor *d)
{
	struct asked a = { .doctor = d };
	struct cli_store s;

	if (cli_store_open(d->config, &s) < 0)
		return; /* doctor_redis has said it */
	settings_names(s.store, store_deadline(s.store), got_names, &a);
	cli_store_wait(&s, &a.over);
	/* The tenant that is there without settings. */
	if (a.rc == 0 && a.count == 0)
		a.tenants[a.count++] = SLICE(SETTINGS_DEFAULT_TENANT);
	for (size_t i = 0; i < a.count && a.rc == 0; i++) {
		a.tenant = a.tenants[i];
		a.over = false;
		outbreak_list(s.store, a.tenant, store_deadline(s.store),
		    listed, &a);
		cli_store_wait(&s, &a.over);
	}
	cli_store_close(&s);
	if (a.rc == 0 && a.going == 0)
		doctor_report(d, HEALTH_OK, NULL, "outbreaks: none goes on");
}
