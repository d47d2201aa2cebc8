/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings: any JSON is judged; what has no error compiles. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/json.h"
#include "proto/settings.h"
#include "util/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
count(void *ctx, const char *path, const char *text)
{
	unsigned *errors = ctx;

	if ((path[0] != '\0' && path[0] != '/') || text[0] == '\0')
		abort();
	(*errors)++;
}

static void
ask_shaping(const struct shaping *all)
{
	const struct slice mx = SLICE("mx.example.com");

	(void)shaping_match(all, SLICE("a@example.com"), &mx, 1);
	if (shaping_transport_count(all, SLICE("h")) < all->filter_count)
		abort();
	for (size_t i = 0; i < all->filter_count; i++) {
		const struct shaping_filter *f = &all->filters[i];
		char room[SHAPING_TRANSPORT_MAX];
		size_t n, back;

		for (size_t a = 0; a < f->address_count; a++) {
			n = shaping_transport(all, f, a, room);
			if (shaping_transport_named(all,
				(struct slice){ room + 3, n - 3 },
				&back) != f ||
			    back != a)
				abort();
		}
	}
}

static void
ask(const struct settings *s)
{
	struct tenant_match match = { SLICE("25"), SLICE("u"),
		SLICE("10.0.0.1"), SLICE("a@example.com") };
	const struct tenant *t = settings_tenant_for(s, &match);

	if (t == NULL || settings_tenant(s, t->name) != t)
		abort();
	(void)settings_signing_domain(t, SLICE("a.example.com"));
	for (size_t i = 0; i < SETTINGS_STATUS_MAX; i++)
		if (t->conditions[i].count < 1)
			abort();
	ask_shaping(settings_shaping(s));
}

static void
try(const struct json *doc, struct slice name)
{
	static const struct master_key master = { { 1 } };
	struct settings_input in = { name, 1, doc };
	struct settings *s = NULL;
	unsigned told = 0, again = 0, errors;
	int rc;

	errors = settings_validate(doc, name, &master, count, &told);
	if (errors != told)
		abort();
	rc = settings_compile(&in, 1, &master, count, &again, &s);
	/* One thing is only seen when all is compiled: too many transports. */
	if ((rc == 0) != (again == 0) || again < errors)
		abort();
	if (rc == 0)
		ask(s);
	settings_unref(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json *doc = NULL;
	char error[200];

	if (json_parse((struct slice){ (const char *)data, size }, 65536, &doc,
		error, sizeof(error)) < 0)
		return 0;
	try(doc, SLICE("default"));
	try(doc, SLICE(SETTINGS_GLOBAL));
	try(doc, SLICE(SETTINGS_PROVIDERS));
	json_free(doc);
	return 0;
}
