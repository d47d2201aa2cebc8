/* SPDX-License-Identifier: BSD-2-Clause */
/* DNS questions, with a name server of our own on loopback. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/dns.h"
#include "net/loop.h"
#include "util/clock.h"
#include "util/err.h"

#define PACKET_MAX 1500

enum behaviour { ANSWER, ANSWER_MX, NO_NAME, NO_NAME_SOA, REFUSE, SILENT };

struct fixture {
	struct event_base *base;
	struct loop_watch *watch;
	int fd;
	enum behaviour behaviour;
	char address[64];
	/* what came back */
	bool over;
	int rc;
	size_t count;
	char texts[4][600];
	uint32_t ttl_s;
};

/* Two TXT records for whatever was asked; the first has two strings. */
static size_t
add_records(uint8_t *at)
{
	static const uint8_t head[] = { 0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 60 };
	static const char first[] = "\x0bv=DKIM1; p=\x03"
				    "abc";
	static const char second[] = "\x05other";
	size_t n = 0;

	memcpy(at + n, head, sizeof(head));
	n += sizeof(head);
	at[n++] = 0;
	at[n++] = sizeof(first) - 1;
	memcpy(at + n, first, sizeof(first) - 1);
	n += sizeof(first) - 1;
	memcpy(at + n, head, sizeof(head));
	n += sizeof(head);
	at[n++] = 0;
	at[n++] = sizeof(second) - 1;
	memcpy(at + n, second, sizeof(second) - 1);
	return n + sizeof(second) - 1;
}

/* "mx2.test" and "MX1.test", in the wrong order. */
static size_t
add_mx(uint8_t *at)
{
	static const uint8_t records[] = { 0xc0, 0x0c, 0, 15, 0, 1, 0, 0, 1, 44,
		0, 12, 0, 20, 3, 'm', 'x', '2', 4, 't', 'e', 's', 't', 0, 0xc0,
		0x0c, 0, 15, 0, 1, 0, 0, 0, 60, 0, 12, 0, 10, 3, 'M', 'X', '1',
		4, 't', 'e', 's', 't', 0 };

	memcpy(at, records, sizeof(records));
	return sizeof(records);
}

/* The SOA record of a negative answer: 900 s and 120 s. */
static size_t
add_soa(uint8_t *at)
{
	static const uint8_t record[] = { 0xc0, 0x0c, 0, 6, 0, 1, 0, 0, 3, 132,
		0, 23, 0xc0, 0x0c, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0,
		0, 1, 0, 0, 0, 120 };

	memcpy(at, record, sizeof(record));
	return sizeof(record);
}

/* Header and question come back as they came; EDNS is left out. */
static void
serve(int fd, void *ctx)
{
	struct fixture *f = ctx;
	uint8_t p[PACKET_MAX];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(fd, p, 512, 0, (struct sockaddr *)&from, &len);
	size_t end = 12;

	if (n < 17 || f->behaviour == SILENT)
		return;
	while (end < (size_t)n && p[end] != 0)
		end += (size_t)p[end] + 1;
	end += 5;
	p[2] |= 0x80; /* QR */
	p[3] = f->behaviour == NO_NAME || f->behaviour == NO_NAME_SOA ? 0x83
	       : f->behaviour == REFUSE                               ? 0x85
								      : 0x80;
	memset(p + 6, 0, 6); /* no records */
	if (f->behaviour == ANSWER) {
		p[7] = 2;
		end += add_records(p + end);
	}
	if (f->behaviour == ANSWER_MX) {
		p[7] = 2;
		end += add_mx(p + end);
	}
	if (f->behaviour == NO_NAME_SOA) {
		p[9] = 1;
		end += add_soa(p + end);
	}
	(void)sendto(fd, p, end, 0, (struct sockaddr *)&from, len);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);

	if (f == NULL)
		return -1;
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
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	loop_watch_free(f->watch);
	(void)close(f->fd);
	loop_free(f->base);
	free(f);
	return 0;
}

static void
answered(int rc, const struct slice *texts, size_t count, void *ctx)
{
	struct fixture *f = ctx;

	assert_false(f->over);
	f->over = true;
	f->rc = rc;
	f->count = count;
	for (size_t i = 0; i < count && i < 4; i++)
		(void)snprintf(f->texts[i], sizeof(f->texts[i]), "%.*s",
		    SLICE_F(texts[i]));
}

static int
ask(struct fixture *f, enum behaviour behaviour, int64_t timeout_ms)
{
	struct dns *d = NULL;

	f->over = false;
	f->behaviour = behaviour;
	assert_int_equal(dns_new(f->base, f->address, &d), 0);
	dns_txt(d, "s1._domainkey.example.test", clock_deadline_ms(timeout_ms),
	    answered, f);
	loop_run_until(f->base, &f->over);
	dns_free(d);
	return f->rc;
}

static void
mx_answered(int rc, const struct dns_mx *mx, size_t count, uint32_t ttl_s,
    void *ctx)
{
	struct fixture *f = ctx;

	assert_false(f->over);
	f->over = true;
	f->rc = rc;
	f->count = count;
	f->ttl_s = ttl_s;
	for (size_t i = 0; i < count && i < 4; i++)
		(void)snprintf(f->texts[i], sizeof(f->texts[i]), "%u %.*s",
		    mx[i].preference, SLICE_F(mx[i].host));
}

static int
ask_mx(struct fixture *f, enum behaviour behaviour, int64_t timeout_ms)
{
	struct dns *d = NULL;

	f->over = false;
	f->behaviour = behaviour;
	assert_int_equal(dns_new(f->base, f->address, &d), 0);
	dns_mx(d, "example.test", clock_deadline_ms(timeout_ms), mx_answered,
	    f);
	loop_run_until(f->base, &f->over);
	dns_free(d);
	return f->rc;
}

static void
mail_exchangers_come_in_order(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask_mx(f, ANSWER_MX, 10000), 0);
	assert_int_equal(f->count, 2);
	assert_string_equal(f->texts[0], "10 mx1.test");
	assert_string_equal(f->texts[1], "20 mx2.test");
	assert_int_equal(f->ttl_s, 60);
}

static void
what_is_not_there_has_a_time(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask_mx(f, NO_NAME_SOA, 10000), ERR_NOTFOUND);
	assert_int_equal(f->ttl_s, 120);
	assert_int_equal(f->count, 0);
	assert_int_equal(ask_mx(f, NO_NAME, 10000), ERR_NOTFOUND);
	assert_int_equal(f->ttl_s, 0);
	/* Records of another type only. */
	assert_int_equal(ask_mx(f, ANSWER, 10000), ERR_NOTFOUND);
	assert_int_equal(ask_mx(f, REFUSE, 10000), ERR_UNAVAIL);
	assert_int_equal(ask_mx(f, SILENT, 50), ERR_TIMEOUT);
}

static void
strings_of_one_record_are_joined(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, ANSWER, 10000), 0);
	assert_int_equal(f->count, 2);
	assert_string_equal(f->texts[0], "v=DKIM1; p=abc");
	assert_string_equal(f->texts[1], "other");
}

static void
failures_say_what_they_are(void **state)
{
	assert_int_equal(ask(*state, NO_NAME, 10000), ERR_NOTFOUND);
	assert_int_equal(ask(*state, REFUSE, 10000), ERR_UNAVAIL);
	assert_int_equal(ask(*state, SILENT, 50), ERR_TIMEOUT);
}

static void
what_is_asked_when_it_closes_is_canceled(void **state)
{
	struct fixture *f = *state;
	struct dns *d = NULL;

	f->behaviour = SILENT;
	f->over = false;
	assert_int_equal(dns_new(f->base, f->address, &d), 0);
	dns_txt(d, "example.test", clock_deadline_ms(10000), answered, f);
	dns_free(d);
	assert_true(f->over);
	assert_int_equal(f->rc, ERR_CANCELED);
}

static void
servers_are_addresses(void **state)
{
	struct fixture *f = *state;
	struct dns *d = NULL;

	assert_int_equal(dns_new(f->base, "not an address", &d), ERR_SYNTAX);
	assert_null(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    strings_of_one_record_are_joined, setup, teardown),
		cmocka_unit_test_setup_teardown(failures_say_what_they_are,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_is_asked_when_it_closes_is_canceled, setup, teardown),
		cmocka_unit_test_setup_teardown(mail_exchangers_come_in_order,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_there_has_a_time,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(servers_are_addresses, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
