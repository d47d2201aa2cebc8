/* SPDX-License-Identifier: BSD-2-Clause */
/* What is remembered of copies between two tries of a client. */
#include "milter/copies_memory.h"

#include <stdlib.h>

#include "milter/milter.h"
#include "store/copies_store.h"
#include "store/store.h"
#include "util/err.h"
#include "util/number.h"

static struct slice
identity_of(const struct copies_memory *m)
{
	return (struct slice){ m->identity, sizeof(m->identity) };
}

/* With its length in front, so that nothing can be moved between two. */
static int
hash_slice(struct crypto_hash *h, struct slice s)
{
	char room[NUMBER_TEXT_MAX];
	size_t n = number_format(s.len, room);
	int rc;

	room[n++] = ':';
	rc = crypto_hash_add(h, room, n);
	return rc < 0 || s.len == 0 ? rc : crypto_hash_add(h, s.at, s.len);
}

static int
hash_message(struct crypto_hash *h, const struct message *msg, size_t size)
{
	char room[NUMBER_TEXT_MAX];
	int rc = crypto_hash_begin(h);

	if (rc == 0)
		rc = hash_slice(h, msg->sender);
	if (rc == 0)
		rc = hash_slice(h,
		    (struct slice){ room, number_format(size, room) });
	for (size_t i = 0; i < msg->rcpt_count && rc == 0; i++)
		if (!msg->rcpts[i].added)
			rc = hash_slice(h, msg->rcpts[i].raw);
	for (size_t i = 0; i < msg->field_count && rc == 0; i++) {
		rc = hash_slice(h, msg->fields[i].field.name);
		if (rc == 0)
			rc = hash_slice(h, msg->fields[i].field.value);
	}
	return rc;
}

int
copies_memory_init(struct copies_memory *m, const struct message *msg,
    size_t size)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t hash[CRYPTO_SHA256_LEN];
	struct crypto_hash *h = crypto_hash_new();
	int rc = h != NULL ? hash_message(h, msg, size) : ERR_NOMEM;

	if (rc == 0)
		rc = crypto_hash_end(h, hash);
	crypto_hash_free(h);
	m->host = msg->host;
	m->tenant = msg->tenant->name;
	for (size_t i = 0; i < sizeof(hash) && rc == 0; i++) {
		m->identity[2 * i] = digits[hash[i] >> 4];
		m->identity[2 * i + 1] = digits[hash[i] & 15];
	}
	return rc;
}

struct asking {
	const struct copies_memory *memory;
	struct store_wait *wait;
	char *done;
	size_t count;
};

static void
got(int rc, struct slice done, void *ctx)
{
	struct asking *a = ctx;

	if (rc == 0 && done.len == a->count)
		memcpy(a->done, done.at, done.len);
	store_wait_done(a->wait, rc == ERR_NOTFOUND ? 0 : rc);
}

static void
start_get(struct store *s, struct store_wait *w, void *ctx)
{
	struct asking *a = ctx;

	a->wait = w;
	copies_get(s, a->memory->tenant, identity_of(a->memory),
	    store_deadline(s), got, a);
}

int
copies_memory_get(const struct copies_memory *m, char *done, size_t count)
{
	struct asking a = { .memory = m, .done = done, .count = count };

	memset(done, '0', count);
	return store_wait(m->host->store, start_get, &a);
}

static void
was_set(int rc, void *ctx)
{
	struct asking *a = ctx;

	store_wait_done(a->wait, rc);
}

static void
start_set(struct store *s, struct store_wait *w, void *ctx)
{
	struct asking *a = ctx;

	a->wait = w;
	copies_set(s, a->memory->tenant, identity_of(a->memory),
	    (struct slice){ a->done, a->count }, store_deadline(s), was_set, a);
}

int
copies_memory_set(const struct copies_memory *m, const char *done, size_t count)
{
	struct asking a = { .memory = m,
		.done = (char *)(uintptr_t)done,
		.count = count };

	return store_wait(m->host->store, start_set, &a);
}

/* On the loop's thread, with a copy of its own. */
static void
forgotten(int rc, void *ctx)
{
	(void)rc; /* it ends by itself in some days */
	free(ctx);
}

struct forgetting {
	struct copies_memory memory;
	char tenant[];
};

static void
forget(void *ctx)
{
	struct forgetting *f = ctx;
	struct store *s = f->memory.host->store;

	copies_set(s, f->memory.tenant, identity_of(&f->memory),
	    (struct slice){ NULL, 0 }, store_deadline(s), forgotten, f);
}

void
copies_memory_forget(const struct copies_memory *m)
{
	struct forgetting *f = malloc(sizeof(*f) + m->tenant.len + 1);

	if (f == NULL)
		return;
	f->memory = *m;
	memcpy(f->tenant, m->tenant.at, m->tenant.len);
	f->memory.tenant = (struct slice){ f->tenant, m->tenant.len };
	if (store_post(m->host->store, forget, f) < 0)
		free(f);
}
