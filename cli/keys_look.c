/* SPDX-License-Identifier: BSD-2-Clause */
/* postern keys: what is known of a domain's keys, and their records. */
#include <stdio.h>

#include "cli/dkim_dns.h"
#include "cli/key_doc.h"
#include "cli/keys.h"
#include "cli/store_client.h"
#include "proto/dkim_record.h"
#include "proto/json.h"
#include "util/arena.h"
#include "util/buf.h"
#include "util/err.h"

#define TXT_MAX 255 /* octets of one string: RFC 1035, 3.3 */
#define ANSWERS_MAX (1024 * 1024)

static void
look_at(struct store_client *c, const struct keys_words *w,
    const struct json *domain, const struct json *entry, enum keys_ask ask,
    struct arena *arena, struct keys_seen *seen)
{
	struct rotation_key *k = &seen->keys[seen->count];
	struct sign_key **key = &seen->opened[seen->count];
	char name[DKIM_DNS_NAME_MAX];

	*key = NULL;
	*k = (struct rotation_key){ .state = key_doc_state(entry),
		.since_s = key_doc_since(entry) / 1000000,
		.match = ERR_CRYPTO };
	seen->count++;
	if (key_doc_open(&c->master, w->tenant, entry, key) < 0)
		return;
	k->ed25519 = sign_key_algorithm(*key) == SIGN_ED25519_SHA256;
	k->match = ERR_UNAVAIL;
	if (ask == KEYS_ASK_NOT)
		return;
	dkim_dns_name(key_doc_name(domain),
	    json_string(json_get(entry, "selector")), name);
	k->match = dkim_dns_look(w->dns_servers, name, *key,
	    json_bool(json_get(domain, "subdomains")), arena);
}

int
keys_look(struct store_client *c, const struct keys_words *w,
    const struct json *domain, enum keys_ask ask, struct keys_seen *ret_seen)
{
	const struct json *keys = key_doc_keys(domain);
	struct arena *arena = arena_new(ANSWERS_MAX);

	ret_seen->count = 0;
	if (arena == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < json_count(keys) && i < KEYS_MAX; i++)
		look_at(c, w, domain, json_at(keys, i), ask, arena, ret_seen);
	arena_free(arena);
	return 0;
}

void
keys_seen_done(struct keys_seen *seen)
{
	for (size_t i = 0; i < seen->count; i++)
		sign_key_free(seen->opened[i]);
	seen->count = 0;
}

const char *
keys_match_text(int match)
{
	if (match == ERR_CRYPTO)
		return "can not be opened";
	return match < 0 ? "the DNS does not answer"
			 : dkim_match_text((enum dkim_match)match);
}

int
keys_print_record(const struct sign_key *key, struct slice domain,
    struct slice selector)
{
	struct buf value;
	struct slice rest;
	int rc;

	buf_init(&value, 4096);
	rc = dkim_record_print(key, &value);
	rest = buf_slice(&value);
	if (rc == 0)
		(void)printf("%.*s._domainkey.%.*s. IN TXT (",
		    SLICE_F(selector), SLICE_F(domain));
	while (rc == 0 && rest.len > 0) {
		struct slice piece = rest;

		if (piece.len > TXT_MAX)
			piece.len = TXT_MAX;
		(void)printf("\n\t\"%.*s\"", SLICE_F(piece));
		rest = slice_skip(rest, piece.len);
	}
	if (rc == 0)
		(void)printf(" )\n\nplain: %s\n", buf_text(&value));
	buf_done(&value);
	return rc;
}

int
keys_add_new(struct json *domain, bool ed25519, unsigned bits, int64_t now_us)
{
	char selector[KEY_SELECTOR_MAX];
	struct sign_key *key;
	int rc =
	    sign_key_generate(ed25519 ? SIGN_ED25519_SHA256 : SIGN_RSA_SHA256,
		bits, &key);

	if (rc < 0)
		return rc;
	key_doc_new_selector(domain, key, now_us, selector);
	rc = key_doc_add(domain, slice_of(selector), "prepared", key, now_us);
	if (rc == 0)
		rc = keys_print_record(key, key_doc_name(domain),
		    slice_of(selector));
	sign_key_free(key);
	return rc;
}
