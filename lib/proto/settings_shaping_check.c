/* SPDX-License-Identifier: BSD-2-Clause */
/* What a schema can not say of the section shaping, and of the provider
 * file. */
#include <ctype.h>

#include "proto/json.h"
#include "proto/schema.h"
#include "proto/settings_check.h"
#include "util/number.h"
#include "util/regex.h"

#define SECOND_MS 1000LL
#define DAY_MS (24 * 3600 * SECOND_MS)

bool
settings_date(struct slice text, unsigned *ret_year, unsigned *ret_month,
    unsigned *ret_day)
{
	static const unsigned char days[] = { 31, 29, 31, 30, 31, 30, 31, 31,
		30, 31, 30, 31 };
	struct slice year = text, month = slice_skip(text, 5),
		     day = slice_skip(text, 8);
	uint64_t y, m, d;

	if (text.len != 10 || text.at[4] != '-' || text.at[7] != '-')
		return false;
	year.len = 4;
	month.len = 2;
	if (number_parse(year, 1, 9999, &y) < 0 ||
	    number_parse(month, 1, 12, &m) < 0 ||
	    number_parse(day, 1, days[m - 1], &d) < 0)
		return false;
	if (m == 2 && d == 29 && (y % 4 != 0 || (y % 100 == 0 && y % 400 != 0)))
		return false;
	*ret_year = (unsigned)y;
	*ret_month = (unsigned)m;
	*ret_day = (unsigned)d;
	return true;
}

/* ---- filters ---- */

static bool
check_regex(struct check *c, struct view v, const char *path, unsigned flags)
{
	struct slice pattern = view_string(v);
	char error[200] = "can not be used";
	struct regex *re = NULL;
	int rc;

	if (pattern.at == NULL)
		return false;
	rc = regex_compile(pattern, flags, &re, error, sizeof(error));
	if (rc < 0)
		check_wrong(c, path, "is no good expression: %s", error);
	regex_free(re);
	return rc == 0;
}

/* Nothing but letters, digits, "-", "_" and dots: "mx\.example\.com". */
static bool
is_plain_name(struct slice pattern)
{
	for (size_t i = 0; i < pattern.len; i++) {
		unsigned char ch = (unsigned char)pattern.at[i];

		if (ch == '\\' && i + 1 < pattern.len &&
		    (pattern.at[i + 1] == '.' || pattern.at[i + 1] == '-'))
			i++;
		else if (!isascii(ch) ||
			 (!isalnum(ch) && ch != '-' && ch != '_'))
			return false;
	}
	return true;
}

/* Expressions that are good, but can never match what they are asked for. */
static void
check_kind(struct check *c, struct slice pattern, bool host_name,
    const char *path)
{
	if (host_name && slice_find(pattern, SLICE("@")) != NULL)
		check_wrong(c, path,
		    "has an \"@\", which is in no name of an MX host");
	if (!host_name && is_plain_name(pattern))
		check_wrong(c, path,
		    "matches no whole address; for the name of an MX host, set "
		    "host_name");
}

static void
check_patterns(struct check *c, struct view v, const char *path)
{
	struct view list = view_get(v, "patterns");
	bool host_name = view_bool(view_get(v, "host_name"));

	for (size_t i = 0; i < view_count(list); i++) {
		struct place at = check_place("%s/patterns/%zu", path, i);
		struct view entry = view_at(list, i);

		if (check_regex(c, entry, at.text, REGEX_FULL | REGEX_NOCASE))
			check_kind(c, view_string(entry), host_name, at.text);
	}
}

static void
check_rules(struct check *c, struct view list, const char *path)
{
	for (size_t i = 0; i < view_count(list); i++) {
		struct view v = view_at(list, i);
		int64_t ms = view_period_ms(view_get(v, "for"));

		(void)check_regex(c, view_get(v, "pattern"),
		    check_place("%s/rules/%zu/pattern", path, i).text,
		    REGEX_NOCASE);
		/* 0: no period at all, which the schema has told. */
		if (ms != 0 && (ms < SECOND_MS || ms > DAY_MS))
			check_wrong(c,
			    check_place("%s/rules/%zu/for", path, i).text,
			    "must be 1s to 24h");
	}
}

static bool
is_address(struct slice text, bool ipv6)
{
	static const unsigned char none[16];
	struct schema_network n;

	return slice_find(text, SLICE("/")) == NULL &&
	       schema_network_parse(text, &n) == 0 && n.ipv6 == ipv6 &&
	       memcmp(n.octets, none, ipv6 ? 16 : 4) != 0;
}

static void
check_forward(struct check *c, struct view v, const char *path)
{
	struct slice host = view_string(view_get(v, "host")),
		     user = view_string(view_get(v, "user"));
	bool password = view_string(view_get(v, "password")).at != NULL;

	if (v.value == NULL)
		return;
	if (host.len > 2 && host.at[0] == '[') {
		struct slice inner = { host.at + 1, host.len - 2 };

		if (!is_address(inner, false) && !is_address(inner, true))
			check_wrong(c,
			    check_place("%s/forward/host", path).text,
			    "is no [address]");
		if (slice_eq(view_string(view_get(v, "tls")), SLICE("verify")))
			check_wrong(c, check_place("%s/forward/tls", path).text,
			    "verify needs the name of a host");
	}
	if (user.len > 0 && !password)
		check_wrong(c, check_place("%s/forward/password", path).text,
		    "is needed with a user");
	if (user.len == 0 && password)
		check_wrong(c, check_place("%s/forward/user", path).text,
		    "is needed with a password");
}

static bool
has_named(struct view list, struct slice name)
{
	for (size_t i = 0; i < view_count(list); i++)
		if (slice_eq(view_string(view_get(view_at(list, i), "name")),
			name))
			return true;
	return false;
}

static void
check_choice(struct check *c, struct view v, struct view addresses,
    const char *path)
{
	struct view list = view_get(v, "addresses");
	size_t named = view_count(list),
	       most = named > 0 ? named : view_count(addresses);

	for (size_t i = 0; i < named; i++) {
		struct slice name = view_string(view_at(list, i));
		struct place at = check_place("%s/addresses/%zu", path, i);

		if (name.at == NULL)
			continue;
		if (!has_named(addresses, name))
			check_wrong(c, at.text,
			    "\"%.*s\" is none of /shaping/addresses",
			    SLICE_F(name));
		for (size_t n = 0; n < i; n++)
			if (slice_eq(view_string(view_at(list, n)), name))
				check_wrong(c, at.text,
				    "\"%.*s\" is there already", SLICE_F(name));
	}
	if (view_integer(view_get(v, "address_count")) > (int64_t)most)
		check_wrong(c, check_place("%s/address_count", path).text,
		    "is more than there are (%zu)", most);
}

/* What the settings' filters and those of the provider file share. */
static void
check_filter(struct check *c, struct view v, const char *path)
{
	int64_t interval = view_integer(view_get(v, "interval_ms")),
		largest = view_integer(view_get(v, "max_interval_ms"));

	check_patterns(c, v, path);
	check_rules(c, view_get(v, "rules"), path);
	check_retry(c, view_get(v, "retry"),
	    check_place("%s/retry", path).text);
	if (interval > largest)
		check_wrong(c, check_place("%s/interval_ms", path).text,
		    "is above max_interval_ms (%lld)", (long long)largest);
}

/* ---- sending addresses ---- */

static void
check_address(struct check *c, struct view v, size_t i)
{
	struct slice ipv4 = view_string(view_get(v, "ipv4")),
		     ipv6 = view_string(view_get(v, "ipv6")),
		     start =
			 view_string(view_get(view_get(v, "warm_up"), "start"));
	struct view zone = view_get(view_get(v, "warm_up"), "time_zone");
	struct place at = check_place("/shaping/addresses/%zu", i);
	unsigned year, month, day;

	if (ipv4.at == NULL && ipv6.at == NULL)
		check_wrong(c, at.text, "must have ipv4, ipv6 or both");
	if (ipv4.at != NULL && !is_address(ipv4, false))
		check_wrong(c, check_place("%s/ipv4", at.text).text,
		    "is no IPv4 address to send from");
	if (ipv6.at != NULL && !is_address(ipv6, true))
		check_wrong(c, check_place("%s/ipv6", at.text).text,
		    "is no IPv6 address to send from");
	if (start.at != NULL && !settings_date(start, &year, &month, &day))
		check_wrong(c, check_place("%s/warm_up/start", at.text).text,
		    "is no day of the calendar");
	if (zone.value != NULL)
		check_zone(c, zone,
		    check_place("%s/warm_up/time_zone", at.text).text);
}

void
check_shaping(struct check *c, struct view v)
{
	struct view filters = view_get(v, "filters"),
		    addresses = view_get(v, "addresses");

	check_unique(c, filters, "/shaping/filters", "name");
	check_unique(c, addresses, "/shaping/addresses", "name");
	check_retry(c, view_get(v, "retry"), "/shaping/retry");
	for (size_t i = 0; i < view_count(filters); i++) {
		struct place at = check_place("/shaping/filters/%zu", i);
		struct view f = view_at(filters, i);

		check_filter(c, f, at.text);
		check_forward(c, view_get(f, "forward"), at.text);
		check_choice(c, f, addresses, at.text);
	}
	for (size_t i = 0; i < view_count(addresses); i++)
		check_address(c, view_at(addresses, i), i);
}

/* ---- the provider file ---- */

static void
check_not_here(struct check *c, bool given, const char *path,
    const char *member)
{
	if (given)
		check_wrong(c, check_place("%s/%s", path, member).text,
		    "belongs in the settings, not in the provider file");
}

void
check_providers(struct check *c, struct view v)
{
	struct view filters = view_get(v, "filters");

	check_unique(c, filters, "/filters", "name");
	for (size_t i = 0; i < view_count(filters); i++) {
		struct view entry = view_at(filters, i);
		struct place at = check_place("/filters/%zu", i);
		struct view forward = view_get(entry, "forward");

		check_filter(c, entry, at.text);
		check_not_here(c, json_get(entry.value, "addresses") != NULL,
		    at.text, "addresses");
		check_not_here(c,
		    json_get(entry.value, "address_count") != NULL, at.text,
		    "address_count");
		check_not_here(c, forward.value != NULL, at.text, "forward");
	}
}
