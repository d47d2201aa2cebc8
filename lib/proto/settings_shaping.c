/* SPDX-License-Identifier: BSD-2-Clause */
/* The section shaping of the global settings, with the provider file behind
 * it: compiled. */
#include <stdlib.h>

#include "proto/settings_tenant.h"
#include "proto/settings_work.h"
#include "util/err.h"
#include "util/regex.h"

/* Words in the order of their enums. */
static const char *const action_words[] = { "slow", "suspend", "transcode",
	"ignore", NULL };
static const char *const tls_words[] = { "may", "encrypt", "verify", NULL };

static const struct regex *
compile_regex(struct work *w, struct view v, unsigned flags)
{
	struct owned *o = work_own(w);
	struct regex *re = NULL;
	int rc;

	if (o == NULL)
		return NULL;
	rc = regex_compile(view_string(v), flags, &re, NULL, 0);
	if (rc < 0)
		w->rc = rc;
	o->regex = re;
	return re;
}

static void
compile_patterns(struct work *w, struct view list, struct shaping_filter *f)
{
	size_t count = view_count(list);
	const struct regex **re = work_take(w, count, sizeof(*re));

	for (size_t i = 0; w->rc == 0 && i < count; i++)
		re[i] = compile_regex(w, view_at(list, i),
		    REGEX_FULL | REGEX_NOCASE);
	f->patterns = re;
	f->pattern_count = w->rc == 0 ? count : 0;
}

static void
compile_rules(struct work *w, struct view list, struct shaping_filter *f)
{
	size_t count = view_count(list);
	struct shaping_rule *rule = work_take(w, count, sizeof(*rule));

	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		struct view v = view_at(list, i);

		rule[i].pattern =
		    compile_regex(w, view_get(v, "pattern"), REGEX_NOCASE);
		rule[i].action =
		    (enum shaping_action)view_word(view_get(v, "action"),
			action_words);
		rule[i].for_ms = view_period_ms(view_get(v, "for"));
	}
	f->rules = rule;
	f->rule_count = w->rc == 0 ? count : 0;
}

/* Absent list: all addresses.  Unknown names were refused. */
static void
compile_choice(struct work *w, struct view v, const struct shaping *s,
    struct shaping_filter *f)
{
	struct view list = view_get(v, "addresses");
	size_t named = view_count(list), n = 0,
	       most = (size_t)view_integer(view_get(v, "address_count")),
	       count = named > 0 ? named : s->address_count;
	unsigned *index = work_take(w, count, sizeof(*index));

	for (size_t i = 0; w->rc == 0 && i < s->address_count; i++)
		if (named == 0)
			index[n++] = (unsigned)i;
	for (size_t i = 0; w->rc == 0 && i < named; i++) {
		struct slice name = view_string(view_at(list, i));

		for (unsigned a = 0; a < s->address_count; a++)
			if (slice_eq(s->addresses[a].name, name))
				index[n++] = a;
	}
	f->addresses = index;
	f->address_count = most > 0 && most < n ? most : n;
}

static void
compile_forward(struct work *w, struct view v, struct shaping_filter *f)
{
	if (v.value == NULL)
		return;
	f->forward_host = work_keep_lower(w, view_string(view_get(v, "host")));
	f->forward_port = (unsigned)view_integer(view_get(v, "port"));
	f->forward_tls =
	    (enum forward_tls)view_word(view_get(v, "tls"), tls_words);
	f->forward_user = work_keep(w, view_string(view_get(v, "user")));
	f->forward_sealed = work_keep(w, view_string(view_get(v, "password")));
	f->forward_password = work_open_secret(w, view_get(v, "password"),
	    SETTINGS_WHERE_FORWARD_PASSWORD);
}

static void
compile_filter(struct work *w, struct view v, const struct shaping *s,
    struct shaping_filter *f)
{
	struct view cache = view_get(v, "connection_cache");

	f->name = work_keep(w, view_string(view_get(v, "name")));
	compile_patterns(w, view_get(v, "patterns"), f);
	f->host_name = view_bool(view_get(v, "host_name"));
	f->connections = (unsigned)view_integer(view_get(v, "connections"));
	f->interval_us = view_integer(view_get(v, "interval_ms")) * 1000;
	f->fixed = view_bool(view_get(v, "fixed"));
	f->max_interval_us =
	    view_integer(view_get(v, "max_interval_ms")) * 1000;
	f->messages_per_connection =
	    (unsigned)view_integer(view_get(v, "messages_per_connection"));
	f->cache_size = (unsigned)view_integer(view_get(cache, "size"));
	f->cache_idle_s = (unsigned)view_integer(view_get(cache, "idle_s"));
	compile_choice(w, v, s, f);
	compile_forward(w, view_get(v, "forward"), f);
	compile_rules(w, view_get(v, "rules"), f);
	f->retry = view_retry(view_get(v, "retry"));
}

/* A date that was checked. */
static void
compile_warm_up(struct work *w, struct view v, struct sending_address *a)
{
	struct slice start = view_string(view_get(v, "start"));
	struct view list = view_get(v, "per_day");
	size_t count = view_count(list);
	unsigned *per_day;

	if (v.value == NULL)
		return;
	per_day = work_take(w, count, sizeof(*per_day));
	if (!settings_date(start, &a->start_year, &a->start_month,
		&a->start_day))
		w->rc = ERR_SYNTAX;
	for (size_t i = 0; w->rc == 0 && i < count; i++)
		per_day[i] = (unsigned)view_integer(view_at(list, i));
	a->warming = true;
	a->per_day = per_day;
	a->days = w->rc == 0 ? count : 0;
	a->zone = work_zone(w, view_string(view_get(v, "time_zone")));
}

static void
compile_addresses(struct work *w, struct view list, struct shaping *s)
{
	size_t count = view_count(list);
	struct sending_address *a = work_take(w, count, sizeof(*a));

	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		struct view v = view_at(list, i);

		a[i].name = work_keep(w, view_string(view_get(v, "name")));
		a[i].ipv4 = work_keep(w, view_string(view_get(v, "ipv4")));
		a[i].ipv6 = work_keep(w, view_string(view_get(v, "ipv6")));
		a[i].host =
		    work_keep_lower(w, view_string(view_get(v, "host")));
		a[i].helo = work_keep(w, view_string(view_get(v, "helo")));
		compile_warm_up(w, view_get(v, "warm_up"), &a[i]);
	}
	s->addresses = a;
	s->address_count = w->rc == 0 ? count : 0;
}

static bool
named_already(const struct shaping_filter *f, size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++)
		if (slice_eq(f[i].name, name))
			return true;
	return false;
}

static void
compile_filters(struct work *w, struct view v, struct view providers,
    struct shaping *s)
{
	struct view own = view_get(v, "filters"),
		    more = view_get(providers, "filters");
	size_t own_count = view_count(own), count = 0,
	       more_count =
		   view_bool(view_get(v, "providers")) ? view_count(more) : 0;
	struct shaping_filter *f =
	    work_take(w, own_count + more_count, sizeof(*f));

	for (size_t i = 0; w->rc == 0 && i < own_count; i++)
		compile_filter(w, view_at(own, i), s, &f[count++]);
	for (size_t i = 0; w->rc == 0 && i < more_count; i++) {
		struct view entry = view_at(more, i);

		if (!named_already(f, own_count,
			view_string(view_get(entry, "name"))))
			compile_filter(w, entry, s, &f[count++]);
	}
	s->filters = f;
	s->filter_count = w->rc == 0 ? count : 0;
}

int
settings_shaping_compile(struct settings *s, struct view global,
    struct view providers, const struct master_key *master)
{
	struct work w = { s, NULL, SLICE(SETTINGS_GLOBAL), master, 0 };
	struct view v = view_get(global, "shaping");

	s->shaping.mode =
	    (enum settings_mode)view_word(view_get(v, "mode"), work_mode_words);
	s->shaping.retry = view_retry(view_get(v, "retry"));
	compile_addresses(&w, view_get(v, "addresses"), &s->shaping);
	compile_filters(&w, v, providers, &s->shaping);
	return w.rc;
}

const struct shaping *
settings_shaping(const struct settings *s)
{
	return &s->shaping;
}
