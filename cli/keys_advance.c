/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * postern keys advance: every key whose DNS agrees and whose time has come
 * moves on.  Works on the settings in operation, for a timer.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/key_doc.h"
#include "cli/keys.h"
#include "cli/store_client.h"
#include "proto/json.h"
#include "util/clock.h"
#include "util/err.h"

#define HOUR 3600
#define DAY 86400

struct advance {
	struct store_client *c;
	struct keys_words w; /* tenant: the one at hand */
	int64_t now_us;
	size_t changes;
};

static int64_t
number_of(const struct json *rules, const char *name, int64_t otherwise)
{
	const struct json *v = json_get(rules, name);

	return v != NULL ? json_integer(v) : otherwise;
}

static struct rotation_rules
rules_of(const struct json *domain)
{
	const struct json *r = json_get(domain, "rotation");

	return (struct rotation_rules){
		.every_s = number_of(r, "days", 0) * DAY,
		.publish_s = number_of(r, "publish_hours", 24) * HOUR,
		.retire_s = number_of(r, "retire_days", 7) * DAY,
	};
}

/* What the plan says for one key; *ret_dropped: it is not there any more. */
static int
move_key(struct advance *a, struct json *domain, size_t i,
    const struct rotation_key *plan, bool *ret_dropped)
{
	struct json *key = json_at(key_doc_keys(domain), i);
	struct slice name = key_doc_name(domain),
		     selector = json_string(json_get(key, "selector"));

	*ret_dropped = plan->drop;
	if (plan->drop) {
		(void)printf("%.*s %.*s: removed, record is gone: entry "
			     "dropped\n",
		    SLICE_F(name), SLICE_F(selector));
		a->changes++;
		return json_remove_at(key_doc_keys(domain), i);
	}
	/* The time counts from the first look at a key without one. */
	if (plan->next == plan->state && plan->since_s > 0)
		return 0;
	a->changes++;
	if (plan->next != plan->state)
		(void)printf("%.*s %.*s: %s -> %s\n", SLICE_F(name),
		    SLICE_F(selector), dkim_state_word(plan->state),
		    dkim_state_word(plan->next));
	if (plan->next == DKIM_REMOVED && plan->state != DKIM_REMOVED)
		(void)printf("delete the record %.*s._domainkey.%.*s\n",
		    SLICE_F(selector), SLICE_F(name));
	return key_doc_set_state(key, plan->next, a->now_us);
}

static int
add_successors(struct advance *a, struct json *domain,
    const struct rotation_new *more)
{
	const struct json *r = json_get(domain, "rotation");
	struct slice algorithm = json_string(json_get(r, "algorithm"));
	unsigned bits = (unsigned)number_of(r, "bits", 2048);
	int rc = 0;

	if (more->rsa && !slice_eq(algorithm, SLICE("ed25519"))) {
		(void)printf("publish this record:\n");
		rc = keys_add_new(domain, false, bits, a->now_us);
		a->changes++;
	}
	if (rc == 0 && more->ed25519 && !slice_eq(algorithm, SLICE("rsa"))) {
		(void)printf("publish this record:\n");
		rc = keys_add_new(domain, true, 0, a->now_us);
		a->changes++;
	}
	return rc;
}

static void
tell_trouble(const struct keys_seen *seen, const struct json *domain)
{
	for (size_t i = 0; i < seen->count; i++) {
		const struct rotation_key *k = &seen->keys[i];

		if ((k->state == DKIM_ACTIVE || k->state == DKIM_PUBLISHED) &&
		    k->match != 0)
			cli_error("%.*s %.*s: %s: %s",
			    SLICE_F(key_doc_name(domain)),
			    SLICE_F(json_string(
				json_get(json_at(key_doc_keys(domain), i),
				    "selector"))),
			    dkim_state_word(k->state),
			    keys_match_text(k->match));
	}
}

static int
advance_domain(struct advance *a, struct json *domain)
{
	struct rotation_rules rules = rules_of(domain);
	struct rotation_new more;
	struct keys_seen seen;
	int rc = keys_look(a->c, &a->w, domain, KEYS_ASK_DNS, &seen);

	if (rc == 0) {
		tell_trouble(&seen, domain);
		dkim_rotation_plan(&rules, seen.keys, seen.count,
		    a->now_us / 1000000, &more);
	}
	/* From the end: entries may go. */
	for (size_t i = seen.count; rc == 0 && i-- > 0;) {
		bool dropped;

		rc = move_key(a, domain, i, &seen.keys[i], &dropped);
	}
	if (rc == 0)
		rc = add_successors(a, domain, &more);
	keys_seen_done(&seen);
	return rc;
}

/* Somebody is at work on the document: it is not ours to apply. */
static int
check_no_draft(struct advance *a, const struct json *doc)
{
	struct json *draft = NULL;
	int64_t base;
	int rc = store_client_draft(a->c, a->w.tenant, &base, &draft);
	bool same = rc == 0 && (draft == NULL || json_equal(draft, doc));

	json_free(draft);
	if (rc < 0 || same)
		return rc;
	cli_error("%.*s: there is a draft: apply or discard it first",
	    SLICE_F(a->w.tenant));
	return ERR_CONFLICT;
}

static int
put_in_force(struct advance *a, int64_t base, struct json *doc)
{
	int64_t revision;
	int rc = store_client_put(a->c, a->w.tenant, base, doc, "keys");

	if (rc < 0)
		return rc;
	revision = store_client_apply(a->c, a->w.tenant, SLICE("keys advance"));
	if (revision < 0) {
		(void)store_client_discard(a->c, a->w.tenant);
		return (int)revision;
	}
	(void)printf("%.*s: revision %lld\n", SLICE_F(a->w.tenant),
	    (long long)revision);
	return 0;
}

static int
advance_tenant(struct advance *a, struct slice tenant)
{
	struct json *doc = NULL, *before = NULL;
	int64_t base = 0;
	int rc;

	a->w.tenant = tenant;
	a->changes = 0;
	rc = store_client_revision(a->c, tenant, 0, &base, &doc);
	if (rc < 0 || doc == NULL)
		return rc;
	if ((before = json_copy(doc)) == NULL)
		rc = ERR_NOMEM;
	for (size_t i = 0; rc == 0 && i < key_doc_domains(doc); i++)
		rc = advance_domain(a, key_doc_domain(doc, i));
	if (rc == 0 && a->changes > 0)
		rc = check_no_draft(a, before);
	if (rc == 0 && a->changes > 0)
		rc = put_in_force(a, base, doc);
	json_free(before);
	json_free(doc);
	return rc;
}

struct names {
	struct slice *at; /* owned, as are the texts */
	size_t count;
	int rc;
};

static void
keep_names(int rc, const struct slice *names, size_t count, void *ctx)
{
	struct names *n = ctx;

	n->rc = rc;
	n->at = calloc(count + 1, sizeof(*n->at));
	if (n->at == NULL)
		n->rc = ERR_NOMEM;
	for (size_t i = 0; n->rc == 0 && i < count; i++) {
		char *text = strndup(names[i].at, names[i].len);

		if (text == NULL)
			n->rc = ERR_NOMEM;
		else
			n->at[n->count++] = slice_of(text);
	}
}

static void
free_names(struct names *n)
{
	for (size_t i = 0; i < n->count; i++) {
		union {
			const char *in;
			void *out;
		} u = { n->at[i].at };

		free(u.out);
	}
	free(n->at);
}

int
keys_advance(struct store_client *c, struct keys_words *w)
{
	struct advance a = { .c = c, .w = *w, .now_us = clock_wall_us() };
	struct names names = { .rc = 0 };
	int rc, worst = 0;

	if (!w->all)
		return advance_tenant(&a, w->tenant);
	rc = store_client_names(c, keep_names, &names);
	if (rc == 0)
		rc = names.rc;
	/* One tenant's trouble is not the others'. */
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		int one = advance_tenant(&a, names.at[i]);

		if (one < 0)
			worst = one;
	}
	free_names(&names);
	return rc < 0 ? rc : worst;
}
