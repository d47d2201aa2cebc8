/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POSTFIX_CONF_PLAN_H
#define POSTFIX_CONF_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "postfix-conf/values.h"
#include "util/arena.h"
#include "util/slice.h"

/*
 * What Postern needs in Postfix's main.cf and master.cf.  plan.c has the table;
 * the functions compare it with what is there, and say what to change.  Pure:
 * the command line reads and writes by postconf(1).
 */
struct postfix_now {
	struct postfix_values main;     /* postconf -n */
	struct postfix_values defaults; /* postconf -d */
	struct postfix_values services; /* postconf -P: "NAME/TYPE/PARAMETER" */
	struct postfix_values entries;  /* postconf -M: "NAME/TYPE" */
	/* main.cf before it was changed; NULL: not known, or never changed. */
	const struct postfix_values *before;
};

/* What relay access of the tenants needs. */
enum postfix_relay {
	POSTFIX_RELAY_ACCESS = 1 << 0,  /* not Postfix's own rules alone */
	POSTFIX_RELAY_AUTH = 1 << 1,    /* API users log in */
	POSTFIX_RELAY_TLS = 1 << 2,     /* by TLS only, all of them */
	POSTFIX_RELAY_CONNECT = 1 << 3, /* connections are refused */
	POSTFIX_RELAY_PORTS = 1 << 4,   /* tenants by port */
};

struct postfix_wanted {
	/* As smtpd(8) and lmtp(8) name them: "unix:postern/policyd.sock",
	 * "inet:127.0.0.1:10040". */
	struct slice policyd, milter, bounced;
	struct slice map;  /* look-up tables; empty: there are none */
	struct slice auth; /* without "unix:"; or empty: no SMTP AUTH */
	/* Where the milter sends mail in again, as master.cf names it:
	 * "127.0.0.1:10589"; absent: nowhere that smtpd(8) can listen. */
	struct slice reinject;
	/* The domains that DSNs come back to; may be none. */
	const struct slice *return_domains;
	size_t return_domain_count;
	/* When Postfix tries deferred mail again, as main.cf has times
	 * ("240s"); empty: as its administrator has it. */
	bool retry_known; /* false: what is there stays */
	struct slice minimal_backoff, maximal_backoff, queue_lifetime,
	    queue_run_delay;
	struct slice own; /* filled by the plan */
	/* Whether mail is shaped: while policyd is away, the look-up that this
	 * needs has no answer, and Postfix delivers nothing. */
	bool shaping_known; /* false: what is there stays */
	bool shaping;
	bool relay_known; /* false: what is there stays */
	unsigned relay;   /* enum postfix_relay bits */
};

enum postfix_file {
	POSTFIX_MAIN_CF,
	POSTFIX_MASTER_CF,    /* one parameter of an entry */
	POSTFIX_MASTER_ENTRY, /* a whole entry */
};

struct postfix_edit {
	enum postfix_file file;
	struct slice name;  /* in master.cf: NAME/TYPE/PARAMETER, NAME/TYPE */
	struct slice old;   /* absent: not in the file */
	struct slice value; /* absent: take it out of the file */
	const char *why;
};
struct postfix_edits {
	struct postfix_edit *at;
	size_t count;
};

/*
 * What is still to be done; nothing when it is all there.
 * ERR_NOMEM, ERR_LIMIT.
 */
int postfix_plan_enable(struct arena *arena, const struct postfix_now *now,
    const struct postfix_wanted *wanted, struct postfix_edits *ret_edits);
/*
 * The parameter (of main.cf, or NAME/TYPE/PARAMETER) by which the site has
 * SMTP AUTH of its own where the settings want ours: it stays, and ours is not
 * set up.  Absent: none.
 */
struct slice postfix_sasl_foreign(const struct postfix_now *now,
    const struct postfix_wanted *wanted);
/*
 * Take out our own and nothing else.
 * before  main.cf as it was before; absent values when it is not known: then a
 *         parameter that is left as its default is taken out of the file
 */
int postfix_plan_disable(struct arena *arena, const struct postfix_now *now,
    const struct postfix_values *before, struct postfix_edits *ret_edits);

/*
 * A socket of postern.conf as Postfix must name it: below the queue directory
 * without that part, because smtpd(8) may be chrooted there and runs in it in
 * any case.  Absent: no memory.
 */
struct slice postfix_endpoint(struct arena *arena, struct slice listen,
    struct slice queue_directory);

/*
 * An address to connect to ("inet:127.0.0.1:10589") as master.cf names the
 * service.  Absent: no such address, or no memory.
 */
struct slice postfix_service(struct arena *arena, struct slice address);

#endif /* POSTFIX_CONF_PLAN_H */
