/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POSTFIX_CONF_TRANSPORTS_H
#define POSTFIX_CONF_TRANSPORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "postfix-conf/plan.h"
#include "proto/shaping.h"
#include "util/arena.h"
#include "util/buf.h"
#include "util/slice.h"

/*
 * Postfix's services of the shaping filters.  policyd makes the list from the
 * settings and leaves it as a text; the queue helper, which is root, reads that
 * text strictly and has postconf(1) do what it says: nothing in it can name a
 * service or a parameter that does not begin with "pn-".  Pure.
 */

enum postfix_tls {
	POSTFIX_TLS_SITE, /* as main.cf says, but used where it is offered */
	POSTFIX_TLS_ENCRYPT,
	POSTFIX_TLS_VERIFY
};
struct postfix_transport {
	struct slice name; /* shaping_transport() */
	unsigned connections;
	unsigned idle_s;   /* of cached sessions; 0: none are cached */
	unsigned messages; /* of one session; 0: no limit */
	struct slice ipv4, ipv6, helo; /* to send from; or absent */
	/* A forwarding server: "[HOST]:PORT", the next hop; or absent. */
	struct slice forward;
	enum postfix_tls tls;
	struct slice user;     /* or absent */
	struct slice password; /* sealed */
};
struct postfix_transports {
	/* policyd's server for tables, as postern.conf has it:
	 * "unix:/var/spool/postfix/postern/map.sock". */
	struct slice tables;
	const struct postfix_transport *at;
	size_t count;
};

#define POSTFIX_TRANSPORTS_FILE "transports" /* in the state directory */
#define POSTFIX_TRANSPORTS_MAX ((size_t)4 * 1024 * 1024)
#define POSTFIX_TRANSPORTS_COUNT_MAX SHAPING_TRANSPORTS_MAX

/*
 * What the settings ask for on this host; none with mode observe or off.
 * ERR_LIMIT: more than POSTFIX_TRANSPORTS_COUNT_MAX, or a value that the text
 * can not have (a password that is not sealed); ERR_NOMEM.
 */
int postfix_transports_wanted(struct arena *arena, const struct shaping *s,
    struct slice host, struct slice tables,
    struct postfix_transports *ret_transports);

/*
 * The text: "postern-transports 1", "tables ADDRESS", and a line for each:
 * "transport NAME connections=N idle=N messages=N", then as they are there
 * "ipv4=", "ipv6=", "helo=", "forward=", "tls=", "user=" and "password=".
 * There is exactly one text for a list, and only that is read.
 * ERR_LIMIT, ERR_NOMEM.
 */
int postfix_transports_format(const struct postfix_transports *t,
    struct buf *out);
/*
 * Slices borrow from text or arena.  ERR_SYNTAX (ret_line: which, from 1; may
 * be NULL), ERR_LIMIT, ERR_NOMEM.
 */
int postfix_transports_parse(struct arena *arena, struct slice text,
    struct postfix_transports *ret_transports, size_t *ret_line);

/* A name that is ours to change. */
bool postfix_transport_name_ok(struct slice name);

struct postfix_transports_now {
	struct postfix_values main;     /* main.cf itself */
	struct postfix_values entries;  /* postconf -M */
	struct postfix_values services; /* postconf -P */
	/* postconf, with defaults: at least what
	 * postfix_transports_parameters names. */
	struct postfix_values values;
	struct slice config_directory;
};
/* Ends with NULL; the first are known to every Postfix. */
extern const char *const postfix_transports_parameters[];

/*
 * What is to be changed: entries "pn-..." of master.cf that are missing, wrong
 * or not wanted, and their parameters in main.cf.  ERR_NOMEM, ERR_LIMIT.
 */
int postfix_transports_plan(struct arena *arena,
    const struct postfix_transports_now *now,
    const struct postfix_transports *wanted, struct postfix_edits *ret_edits);

/*
 * Where the password of a transport is for smtp(8): a file of the configuration
 * directory that only root may read, with one line (texthash).
 */
#define POSTFIX_PASSWORD_SUFFIX ".passwd"
/* ERR_SYNTAX: not for such a line: control characters, blanks at its ends. */
int postfix_transport_password(const struct postfix_transport *t,
    struct slice password, struct buf *out);

#endif /* POSTFIX_CONF_TRANSPORTS_H */
