/* SPDX-License-Identifier: BSD-2-Clause */
/* One login by SMTP, from name and key to its answer. */
#include "policyd/login.h"

#include <stdlib.h>

#include "policyd/key_checks.h"
#include "policyd/limit_value.h"
#include "policyd/lockout.h"
#include "policyd/login_audit.h"
#include "policyd/login_offer.h"
#include "policyd/policyd.h"
#include "proto/sasl.h"
#include "proto/settings.h"
#include "service/metrics.h"
#include "store/settings_store.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/log.h"

#define KNOWN_PLACES 16384
#define KNOWN_MS (5 * 60 * 1000)
#define CLIENT_MAX 64
#define PORT_MAX 8

struct logins {
	struct policyd *daemon;
	struct key_checks *checks;
	struct lockouts *lockouts;
	struct login_audit *audit;
	struct verified *known;
	char *nobodys_hash; /* checked when there is no such user */
	bool stopping;
};

struct login {
	struct logins *all;
	struct settings *settings; /* counted */
	const struct tenant *tenant;
	const struct api_user *user; /* NULL: none who may log in */
	const char *refusal;         /* what stands against it; NULL */
	struct lockout_limits limits;
	bool failures; /* lately, of this user from there */
	struct verified_mark mark;
	int64_t began_us, deadline_us;
	login_answer *answer; /* NULL: nobody waits */
	void *ctx;
	unsigned mechanism;
	char name[SASL_NAME_MAX], lower[SASL_NAME_MAX];
	char key[SASL_PASSWORD_MAX];
	char client[CLIENT_MAX], port[PORT_MAX];
	char counted[LIMIT_CLIENT_MAX]; /* whom lock-outs are for */
	struct slice name_is, lower_is, key_is, client_is, port_is, counted_is;
};

struct logins *
logins_new(struct event_base *base, struct policyd *daemon)
{
	struct logins *l = calloc(1, sizeof(*l));
	struct buf hash;
	char room[CRYPTO_SHA256_LEN];

	if (l == NULL)
		return NULL;
	buf_init(&hash, 1000);
	crypto_random(room, sizeof(room));
	l->daemon = daemon;
	l->known = verified_new(KNOWN_PLACES, KNOWN_MS);
	l->lockouts = lockouts_new(daemon);
	l->audit = login_audit_new(base, daemon);
	l->checks = key_checks_new(base, 0);
	if (crypto_password_hash((struct slice){ room, sizeof(room) }, &hash) ==
	    0)
		l->nobodys_hash = strdup(buf_text(&hash));
	buf_done(&hash);
	if (l->known != NULL && l->lockouts != NULL && l->audit != NULL &&
	    l->checks != NULL && l->nobodys_hash != NULL)
		return l;
	logins_stop(l);
	logins_free(l);
	return NULL;
}

void
logins_stop(struct logins *l)
{
	if (l == NULL)
		return;
	l->stopping = true;
	key_checks_free(l->checks);
	l->checks = NULL;
	login_audit_flush(l->audit);
}

void
logins_free(struct logins *l)
{
	if (l == NULL)
		return;
	lockouts_free(l->lockouts);
	login_audit_free(l->audit);
	verified_free(l->known);
	free(l->nobodys_hash);
	free(l);
}

/* ---- the end of one ---- */

static const char *
word_of(enum login_result result)
{
	switch (result) {
	case LOGIN_OK:
		return "ok";
	case LOGIN_FAILED:
		return "failed";
	case LOGIN_LOCKED:
		return "locked";
	case LOGIN_UNAVAILABLE:
		break;
	}
	return "temporary failure";
}

static void
log_login(const struct login *login, enum login_result result,
    const char *reason)
{
	struct log_line l;

	log_line(&l, (struct slice){ NULL, 0 });
	log_line_add(&l, "client", login->client_is);
	log_line_add(&l, "login", slice_of(word_of(result)));
	log_line_add(&l, "sasl_username", login->name_is);
	log_line_add(&l, "mechanism",
	    login->mechanism == RELAY_PLAIN ? SLICE("PLAIN") : SLICE("LOGIN"));
	log_line_add(&l, "reason", slice_of(reason));
	if (login->tenant != NULL)
		log_line_add(&l, "tenant", login->tenant->name);
	log_line_number(&l, "delay_ms",
	    (clock_mono_us() - login->began_us) / 1000);
	log_line_end(&l, LOG_L_INFO);
}

static void
count_login(enum login_result result)
{
	switch (result) {
	case LOGIN_OK:
		metrics_add(METRIC_POLICYD_LOGINS_OK, 1);
		break;
	case LOGIN_FAILED:
		metrics_add(METRIC_POLICYD_LOGINS_FAILED, 1);
		break;
	case LOGIN_LOCKED:
		metrics_add(METRIC_POLICYD_LOGINS_LOCKED, 1);
		break;
	case LOGIN_UNAVAILABLE:
		metrics_add(METRIC_POLICYD_LOGINS_UNAVAILABLE, 1);
		break;
	}
}

static void
audit_login(const struct login *login, enum login_result result)
{
	struct login_audit_entry e = {
		.client = login->counted_is,
		.outcome = word_of(result),
	};

	/* Without settings or Redis there is nowhere to write. */
	if (login->tenant == NULL || result == LOGIN_UNAVAILABLE)
		return;
	e.tenant = login->tenant->name;
	if (login->user != NULL)
		e.user = login->user->name;
	login_audit_add(login->all->audit, &e);
}

static void
login_free(struct login *login)
{
	settings_unref(login->settings);
	crypto_wipe(login->key, sizeof(login->key));
	free(login);
}

static void
finish(struct login *login, enum login_result result, const char *reason)
{
	struct slice user =
	    login->user != NULL ? login->user->name : login->name_is;

	if (!login->all->stopping) {
		log_login(login, result, reason);
		count_login(result);
		audit_login(login, result);
		if (login->answer != NULL)
			login->answer(result, user, login->ctx);
	}
	login_free(login);
}

/* ---- its steps ---- */

static void
right(struct login *login)
{
	if (login->failures)
		lockouts_clear(login->all->lockouts, login->counted_is,
		    login->lower_is, &login->limits);
	finish(login, LOGIN_OK, NULL);
}

static void
wrong(struct login *login, const char *reason)
{
	lockouts_failed(login->all->lockouts, login->counted_is,
	    login->lower_is, &login->limits);
	finish(login, LOGIN_FAILED, reason);
}

static void
checked(int rc, void *ctx)
{
	struct login *login = ctx;

	if (rc < 0 && rc != ERR_SYNTAX) {
		finish(login, LOGIN_UNAVAILABLE, err_text(rc));
	} else if (lockouts_locked(login->all->lockouts, login->counted_is,
		       login->lower_is, &login->limits)) {
		/* By those that were under way with it: guesses at once are
		 * no more than guesses one by one. */
		finish(login, LOGIN_LOCKED, "too many failures");
	} else if (login->user == NULL) {
		wrong(login, login->refusal);
	} else if (login->refusal != NULL) {
		/* Nobody learns from that whether the key was right. */
		finish(login, LOGIN_FAILED, login->refusal);
	} else if (rc != 1) {
		wrong(login, "wrong key");
	} else {
		verified_add(login->all->known, &login->mark);
		right(login);
	}
}

static void
check(struct login *login)
{
	struct logins *l = login->all;
	struct slice hash = login->user != NULL && login->refusal == NULL
				? login->user->key_hash
				: slice_of(l->nobodys_hash);
	int rc = key_check(l->checks, login->counted_is, login->key_is, hash,
	    &login->mark, login->deadline_us, checked, login);

	if (rc == ERR_LIMIT)
		finish(login, LOGIN_UNAVAILABLE, "too many at once");
	else if (rc < 0)
		finish(login, LOGIN_UNAVAILABLE, err_text(rc));
}

static bool
is_known(const struct login *login)
{
	return login->user != NULL && login->refusal == NULL &&
	       verified_has(login->all->known, &login->mark);
}

static void
looked(int rc, bool locked, bool failures, void *ctx)
{
	struct login *login = ctx;

	login->failures = failures;
	if (login->all->stopping)
		finish(login, LOGIN_UNAVAILABLE, NULL);
	else if (locked)
		finish(login, LOGIN_LOCKED, "too many failures");
	/* Without Redis nobody counts for all hosts: only who was right a
	 * while ago is let in. */
	else if (is_known(login))
		right(login);
	else if (rc < 0)
		finish(login, LOGIN_UNAVAILABLE, err_text(rc));
	else
		check(login);
}

static struct slice
keep(char *room, size_t size, struct slice s)
{
	if (s.at == NULL)
		return s;
	if (s.len > size)
		s.len = size;
	if (s.len > 0)
		memcpy(room, s.at, s.len);
	return (struct slice){ room, s.len };
}

static void
fill(struct login *login, const struct login_attempt *a)
{
	char room[LIMIT_CLIENT_MAX];

	login->name_is = keep(login->name, sizeof(login->name), a->name);
	login->key_is = keep(login->key, sizeof(login->key), a->key);
	login->client_is =
	    keep(login->client, sizeof(login->client), a->client);
	login->port_is = keep(login->port, sizeof(login->port), a->server_port);
	login->counted_is = keep(login->counted, sizeof(login->counted),
	    limit_client(login->client_is, room));
	login->lower_is = keep(login->lower, sizeof(login->lower), a->name);
	for (size_t i = 0; i < login->lower_is.len; i++)
		if (login->lower[i] >= 'A' && login->lower[i] <= 'Z')
			login->lower[i] = (char)(login->lower[i] + 32);
	login->mechanism = a->mechanism;
}

/* Who it is, for which tenant, and what stands against it. */
static void
judge(struct login *login, const struct login_attempt *a)
{
	struct login_offer_request request = {
		.client = login->client_is,
		.server_port = login->port_is,
		.name = login->name_is,
		.secured = a->secured,
		.mechanism = a->mechanism,
	};
	struct login_offer offer = login_offer(login->settings, &request);

	login->tenant = offer.tenant;
	login->user = offer.user;
	login->refusal = offer.refusal;
	login->limits = (struct lockout_limits){
		.failures = offer.tenant->relay.lock_failures,
		.period_ms = offer.tenant->relay.lock_period_ms,
	};
}

struct login *
login_start(struct logins *l, const struct login_attempt *a,
    login_answer *answer, void *ctx)
{
	struct login *login = calloc(1, sizeof(*login));
	struct slice hash = slice_of(l->nobodys_hash);

	if (login == NULL) {
		answer(LOGIN_UNAVAILABLE, a->name, ctx);
		return NULL;
	}
	login->all = l;
	login->answer = answer;
	login->ctx = ctx;
	login->began_us = clock_mono_us();
	login->deadline_us = clock_deadline_ms(LOGIN_DEADLINE_MS);
	fill(login, a);
	if (!settings_watch_known(l->daemon->watch)) {
		finish(login, LOGIN_UNAVAILABLE, "settings are not known yet");
		return NULL;
	}
	login->settings = settings_current(l->daemon->watch);
	judge(login, a);
	/* Also says which hash it is checked against: equal ones share that. */
	if (login->user != NULL && login->refusal == NULL)
		hash = login->user->key_hash;
	if (verified_mark(l->known, login->lower_is, login->key_is, hash,
		&login->mark) < 0) {
		finish(login, LOGIN_UNAVAILABLE, err_text(ERR_NOMEM));
		return NULL;
	}
	return lockouts_look(l->lockouts, login->counted_is, login->lower_is,
		   &login->limits, looked, login) == LOCKOUT_ANSWERED
		   ? NULL
		   : login;
}

void
login_abandon(struct login *login)
{
	login->answer = NULL;
}
