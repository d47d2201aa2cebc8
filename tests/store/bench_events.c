/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_events EVENTS DAYS
 * What looking up costs among many events.  Writes a day of them, spread over
 * its minutes, by the functions and scripts that the daemons use, with only
 * the clock of both sides replaced; copies that day, entry by entry, to the
 * others before today, with its index, counters and messages, until there are
 * EVENTS over DAYS days; then prints, one a line, octets for each event, and
 * how long searches and graphs take.
 *
 * The mail: 1 recipient a message; 92 of 100 succeed at once, 4 after a
 * deferral, 4 fail; 60 % go to 20 large domains, the rest to 5000 small ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/delivery_store.h"
#include "store/event_rows.h"
#include "store/event_store.h"
#include "store/keys.h"
#include "store/message_store.h"
#include "store/retention_store.h"
#include "store/series_store.h"
#include "tests/store/redis_server.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/number.h"

#define BATCH 160 /* messages of a log batch: near 500 operations */
#define DAY_MS INT64_C(86400000)
#define LOOKUPS 400
#define SCAN_MAX 1000000000u

/* ---- the clock, ours and Redis's ---- */

static int64_t now_ms; /* 0: the true one */
int64_t __real_clock_wall_us(void);
int64_t __wrap_clock_wall_us(void);

int64_t
__wrap_clock_wall_us(void)
{
	return now_ms != 0 ? now_ms * 1000 : __real_clock_wall_us();
}

#include "store/redis_script.h"
const char *__real_redis_script_text(enum script script);
const char *__wrap_redis_script_text(enum script script);

/* Scripts that ask for the time get what the key "now" says. */
const char *
__wrap_redis_script_text(enum script script)
{
	static const char ask[] = "redis.call('TIME')",
			  told[] = "redis.call('LRANGE', '{now}', 0, 1)";
	static char *made[SCRIPT_COUNT];
	const char *text = __real_redis_script_text(script), *at;
	struct buf out;

	if (made[script] != NULL)
		return made[script];
	if (script == SCRIPT_retention || strstr(text, ask) == NULL)
		return text;
	buf_init(&out, 1 << 20);
	for (; (at = strstr(text, ask)) != NULL; text = at + sizeof(ask) - 1) {
		(void)buf_add(&out, text, (size_t)(at - text));
		(void)buf_add_text(&out, told);
	}
	(void)buf_add_text(&out, text);
	made[script] = strdup(buf_text(&out));
	buf_done(&out);
	return made[script];
}

static struct store_fixture f;
static bool all_done;
static unsigned waiting;

static void
ended(int rc)
{
	if (rc < 0) {
		fprintf(stderr, "error %d\n", rc);
		exit(EXIT_FAILURE);
	}
	all_done = --waiting == 0;
}

static void
told_time(int rc, const struct redis_reply *reply, void *ctx)
{
	(void)reply;
	(void)ctx;
	ended(rc);
}

static void
set_time(int64_t ms)
{
	char s[NUMBER_TEXT_MAX], us[NUMBER_TEXT_MAX];
	struct slice key = SLICE("{now}");

	now_ms = ms;
	const struct slice add[] = { SLICE("RPUSH"), key,
		{ s, number_format((uint64_t)ms / 1000, s) },
		{ us, number_format((uint64_t)ms % 1000 * 1000, us) } };
	waiting = 2;
	all_done = false;
	redis_command(f.store, (struct slice[]){ SLICE("DEL"), key }, 2,
	    clock_deadline_ms(10000), told_time, NULL);
	redis_command(f.store, add, 4, clock_deadline_ms(10000), told_time,
	    NULL);
	store_fixture_run(&f, &all_done);
}

/* ---- the mail ---- */

static const struct slice host = SLICE("mx1.example.com");

struct texts {
	char queue_id[24], recipient[64], message_id[80], subject[80];
	char return_path[80], reason[120], relay[80], provider[16];
};

static uint32_t
mix(uint32_t n)
{
	n = (n ^ n >> 16) * 0x45d9f3bu;
	n = (n ^ n >> 16) * 0x45d9f3bu;
	return n ^ n >> 16;
}

static void
recipient_of(unsigned n, char room[64], unsigned *ret_domain)
{
	uint32_t r = mix(n);
	unsigned domain = r % 100 < 60 ? r / 100 % 20 : 20 + r / 100 % 5000;

	/* 2,000,000 people. */
	(void)snprintf(room, 64, "customer%07u@mail%03u.test",
	    mix(n + 77) % 2000000, domain);
	*ret_domain = domain;
}

static void
make_texts(struct texts *t, unsigned n)
{
	unsigned domain;

	recipient_of(n, t->recipient, &domain);
	(void)snprintf(t->queue_id, sizeof(t->queue_id), "4f%07xz%04xX",
	    mix(n) & 0xfffffff, n & 0xffff);
	(void)snprintf(t->message_id, sizeof(t->message_id),
	    "<20261123.%010u.%08x@app.example.com>", n, mix(n));
	(void)snprintf(t->subject, sizeof(t->subject),
	    "Your order %07u has been shipped today", n);
	(void)snprintf(t->return_path, sizeof(t->return_path),
	    "b-%08x%07uk4zq7xw3tn5v2c6@b.example.com", mix(n), n % 10000000);
	(void)snprintf(t->relay, sizeof(t->relay),
	    "mx1.mail%03u.test[192.0.2.%u]:25", domain, domain % 250);
	(void)snprintf(t->provider, sizeof(t->provider), "%s%u",
	    domain < 20 ? "provider" : "", domain < 20 ? domain : 0);
	if (domain >= 20)
		t->provider[0] = '\0';
}

static struct delivery_op
op_of(const struct texts *t, enum delivery_op_kind kind, enum event_type type)
{
	return (struct delivery_op){ .kind = kind,
		.at_ms = now_ms - 350,
		.queue_id = slice_of(t->queue_id),
		.sender = slice_of(t->return_path),
		.recipient = slice_of(t->recipient),
		.type = type,
		.status = type == EVENT_SUCCEEDED  ? 0
			  : type == EVENT_DEFERRED ? 3
						   : 2,
		.class = type == EVENT_SUCCEEDED  ? CLASS_NONE
			 : type == EVENT_DEFERRED ? CLASS_GREYLISTED
						  : CLASS_USER_UNKNOWN,
		.reason = type == EVENT_SUCCEEDED
			      ? SLICE("250 2.0.0 Ok: queued as 4gHk2m1x9Kz5Y7")
			  : type == EVENT_DEFERRED
			      ? SLICE("451 4.7.1 Greylisted, please try again "
				      "in 300 seconds")
			      : SLICE("550 5.1.1 The email account that you "
				      "tried to reach does not exist"),
		.relay = slice_of(t->relay),
		.provider = slice_of(t->provider) };
}

static void
stored(int rc, bool held, void *ctx)
{
	(void)held;
	(void)ctx;
	ended(rc);
}

static void
committed(int rc, struct slice current, void *ctx)
{
	(void)current;
	(void)ctx;
	ended(rc);
}

static void
put(const struct texts *t)
{
	const struct slice to = slice_of(t->recipient);
	const struct message_facts m = { .host = host,
		.queue_id = slice_of(t->queue_id),
		.facts = { .tenant = SLICE("default"),
		    .sender = SLICE("info@shop.example.com"),
		    .return_path = slice_of(t->return_path),
		    .from = SLICE("Shop <info@shop.example.com>"),
		    .subject = slice_of(t->subject),
		    .message_id = slice_of(t->message_id),
		    .source_ip = SLICE("192.0.2.117"),
		    .created_ms = now_ms - 400 },
		.recipients = &to,
		.recipient_count = 1 };

	message_put(f.store, &m, clock_deadline_ms(20000), stored, NULL);
}

static unsigned
write_batch(unsigned batch)
{
	static struct texts texts[BATCH];
	static struct delivery_op ops[4 * BATCH];
	static char place[2][32];
	unsigned events = 0;
	size_t n = 0;

	waiting = BATCH + 1;
	all_done = false;
	for (unsigned i = 0; i < BATCH; i++) {
		struct texts *t = &texts[i];
		unsigned kind = mix(batch * BATCH + i + 5) % 100;

		make_texts(t, batch * BATCH + i);
		put(t);
		ops[n++] = op_of(t, DELIVERY_QUEUED, EVENT_QUEUED);
		if (kind >= 96)
			ops[n++] = op_of(t, DELIVERY_RESULT, EVENT_DEFERRED);
		ops[n++] = op_of(t, DELIVERY_RESULT,
		    kind >= 92 && kind < 96 ? EVENT_FAILED : EVENT_SUCCEEDED);
		ops[n++] = op_of(t, DELIVERY_REMOVED, EVENT_QUEUED);
		events += kind >= 96 ? 3 : 2;
	}
	(void)snprintf(place[batch % 2], sizeof(place[0]), "%u", batch + 1);
	delivery_commit(f.store, host, SLICE("/var/log/mail.log"),
	    batch > 0 ? slice_of(place[(batch + 1) % 2]) : SLICE(""),
	    slice_of(place[batch % 2]), ops, n, clock_deadline_ms(20000),
	    committed, NULL);
	store_fixture_run(&f, &all_done);
	return events;
}

/* ---- measuring ---- */

static uint64_t
redis_memory(void)
{
	char out[8000];
	uint64_t n = 0;

	redis_server_cli(&f.server, "INFO memory", out, sizeof(out));
	const char *p = strstr(out, "used_memory:");
	struct slice rest = slice_of(p != NULL ? p + 12 : ""), line;
	if (slice_split(&rest, '\r', &line))
		(void)number_parse(line, 0, UINT64_MAX, &n);
	return n;
}

static void
swept(int rc, unsigned days, void *ctx)
{
	(void)days;
	(void)ctx;
	waiting = 1;
	ended(rc);
}

/* What bounced does once a day. */
static void
sweep(void)
{
	const struct slice tenant = SLICE("default");

	all_done = false;
	retention_sweep(f.store, host, &tenant, 1, swept, NULL);
	store_fixture_run(&f, &all_done);
}

static unsigned rows;
static char cursor[300];

static void
row(const struct event *e, void *ctx)
{
	(void)e;
	(void)ctx;
	rows++;
}

static void
end(int rc, struct slice next, void *ctx)
{
	(void)ctx;
	(void)snprintf(cursor, sizeof(cursor), "%.*s", SLICE_F(next));
	waiting = 1;
	ended(rc);
}

/* One page; seconds. */
static double
page(const struct event_query *q)
{
	int64_t start_us = clock_mono_us();

	all_done = false;
	rows = 0;
	event_page(f.store, q, clock_deadline_ms(60000), row, end, NULL);
	store_fixture_run(&f, &all_done);
	return (double)(clock_mono_us() - start_us) / 1e6;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
print_percentiles(const char *what, double *at, size_t count)
{
	qsort(at, count, sizeof(*at), compare);
	printf("%s: p50 %.2f ms, p99 %.2f ms\n", what, at[count / 2] * 1e3,
	    at[count - 1 - count / 100] * 1e3);
}

static void
measure_exact(unsigned messages)
{
	static double took[LOOKUPS];
	struct texts t;
	char to[64];
	unsigned domain, found = 0;

	for (unsigned i = 0; i < LOOKUPS; i++) {
		recipient_of(mix(i + 99) % messages, to, &domain);
		took[i] =
		    page(&(struct event_query){ .tenant = SLICE("default"),
			.recipient = slice_of(to),
			.newest_first = true,
			.limit = 100 });
		found += rows;
	}
	printf("found by address: %.1f rows each\n",
	    (double)found / (double)LOOKUPS);
	print_percentiles("exact address, each for the first time", took,
	    LOOKUPS);
	for (unsigned i = 0; i < LOOKUPS; i++)
		took[i] =
		    page(&(struct event_query){ .tenant = SLICE("default"),
			.recipient = slice_of(to),
			.newest_first = true,
			.limit = 100 });
	print_percentiles("exact address, the same again", took, LOOKUPS);
	for (unsigned i = 0; i < LOOKUPS; i++) {
		make_texts(&t, mix(i + 13) % messages);
		took[i] =
		    page(&(struct event_query){ .tenant = SLICE("default"),
			.message_id = slice_of(t.message_id),
			.limit = 100 });
	}
	print_percentiles("Message-ID", took, LOOKUPS);
	for (unsigned i = 0; i < LOOKUPS; i++) {
		make_texts(&t, mix(i + 13) % messages);
		took[i] =
		    page(&(struct event_query){ .tenant = SLICE("default"),
			.queue_id = slice_of(t.queue_id),
			.limit = 100 });
	}
	print_percentiles("queue id", took, LOOKUPS);
}

static void
measure_scan(const char *what, struct event_query q, unsigned events)
{
	double best = 1e9;

	for (int i = 0; i < 3; i++) {
		double took = page(&q);

		best = took < best ? took : best;
	}
	printf("%s: %.2f s for %u events, %.0f a second (%u rows)\n", what,
	    best, events, events / best, rows);
}

static void
summed(int rc, const struct series_count *points, size_t count, void *ctx)
{
	uint64_t all = 0;

	(void)ctx;
	for (size_t i = 0; i < count; i++)
		all += points[i].queued;
	rows = (unsigned)all;
	waiting = 1;
	ended(rc);
}

static void
shared(int rc, const struct series_share *shares, size_t count, void *ctx)
{
	(void)shares;
	(void)ctx;
	rows = (unsigned)count;
	waiting = 1;
	ended(rc);
}

static void
measure_series(const char *what, struct series_query q, bool as_shares)
{
	static double took[50];

	for (size_t i = 0; i < 50; i++) {
		int64_t start_us = clock_mono_us();

		all_done = false;
		if (as_shares)
			series_shares(f.store, &q, clock_deadline_ms(20000),
			    shared, NULL);
		else
			series_read(f.store, &q, clock_deadline_ms(20000),
			    summed, NULL);
		store_fixture_run(&f, &all_done);
		took[i] = (double)(clock_mono_us() - start_us) / 1e6;
	}
	printf("(%u) ", rows);
	print_percentiles(what, took, 50);
}

/* ---- a day again, on another day ---- */

/* Entries from an id on; the last one's id, or nothing. */
static const char copy_entries[] =
    "local from = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', 5000)\n"
    "for i = 1, #from do\n"
    "  local ms, seq = from[i][1]:match('(%d+)-(%d+)')\n"
    "  redis.call('XADD', KEYS[2], string.format('%.0f-%s', ms + ARGV[2],\n"
    "    seq), 'e', from[i][2][2])\n"
    "end\n"
    "return #from == 5000 and '(' .. from[#from][1] or ''\n";
/* Shards of the index; the counters of its hours; what is left of messages. */
static const char copy_rest[] =
    "for n = 0, 4095 do\n"
    "  local s = string.format(':%03x', n)\n"
    "  local v = redis.call('GET', ARGV[1] .. 'i:' .. ARGV[2] .. s)\n"
    "  local key = ARGV[1] .. 'i:' .. ARGV[3] .. s\n"
    "  if v then redis.call('SET', key, v, 'EX', 4000000) end\n"
    "end\n"
    "for hour = 0, 23 do\n"
    "  local h = string.format('%02d', hour)\n"
    "  local all = redis.call('HGETALL', ARGV[1] .. 'default:' .. ARGV[2] ..\n"
    "    h)\n"
    "  local key = ARGV[1] .. 'default:' .. ARGV[3] .. h\n"
    "  for i = 1, #all, 2 do\n"
    "    redis.call('HSET', key, all[i], all[i + 1])\n"
    "  end\n"
    "  redis.call('EXPIRE', key, 4000000)\n"
    "end\n"
    "redis.call('EXPIRE', KEYS[2], 4000000)\n"
    "local cursor = '0'\n"
    "repeat\n"
    "  local found = redis.call('SCAN', cursor, 'MATCH', ARGV[4] .. '*',\n"
    "    'COUNT', 10000)\n"
    "  cursor = found[1]\n"
    "  for _, key in ipairs(found[2]) do\n"
    "    if not key:find('+', 1, true) then\n"
    "      redis.call('COPY', key, key .. '+' .. ARGV[3])\n"
    "    end\n"
    "  end\n"
    "until cursor == '0'\n"
    "return ''\n";

static char reply_text[64];

static void
copied(int rc, const struct redis_reply *reply, void *ctx)
{
	(void)ctx;
	(void)snprintf(reply_text, sizeof(reply_text), "%.*s",
	    SLICE_F(redis_string(reply)));
	waiting = 1;
	ended(rc);
}

static void
eval(const char *script, const struct key keys[2], const struct slice *args,
    size_t count)
{
	struct slice argv[9] = { SLICE("EVAL"), slice_of(script), SLICE("2"),
		key_slice(&keys[0]), key_slice(&keys[1]) };

	memcpy(argv + 5, args, count * sizeof(*args));
	all_done = false;
	redis_command(f.store, argv, 5 + count, clock_deadline_ms(120000),
	    copied, NULL);
	store_fixture_run(&f, &all_done);
}

static void
copy_day(int64_t from_ms, int64_t to_ms)
{
	const struct key keys[2] = { key_events(host, from_ms * 1000),
		key_events(host, to_ms * 1000) };
	struct key prefix = key_counters_prefix(host);
	struct key messages = key_message(host, SLICE(""));
	char from[STREAM_DAY_LEN], to[STREAM_DAY_LEN], shift[32], at[64] = "-";

	(void)snprintf(shift, sizeof(shift), "%lld",
	    (long long)(to_ms - from_ms));
	do {
		eval(copy_entries, keys,
		    (struct slice[]){ slice_of(at), slice_of(shift) }, 2);
		memcpy(at, reply_text, sizeof(at));
	} while (at[0] != '\0');
	stream_day_of(from_ms, from);
	stream_day_of(to_ms, to);
	eval(copy_rest, keys,
	    (struct slice[]){ key_slice(&prefix), { from, STREAM_DAY_LEN },
		{ to, STREAM_DAY_LEN }, key_slice(&messages) },
	    4);
}

/* The first of the days. */
static int64_t
fill(unsigned wanted, unsigned days, unsigned *ret_messages)
{
	int64_t today = __real_clock_wall_us() / 1000 / DAY_MS * DAY_MS;
	int64_t first = today - (int64_t)(days - 1) * DAY_MS;
	unsigned batches = (unsigned)(wanted / days / (2.04 * BATCH)) + 1;
	unsigned written = 0;
	int64_t start_us = clock_mono_us();

	for (unsigned i = 0; i < batches; i++) {
		set_time(
		    first +
		    (int64_t)((double)i / batches * (double)(DAY_MS - 1000)) +
		    500);
		written += write_batch(i);
	}
	printf("a day of %u events written at %.0f a second\n", written,
	    written / ((double)(clock_mono_us() - start_us) / 1e6));
	/* As the day after it does. */
	set_time(first + DAY_MS + 1000);
	sweep();
	for (unsigned i = 1; i < days; i++)
		copy_day(first, first + i * DAY_MS);
	printf("%u events over %u days, made in %.0f s\n", written * days, days,
	    (double)(clock_mono_us() - start_us) / 1e6);
	*ret_messages = batches * BATCH;
	return today;
}

int
main(int argc, char *argv[])
{
	uint64_t events = 0, days = 0;
	unsigned messages;

	if (argc != 3 ||
	    number_parse(slice_of(argv[1]), 1000, 100000000, &events) < 0 ||
	    number_parse(slice_of(argv[2]), 1, 40, &days) < 0) {
		fprintf(stderr, "usage: bench_events EVENTS DAYS\n");
		return EXIT_FAILURE;
	}
	store_fixture_open(&f, 20000);
	host_register(f.store, host);
	uint64_t before = redis_memory();
	int64_t last = fill((unsigned)events, (unsigned)days, &messages);
	double all = (double)messages * 2.04 * (double)days;
	printf("octets in Redis for each event, all included: %.1f\n",
	    (double)(redis_memory() - before) / all);
	set_time(last + DAY_MS - 1);
	measure_exact(messages);
	int64_t day = days > 1 ? last - DAY_MS : last;
	struct event_query q = { .tenant = SLICE("default"),
		.from_ms = day,
		.to_ms = day + DAY_MS - 1,
		.to_part = SLICE("nobody-has-this"),
		.scan_max = SCAN_MAX,
		.limit = 100 };
	unsigned per_day = (unsigned)(all / (double)days);
	measure_scan("a day by part of the recipient", q, per_day);
	q.newest_first = true;
	measure_scan("the same, newest first", q, per_day);
	q.to_part = (struct slice){ NULL, 0 };
	q.subject_part = SLICE("nobody wrote this");
	measure_scan("a day by part of the subject, newest first", q, per_day);
	q.newest_first = false;
	measure_scan("a day by part of the subject", q, per_day);
	struct series_query s = { .tenant = SLICE("default"),
		.from_ms = day,
		.minutes = 1440,
		.step = 1 };
	measure_series("minute graph of a day", s, false);
	s.unit = SERIES_DOMAIN;
	s.name = SLICE("mail003.test");
	measure_series("minute graph of a domain's day", s, false);
	measure_series("shares of all domains of a day", s, true);
	s.unit = SERIES_FILTER;
	measure_series("shares of all filters of a day", s, true);
	store_fixture_close(&f);
	return 0;
}
