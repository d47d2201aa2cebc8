/* SPDX-License-Identifier: BSD-2-Clause */
/* What the compilers of settings documents share. */
#include "proto/settings_work.h"

#include "proto/address.h"
#include "util/arena.h"
#include "util/crypto.h"
#include "util/err.h"

#define SECRET_MAX 16384

/* In the order of their enums. */
const char *const work_mode_words[] = { "enforce", "observe", "off", NULL };
static const char *const state_words[] = { "prepared", "published", "active",
	"retiring", "removed", NULL };

void *
work_take(struct work *w, size_t count, size_t size)
{
	void *p = arena_calloc(w->s->arena, count + 1, size);

	if (p == NULL)
		w->rc = ERR_NOMEM;
	return p;
}

struct slice
work_keep(struct work *w, struct slice s)
{
	struct slice copy = { NULL, 0 };

	if (s.at == NULL)
		return copy;
	copy = arena_dup(w->s->arena, s);
	if (copy.at == NULL)
		w->rc = ERR_NOMEM;
	return copy;
}

struct slice
work_keep_lower(struct work *w, struct slice s)
{
	char room[SETTINGS_LOWER_MAX];

	return work_keep(w, settings_lower(s, room));
}

struct slice
work_keep_address(struct work *w, struct slice s)
{
	struct slice address = { NULL, 0 };
	char room[ADDRESS_MAX];

	/* What does not parse was refused when it was applied. */
	if (s.at != NULL && address_canonical(s, room, &address) < 0)
		w->rc = ERR_SYNTAX;
	return work_keep(w, address);
}

struct owned *
work_own(struct work *w)
{
	struct owned *o = work_take(w, 0, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->next = w->s->owned;
	w->s->owned = o;
	return o;
}

struct slice
work_open_secret(struct work *w, struct view v, const char *where)
{
	struct slice text = view_string(v), context;
	char room[SETTINGS_CONTEXT_MAX];
	struct owned *o;
	int rc;

	if (text.at == NULL || w->rc < 0 ||
	    (crypto_is_sealed(text) && w->master == NULL))
		return (struct slice){ NULL, 0 };
	o = work_own(w);
	struct buf *plain = o != NULL ? work_take(w, 0, sizeof(*plain)) : NULL;

	if (plain == NULL)
		return (struct slice){ NULL, 0 };
	buf_init(plain, SECRET_MAX);
	o->secret = plain;
	if (!crypto_is_sealed(text))
		rc = buf_add_slice(plain, text);
	else if (settings_secret_context(w->name, where, room, &context))
		rc = crypto_open(w->master, context, text, plain);
	else
		rc = ERR_CRYPTO;
	if (rc < 0)
		w->rc = rc;
	return rc < 0 ? (struct slice){ NULL, 0 } : buf_slice(plain);
}

static void
compile_selector(struct work *w, struct view v, const char *where,
    struct dkim_selector *d)
{
	struct slice pem = work_open_secret(w, view_get(v, "key"), where);
	struct sign_key *key;
	struct owned *o;
	int rc;

	d->selector = work_keep(w, view_string(view_get(v, "selector")));
	d->state =
	    (enum dkim_state)view_word(view_get(v, "state"), state_words);
	if (pem.at == NULL || w->master == NULL || w->rc < 0)
		return;
	o = work_own(w);
	if (o == NULL)
		return;
	rc = sign_key_parse(pem, &key);
	if (rc < 0) {
		w->rc = rc;
		return;
	}
	o->key = key;
	d->key = key;
}

void
work_selectors(struct work *w, struct view list, const char *where,
    struct settings_domain *d)
{
	size_t count = view_count(list);
	struct dkim_selector *key = work_take(w, count, sizeof(*key));

	for (size_t i = 0; w->rc == 0 && i < count; i++)
		compile_selector(w, view_at(list, i), where, &key[i]);
	d->selectors = key;
	d->selector_count = w->rc == 0 ? count : 0;
}
