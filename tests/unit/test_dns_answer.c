/* SPDX-License-Identifier: BSD-2-Clause */
/* MX records of DNS answers: order, times, what hostile ones try. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/dns_answer.h"
#include "util/err.h"

/* A message being made; the question is "a.test". */
struct message {
	uint8_t at[70000];
	size_t len;
};

static void
octets(struct message *m, const void *at, size_t len)
{
	assert_true(m->len + len <= sizeof(m->at));
	memcpy(m->at + m->len, at, len);
	m->len += len;
}
#define OCTETS(m, literal) octets(m, literal, sizeof(literal) - 1)

static void
number(struct message *m, uint32_t value, int size)
{
	while (size-- > 0) {
		uint8_t octet = (uint8_t)(value >> 8 * size);

		octets(m, &octet, 1);
	}
}

static void
begin(struct message *m, unsigned rcode, unsigned answers, unsigned authorities)
{
	m->len = 0;
	OCTETS(m, "\1\2\x81");
	number(m, 0x80 | rcode, 1);
	number(m, 1, 2);
	number(m, answers, 2);
	number(m, authorities, 2);
	number(m, 0, 2);
	OCTETS(m, "\1a\4test\0\0\x0f\0\1");
}

/* Labels of a dotted name; no final octet. */
static void
labels(struct message *m, const char *name)
{
	while (*name != '\0') {
		size_t n = strcspn(name, ".");

		number(m, (uint32_t)n, 1);
		octets(m, name, n);
		name += n + (name[n] == '.');
	}
}

static void
record(struct message *m, unsigned type, uint32_t ttl_s, unsigned length)
{
	OCTETS(m, "\xc0\x0c"); /* the name asked for */
	number(m, type, 2);
	number(m, 1, 2);
	number(m, ttl_s, 4);
	number(m, length, 2);
}

/* host in text form, with "test" compressed away where it ends so. */
static void
mx(struct message *m, unsigned preference, uint32_t ttl_s, const char *host)
{
	struct message data = { .len = 0 };
	const char *end = strstr(host, ".test");

	number(&data, preference, 2);
	if (end != NULL && strcmp(end, ".test") == 0) {
		char first[300];

		(void)snprintf(first, sizeof(first), "%.*s", (int)(end - host),
		    host);
		labels(&data, first);
		OCTETS(&data, "\xc0\x0e");
	} else {
		labels(&data, host);
		number(&data, 0, 1);
	}
	record(m, 15, ttl_s, (unsigned)data.len);
	octets(m, data.at, data.len);
}

static void
soa(struct message *m, uint32_t ttl_s, uint32_t minimum)
{
	record(m, 6, ttl_s, 2 + 1 + 20);
	OCTETS(m, "\xc0\x0c\0");
	OCTETS(m, "1234567890123456");
	number(m, minimum, 4);
}

/* From a block of exactly that length. */
static int
parse(const struct message *m, struct dns_mx_answer *a)
{
	uint8_t *exact = malloc(m->len + !m->len);
	int rc;

	assert_non_null(exact);
	memcpy(exact, m->at, m->len);
	rc = dns_mx_answer_parse(exact, m->len, a);
	free(exact);
	return rc;
}

static void
assert_host(const struct dns_mx_answer *a, size_t i, unsigned preference,
    const char *host)
{
	if (i >= a->count || a->mx[i].preference != preference ||
	    !slice_eq(a->mx[i].host, slice_of(host)))
		fail_msg("%zu of %zu: %u %.*s", i, a->count,
		    a->mx[i].preference, SLICE_F(a->mx[i].host));
}

static struct message m;
static struct dns_mx_answer a;

static void
hosts_are_in_order(void **state)
{
	(void)state;
	begin(&m, 0, 4, 0);
	mx(&m, 20, 300, "Alt2.mx.Example.COM");
	mx(&m, 20, 200, "alt1.mx.example.com");
	mx(&m, 5, 400, "mx.test");
	mx(&m, 30, 300, "mx.test"); /* once is enough */
	assert_int_equal(parse(&m, &a), 0);
	assert_int_equal(a.count, 3);
	assert_host(&a, 0, 5, "mx.test");
	assert_host(&a, 1, 20, "alt1.mx.example.com");
	assert_host(&a, 2, 20, "alt2.mx.example.com");
	assert_int_equal(a.ttl_s, 200);
}

static void
an_alias_shortens_the_time(void **state)
{
	(void)state;
	begin(&m, 0, 2, 0);
	record(&m, 5, 30, 3);
	OCTETS(&m, "\1b\0");
	mx(&m, 5, 400, "mx.test");
	assert_int_equal(parse(&m, &a), 0);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.ttl_s, 30);
}

static void
a_negative_answer_has_its_time(void **state)
{
	(void)state;
	begin(&m, 3, 0, 1);
	soa(&m, 900, 60);
	assert_int_equal(parse(&m, &a), 0);
	assert_int_equal(a.count, 0);
	assert_int_equal(a.rcode, 3);
	assert_int_equal(a.ttl_s, 60);
	begin(&m, 0, 0, 1);
	soa(&m, 30, 60);
	assert_int_equal(parse(&m, &a), 0);
	assert_int_equal(a.ttl_s, 30);
	begin(&m, 0, 0, 0);
	assert_int_equal(parse(&m, &a), 0);
	assert_int_equal(a.ttl_s, 0);
}

static void
a_null_mx_stands_alone(void **state)
{
	(void)state;
	begin(&m, 0, 1, 0);
	mx(&m, 0, 300, "");
	assert_int_equal(parse(&m, &a), 0);
	assert_int_equal(a.count, 1);
	assert_host(&a, 0, 0, "");
	begin(&m, 0, 2, 0);
	mx(&m, 0, 300, "");
	mx(&m, 10, 300, "mx.test");
	assert_int_equal(parse(&m, &a), 0);
	assert_int_equal(a.count, 1);
	assert_host(&a, 0, 10, "mx.test");
}

static void
the_best_of_many_stay(void **state)
{
	(void)state;
	begin(&m, 0, 1000, 0);
	for (unsigned i = 0; i < 1000; i++) {
		char host[40];

		(void)snprintf(host, sizeof(host), "h%u.test", i * 7919 % 1000);
		mx(&m, i * 7919 % 1000, 300, host);
	}
	assert_int_equal(parse(&m, &a), 0);
	assert_int_equal(a.count, DNS_MX_MAX);
	for (unsigned i = 0; i < DNS_MX_MAX; i++) {
		char host[40];

		(void)snprintf(host, sizeof(host), "h%u.test", i);
		assert_host(&a, i, i, host);
	}
}

static void
the_same_host_again_and_again(void **state)
{
	(void)state;
	begin(&m, 0, 1000, 0);
	for (unsigned i = 1000; i > 0; i--)
		mx(&m, i, 300, i % 2 == 0 ? "a.test" : "b.test");
	assert_int_equal(parse(&m, &a), 0);
	assert_int_equal(a.count, 2);
	assert_host(&a, 0, 1, "b.test");
	assert_host(&a, 1, 2, "a.test");
}

static void
names_that_are_none_are_left_out(void **state)
{
	static const char *const bad[] = { "a b.test", "x\ny.example",
		"\xff.example", "a/b.example", "%s.example", "a\\.example",
		"\"x\".example" };
	const size_t count = sizeof(bad) / sizeof(*bad);

	(void)state;
	begin(&m, 0, (unsigned)count + 2, 0);
	for (size_t i = 0; i < count; i++)
		mx(&m, 1, 300, bad[i]);
	/* A dot inside a label. */
	record(&m, 15, 300, 2 + 4 + 1);
	OCTETS(&m, "\0\1\3x.y\0");
	mx(&m, 2, 300, "_good-1.test");
	assert_int_equal(parse(&m, &a), 0);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.unusable, count + 1);
	assert_host(&a, 0, 2, "_good-1.test");
}

static void
a_name_too_long_is_none(void **state)
{
	char label[64];

	(void)state;
	memset(label, 'x', 63);
	label[63] = '\0';
	begin(&m, 0, 1, 0);
	record(&m, 15, 300, 2 + 5 * 64 + 1);
	number(&m, 1, 2);
	for (int i = 0; i < 5; i++)
		labels(&m, label);
	number(&m, 0, 1);
	assert_int_equal(parse(&m, &a), 0);
	assert_int_equal(a.count, 0);
	assert_int_equal(a.unusable, 1);
}

static void
pointers_in_a_circle_end(void **state)
{
	(void)state;
	begin(&m, 0, 1, 0);
	record(&m, 15, 300, 4);
	number(&m, 1, 2);
	number(&m, 0xc000 | (uint32_t)m.len, 2);
	assert_int_equal(parse(&m, &a), ERR_SYNTAX);
	begin(&m, 0, 1, 0);
	record(&m, 15, 300, 4);
	OCTETS(&m, "\0\1\xff\xff");
	assert_int_equal(parse(&m, &a), ERR_SYNTAX);
}

static void
authority_and_other_classes_do_not_count(void **state)
{
	(void)state;
	begin(&m, 0, 1, 1);
	mx(&m, 1, 300, "good.test");
	mx(&m, 0, 10, "authority.test");
	assert_int_equal(parse(&m, &a), 0);
	assert_int_equal(a.count, 1);
	assert_host(&a, 0, 1, "good.test");
	assert_int_equal(a.ttl_s, 300);
	begin(&m, 0, 1, 0);
	mx(&m, 1, 300, "good.test");
	m.at[12 + 12 + 5] = 3; /* CHAOS */
	assert_int_equal(parse(&m, &a), 0);
	assert_int_equal(a.count, 0);
}

/* Every beginning of an answer is none. */
static void
what_is_cut_is_refused(void **state)
{
	size_t whole;

	(void)state;
	begin(&m, 0, 2, 1);
	mx(&m, 1, 300, "mx.test");
	mx(&m, 2, 300, "mx2.example.com");
	soa(&m, 300, 300);
	whole = m.len;
	assert_int_equal(parse(&m, &a), 0);
	for (m.len = 0; m.len < whole; m.len++)
		if (parse(&m, &a) != ERR_SYNTAX)
			fail_msg("%zu of %zu octets", m.len, whole);
	/* And a question is no answer. */
	m.len = whole;
	m.at[2] &= 0x7f;
	assert_int_equal(parse(&m, &a), ERR_SYNTAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_in_order),
		cmocka_unit_test(an_alias_shortens_the_time),
		cmocka_unit_test(a_negative_answer_has_its_time),
		cmocka_unit_test(a_null_mx_stands_alone),
		cmocka_unit_test(the_best_of_many_stay),
		cmocka_unit_test(the_same_host_again_and_again),
		cmocka_unit_test(names_that_are_none_are_left_out),
		cmocka_unit_test(a_name_too_long_is_none),
		cmocka_unit_test(pointers_in_a_circle_end),
		cmocka_unit_test(authority_and_other_classes_do_not_count),
		cmocka_unit_test(what_is_cut_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
