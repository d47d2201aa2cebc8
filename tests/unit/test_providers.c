/* SPDX-License-Identifier: BSD-2-Clause */
/* The cache of providers, with a name server of our own on loopback. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"
#include "policyd/providers.h"
#include "proto/dns_answer.h"
#include "service/metrics.h"
#include "util/clock.h"
#include "util/err.h"

#define START INT64_C(1700000000000000)
#define SECOND INT64_C(1000000)

struct fixture {
	struct event_base *base;
	struct loop_watch *watch;
	int fd;
	char address[64];
	struct providers *p;
	unsigned questions;
	bool silent, broken, no_name;
	uint32_t ttl_s;
	int64_t now_us;
};

/* Everybody's mail goes to "mx.ho"; domains with "n" have a null MX. */
static void
serve(int fd, void *ctx)
{
	struct fixture *f = ctx;
	uint8_t p[1500];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(fd, p, 512, 0, (struct sockaddr *)&from, &len);
	size_t end = 12;

	if (n < 17)
		return;
	f->questions++;
	if (f->silent)
		return;
	while (end < (size_t)n && p[end] != 0)
		end += (size_t)p[end] + 1;
	end += 5;
	p[2] |= 0x80;
	p[3] = f->broken ? 0x85 : f->no_name ? 0x83 : 0x80;
	memset(p + 6, 0, 6);
	if (p[3] == 0x80) {
		uint8_t record[] = { 0xc0, 0x0c, 0, 15, 0, 1, 0, 0,
			(uint8_t)(f->ttl_s >> 8), (uint8_t)f->ttl_s, 0, 9, 0,
			10, 2, 'm', 'x', 2, 'h', 'o', 0 };

		p[7] = 1;
		memcpy(p + end, record, sizeof(record));
		if (p[13] == 'n') { /* a null MX */
			p[end + 11] = 3;
			p[end + 14] = 0;
			end += sizeof(record) - 6;
		} else {
			end += sizeof(record);
		}
	}
	(void)sendto(fd, p, end, 0, (struct sockaddr *)&from, len);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	struct providers_options options = { .dns_timeout_ms = 10000,
		.max_domains = 1000 };

	assert_non_null(f);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	f->base = loop_new();
	f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (f->base == NULL ||
	    bind(f->fd, (struct sockaddr *)&in, sizeof(in)) < 0 ||
	    getsockname(f->fd, (struct sockaddr *)&in, &len) < 0)
		return -1;
	(void)snprintf(f->address, sizeof(f->address), "127.0.0.1:%u",
	    ntohs(in.sin_port));
	f->watch = loop_watch_new(f->base, f->fd, serve, f);
	f->ttl_s = 300;
	f->now_us = START;
	clock_set_for_test(START);
	options.base = f->base;
	options.dns_servers = f->address;
	assert_int_equal(providers_new(&options, &f->p), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	clock_set_for_test(0);
	providers_stop(f->p);
	providers_free(f->p);
	loop_watch_free(f->watch);
	(void)close(f->fd);
	loop_free(f->base);
	free(f);
	return 0;
}

static void
later(struct fixture *f, int64_t seconds)
{
	f->now_us += seconds * SECOND;
	clock_set_for_test(f->now_us);
}

static uint64_t
answers(void)
{
	return metrics_get(METRIC_POLICYD_PROVIDER_DNS) +
	       metrics_get(METRIC_POLICYD_PROVIDER_FAILED);
}

static void
set_true(void *ctx)
{
	*(bool *)ctx = true;
}

/* Until so many answers have come since before; ten seconds at most. */
static void
wait_answers(struct fixture *f, uint64_t before, uint64_t count)
{
	bool over = false;
	struct loop_timer *timer = loop_timer_new(f->base, set_true, &over);

	assert_non_null(timer);
	loop_timer_set(timer, 10000);
	while (answers() < before + count && !over)
		(void)event_base_loop(f->base, EVLOOP_ONCE);
	loop_timer_free(timer);
	assert_int_equal(answers(), before + count);
}

static enum provider_found
find(struct fixture *f, const char *domain, struct provider **ret_provider)
{
	return providers_find(f->p, slice_of(domain), ret_provider);
}

/* Known from now on. */
static struct provider *
learn(struct fixture *f, const char *domain)
{
	uint64_t before = answers();
	struct provider *p;

	assert_int_equal(find(f, domain, &p), PROVIDER_UNKNOWN);
	assert_null(p);
	wait_answers(f, before, 1);
	assert_int_equal(find(f, domain, &p), PROVIDER_FRESH);
	assert_non_null(p);
	return p;
}

static void
assert_one_host(const struct provider *p, const char *host)
{
	assert_int_equal(p->count, 1);
	assert_true(slice_eq(p->hosts[0], slice_of(host)));
}

static void
what_was_asked_is_known(void **state)
{
	struct fixture *f = *state;
	struct provider *a, *b;

	a = learn(f, "a.test");
	assert_one_host(a, "mx.ho");
	assert_true(slice_eq(a->site, SLICE("mx.ho")));
	/* The same hosts are the same provider. */
	b = learn(f, "b.test");
	assert_ptr_equal(a, b);
	assert_int_equal(f->questions, 2);
}

static void
one_question_for_a_domain(void **state)
{
	struct fixture *f = *state;
	uint64_t before = answers();
	struct provider *p;

	for (int i = 0; i < 100; i++)
		(void)find(f, "a.test", &p);
	providers_warm(f->p, SLICE("a.test"));
	wait_answers(f, before, 1);
	assert_int_equal(find(f, "a.test", &p), PROVIDER_FRESH);
	assert_int_equal(f->questions, 1);
}

static void
a_null_mx_has_no_hosts(void **state)
{
	struct fixture *f = *state;
	struct provider *p = learn(f, "n.test");

	assert_int_equal(p->count, 0);
	assert_true(slice_eq(p->site, SLICE("none")));
}

static void
without_mx_it_is_its_own_host(void **state)
{
	struct fixture *f = *state;

	f->no_name = true;
	assert_one_host(learn(f, "a.test"), "a.test");
}

static void
old_answers_are_given_and_refreshed(void **state)
{
	struct fixture *f = *state;
	uint64_t before;
	struct provider *p;

	(void)learn(f, "a.test");
	later(f, 299);
	/* In its last tenth it is asked for again. */
	before = answers();
	assert_int_equal(find(f, "a.test", &p), PROVIDER_FRESH);
	wait_answers(f, before, 1);
	later(f, 200);
	assert_int_equal(find(f, "a.test", &p), PROVIDER_FRESH);
	assert_int_equal(f->questions, 2);
	/* Nobody used it meanwhile: old, and asked for. */
	later(f, 3600);
	before = answers();
	assert_int_equal(find(f, "a.test", &p), PROVIDER_STALE);
	assert_one_host(p, "mx.ho");
	wait_answers(f, before, 1);
	assert_int_equal(find(f, "a.test", &p), PROVIDER_FRESH);
}

static void
times_have_bounds(void **state)
{
	struct fixture *f = *state;
	struct provider *p;

	f->ttl_s = 0;
	(void)learn(f, "a.test");
	later(f, PROVIDER_TTL_LEAST - 1);
	assert_int_equal(find(f, "a.test", &p), PROVIDER_FRESH);
	later(f, 2);
	assert_int_equal(find(f, "a.test", &p), PROVIDER_STALE);
}

static void
failures_keep_what_is_known(void **state)
{
	struct fixture *f = *state;
	uint64_t before;
	struct provider *p;

	(void)learn(f, "a.test");
	f->broken = true;
	later(f, 3600);
	before = answers();
	assert_int_equal(find(f, "a.test", &p), PROVIDER_STALE);
	wait_answers(f, before, 1);
	/* Not asked again at once. */
	assert_int_equal(find(f, "a.test", &p), PROVIDER_STALE);
	assert_one_host(p, "mx.ho");
	assert_int_equal(answers(), before + 1);
	later(f, 60);
	(void)find(f, "a.test", &p);
	wait_answers(f, before, 2);
	/* In the end it is not known. */
	later(f, PROVIDER_STALE_S);
	assert_int_equal(find(f, "a.test", &p), PROVIDER_UNKNOWN);
	assert_null(p);
	wait_answers(f, before, 3);
	f->broken = false;
	later(f, 600);
	(void)find(f, "a.test", &p);
	wait_answers(f, before, 4);
	assert_int_equal(find(f, "a.test", &p), PROVIDER_FRESH);
}

static void
what_is_no_domain_is_not_asked_for(void **state)
{
	static const char *const names[] = { "", "localhost", "[192.0.2.1]",
		"[ipv6:2001:db8::1]", "192.0.2.1",
		"b\xc3\xbc"
		"cher.test",
		"a..test", ".test", "a.test.", "a b.test", "a\\.test",
		"test." };
	struct fixture *f = *state;
	struct provider *p;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(find(f, names[i], &p), PROVIDER_UNKNOWN);
	for (int i = 0; i < 10; i++)
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(f->questions, 0);
}

static void
questions_are_bounded(void **state)
{
	struct fixture *f = *state;
	uint64_t before = metrics_get(METRIC_POLICYD_PROVIDER_DROPPED);
	const int most = PROVIDER_QUESTIONS_MAX + PROVIDER_WAITING_MAX;
	struct provider *p;
	char domain[40];

	f->silent = true;
	for (int i = 0; i < most + 10; i++) {
		(void)snprintf(domain, sizeof(domain), "a%d.test", i);
		(void)find(f, domain, &p);
	}
	assert_int_equal(metrics_get(METRIC_POLICYD_PROVIDER_DROPPED),
	    before + 10);
}

/* ---- the cache alone ---- */

static void
the_cache_is_bounded(void **state)
{
	struct provider_cache *c = provider_cache_new(100);
	char text[40];

	(void)state;
	assert_non_null(c);
	for (int i = 0; i < 1000; i++) {
		struct provider_domain *d;
		struct slice host = { text,
			(size_t)snprintf(text, sizeof(text), "mx%d.test", i) };

		d = provider_cache_add(c, host);
		assert_non_null(d);
		assert_int_equal(provider_cache_set(c, d, &host, 1), 0);
		/* The first one is used all the time. */
		assert_non_null(provider_cache_get(c, SLICE("mx0.test")));
	}
	assert_true(provider_cache_count(c) <= 100);
	assert_true(provider_cache_octets(c) <= 100 * PROVIDER_CACHE_OCTETS);
	assert_non_null(provider_cache_peek(c, SLICE("mx999.test")));
	assert_null(provider_cache_peek(c, SLICE("mx1.test")));
	provider_cache_free(c);
}

/* Many large sets of hosts take the room of more domains. */
static void
large_sets_take_their_room(void **state)
{
	struct provider_cache *c = provider_cache_new(1000);
	static char names[DNS_MX_MAX][DNS_NAME_MAX + 1];
	struct slice hosts[DNS_MX_MAX];

	(void)state;
	assert_non_null(c);
	for (int i = 0; i < 1000; i++) {
		char text[40];
		struct slice domain = { text,
			(size_t)snprintf(text, sizeof(text), "d%d.test", i) };
		struct provider_domain *d = provider_cache_add(c, domain);

		for (size_t k = 0; k < DNS_MX_MAX; k++)
			hosts[k] = (struct slice){ names[k],
				(size_t)snprintf(names[k], sizeof(names[k]),
				    "%0200d.%zu.test", i, k) };
		assert_non_null(d);
		assert_int_equal(provider_cache_set(c, d, hosts, DNS_MX_MAX),
		    0);
		assert_int_equal(d->provider->count, DNS_MX_MAX);
	}
	assert_true(provider_cache_octets(c) <= 1000 * PROVIDER_CACHE_OCTETS);
	assert_true(provider_cache_count(c) > 10);
	provider_cache_free(c);
}

static void
a_set_goes_with_its_last_domain(void **state)
{
	struct provider_cache *c = provider_cache_new(100);
	const struct slice one = SLICE("mx1.test"), two = SLICE("mx2.test");
	struct provider_domain *a, *b;
	size_t before, with_one;

	(void)state;
	a = provider_cache_add(c, SLICE("a.test"));
	b = provider_cache_add(c, SLICE("b.test"));
	before = provider_cache_octets(c);
	assert_int_equal(provider_cache_set(c, a, &one, 1), 0);
	with_one = provider_cache_octets(c);
	assert_true(with_one > before);
	assert_int_equal(provider_cache_set(c, b, &one, 1), 0);
	assert_int_equal(provider_cache_octets(c), with_one);
	assert_ptr_equal(a->provider, b->provider);
	assert_int_equal(provider_cache_set(c, a, &two, 1), 0);
	assert_ptr_not_equal(a->provider, b->provider);
	assert_int_equal(provider_cache_set(c, b, &two, 1), 0);
	assert_int_equal(provider_cache_octets(c), with_one);
	/* Told the same again. */
	assert_int_equal(provider_cache_set(c, b, &two, 1), 0);
	assert_true(slice_eq(b->provider->hosts[0], two));
	provider_cache_free(c);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_was_asked_is_known),
		T(one_question_for_a_domain),
		T(a_null_mx_has_no_hosts),
		T(without_mx_it_is_its_own_host),
		T(old_answers_are_given_and_refreshed),
		T(times_have_bounds),
		T(failures_keep_what_is_known),
		T(what_is_no_domain_is_not_asked_for),
		T(questions_are_bounded),
		cmocka_unit_test(the_cache_is_bounded),
		cmocka_unit_test(large_sets_take_their_room),
		cmocka_unit_test(a_set_goes_with_its_last_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
