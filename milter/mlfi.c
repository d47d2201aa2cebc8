/* SPDX-License-Identifier: BSD-2-Clause */
/* The milter protocol by libmilter: callbacks in, edits and verdict out. */
#include "milter/mlfi.h"

#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "milter/milter.h"
#include "milter/mlfi_edit.h"
#include "milter/mlfi_session.h"
#include "milter/mlfi_socket.h"
#include "milter/pass.h"
#include "proto/address.h"
#include "service/metrics.h"
#include "store/settings_store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

/* libmilter's flags as the protocol has them. */
#define WANTED_ACTIONS \
	(SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY | SMFIF_ADDRCPT | \
	    SMFIF_ADDRCPT_PAR | SMFIF_DELRCPT | SMFIF_CHGFROM | \
	    SMFIF_QUARANTINE)
/*
 * Stages that no module asks for, and replies that nobody needs.  LEADSPC: the
 * blank behind a field's colon is told, and it is ours to write, too: DKIM's
 * simple form has it.
 */
#define WANTED_STEPS \
	(SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NOEOH | SMFIP_NR_CONN | \
	    SMFIP_NR_HELO | SMFIP_NR_RCPT | SMFIP_NR_HDR | SMFIP_NR_BODY | \
	    SMFIP_HDR_LEADSPC)
/* Of a host name; what is longer is not kept. */
#define NAME_MAX_OCTETS 256
/* Longer than any field that Postfix hands over (header_size_limit). */
#define COMMAND_MAX (2 * 1024 * 1024)

struct connection {
	struct pass pass;
	char client[INET6_ADDRSTRLEN], port[8];
	char server[INET6_ADDRSTRLEN + 8]; /* "IPv6:" before it */
	char helo[NAME_MAX_OCTETS], client_name[NAME_MAX_OCTETS],
	    server_name[NAME_MAX_OCTETS];
	struct session session;
	struct session receiving; /* the mail under way */
	bool no_helo;             /* negotiated away */
	bool mail_answered;       /* negotiated: the MTA waits at MAIL FROM */
	bool sendmail;
	bool in_message;
};

static struct {
	const struct milter *host;
	_Atomic unsigned in_progress; /* messages that use host */
	_Atomic bool stopping;        /* no further ones */
	_Atomic bool sendmail_told;
	_Atomic unsigned at_end;     /* messages whose modules are asked */
	_Atomic unsigned long ended; /* messages */
	unsigned long ended_before;  /* the loop's thread only, as these */
	pthread_t stopper;
	bool has_stopper;
} mlfi;

static struct slice
symbol(SMFICTX *ctx, const char *name)
{
	return slice_of(smfi_getsymval(ctx, unconst(name)));
}

static void
message_over(struct connection *c)
{
	pass_end(&c->pass);
	session_leave(&c->receiving);
	/* The last thing: the daemon may end, and what it shares is gone. */
	if (c->in_message)
		mlfi.in_progress--;
	c->in_message = false;
}

/* What the MTA shall leave out, by the settings as they are now. */
static unsigned long
steps_of(unsigned long offered)
{
	struct settings *settings = settings_current(mlfi.host->watch);
	unsigned needs = settings_needs(settings);
	unsigned long spare = ((needs & NEED_BODY) == 0 ? SMFIP_NOBODY : 0) |
			      ((needs & NEED_HELO) == 0 ? SMFIP_NOHELO : 0) |
			      ((needs & NEED_MAIL) == 0 ? SMFIP_NR_MAIL : 0);

	settings_unref(settings);
	return (WANTED_STEPS | (offered & spare)) &
	       ~((needs & NEED_DATA) != 0 ? (unsigned long)SMFIP_NODATA : 0);
}

/*
 * Settings may come to want later what was left out: such messages are put
 * off, and the session ends (changed_meanwhile).
 */
static void
open_connection(SMFICTX *ctx, unsigned long steps)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return; /* seen at the end of a message */
	if (pass_init(&c->pass) < 0) {
		free(c);
		return;
	}
	c->no_helo = (steps & SMFIP_NOHELO) != 0;
	c->mail_answered = (steps & SMFIP_NR_MAIL) == 0;
	c->pass.no_body = (steps & SMFIP_NOBODY) != 0;
	metrics_add(METRIC_MILTER_CONNECTIONS, 1);
	(void)smfi_setpriv(ctx, c);
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long ignored1, unsigned long ignored2, unsigned long *ret_actions,
    unsigned long *ret_steps, unsigned long *ret1, unsigned long *ret2)
{
	(void)ignored1;
	(void)ignored2;
	*ret1 = *ret2 = 0;
	*ret_actions = actions & WANTED_ACTIONS;
	if (*ret_actions != WANTED_ACTIONS) {
		log_error("the MTA does not allow the edits of messages that "
			  "are needed (milter_protocol = 6)");
		return SMFIS_REJECT;
	}
	if ((steps & WANTED_STEPS) != WANTED_STEPS) {
		/* Without them our NOREPLY would leave the MTA waiting. */
		log_error("the MTA speaks a milter protocol older than 6");
		return SMFIS_REJECT;
	}
	*ret_steps = steps_of(steps);
	open_connection(ctx, *ret_steps);
	if (actions & SMFIF_SETSYMLIST) {
		*ret_actions |= SMFIF_SETSYMLIST;
		(void)smfi_setsymlist(ctx, SMFIM_CONNECT,
		    unconst("j v {daemon_addr} {daemon_port}"));
		/* Sendmail gives the queue id here, Postfix at the end. */
		(void)smfi_setsymlist(ctx, SMFIM_ENVFROM,
		    unconst("i {auth_authen} {tls_version}"));
		(void)smfi_setsymlist(ctx, SMFIM_ENVRCPT,
		    unconst("{rcpt_mailer}"));
		(void)smfi_setsymlist(ctx, SMFIM_EOM, unconst("i"));
	}
	return SMFIS_CONTINUE;
}

static void
note_client(struct connection *c, const struct sockaddr *peer)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (peer != NULL && peer->sa_family == AF_INET) {
		memcpy(&in, peer, sizeof(in));
		(void)inet_ntop(AF_INET, &in.sin_addr, c->client,
		    sizeof(c->client));
	} else if (peer != NULL && peer->sa_family == AF_INET6) {
		memcpy(&in6, peer, sizeof(in6));
		(void)inet_ntop(AF_INET6, &in6.sin6_addr, c->client,
		    sizeof(c->client));
	}
}

/* What does not fit is not kept. */
static void
note(char *room, size_t size, struct slice text)
{
	size_t len = text.len < size ? text.len : 0;

	memcpy(room, len > 0 ? text.at : "", len);
	room[len] = '\0';
}

/*
 * "Postfix 3.7.11", or whatever Postfix is called here; "8.17.1/8.17.1" is
 * Sendmail.  What differs is told once.
 */
static void
note_mta(struct connection *c, struct slice version)
{
	c->sendmail =
	    version.len > 0 && version.at[0] >= '0' && version.at[0] <= '9';
	if (c->sendmail && !atomic_exchange(&mlfi.sendmail_told, true))
		log_info("the MTA is Sendmail (%.*s): its own Received fields, "
			 "and messages that are held, are its own affair",
		    SLICE_F(version));
}

static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *peer)
{
	struct connection *c = smfi_getpriv(ctx);

	if (c == NULL)
		return SMFIS_NOREPLY;
	note_client(c, peer);
	/* A client whose address has no name has its address here. */
	if (name != NULL && name[0] != '[')
		note(c->client_name, sizeof(c->client_name), slice_of(name));
	note_mta(c, symbol(ctx, "v"));
	note(c->server_name, sizeof(c->server_name), symbol(ctx, "j"));
	note(c->server, sizeof(c->server), symbol(ctx, "{daemon_addr}"));
	note(c->port, sizeof(c->port), symbol(ctx, "{daemon_port}"));
	return SMFIS_NOREPLY;
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
	struct connection *c = smfi_getpriv(ctx);

	if (c != NULL)
		note(c->helo, sizeof(c->helo), slice_of(name));
	return SMFIS_NOREPLY;
}

static struct slice
absent_if_empty(struct slice s)
{
	return s.len > 0 ? s : (struct slice){ NULL, 0 };
}

/* The value of ENVID among MAIL FROM's parameters.  RFC 3461, 4.4. */
static struct slice
envid_of(char **parameters)
{
	for (; *parameters != NULL; parameters++) {
		struct slice p = slice_of(*parameters);

		if (slice_starts_nocase(p, SLICE("ENVID=")))
			return slice_skip(p, sizeof("ENVID=") - 1);
	}
	return (struct slice){ NULL, 0 };
}

static int
begin_message(SMFICTX *ctx, struct connection *c, char **argv)
{
	struct message *msg = &c->pass.msg;
	struct slice raw = slice_of(argv[0]), envid = envid_of(argv + 1);
	struct slice address;
	char room[ADDRESS_MAX];

	msg->host = mlfi.host;
	msg->settings = settings_current(mlfi.host->watch);
	msg->client = absent_if_empty(slice_of(c->client));
	msg->listener_port = absent_if_empty(slice_of(c->port));
	msg->helo = slice_of(c->helo);
	msg->client_name = slice_of(c->client_name);
	msg->server_name = slice_of(c->server_name);
	msg->server = slice_of(c->server);
	msg->sendmail = c->sendmail;
	msg->tls = symbol(ctx, "{tls_version}").len > 0;
	struct slice user = symbol(ctx, "{auth_authen}");
	if (user.len > 0)
		msg->sasl_user = message_keep(msg, user);
	if (address_canonical(raw, room, &address) < 0)
		address = raw;
	msg->sender = message_keep(msg, address);
	msg->sender_path = message_keep(msg, raw);
	if (envid.at != NULL)
		msg->envid = message_keep(msg, envid);
	if (msg->sender.at == NULL || msg->sender_path.at == NULL ||
	    (envid.at != NULL && msg->envid.at == NULL) ||
	    (user.len > 0 && msg->sasl_user.at == NULL))
		return ERR_NOMEM;
	const struct tenant_match match = {
		.listener_port = msg->listener_port,
		.sasl_user = msg->sasl_user,
		.client = msg->client,
		.sender = msg->sender,
	};
	msg->tenant = settings_tenant_for(msg->settings, &match);
	msg->stream = settings_stream_for(msg->tenant, &match);
	return 0;
}

/* Without the HELO, its tenant's Received field can not be written. */
static bool
changed_meanwhile(const struct connection *c)
{
	enum received_mode mode = c->pass.msg.tenant->received;

	return c->no_helo &&
	       (mode == RECEIVED_ABBREVIATED || mode == RECEIVED_NORMAL);
}

static sfsistat
on_mail(SMFICTX *ctx, char **argv)
{
	struct connection *c = smfi_getpriv(ctx);

	if (c == NULL)
		return SMFIS_NOREPLY; /* no memory: said at the end */
	message_over(c);
	pass_begin(&c->pass);
	/* In this order: who stops sets the flag, then looks at the number. */
	mlfi.in_progress++;
	c->in_message = !mlfi.stopping;
	if (c->in_message && !settings_watch_known(mlfi.host->watch)) {
		c->pass.rc = ERR_UNAVAIL;
	} else if (c->in_message) {
		c->pass.rc = begin_message(ctx, c, argv);
		if (c->pass.rc == 0 && changed_meanwhile(c))
			c->pass.rc = ERR_CONFLICT;
		if (c->pass.rc == 0 && mlfi_session_full(ctx, &c->session,
					   &c->pass.msg, c->mail_answered))
			return SMFIS_TEMPFAIL;
	} else {
		mlfi.in_progress--;
		c->pass.rc = ERR_CANCELED;
	}
	return c->mail_answered ? SMFIS_CONTINUE : SMFIS_NOREPLY;
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	struct connection *c = smfi_getpriv(ctx);
	struct pass *p = c != NULL ? &c->pass : NULL;

	/* Only smtpd(8) knows where a recipient goes to; and no policy server
	 * is asked by Sendmail, which does, too. */
	if (p != NULL && p->rc == 0)
		p->rc = message_add_rcpt(&p->msg, slice_of(argv[0]),
		    !c->sendmail && symbol(ctx, "{rcpt_mailer}").at != NULL);
	return SMFIS_NOREPLY;
}

static sfsistat
on_data(SMFICTX *ctx)
{
	struct connection *c = smfi_getpriv(ctx);

	if (c == NULL || c->pass.rc < 0 || !c->in_message)
		return SMFIS_CONTINUE; /* said at the end */
	return mlfi_session_inbound(ctx, &c->receiving, &c->pass.msg)
		   ? SMFIS_CONTINUE
		   : SMFIS_TEMPFAIL;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	struct connection *c = smfi_getpriv(ctx);
	struct pass *p = c != NULL ? &c->pass : NULL;
	bool tight = value[0] != ' ';

	if (p == NULL || p->rc < 0)
		return SMFIS_NOREPLY;
	p->rc = message_add_field(&p->msg, slice_of(name),
	    slice_of(tight ? value : value + 1));
	if (p->rc == 0)
		p->msg.fields[p->msg.field_count - 1].tight = tight;
	return SMFIS_NOREPLY;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *octets, size_t len)
{
	struct connection *c = smfi_getpriv(ctx);

	if (c != NULL)
		pass_body(&c->pass,
		    (struct slice){ (const char *)octets, len });
	return SMFIS_NOREPLY;
}

static sfsistat
put_off(SMFICTX *ctx, struct connection *c)
{
	const struct message *msg = &c->pass.msg;
	/* RFC 5321, 3.8: with 421 the session ends; the next one is right. */
	const char *code = c->pass.rc == ERR_CONFLICT ? "421" : "451";

	(void)smfi_setreply(ctx, unconst(code), unconst(msg->reply_dsn),
	    unconst(msg->reply_text));
	pass_log(&c->pass, "tempfail");
	metrics_add(METRIC_MILTER_PUT_OFF, 1);
	return SMFIS_TEMPFAIL;
}

static void
warn_of_quarantine(const struct message *msg)
{
	static struct log_limit limit;
	unsigned long missed;

	if (log_limit_ok(&limit, 3600, &missed))
		log_warning("%.*s: held in Sendmail's quarantine, from which "
			    "only mailq -qQ and sendmail -qQ -Q lead (%lu more "
			    "messages since the last warning)",
		    SLICE_F(msg->queue_id), missed);
}

static sfsistat
accept_message(SMFICTX *ctx, struct connection *c)
{
	struct message *msg = &c->pass.msg;
	struct mlfi_edit edit = { ctx, msg->arena };

	/* An MTA would do the same, but say nothing. */
	if (msg->rcpt_count > 0 && message_rcpts_left(msg) == 0) {
		msg->accepted = true;
		pass_log(&c->pass, "discard");
		metrics_add(METRIC_MILTER_DISCARDED, 1);
		return SMFIS_DISCARD;
	}
	if (message_apply(msg, &mlfi_editor, &edit) < 0) {
		message_reply(msg, "4.3.0", "Edits not taken, try later");
		return put_off(ctx, c);
	}
	msg->accepted = true;
	if (msg->sendmail && msg->hold_reason.at != NULL)
		warn_of_quarantine(msg);
	pass_log(&c->pass, NULL);
	metrics_add(METRIC_MILTER_ACCEPTED, 1);
	return SMFIS_CONTINUE;
}

static sfsistat
judge(SMFICTX *ctx, struct connection *c)
{
	struct message *msg = &c->pass.msg;

	msg->queue_id = message_keep(msg, symbol(ctx, "i"));
	switch (pass_eom(&c->pass)) {
	case VERDICT_NEXT:
		return accept_message(ctx, c);
	case VERDICT_TEMPFAIL:
		return put_off(ctx, c);
	case VERDICT_REJECT:
		break;
	}
	/* RFC 1870, 6.3: "552 message size exceeds fixed maximum". */
	(void)smfi_setreply(ctx,
	    unconst(strcmp(msg->reply_dsn, "5.3.4") == 0 ? "552" : "550"),
	    unconst(msg->reply_dsn), unconst(msg->reply_text));
	pass_log(&c->pass, "reject");
	metrics_add(METRIC_MILTER_REFUSED, 1);
	return SMFIS_REJECT;
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	struct connection *c = smfi_getpriv(ctx);

	if (c == NULL) {
		log_error("out of memory: message put off");
		metrics_add(METRIC_MILTER_PUT_OFF, 1);
		return SMFIS_TEMPFAIL;
	}
	mlfi.at_end++;
	sfsistat answer = judge(ctx, c);
	mlfi.at_end--;
	mlfi.ended++;
	metrics_time(METRIC_MILTER_END_OF_MESSAGE,
	    clock_mono_us() - c->pass.msg.began_us);
	message_over(c);
	return answer;
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	struct connection *c = smfi_getpriv(ctx);

	if (c != NULL)
		message_over(c);
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	struct connection *c = smfi_getpriv(ctx);

	if (c == NULL)
		return SMFIS_CONTINUE;
	message_over(c);
	session_leave(&c->session);
	pass_done(&c->pass);
	free(c);
	(void)smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

static int
set_up(const char *connection, int64_t timeout_ms)
{
	char name[] = "postern";
	struct smfiDesc desc = { .xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = WANTED_ACTIONS,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_abort = on_abort,
		.xxfi_data = on_data,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate };

	(void)smfi_setmaxdatasize(COMMAND_MAX);
	if (smfi_setconn(unconst(connection)) != MI_SUCCESS ||
	    smfi_register(desc) != MI_SUCCESS ||
	    smfi_settimeout((int)(timeout_ms / 1000)) != MI_SUCCESS ||
	    smfi_setbacklog(512) != MI_SUCCESS ||
	    smfi_opensocket(false) != MI_SUCCESS)
		return ERR_IO;
	return 0;
}

int
mlfi_open(const char *address, const char *user, const char *group,
    int64_t timeout_ms, char *error, size_t error_size)
{
	struct mlfi_socket where;
	int rc = mlfi_socket_prepare(address, group, &where, error, error_size);

	if (rc < 0)
		return rc;
	if ((rc = set_up(where.libmilter, timeout_ms)) < 0) {
		(void)snprintf(error, error_size,
		    "%s: libmilter can not listen there", address);
		return rc;
	}
	return mlfi_socket_finish(&where, user, group, error, error_size);
}

int
mlfi_run(const struct milter *host)
{
	mlfi.host = host;
	return smfi_main() == MI_SUCCESS ? 0 : ERR_IO;
}

static void *
stop(void *ctx)
{
	(void)ctx;
	(void)smfi_stop();
	return NULL;
}

void
mlfi_stop(void)
{
	mlfi.stopping = true;
	/* It waits for libmilter's listener, which looks up every 5 s; closing
	 * the socket in the listener's hands makes it look at once. */
	mlfi.has_stopper = pthread_create(&mlfi.stopper, NULL, stop, NULL) == 0;
	mlfi_socket_shut();
}

void
mlfi_nudge(void)
{
	unsigned long ended = mlfi.ended;

	/* Each one that ends makes a thread look for sessions. */
	if (mlfi.at_end > 0 && ended == mlfi.ended_before)
		mlfi_socket_knock();
	mlfi.ended_before = ended;
}

unsigned
mlfi_messages(void)
{
	return mlfi.in_progress;
}

void
mlfi_close(void)
{
	/* It holds a lock that libmilter destroys at the exit. */
	if (mlfi.has_stopper)
		(void)pthread_join(mlfi.stopper, NULL);
	mlfi.has_stopper = false;
	mlfi_socket_remove();
}
