/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SERVICE_HOST_CONFIG_H
#define SERVICE_HOST_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "service/param.h"

/*
 * /etc/postern/postern.conf: what one host needs to know (sockets, users,
 * paths, Redis), in main.cf's syntax, one file for all programs.  What the
 * administrator of the mail service decides is not here but in the settings.
 * The table in host_params.c is the only place where a parameter is declared:
 * loader, bounds, postern.conf(5), "-x params" and tests walk it.
 */
struct host_config {
	/* the host */
	const char *host_name; /* name in events and keys; never empty here */
	bool host_name_found;  /* it is the machine's, the file has none */
	const char *user;      /* daemons run as; empty: do not change */
	const char *socket_group;    /* may connect to our sockets: postfix */
	const char *state_directory; /* last settings, spool */
	const char *master_key_file;
	const char *log_target; /* syslog, stderr, or a path */
	const char *log_level;  /* debug, info, warning, error */
	int64_t drain_timeout_ms;
	bool sandbox; /* seccomp on */

	/* Redis */
	const char *redis; /* unix:PATH, inet:HOST:PORT, or
			      sentinel:NAME@HOST:PORT,HOST:PORT */
	const char *redis_user, *redis_password_file;
	unsigned redis_database;
	int64_t redis_timeout_ms;

	/* sockets; unix:PATH or inet:HOST:PORT, several with blanks */
	const char *policyd_listen;
	const char *policyd_map_listen;  /* socketmap; empty: no tables */
	const char *policyd_auth_listen; /* Dovecot SASL; empty: no AUTH */
	const char *milter_listen;
	const char *bounced_listen;
	const char *apid_listen;

	/* policyd */
	unsigned policyd_max_clients;
	int64_t policyd_timeout_ms;
	int64_t policyd_pace_wait_ms;
	int64_t policyd_pace_recovery_ms;
	const char *provider_file; /* shaping filters that come with Postern */
	const char *dns_servers;   /* empty: the system's */
	int64_t dns_timeout_ms;
	unsigned provider_cache_domains;
	bool queue_helper; /* release, retry, apply transports */
	const char *queue_helper_program;

	/* milter */
	int64_t milter_timeout_ms;    /* libmilter: silence from Postfix */
	unsigned milter_max_spool_kb; /* facts kept while Redis is away */
	const char *milter_reinject;  /* internal listener of the MTA */
	unsigned milter_max_copies;
	const char *milter_scanner; /* empty: no virus scan */
	int64_t milter_scan_timeout_ms;
	unsigned smtp_line_length_limit; /* as Postfix has it; 0: none */
	/* Of messages with a virus: the largest one that is kept, and all
	 * of one tenant. */
	unsigned milter_quarantine_message_kb, milter_quarantine_kb;

	/* scan */
	const char *scan_listen;
	const char *scan_user;   /* as user, for postern-scan */
	unsigned scan_workers;   /* scans at once; 0: by the processors */
	int64_t scan_timeout_ms; /* of one message, from its beginning */
	const char *scan_database_directory;
	const char *scan_temporary_directory;
	int64_t scan_database_max_age_ms; /* 0: never too old */
	int64_t scan_reload_interval_ms;  /* 0: only when told to */
	unsigned scan_max_size_kb, scan_max_scan_kb;
	unsigned scan_max_files, scan_max_recursion;
	bool scan_alert_encrypted, scan_alert_macros, scan_alert_phishing;
	bool scan_alert_unwanted;

	/* bounced */
	const char *maillog;       /* path of Postfix's log, or journal */
	const char *maillog_names; /* syslog_name of the instances to read */
	const char *bounce_rules;  /* file of the site; "": none */
	unsigned bounced_max_clients;
	unsigned bounced_max_message_kb;

	/* mail for applications */
	unsigned inbound_max_message_kb; /* the largest one */
	unsigned inbound_max_kb;         /* all that wait, of this host */

	/* apid */
	unsigned apid_max_clients;
	unsigned apid_max_body_kb;
	const char *apid_tls_certificate, *apid_tls_key;
	bool webhook_private_addresses;

	/* Postfix */
	const char *postfix_config_directory;
};

extern const struct param host_params[];

#define HOST_CONFIG_FILE SYSCONFDIR "/postern/postern.conf"

/*
 * Defaults, then the file over them (a missing file is an error unless it is
 * the default one), then the checks across parameters.  Every error found is
 * reported, as "FILE:LINE: text", not only the first.
 * path NULL: HOST_CONFIG_FILE.  ERR_NOTFOUND: no such file; ERR_CONFIG: errors
 * were reported; ERR_IO, ERR_LIMIT, ERR_NOMEM (reported, too).
 * ret_config is owned by the caller: host_config_free.
 */
typedef void host_config_error(void *ctx, const char *text);
int host_config_load(const char *path, host_config_error *error, void *ctx,
    struct host_config **ret_config);
void host_config_free(struct host_config *config); /* takes NULL */

enum host_config_which { HOST_CONFIG_ALL, HOST_CONFIG_NON_DEFAULT };
/* name = value lines, as postconf does. */
void host_config_print(const struct host_config *config,
    enum host_config_which which, FILE *out);

#endif /* SERVICE_HOST_CONFIG_H */
