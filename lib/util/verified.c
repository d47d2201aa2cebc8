/* SPDX-License-Identifier: BSD-2-Clause */
/* Names and passwords that were right a while ago. */
#include "util/verified.h"

#include <stdlib.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"

#define PAIR_MAX 4096 /* octets of name, password and hash */

struct place {
	struct verified_mark mark;
	int64_t until_us;
};

struct verified {
	uint8_t key[CRYPTO_SHA256_LEN];
	size_t places;
	int64_t keep_us;
	struct place at[];
};

struct verified *
verified_new(size_t places, int64_t keep_ms)
{
	struct verified *v = calloc(1, sizeof(*v) + places * sizeof(v->at[0]));

	if (v == NULL)
		return NULL;
	v->places = places;
	v->keep_us = keep_ms * 1000;
	crypto_random(v->key, sizeof(v->key));
	return v;
}

void
verified_free(struct verified *v)
{
	if (v == NULL)
		return;
	crypto_wipe(v, sizeof(*v) + v->places * sizeof(v->at[0]));
	free(v);
}

static void
add_part(struct buf *text, struct slice part)
{
	/* With its length: "ab" and "c" are not "a" and "bc". */
	(void)buf_addf(text, "%zu:", part.len);
	(void)buf_add_slice(text, part);
}

int
verified_mark(const struct verified *v, struct slice name,
    struct slice password, struct slice hash, struct verified_mark *ret_mark)
{
	struct slice key = { (const char *)v->key, sizeof(v->key) };
	struct buf text;
	int rc;

	buf_init(&text, PAIR_MAX);
	/* At once, so that no piece stays behind where it has grown. */
	rc = buf_reserve(&text, name.len + password.len + hash.len + 64);
	if (rc == 0) {
		add_part(&text, name);
		add_part(&text, password);
		add_part(&text, hash);
		rc = text.rc;
	}
	if (rc == 0)
		rc =
		    crypto_hmac_sha256(key, buf_slice(&text), ret_mark->octets);
	if (text.at != NULL)
		crypto_wipe(text.at, text.cap);
	buf_done(&text);
	return rc;
}

static size_t
place_of(const struct verified *v, const struct verified_mark *mark)
{
	return (mark->octets[0] | (size_t)mark->octets[1] << 8) % v->places;
}

bool
verified_same(const struct verified_mark *a, const struct verified_mark *b)
{
	return crypto_equal((struct slice){ (const char *)a->octets,
				sizeof(a->octets) },
	    (struct slice){ (const char *)b->octets, sizeof(b->octets) });
}

bool
verified_has(const struct verified *v, const struct verified_mark *mark)
{
	const struct place *p = &v->at[place_of(v, mark)];

	return p->until_us > clock_mono_us() && verified_same(&p->mark, mark);
}

void
verified_add(struct verified *v, const struct verified_mark *mark)
{
	struct place *p = &v->at[place_of(v, mark)];

	p->mark = *mark;
	p->until_us = v->keep_us > 0 ? clock_mono_us() + v->keep_us : INT64_MAX;
}
