/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include <stdint.h>
#include <stdio.h>

#include "util/slice.h"

/*
 * Every key that Postern keeps in Redis.  keys.c has the table (name, type,
 * TTL, who reads, who writes); postern-redis(7) and the ACL come from it; no
 * other file holds the text of a key.  Names are cluster-ready: what stands in
 * braces is the slot, and one command or script touches one slot.
 */

#define KEY_MAX 512
struct key {
	char text[KEY_MAX];
	size_t len;
};
static inline struct slice
key_slice(const struct key *k)
{
	return (struct slice){ k->text, k->len };
}

#define KEY_SHARDS 256 /* of a tenant's suppression list */
/* The shard of a canonical address: the same on all hosts and for ever. */
unsigned key_shard(struct slice address);

/*
 * And its piece of that shard.  A list of a million then has 30 addresses in
 * each hash, which Redis keeps in its compact form (hash-max-listpack-entries):
 * half of what a hash of thousands takes, at the same speed.  doc/SCALE.md has
 * the figures.
 */
#define KEY_PIECES 128
unsigned key_piece(struct slice address);

/* pn:b:{TENANT:NNN}:PPP  hash address (and stream) -> entry */
struct key key_block_entries(struct slice tenant, struct slice address);
/* What stands before PPP: for scripts that walk through a shard. */
struct key key_block_entries_prefix(struct slice tenant, unsigned shard);
/* pn:bc:{TENANT:NNN}:PPP  hash address (and stream) -> counting */
struct key key_block_counting(struct slice tenant, struct slice address);
struct key key_block_counting_prefix(struct slice tenant, unsigned shard);
/* pn:be:{TENANT:NNN}  hash address (and stream) -> evidence */
struct key key_block_evidence(struct slice tenant, unsigned shard);
/* pn:r:{TENANT:RULE:VALUE}  string, theoretical arrival time in us */
struct key key_limit(struct slice tenant, struct slice rule,
    struct slice value);
/* pn:ev:{h:HOST}:YYYYMMDD  stream of events */
struct key key_events(struct slice host, int64_t wall_us);
struct key key_events_day(struct slice host, struct slice yyyymmdd);
/*
 * The streams of the days before and behind the midnight (returned, ms) that
 * is nearest to wall_us.  A script that writes takes the one that Redis's own
 * clock says, so that a day is over for all writers at the same instant.
 */
int64_t key_events_pair(struct slice host, int64_t wall_us,
    struct key ret_keys[2]);
/* pn:ck:{h:HOST}  hash: log source -> checkpoint */
struct key key_checkpoint(struct slice host);
/* pn:m:{h:HOST}:QUEUEID  hash: facts and per-recipient state of a message */
struct key key_message(struct slice host, struct slice queue_id);
/* pn:c:{h:HOST}:TENANT:YYYYMMDDHH  hash: "MM:counter" -> number */
struct key key_counters(struct slice host, struct slice tenant,
    int64_t wall_us);
/* What stands before TENANT: for scripts, which learn the tenant late. */
struct key key_counters_prefix(struct slice host);
/* pn:c:{h:HOST}:i:YYYYMMDD:NNN  string: a shard of the index of events */
struct key key_event_index(struct slice host, struct slice yyyymmdd,
    unsigned shard);
/* pn:p:{h:HOST}  hash: consumer -> position in the host's streams */
struct key key_positions(struct slice host);
/* pn:t:{h:HOST}:NAME  deferred messages: due, of (retry_store.h) */
struct key key_retry(struct slice host, struct slice name);
/* pn:mt:{h:HOST}:DAEMON  string: what a daemon counts, as text */
struct key key_metrics(struct slice host, struct slice daemon);
/* pn:x:{TENANT:IDENTITY}  string: copies that the MTA has */
struct key key_copies(struct slice tenant, struct slice identity);
/* pn:h:{h:HOST}:NAME  held mail: due, ready, of, gate, ask */
struct key key_hold(struct slice host, struct slice name);
/* pn:d:{TENANT}:YYYYMMDD  hash: day cap -> messages of that day */
struct key key_day_caps(struct slice tenant, unsigned yyyymmdd);
/* pn:hosts  hash: host -> last seen, wall clock seconds */
struct key key_hosts(void);
/* pn:{s}:NAME  settings: revs, doc:TENANT:REV, draft:TENANT, ... */
struct key key_settings(struct slice name);
/* pn:w:{TENANT:ENDPOINT}:NAME  webhook queue: pos, pend, due, batch, dead */
struct key key_webhook(struct slice tenant, struct slice endpoint,
    struct slice name);
/* pn:lo:{CLIENT}:USER  string: failed logins; user absent: of all users */
struct key key_lockout(struct slice client, struct slice user);
/* pn:a:{TENANT}:YYYYMMDD  stream: audit log */
struct key key_audit(struct slice tenant, int64_t wall_us);

/* pn:q:{TENANT}:ID  hash: a refused message; id empty: what stands before it */
struct key key_quarantine(struct slice tenant, struct slice id);
/* pn:qi:{TENANT}  sorted set of their ids */
struct key key_quarantine_index(struct slice tenant);
/* pn:qr:{TENANT}  hash: id -> "expires octets" of those with their content */
struct key key_quarantine_room(struct slice tenant);
/* pn:in:{h:HOST}:ID  hash: a mail for an application; id empty: what stands
 * before it */
struct key key_inbound(struct slice host, struct slice id);
/* pn:ini:{h:HOST}:TENANT  sorted set of the ids of those that are kept */
struct key key_inbound_index(struct slice host, struct slice tenant);
/* pn:inr:{h:HOST}  hash: day on which it ends -> octets of contents */
struct key key_inbound_room(struct slice host);
/* pn:og:{TENANT}  hash: outbreaks; other keys behind it: outbreak.inc.lua */
struct key key_outbreaks(struct slice tenant);
/* pn:og:{TENANT}:PROVIDER:b:SHAPE  sorted set: what an answer has blocked */
struct key key_outbreak_blocks(struct slice tenant, struct slice provider,
    struct slice shape);
/* pn:bl:{TENANT}  set: hashes of addresses whose success is looked at */
struct key key_lifts(struct slice tenant);
/* pn:sa:{ADDRESS}:YYYYMMDD  hash: what a sending address sent on a day */
struct key key_sending(struct slice address, unsigned yyyymmdd);

/* pn:sp:{pace:FILTER}  hash: pace of a shaping filter */
struct key key_pace(struct slice filter);
/* Channel on which a change of one is told: "LEFT FILTER". */
struct slice key_pace_channel(void);
/* pn:mx:{DOMAIN}  string: MX hosts of a domain */
struct key key_provider(struct slice domain);

/* Channel on which a new settings revision is told: "TENANT REV". */
struct slice key_settings_channel(void);

/* "-x keys": mdoc list for postern-redis(7); "-x acl": ACL SETUSER lines. */
void keys_print_mdoc(FILE *out);
void keys_print_acl(FILE *out);

#endif /* STORE_KEYS_H */
