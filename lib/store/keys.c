/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of all keys in Redis, and the only place with their text.
 *
 * Over 600 lines: who adds a key adds its row and its function together.
 */
#include "store/keys.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "util/number.h"

#define DAY_MS (86400 * INT64_C(1000))

/* ---- the table ---- */

enum who { POLICYD, MILTER, BOUNCED, APID, CLI, NWHO };

static const char *const who_name[NWHO] = {
	[POLICYD] = "policyd",
	[MILTER] = "milter",
	[BOUNCED] = "bounced",
	[APID] = "apid",
	[CLI] = "cli",
};

#define R(who) (1u << (who))
#define ALL_OF_THEM (R(POLICYD) | R(MILTER) | R(BOUNCED) | R(APID) | R(CLI))

struct key_row {
	const char *name;    /* as the manual shows it */
	const char *pattern; /* of the ACL */
	const char *type;
	const char *ttl;
	const char *text; /* mdoc */
	unsigned readers, writers;
};

static const struct key_row keys[] = {
	{
	    .name = "pn:b:{TENANT:NNN}:PPP",
	    .pattern = "pn:b:*",
	    .type = "hash",
	    .ttl = "none",
	    .text =
		"Suppression list: address, or address, tab and stream, to\n"
		"what a look-up needs.  256 shards a tenant, 128 pieces a\n"
		"shard, so that most pieces are small enough for the\n"
		"compact encoding of hashes.",
	    .readers = ALL_OF_THEM,
	    .writers = R(BOUNCED) | R(APID) | R(CLI),
	},
	{
	    .name = "pn:bc:{TENANT:NNN}:PPP",
	    .pattern = "pn:bc:*",
	    .type = "hash",
	    .ttl = "none",
	    .text =
		"Addresses of the same pieces that are neither blocked nor\n"
		"exempt: errors counted.",
	    .readers = R(BOUNCED) | R(APID) | R(CLI),
	    .writers = R(BOUNCED) | R(APID) | R(CLI),
	},
	{
	    .name = "pn:be:{TENANT:NNN}",
	    .pattern = "pn:be:*",
	    .type = "hash",
	    .ttl = "none",
	    .text = "Evidence of the entries of a shard, for people.",
	    .readers = R(BOUNCED) | R(APID) | R(CLI),
	    .writers = R(BOUNCED) | R(APID) | R(CLI),
	},
	{
	    .name = "pn:r:{TENANT:RULE:VALUE}",
	    .pattern = "pn:r:*",
	    .type = "string",
	    .ttl = "until the limit is idle and no override is left",
	    .text = "Rate limit: theoretical arrival time in microseconds,\n"
		    "behind an override that people set for a time.",
	    .readers = R(POLICYD) | R(MILTER) | R(APID) | R(CLI),
	    .writers = R(POLICYD) | R(MILTER) | R(APID) | R(CLI),
	},
	{
	    .name = "pn:ev:{h:HOST}:YYYYMMDD",
	    .pattern = "pn:ev:*",
	    .type = "stream",
	    .ttl = "retention.events_days after its day",
	    .text = "Events of one host and UTC day of Redis's clock.",
	    .readers = ALL_OF_THEM,
	    .writers = ALL_OF_THEM,
	},
	{
	    .name = "pn:ck:{h:HOST}",
	    .pattern = "pn:ck:*",
	    .type = "hash",
	    .ttl = "none",
	    .text = "Checkpoints of the log follower: log source to place.",
	    .readers = R(BOUNCED) | R(CLI),
	    .writers = R(BOUNCED),
	},
	{
	    .name = "pn:m:{h:HOST}:QUEUEID",
	    .pattern = "pn:m:*",
	    .type = "hash",
	    .ttl = "15 days",
	    .text = "A message: facts until its queued events are written,\n"
		    "then the state of each recipient; deleted when it left\n"
		    "the queue and every recipient succeeded.",
	    .readers = R(POLICYD) | R(MILTER) | R(BOUNCED) | R(CLI),
	    .writers = R(POLICYD) | R(MILTER) | R(BOUNCED),
	},
	{
	    .name = "pn:c:{h:HOST}:TENANT:YYYYMMDDHH",
	    .pattern = "pn:c:*",
	    .type = "hash",
	    .ttl = "retention.events_days and a day",
	    .text = "Counters of one hour: of all mail, of a filter, and of a\n"
		    "domain, by minute and kind of event.",
	    .readers = ALL_OF_THEM,
	    .writers = ALL_OF_THEM,
	},
	{
	    .name = "pn:c:{h:HOST}:i:YYYYMMDD:NNN",
	    .pattern = "pn:c:*",
	    .type = "string",
	    .ttl = "that of its day's stream",
	    .text =
		"Index of the host's events, 4096 shards a day: where they\n"
		"are by address, queue id and Message-ID.",
	    .readers = ALL_OF_THEM,
	    .writers = ALL_OF_THEM,
	},
	{
	    .name = "pn:c:{h:HOST}:providers",
	    .pattern = "pn:c:*",
	    .type = "hash",
	    .ttl = "none",
	    .text = "Domain to shaping filter, as mail to it went last; for\n"
		    "counting.",
	    .readers = ALL_OF_THEM,
	    .writers = ALL_OF_THEM,
	},
	{
	    .name = "pn:p:{h:HOST}",
	    .pattern = "pn:p:*",
	    .type = "hash",
	    .ttl = "none",
	    .text = "Consumers of the host's events: name to event read last.",
	    .readers = R(POLICYD) | R(BOUNCED) | R(APID) | R(CLI),
	    .writers = R(POLICYD) | R(BOUNCED) | R(APID),
	},
	{
	    .name = "pn:x:{TENANT:IDENTITY}",
	    .pattern = "pn:x:*",
	    .type = "hash",
	    .ttl = "5 days",
	    .text =
		"Recipients for whom the MTA has copies of a message while\n"
		"the client was told to come back:\n"
		".Ql + ,\n"
		"or host, queue id and time of a copy of which it is not\n"
		"known whether it was taken.",
	    .readers = R(MILTER) | R(CLI),
	    .writers = R(MILTER),
	},
	{
	    .name = "pn:h:{h:HOST}:NAME",
	    .pattern = "pn:h:*",
	    .type = "sorted set, hash, list",
	    .ttl = "none",
	    .text = "Held mail of one host: by the time of its release\n"
		    ".Pq Li due ,\n"
		    "by its turn\n"
		    ".Pq Li ready ,\n"
		    "queue id to record\n"
		    ".Pq Li of ,\n"
		    "how many of each reason\n"
		    ".Pq Li count ,\n"
		    "what the scheduler said last of mail in flight\n"
		    ".Pq Li gate ,\n"
		    "and what people asked of it\n"
		    ".Pq Li ask .",
	    .readers = R(POLICYD) | R(MILTER) | R(APID) | R(CLI),
	    .writers = R(POLICYD) | R(MILTER) | R(APID) | R(CLI),
	},
	{
	    .name = "pn:og:{TENANT}",
	    .pattern = "pn:og:*",
	    .type = "hash, sorted set, HyperLogLog",
	    .ttl = "none; behind it: two windows of the outbreak guard",
	    .text =
		"Outbreaks that go on, and those of the last day, 200 at\n"
		"most.\n"
		"Behind it, of each provider that has refused mail lately:\n"
		"shapes of its answers, 64 at most; recipients with a\n"
		"result and with each answer; addresses blocked by it.",
	    .readers = R(BOUNCED) | R(APID) | R(CLI),
	    .writers = R(BOUNCED) | R(APID) | R(CLI),
	},
	{
	    .name = "pn:bl:{TENANT}",
	    .pattern = "pn:bl:*",
	    .type = "set",
	    .ttl = "none",
	    .text = "Hashes of addresses with errors that a success ends:\n"
		    "only their deliveries are looked up.",
	    .readers = R(BOUNCED),
	    .writers = R(BOUNCED),
	},
	{
	    .name = "pn:d:{TENANT}:YYYYMMDD",
	    .pattern = "pn:d:*",
	    .type = "hash",
	    .ttl = "40 days after it was written last",
	    .text = "Day caps: name to messages that go on this day of the\n"
		    "tenant's calendar.",
	    .readers = R(MILTER) | R(APID) | R(CLI),
	    .writers = R(MILTER),
	},
	{
	    .name = "pn:t:{h:HOST}:NAME",
	    .pattern = "pn:t:*",
	    .type = "sorted set, hash",
	    .ttl = "none",
	    .text =
		"Deferred messages that are tried again by a curve: by the\n"
		"time of the next look\n"
		".Pq Li due ,\n"
		"queue id to record\n"
		".Pq Li of .",
	    .readers = R(POLICYD) | R(CLI),
	    .writers = R(POLICYD),
	},
	{
	    .name = "pn:mt:{h:HOST}:DAEMON",
	    .pattern = "pn:mt:*",
	    .type = "string",
	    .ttl = "60 seconds",
	    .text = "What a daemon counts, in Prometheus's text format.",
	    .readers = R(APID) | R(CLI),
	    .writers = ALL_OF_THEM & ~R(CLI),
	},
	{
	    .name = "pn:hosts",
	    .pattern = "pn:hosts",
	    .type = "hash",
	    .ttl = "none",
	    .text = "Hosts that write events: name to time last seen.",
	    .readers = ALL_OF_THEM,
	    .writers = ALL_OF_THEM,
	},
	{
	    .name = "pn:{s}:NAME",
	    .pattern = "pn:{s}:*",
	    .type = "hash, string",
	    .ttl = "none",
	    .text = "Settings: revisions, documents, drafts.",
	    .readers = ALL_OF_THEM,
	    .writers = R(APID) | R(CLI),
	},
	{
	    .name = "pn:w:{TENANT:ENDPOINT}:NAME",
	    .pattern = "pn:w:*",
	    .type = "stream, hash, sorted set",
	    .ttl = "3 days; dead letters 40 days",
	    .text = "Queue of one webhook.",
	    .readers = R(APID) | R(CLI),
	    .writers = R(APID) | R(CLI),
	},
	{
	    .name = "pn:lo:{CLIENT}:USER",
	    .pattern = "pn:lo:*",
	    .type = "string",
	    .ttl = "relay.lock_out.period of the tenant",
	    .text = "Failed logins by SMTP from one client address: of one\n"
		    "user, or of all (no USER).",
	    .readers = R(POLICYD) | R(CLI),
	    .writers = R(POLICYD) | R(CLI),
	},
	{
	    .name = "pn:a:{TENANT}:YYYYMMDD",
	    .pattern = "pn:a:*",
	    .type = "stream",
	    .ttl = "retention.audit_days after its day",
	    .text = "Audit log: who changed what, and who logged in.",
	    .readers = R(APID) | R(CLI),
	    .writers = R(POLICYD) | R(APID) | R(CLI),
	},
	{
	    .name = "pn:sp:{pace:FILTER}",
	    .pattern = "pn:sp:*",
	    .type = "hash",
	    .ttl = "2 days after the last attempt",
	    .text = "Pace of a shaping filter: interval in force, next free\n"
		    "slot, suspension, and the reply that changed it.",
	    .readers = R(POLICYD) | R(APID) | R(CLI),
	    .writers = R(POLICYD) | R(APID) | R(CLI),
	},
	{
	    .name = "pn:q:{TENANT}:ID",
	    .pattern = "pn:q:*",
	    .type = "hash",
	    .ttl = "scan.keep_days of the tenant",
	    .text = "A message refused because of a virus: its facts, and its\n"
		    "content in numbered pieces, sealed under the master key.",
	    .readers = R(MILTER) | R(APID) | R(CLI),
	    .writers = R(MILTER) | R(APID) | R(CLI),
	},
	{
	    .name = "pn:qi:{TENANT}",
	    .pattern = "pn:qi:*",
	    .type = "sorted set",
	    .ttl = "that of the last one",
	    .text = "Ids of these messages, all with score 0: the order of "
		    "time.",
	    .readers = R(MILTER) | R(APID) | R(CLI),
	    .writers = R(MILTER) | R(APID) | R(CLI),
	},
	{
	    .name = "pn:qr:{TENANT}",
	    .pattern = "pn:qr:*",
	    .type = "hash",
	    .ttl = "that of the last one",
	    .text = "Room that their contents take: id to end, in ms, and "
		    "octets.",
	    .readers = R(MILTER) | R(APID) | R(CLI),
	    .writers = R(MILTER) | R(APID) | R(CLI),
	},
	{
	    .name = "pn:in:{h:HOST}:ID",
	    .pattern = "pn:in:*",
	    .type = "hash",
	    .ttl = "inbound.keep_days of the tenant; 5 days once taken",
	    .text = "A mail for an application: its facts, and its content in\n"
		    "numbered pieces, sealed under the master key; only that\n"
		    "it was there once all webhooks have it.",
	    .readers = R(BOUNCED) | R(APID) | R(CLI),
	    .writers = R(BOUNCED) | R(APID) | R(CLI),
	},
	{
	    .name = "pn:ini:{h:HOST}:TENANT",
	    .pattern = "pn:ini:*",
	    .type = "sorted set",
	    .ttl = "41 days after the last one",
	    .text = "Ids of these mails by time, in microseconds.",
	    .readers = R(BOUNCED) | R(APID) | R(CLI),
	    .writers = R(BOUNCED) | R(APID) | R(CLI),
	},
	{
	    .name = "pn:inr:{h:HOST}",
	    .pattern = "pn:inr:*",
	    .type = "hash",
	    .ttl = "41 days after the last one",
	    .text = "Room that their contents take: the day since 1970 on\n"
		    "which they end to octets.",
	    .readers = R(BOUNCED) | R(APID) | R(CLI),
	    .writers = R(BOUNCED) | R(APID) | R(CLI),
	},
	{
	    .name = "pn:sa:{ADDRESS}:YYYYMMDD",
	    .pattern = "pn:sa:*",
	    .type = "hash",
	    .ttl = "3 days",
	    .text = "Attempts to deliver from a sending address on a day of "
		    "its\nwarm-up plan, by all hosts.",
	    .readers = R(POLICYD) | R(APID) | R(CLI),
	    .writers = R(POLICYD),
	},
	{
	    .name = "pn:mx:{DOMAIN}",
	    .pattern = "pn:mx:*",
	    .type = "string",
	    .ttl = "that of the DNS, at most a day",
	    .text = "MX hosts of a recipient domain, and until when, in\n"
		    "seconds since 1970.",
	    .readers = R(POLICYD) | R(BOUNCED) | R(CLI),
	    .writers = R(POLICYD),
	},
};
#define NKEYS (sizeof(keys) / sizeof(keys[0]))

/*
 * What each program may do with its keys: greeting and scripts, the commands
 * that scripts give, and those that it gives itself.  How a script's keys are
 * to be used is not known to Redis: EVALSHA asks for reading and writing all
 * of them, EVALSHA_RO for reading.
 */
#define GREETING \
	"+hello +auth +ping +select +role +client|setname +script|load " \
	"+evalsha +evalsha_ro +time "
#define READ_HASHES "+hget +hmget +hgetall +hkeys +hexists "
#define WRITE_EVENTS "+xadd +xrevrange +exists +expire +expireat +append +hset "
static const char *const acl_commands[NWHO] = {
	[POLICYD] = GREETING READ_HASHES WRITE_EVENTS
	"+hincrby +get +set +del +hdel +hlen +hsetnx +xrange +zadd +zcard +zrange "
	"+zrangebyscore +zrem +zscore +lpop +llen +rpush +incr +pexpire "
	"+subscribe +publish",
	[MILTER] = GREETING READ_HASHES WRITE_EVENTS
	"+hincrby +get +set +hsetnx +hdel +del +unlink +ttl +zadd +zcard +zrange +zrem "
	"+subscribe",
	[BOUNCED] = GREETING READ_HASHES WRITE_EVENTS
	"+get +set +hincrby +hdel +hlen +hrandfield +del +xrange +zadd +zcard +zrange "
	"+zrangebylex +zrangebyscore +zrem +zremrangebyrank "
	"+zremrangebyscore +zscore +sadd +sismember +srem +pfadd +pfcount "
	"+pexpire +unlink +subscribe",
	/* First what is taken away: ROLE is among @dangerous, too. */
	[APID] = "+@read +@write -@dangerous " GREETING "+subscribe +publish",
	[CLI] = "+@read +@write -@dangerous " GREETING
		"+subscribe +publish +config|get +info",
};

static void
print_who(FILE *out, unsigned set)
{
	const char *comma = "";

	for (unsigned i = 0; i < NWHO; i++)
		if ((set & R(i)) != 0) {
			fprintf(out, "%s%s", comma, who_name[i]);
			comma = ", ";
		}
	fputs(".\n", out);
}

void
keys_print_mdoc(FILE *out)
{
	fputs(".Bl -tag -width Ds\n", out);
	for (size_t i = 0; i < NKEYS; i++) {
		const struct key_row *k = &keys[i];

		fprintf(out, ".It Li %s\n%s\n.br\nType: %s; TTL: %s.\n",
		    k->name, k->text, k->type, k->ttl);
		fputs(".br\nRead by: ", out);
		print_who(out, k->readers);
		fputs(".br\nWritten by: ", out);
		print_who(out, k->writers);
	}
	fputs(".El\n", out);
}

void
keys_print_acl(FILE *out)
{
	for (unsigned i = 0; i < NWHO; i++) {
		fprintf(out,
		    "ACL SETUSER postern-%s on resetkeys "
		    "resetchannels -@all %s",
		    who_name[i], acl_commands[i]);
		for (size_t k = 0; k < NKEYS; k++) {
			bool r = (keys[k].readers & R(i)) != 0;
			bool w = (keys[k].writers & R(i)) != 0;

			if (r || w)
				fprintf(out, " %s~%s",
				    r && w ? "%RW"
				    : r    ? "%R"
					   : "%W",
				    keys[k].pattern);
		}
		fprintf(out, " &%.*s", SLICE_F(key_settings_channel()));
		if ((R(i) & (R(POLICYD) | R(APID) | R(CLI))) != 0)
			fprintf(out, " &%.*s", SLICE_F(key_pace_channel()));
		fputc('\n', out);
	}
}

/* ---- making them ---- */

static uint64_t
fnv1a(uint64_t h, const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		h ^= (unsigned char)at[i];
		h *= UINT64_C(1099511628211);
	}
	return h;
}
#define FNV_START UINT64_C(14695981039346656037)

/* Other bits than those of the shard. */
unsigned
key_piece(struct slice address)
{
	uint64_t h = fnv1a(FNV_START, address.at, address.len);

	return (unsigned)((h >> 20 ^ h >> 43) % KEY_PIECES);
}

unsigned
key_shard(struct slice address)
{
	uint64_t h = fnv1a(FNV_START, address.at, address.len);

	h ^= h >> 32;
	h ^= h >> 16;
	h ^= h >> 8;
	return (unsigned)(h % KEY_SHARDS);
}

static void
add(struct key *k, struct slice s)
{
	size_t room = KEY_MAX - k->len;
	size_t n = s.len < room ? s.len : room;

	if (n > 0)
		memcpy(k->text + k->len, s.at, n);
	k->len += n;
}

static void
add_digits(struct key *k, unsigned value, int digits)
{
	char text[10];

	for (int i = digits; i-- > 0; value /= 10)
		text[i] = (char)('0' + value % 10);
	add(k, (struct slice){ text, (size_t)digits });
}

static void
add_date(struct key *k, int64_t wall_us, bool hour)
{
	time_t t = (time_t)(wall_us / 1000000);
	struct tm tm = { 0 };

	(void)gmtime_r(&t, &tm);
	add_digits(k, (unsigned)tm.tm_year + 1900, 4);
	add_digits(k, (unsigned)tm.tm_mon + 1, 2);
	add_digits(k, (unsigned)tm.tm_mday, 2);
	if (hour)
		add_digits(k, (unsigned)tm.tm_hour, 2);
}

static struct key
shard_key(struct slice prefix, struct slice tenant, unsigned shard)
{
	struct key k;

	k.len = 0;
	add(&k, prefix);
	add(&k, tenant);
	add(&k, SLICE(":"));
	add_digits(&k, shard % KEY_SHARDS, 3);
	add(&k, SLICE("}"));
	return k;
}

static void
add_piece(struct key *k, unsigned piece)
{
	char room[NUMBER_TEXT_MAX];

	add(k, (struct slice){ room, number_format(piece, room) });
}

struct key
key_block_entries_prefix(struct slice tenant, unsigned shard)
{
	struct key k = shard_key(SLICE("pn:b:{"), tenant, shard);

	add(&k, SLICE(":"));
	return k;
}

struct key
key_block_entries(struct slice tenant, struct slice address)
{
	struct key k = key_block_entries_prefix(tenant, key_shard(address));

	add_piece(&k, key_piece(address));
	return k;
}

struct key
key_block_counting_prefix(struct slice tenant, unsigned shard)
{
	struct key k = shard_key(SLICE("pn:bc:{"), tenant, shard);

	add(&k, SLICE(":"));
	return k;
}

struct key
key_block_counting(struct slice tenant, struct slice address)
{
	struct key k = key_block_counting_prefix(tenant, key_shard(address));

	add_piece(&k, key_piece(address));
	return k;
}

struct key
key_block_evidence(struct slice tenant, unsigned shard)
{
	return shard_key(SLICE("pn:be:{"), tenant, shard);
}

/*
 * value comes from outside and may be longer than a key: then a hash of the
 * whole stands for its end.
 */
static void
add_bounded(struct key *k, struct slice value)
{
	static const char hex[] = "0123456789abcdef";
	const size_t most = 300;
	char text[17] = "#";
	uint64_t h;

	if (value.len <= most) {
		add(k, value);
		return;
	}
	h = fnv1a(FNV_START, value.at, value.len);
	for (size_t i = 1; i < sizeof(text); i++, h >>= 4)
		text[i] = hex[h & 15];
	value.len = most;
	add(k, value);
	add(k, (struct slice){ text, sizeof(text) });
}

struct key
key_limit(struct slice tenant, struct slice rule, struct slice value)
{
	struct key k;

	k.len = 0;
	add(&k, SLICE("pn:r:{"));
	add(&k, tenant);
	add(&k, SLICE(":"));
	add(&k, rule);
	add(&k, SLICE(":"));
	add_bounded(&k, value);
	add(&k, SLICE("}"));
	return k;
}

static struct key
host_key(struct slice prefix, struct slice host)
{
	struct key k;

	k.len = 0;
	add(&k, prefix);
	add(&k, SLICE("{h:"));
	add(&k, host);
	add(&k, SLICE("}"));
	return k;
}

struct key
key_events(struct slice host, int64_t wall_us)
{
	struct key k = host_key(SLICE("pn:ev:"), host);

	add(&k, SLICE(":"));
	add_date(&k, wall_us, false);
	return k;
}

struct key
key_events_day(struct slice host, struct slice yyyymmdd)
{
	struct key k = host_key(SLICE("pn:ev:"), host);

	add(&k, SLICE(":"));
	add(&k, yyyymmdd);
	return k;
}

int64_t
key_events_pair(struct slice host, int64_t wall_us, struct key ret_keys[2])
{
	/* The midnight nearest to our clock. */
	int64_t midnight_ms = (wall_us / 1000 + DAY_MS / 2) / DAY_MS * DAY_MS;

	ret_keys[0] = key_events(host, (midnight_ms - 1) * 1000);
	ret_keys[1] = key_events(host, midnight_ms * 1000);
	return midnight_ms;
}

struct key
key_checkpoint(struct slice host)
{
	return host_key(SLICE("pn:ck:"), host);
}

struct key
key_message(struct slice host, struct slice queue_id)
{
	struct key k = host_key(SLICE("pn:m:"), host);

	add(&k, SLICE(":"));
	add(&k, queue_id);
	return k;
}

struct key
key_counters_prefix(struct slice host)
{
	struct key k = host_key(SLICE("pn:c:"), host);

	add(&k, SLICE(":"));
	return k;
}

struct key
key_counters(struct slice host, struct slice tenant, int64_t wall_us)
{
	struct key k = key_counters_prefix(host);

	add(&k, tenant);
	add(&k, SLICE(":"));
	add_date(&k, wall_us, true);
	return k;
}

struct key
key_event_index(struct slice host, struct slice yyyymmdd, unsigned shard)
{
	static const char hex[] = "0123456789abcdef";
	const char digits[3] = { hex[shard >> 8 & 15], hex[shard >> 4 & 15],
		hex[shard & 15] };
	struct key k = key_counters_prefix(host);

	add(&k, SLICE("i:"));
	add(&k, yyyymmdd);
	add(&k, SLICE(":"));
	add(&k, (struct slice){ digits, sizeof(digits) });
	return k;
}

struct key
key_positions(struct slice host)
{
	return host_key(SLICE("pn:p:"), host);
}

struct key
key_copies(struct slice tenant, struct slice identity)
{
	struct key k;

	k.len = 0;
	add(&k, SLICE("pn:x:{"));
	add(&k, tenant);
	add(&k, SLICE(":"));
	add(&k, identity);
	add(&k, SLICE("}"));
	return k;
}

struct key
key_retry(struct slice host, struct slice name)
{
	struct key k = host_key(SLICE("pn:t:"), host);

	add(&k, SLICE(":"));
	add(&k, name);
	return k;
}

struct key
key_metrics(struct slice host, struct slice daemon)
{
	struct key k = host_key(SLICE("pn:mt:"), host);

	add(&k, SLICE(":"));
	add(&k, daemon);
	return k;
}

struct key
key_hold(struct slice host, struct slice name)
{
	struct key k = host_key(SLICE("pn:h:"), host);

	add(&k, SLICE(":"));
	add(&k, name);
	return k;
}

struct key
key_hosts(void)
{
	struct key k;

	k.len = 0;
	add(&k, SLICE("pn:hosts"));
	return k;
}

struct key
key_settings(struct slice name)
{
	struct key k;

	k.len = 0;
	add(&k, SLICE("pn:{s}:"));
	add(&k, name);
	return k;
}

struct key
key_webhook(struct slice tenant, struct slice endpoint, struct slice name)
{
	struct key k;

	k.len = 0;
	add(&k, SLICE("pn:w:{"));
	add(&k, tenant);
	add(&k, SLICE(":"));
	add(&k, endpoint);
	add(&k, SLICE("}:"));
	add(&k, name);
	return k;
}

static struct key
tenant_key(struct slice prefix, struct slice tenant)
{
	struct key k;

	k.len = 0;
	add(&k, prefix);
	add(&k, SLICE("{"));
	add(&k, tenant);
	add(&k, SLICE("}"));
	return k;
}

struct key
key_lockout(struct slice client, struct slice user)
{
	struct key k = tenant_key(SLICE("pn:lo:"), client);

	if (user.at != NULL) {
		add(&k, SLICE(":"));
		add_bounded(&k, user);
	}
	return k;
}

struct key
key_audit(struct slice tenant, int64_t wall_us)
{
	struct key k;

	k.len = 0;
	add(&k, SLICE("pn:a:{"));
	add(&k, tenant);
	add(&k, SLICE("}:"));
	add_date(&k, wall_us, false);
	return k;
}

struct key
key_quarantine(struct slice tenant, struct slice id)
{
	struct key k = tenant_key(SLICE("pn:q:"), tenant);

	add(&k, SLICE(":"));
	add(&k, id);
	return k;
}

struct key
key_quarantine_index(struct slice tenant)
{
	return tenant_key(SLICE("pn:qi:"), tenant);
}

struct key
key_quarantine_room(struct slice tenant)
{
	return tenant_key(SLICE("pn:qr:"), tenant);
}

struct key
key_inbound(struct slice host, struct slice id)
{
	struct key k = host_key(SLICE("pn:in:"), host);

	add(&k, SLICE(":"));
	add(&k, id);
	return k;
}

struct key
key_inbound_index(struct slice host, struct slice tenant)
{
	struct key k = host_key(SLICE("pn:ini:"), host);

	add(&k, SLICE(":"));
	add(&k, tenant);
	return k;
}

struct key
key_inbound_room(struct slice host)
{
	return host_key(SLICE("pn:inr:"), host);
}

struct key
key_day_caps(struct slice tenant, unsigned yyyymmdd)
{
	struct key k = tenant_key(SLICE("pn:d:"), tenant);

	add(&k, SLICE(":"));
	add_digits(&k, yyyymmdd, 8);
	return k;
}

struct key
key_outbreaks(struct slice tenant)
{
	return tenant_key(SLICE("pn:og:"), tenant);
}

struct key
key_outbreak_blocks(struct slice tenant, struct slice provider,
    struct slice shape)
{
	struct key k = key_outbreaks(tenant);

	add(&k, SLICE(":"));
	add_bounded(&k, provider);
	add(&k, SLICE(":b:"));
	add(&k, shape);
	return k;
}

struct key
key_lifts(struct slice tenant)
{
	return tenant_key(SLICE("pn:bl:"), tenant);
}

struct key
key_sending(struct slice address, unsigned yyyymmdd)
{
	struct key k = tenant_key(SLICE("pn:sa:"), address);

	add(&k, SLICE(":"));
	add_digits(&k, yyyymmdd, 8);
	return k;
}

struct key
key_pace(struct slice filter)
{
	struct key k;

	k.len = 0;
	add(&k, SLICE("pn:sp:{pace:"));
	add(&k, filter);
	add(&k, SLICE("}"));
	return k;
}

struct slice
key_pace_channel(void)
{
	return SLICE("pn:pace");
}

struct key
key_provider(struct slice domain)
{
	return tenant_key(SLICE("pn:mx:"), domain);
}

struct slice
key_settings_channel(void)
{
	return SLICE("pn:settings");
}
