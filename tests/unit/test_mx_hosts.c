/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of MX hosts, and the names of sites. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/mx_hosts.h"
#include "util/err.h"

static const struct {
	const char *text;
	int rc;
	size_t count;
	const char *last;
} records[] = {
	{ "1795456789 mx1.example.com mx2.example.com", 0, 2,
	    "mx2.example.com" },
	{ "1795456789", 0, 0, NULL },
	{ "0 localhost", 0, 1, "localhost" },
	{ "", ERR_SYNTAX, 0, NULL },
	{ "x mx.example.com", ERR_SYNTAX, 0, NULL },
	{ "-1 mx.example.com", ERR_SYNTAX, 0, NULL },
	{ "9223372036854775807 mx.example.com", ERR_SYNTAX, 0, NULL },
	{ "1 mx.example.com ", ERR_SYNTAX, 0, NULL },
	{ "1  mx.example.com", ERR_SYNTAX, 0, NULL },
	{ "1 MX.example.com", ERR_SYNTAX, 0, NULL },
	{ "1 mx..com", ERR_SYNTAX, 0, NULL },
	{ "1 mx.example.com\n", ERR_SYNTAX, 0, NULL },
	{ "1 \xc3\xa4.example", ERR_SYNTAX, 0, NULL },
};

static void
records_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
		size_t len = strlen(records[i].text);
		char *exact = malloc(len + !len);
		struct mx_hosts h = { .count = 0 };

		assert_non_null(exact);
		memcpy(exact, records[i].text, len);
		int rc = mx_hosts_parse((struct slice){ exact, len }, &h);
		if (rc != records[i].rc || h.count != records[i].count)
			fail_msg("\"%s\": %d, %zu", records[i].text, rc,
			    h.count);
		if (records[i].last != NULL &&
		    !slice_eq(h.at[h.count - 1], slice_of(records[i].last)))
			fail_msg("\"%s\"", records[i].text);
		free(exact);
	}
}

static void
what_is_written_can_be_read(void **state)
{
	static char names[DNS_MX_MAX + 1][40];
	struct mx_hosts h = { .count = DNS_MX_MAX, .until_s = 1795456789 };
	struct mx_hosts back;
	struct buf out;

	(void)state;
	for (size_t i = 0; i < DNS_MX_MAX; i++)
		h.at[i] = (struct slice){ names[i],
			(size_t)snprintf(names[i], sizeof(names[i]),
			    "mx%zu.example.com", i) };
	buf_init(&out, MX_HOSTS_TEXT_MAX);
	assert_int_equal(mx_hosts_format(&h, &out), 0);
	assert_int_equal(mx_hosts_parse(buf_slice(&out), &back), 0);
	assert_int_equal(back.until_s, h.until_s);
	assert_int_equal(back.count, DNS_MX_MAX);
	assert_true(slice_eq(back.at[31], SLICE("mx31.example.com")));
	/* One more is too many. */
	(void)buf_add_text(&out, " mx.example.com");
	assert_int_equal(mx_hosts_parse(buf_slice(&out), &back), ERR_LIMIT);
	buf_done(&out);
}

#define HOSTS_MAX 6
static const struct {
	const char *hosts[HOSTS_MAX];
	const char *site;
} sites[] = {
	{ { NULL }, "none" },
	{ { "mx.example.com" }, "mx.example.com" },
	{ { "localhost" }, "localhost" },
	{ { "gmail-smtp-in.l.google.com", "alt1.gmail-smtp-in.l.google.com",
	      "alt2.gmail-smtp-in.l.google.com",
	      "alt3.gmail-smtp-in.l.google.com",
	      "alt4.gmail-smtp-in.l.google.com" },
	    "(alt1|alt2|alt3|alt4)?.gmail-smtp-in.l.google.com" },
	{ { "mta7.am0.yahoodns.net", "mta5.am0.yahoodns.net",
	      "mta6.am0.yahoodns.net" },
	    "(mta5|mta6|mta7).am0.yahoodns.net" },
	{ { "mx2.example.com", "mx1.example.com" }, "(mx1|mx2).example.com" },
	{ { "mx1.example.com", "mx2.example.com" }, "(mx1|mx2).example.com" },
	{ { "a.example.com", "b.example.net" }, "(a|b).example.(com|net)" },
	{ { "example.com", "mx.example.com" }, "(mx)?.example.com" },
};

static void
sites_are_folded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sites) / sizeof(*sites); i++) {
		struct slice hosts[HOSTS_MAX];
		char room[MX_SITE_MAX];
		size_t n = 0;

		while (n < HOSTS_MAX && sites[i].hosts[n] != NULL) {
			hosts[n] = slice_of(sites[i].hosts[n]);
			n++;
		}
		size_t len = mx_hosts_site(hosts, n, room);
		if (!slice_eq((struct slice){ room, len },
			slice_of(sites[i].site)))
			fail_msg("%s: %.*s", sites[i].site, (int)len, room);
	}
}

static void
a_long_site_is_cut(void **state)
{
	static char names[DNS_MX_MAX][60];
	struct slice hosts[DNS_MX_MAX];
	char one[MX_SITE_MAX], other[MX_SITE_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < DNS_MX_MAX; i++)
		hosts[DNS_MX_MAX - 1 - i] = (struct slice){ names[i],
			(size_t)snprintf(names[i], sizeof(names[i]),
			    "a-rather-long-name-%02zu.example.com", i) };
	len = mx_hosts_site(hosts, DNS_MX_MAX, one);
	assert_int_equal(len, strlen("a-rather-long-name-00.example.com") + 9);
	assert_memory_equal(one, "a-rather-long-name-00.example.com+", 34);
	/* The order makes no difference, one host less does. */
	struct slice first = hosts[0];
	hosts[0] = hosts[5];
	hosts[5] = first;
	assert_int_equal(mx_hosts_site(hosts, DNS_MX_MAX, other), len);
	assert_memory_equal(one, other, len);
	assert_int_equal(mx_hosts_site(hosts + 1, DNS_MX_MAX - 1, other), len);
	assert_memory_not_equal(one, other, len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_read),
		cmocka_unit_test(what_is_written_can_be_read),
		cmocka_unit_test(sites_are_folded),
		cmocka_unit_test(a_long_site_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
