/* SPDX-License-Identifier: BSD-2-Clause */
/* What is remembered of copies between two tries of a client. */
#include "milter/copies_memory.h"

#include <stdio.h>
#include <stdlib.h>

#include "milter/milter.h"
#include "store/copies_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/map.h"
#include "util/number.h"

/* A copy that was let go is in the MTA's log by then, or was not taken. */
#define LOG_MS 30000
#define RECIPIENTS_MAX 100000
#define STATE_MAX 400
static const struct slice taken = SLICE("+");

static struct slice
identity_of(const struct copies_memory *m)
{
	return (struct slice){ m->identity, sizeof(m->identity) };
}

/* ---- the identity ---- */

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

/*
 * Postfix adds what is missing behind all other fields, anew in each try: a
 * Message-ID that has the queue id in it, then Date and others.
 */
static size_t
count_of_client(const struct message *msg)
{
	for (size_t i = 0; i < msg->field_count; i++) {
		const struct header_field *f = &msg->fields[i].field;

		if (slice_eq_nocase(f->name, SLICE("Message-ID")) &&
		    slice_find(f->value, msg->queue_id) != NULL)
			return i;
	}
	return msg->field_count;
}

static int
hash_header(struct crypto_hash *h, const struct message *msg)
{
	size_t count = count_of_client(msg);
	bool named = message_find(msg, "Message-ID", 0) != NULL &&
		     count == msg->field_count;
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		const struct header_field *f = &msg->fields[i].field;

		/* May be the MTA's, and the Message-ID says enough. */
		if (named && slice_eq_nocase(f->name, SLICE("Date")))
			continue;
		rc = hash_slice(h, f->name);
		if (rc == 0)
			rc = hash_slice(h, f->value);
	}
	return rc;
}

static int
hash_message(struct crypto_hash *h, struct message *msg)
{
	struct slice body;
	int rc = message_kept_body(msg, &body);

	if (rc == 0)
		rc = crypto_hash_begin(h);
	if (rc == 0)
		rc = hash_slice(h, msg->sender);
	for (size_t i = 0; i < msg->rcpt_count && rc == 0; i++)
		if (!msg->rcpts[i].added)
			rc = hash_slice(h, msg->rcpts[i].raw);
	if (rc == 0)
		rc = hash_header(h, msg);
	return rc == 0 ? hash_slice(h, body) : rc;
}

int
copies_memory_init(struct copies_memory *m, struct message *msg)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t hash[CRYPTO_SHA256_LEN];
	struct crypto_hash *h = crypto_hash_new();
	int rc = h != NULL ? hash_message(h, msg) : ERR_NOMEM;

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

/* ---- reading ---- */

/* A copy of which it is not known whether it was taken. */
struct doubt {
	struct doubt *next;
	struct slice recipient, host, queue_id;
	int64_t at_ms;
	char text[];
};

struct reading {
	const struct copies_memory *memory;
	struct store_wait *wait;
	struct map *has;
	struct doubt *doubts;
	struct doubt *looked; /* at this one */
	bool seen;
};

/* "HOST QUEUEID MS" */
static int
add_doubt(struct reading *r, const struct copies_entry *e)
{
	struct slice rest = e->state, at;
	size_t len = e->recipient.len + e->state.len;
	struct doubt *d = malloc(sizeof(*d) + len + 1);
	uint64_t ms;

	if (d == NULL)
		return ERR_NOMEM;
	memcpy(d->text, e->recipient.at, e->recipient.len);
	memcpy(d->text + e->recipient.len, e->state.at, e->state.len);
	rest = (struct slice){ d->text + e->recipient.len, e->state.len };
	d->recipient = (struct slice){ d->text, e->recipient.len };
	if (!slice_split(&rest, ' ', &d->host) ||
	    !slice_split(&rest, ' ', &d->queue_id) ||
	    !slice_split(&rest, ' ', &at) ||
	    number_parse(at, 0, INT64_MAX, &ms) < 0) {
		free(d);
		return ERR_SYNTAX;
	}
	d->at_ms = (int64_t)ms;
	d->next = r->doubts;
	r->doubts = d;
	return 0;
}

static void
got(int rc, const struct copies_entry *entries, size_t count, void *ctx)
{
	struct reading *r = ctx;

	for (size_t i = 0; i < count && rc == 0; i++)
		rc = slice_eq(entries[i].state, taken)
			 ? map_set(r->has, entries[i].recipient, r, NULL)
			 : add_doubt(r, &entries[i]);
	store_wait_done(r->wait, rc);
}

static void
start_get(struct store *s, struct store_wait *w, void *ctx)
{
	struct reading *r = ctx;

	r->wait = w;
	copies_get(s, r->memory->tenant, identity_of(r->memory),
	    store_deadline(s), got, r);
}

static void
on_seen(int rc, bool seen, void *ctx)
{
	struct reading *r = ctx;

	r->seen = seen;
	store_wait_done(r->wait, rc);
}

static void
start_look(struct store *s, struct store_wait *w, void *ctx)
{
	struct reading *r = ctx;

	r->wait = w;
	copies_look(s, r->looked->host, r->looked->queue_id, store_deadline(s),
	    on_seen, r);
}

/* What the MTA's log tells of it. */
static int
resolve(struct reading *r, struct doubt *d)
{
	int64_t age_ms = clock_wall_us() / 1000 - d->at_ms;
	int rc;

	r->looked = d;
	if ((rc = store_wait(r->memory->host->store, start_look, r)) < 0)
		return rc;
	if (r->seen)
		return map_set(r->has, d->recipient, r, NULL);
	return age_ms >= 0 && age_ms < LOG_MS ? ERR_CANCELED : 0;
}

int
copies_memory_get(const struct copies_memory *m, struct map **ret_has)
{
	struct reading r = { .memory = m, .has = map_new(RECIPIENTS_MAX) };
	int rc = r.has != NULL ? 0 : ERR_NOMEM;

	if (rc == 0)
		rc = store_wait(m->host->store, start_get, &r);
	while (r.doubts != NULL) {
		struct doubt *d = r.doubts;

		r.doubts = d->next;
		if (rc == 0)
			rc = resolve(&r, d);
		free(d);
	}
	if (rc == 0)
		*ret_has = r.has;
	else if (r.has != NULL)
		map_free(r.has, NULL);
	return rc;
}

/* ---- writing ---- */

struct writing {
	const struct copies_memory *memory;
	struct store_wait *wait;
	struct copies_entry *entries;
	size_t count;
};

static void
was_put(int rc, void *ctx)
{
	struct writing *w = ctx;

	store_wait_done(w->wait, rc);
}

static void
start_put(struct store *s, struct store_wait *wait, void *ctx)
{
	struct writing *w = ctx;

	w->wait = wait;
	copies_put(s, w->memory->tenant, identity_of(w->memory), w->entries,
	    w->count, store_deadline(s), was_put, w);
}

static int
add_let_go(const struct copies_memory *m, struct slice queue_id, char *room,
    struct slice *ret_state)
{
	int n = snprintf(room, STATE_MAX, "%.*s %.*s %lld",
	    SLICE_F(m->host->host_name), SLICE_F(queue_id),
	    (long long)(clock_wall_us() / 1000));

	if (n < 0 || n >= STATE_MAX)
		return ERR_LIMIT;
	*ret_state = (struct slice){ room, (size_t)n };
	return 0;
}

int
copies_memory_put(const struct copies_memory *m,
    const struct copies_mark *marks, size_t count)
{
	struct writing w = { .memory = m,
		.entries = calloc(count + 1, sizeof(*w.entries)),
		.count = count };
	char *room = malloc((count + 1) * STATE_MAX);
	int rc = w.entries != NULL && room != NULL ? 0 : ERR_NOMEM;

	for (size_t i = 0; i < count && rc == 0; i++) {
		w.entries[i].recipient = marks[i].recipient;
		w.entries[i].state = SLICE("");
		if (marks[i].state == COPIES_TAKEN)
			w.entries[i].state = taken;
		else if (marks[i].state == COPIES_LET_GO)
			rc = add_let_go(m, marks[i].queue_id,
			    room + i * STATE_MAX, &w.entries[i].state);
	}
	if (rc == 0)
		rc = store_wait(m->host->store, start_put, &w);
	free(room);
	free(w.entries);
	return rc;
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

	copies_forget(s, f->memory.tenant, identity_of(&f->memory),
	    store_deadline(s), forgotten, f);
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
