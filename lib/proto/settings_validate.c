/* SPDX-License-Identifier: BSD-2-Clause */
/* What a schema can not say of a settings document. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/json.h"
#include "proto/schema.h"
#include "proto/settings_check.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/map.h"

#define NAMES_MAX 20000
#define PLAIN_MAX 1000      /* octets of a secret, keys excepted */
#define PLAIN_KEY_MAX 12000 /* of a PEM key: room to seal it */
#define OPENED_MAX 65536
#define SECOND_MS 1000LL
#define DAY_MS (24 * 3600 * SECOND_MS)

void
check_wrong(struct check *c, const char *path, const char *format, ...)
{
	char text[500];
	va_list ap;

	c->count++;
	if (c->error == NULL)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	c->error(c->ctx, path, text);
}

struct place
check_place(const char *format, ...)
{
	struct place p;
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(p.text, sizeof(p.text), format, ap);
	va_end(ap);
	return p;
}

void
check_unique(struct check *c, struct view list, const char *path,
    const char *member)
{
	struct map *seen = map_new(NAMES_MAX);

	for (size_t i = 0; seen != NULL && i < view_count(list); i++) {
		struct slice name =
		    view_string(view_get(view_at(list, i), member));
		char lower[256];

		if (name.at == NULL || name.len >= sizeof(lower))
			continue;
		for (size_t n = 0; n < name.len; n++)
			lower[n] = name.at[n] >= 'A' && name.at[n] <= 'Z'
				       ? (char)(name.at[n] + 32)
				       : name.at[n];
		struct slice key = { lower, name.len };

		if (map_get(seen, key) != NULL)
			check_wrong(c,
			    check_place("%s/%zu/%s", path, i, member).text,
			    "\"%.*s\" is there already", SLICE_F(name));
		else
			(void)map_set(seen, key, seen, NULL);
	}
	map_free(seen, NULL);
}

static void
check_pem(struct check *c, const char *path, struct slice pem)
{
	struct sign_key *key = NULL;
	int rc = sign_key_parse(pem, &key);

	if (rc < 0)
		check_wrong(c, path,
		    "is no private key in PEM form (RSA of 1024 to 4096 bits, "
		    "or Ed25519)");
	else if (sign_key_algorithm(key) == SIGN_RSA_SHA256 &&
		 sign_key_bits(key) < 1024)
		check_wrong(c, path, "has %u bits; 1024 are the least",
		    sign_key_bits(key));
	if (rc == 0)
		sign_key_free(key);
}

/* What a signing secret holds behind "whsec_". */
static void
check_signing_secret(struct check *c, const char *path, struct slice text)
{
	struct slice prefix = SLICE("whsec_");
	struct buf octets;

	buf_init(&octets, 1000);
	if (!slice_starts(text, prefix) ||
	    crypto_base64_decode(slice_skip(text, prefix.len), &octets) < 0 ||
	    octets.len < 24 || octets.len > 64)
		check_wrong(c, path,
		    "must be \"whsec_\" and the base64 of 24 to 64 octets");
	buf_done(&octets);
}

static void
check_plain(struct check *c, const struct schema_marked *marked,
    struct slice plain)
{
	bool pem = strcmp(marked->where, SETTINGS_WHERE_DKIM) == 0 ||
		   strcmp(marked->where, SETTINGS_WHERE_OPERATOR_DKIM) == 0;
	bool smime = strcmp(marked->where, SETTINGS_WHERE_SMIME) == 0;
	size_t max = pem || smime ? PLAIN_KEY_MAX : PLAIN_MAX;

	/* That of a certificate is judged with it: check_smime. */
	if (plain.len > max)
		check_wrong(c, marked->path, "is longer than %zu octets", max);
	else if (pem)
		check_pem(c, marked->path, plain);
	else if (strcmp(marked->where, SETTINGS_WHERE_SECRETS) == 0)
		check_signing_secret(c, marked->path, plain);
}

static int
check_secret(void *ctx, const struct schema_marked *marked)
{
	struct check *c = ctx;
	struct slice text = json_string(marked->value), context;
	char room[SETTINGS_CONTEXT_MAX];
	struct buf plain;

	if (!crypto_is_sealed(text)) {
		check_plain(c, marked, text);
		return 0;
	}
	if (strcmp(marked->where, SETTINGS_WHERE_USER_KEY) == 0) {
		check_wrong(c, marked->path, "must be given as plain text");
		return 0;
	}
	if (c->master == NULL)
		return 0;
	buf_init(&plain, OPENED_MAX);
	if (!settings_secret_context(c->name, marked->where, room, &context) ||
	    crypto_open(c->master, context, text, &plain) < 0)
		check_wrong(c, marked->path,
		    "is sealed for another place, another tenant or with "
		    "another master key");
	else
		check_plain(c, marked, buf_slice(&plain));
	if (plain.at != NULL)
		crypto_wipe(plain.at, plain.cap);
	buf_done(&plain);
	return 0;
}

static void
check_domains(struct check *c, struct view domains)
{
	check_unique(c, domains, "/domains", "name");
	for (size_t i = 0; i < view_count(domains); i++)
		check_unique(c, view_get(view_at(domains, i), "dkim"),
		    check_place("/domains/%zu/dkim", i).text, "selector");
}

static void
check_blocking(struct check *c, struct view conditions)
{
	bool seen[SETTINGS_STATUS_MAX] = { false };

	for (size_t i = 0; i < view_count(conditions); i++) {
		int64_t status =
		    view_integer(view_get(view_at(conditions, i), "status"));

		if (status < 0 || status >= SETTINGS_STATUS_MAX)
			continue;
		if (seen[status])
			check_wrong(c,
			    check_place("/blocking/%zu/status", i).text,
			    "%d is there already", (int)status);
		seen[status] = true;
	}
}

static void
check_period(struct check *c, struct view period, const char *path,
    int64_t least_ms, int64_t most_ms, const char *text)
{
	int64_t ms = view_period_ms(period);

	/* 0: not a period at all, which the schema has told already. */
	if (ms != 0 && (ms < least_ms || ms > most_ms))
		check_wrong(c, path, "must be %s", text);
}

static void
check_limits(struct check *c, struct view limits)
{
	check_unique(c, limits, "/limits", "name");
	for (size_t i = 0; i < view_count(limits); i++) {
		struct view rates = view_get(view_at(limits, i), "rates");

		for (size_t n = 0; n < view_count(rates); n++)
			check_period(c, view_get(view_at(rates, n), "period"),
			    check_place("/limits/%zu/rates/%zu/period", i, n)
				.text,
			    SECOND_MS, 366 * DAY_MS, "1s to 366d");
	}
}

static void
check_webhooks(struct check *c, struct view webhooks)
{
	check_unique(c, webhooks, "/webhooks", "name");
	for (size_t i = 0; i < view_count(webhooks); i++)
		check_period(c,
		    view_get(view_at(webhooks, i), "batch_interval"),
		    check_place("/webhooks/%zu/batch_interval", i).text, 10,
		    600 * SECOND_MS, "10ms to 10m");
}

static void
check_users(struct check *c, struct view users)
{
	check_unique(c, users, "/api_users", "name");
	for (size_t i = 0; i < view_count(users); i++) {
		struct view user = view_at(users, i);

		if (json_type(user.value) == JSON_OBJECT &&
		    view_string(view_get(user, "key")).at == NULL &&
		    view_string(view_get(user, "key_hash")).at == NULL)
			check_wrong(c, check_place("/api_users/%zu", i).text,
			    "must have the member \"key\"");
	}
}

static void
check_tenant(struct check *c, struct view v)
{
	check_domains(c, view_get(v, "domains"));
	check_blocking(c, view_get(v, "blocking"));
	check_limits(c, view_get(v, "limits"));
	check_mail(c, v);
	check_smime(c, view_get(v, "smime"));
	check_retry(c, view_get(v, "retry"), "/retry");
	check_schedule(c, v);
	check_outbreak(c, view_get(v, "outbreak"));
	check_complaints(c, view_get(v, "complaints"));
	check_relay(c, view_get(v, "relay"));
	check_inbound(c, v);
	check_streams(c, view_get(v, "streams"));
	check_webhooks(c, view_get(v, "webhooks"));
	check_users(c, view_get(v, "api_users"));
}

static void
check_global(struct check *c, struct view v)
{
	check_unique(c, view_get(view_get(v, "operator_signature"), "dkim"),
	    "/operator_signature/dkim", "selector");
	check_shaping(c, view_get(v, "shaping"));
}

unsigned
settings_validate(const struct json *doc, struct slice name,
    const struct master_key *master, settings_error *error, void *ctx)
{
	struct check c = { name, master, error, ctx, 0 };
	struct view v = view_document(name, doc);

	if (!settings_name_ok(name) &&
	    !slice_eq(name, SLICE(SETTINGS_PROVIDERS))) {
		check_wrong(&c, "",
		    "a tenant's name is 1 to 32 of a-z, 0-9, \"_\" and \"-\"");
		return c.count;
	}
	c.count = schema_validate(settings_schema(), v.node, doc, error, ctx);
	if (slice_eq(name, SLICE(SETTINGS_GLOBAL)))
		check_global(&c, v);
	else if (slice_eq(name, SLICE(SETTINGS_PROVIDERS)))
		check_providers(&c, v);
	else
		check_tenant(&c, v);
	/* Read only: check_secret changes nothing. */
	(void)schema_each_marked(settings_schema(), v.node,
	    (struct json *)(uintptr_t)doc, "x-secret", check_secret, &c);
	return c.count;
}
