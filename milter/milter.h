/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_MILTER_H
#define MILTER_MILTER_H

#include <stdint.h>

#include "proto/settings.h"
#include "util/crypto.h"
#include "util/slice.h"

/*
 * What all messages share.  Written before the first connection is accepted;
 * the pointers do not change after that, and what they point to may be used
 * by any thread.
 */
struct event_base;
struct dmarc;
struct host_config;
struct keeper;
struct scan_client;
struct settings_watch;
struct spool;
struct store;

struct milter {
	struct store *store;
	struct settings_watch *watch;
	struct spool *spool;
	struct slice host_name;
	uint8_t verp_key[CRYPTO_SHA256_LEN];
	uint8_t copy_key[CRYPTO_SHA256_LEN];
	uint8_t trace_key[CRYPTO_SHA256_LEN];
	uint8_t unsubscribe_key[CRYPTO_SHA256_LEN];
	const struct master_key *master; /* for the quarantine */
	const char *reinject;            /* internal listener's address */
	struct scan_client *scan;        /* NULL: no scanner is set up */
	int64_t scan_timeout_ms;
	struct dmarc *dmarc;   /* NULL: not looked at */
	uint64_t inbound_max;  /* octets of a mail for an application */
	size_t line_max;       /* longer lines are broken by the SMTP client */
	struct keeper *keeper; /* of messages that are refused */
};

/* The parts of struct service. */
int milter_open(const struct host_config *config);
int milter_start(const struct host_config *config, struct event_base *base);
int milter_reload(const struct host_config *config);
int milter_run(void);
unsigned milter_drain(void);
void milter_stop(void);
void milter_state(void);

#endif /* MILTER_MILTER_H */
