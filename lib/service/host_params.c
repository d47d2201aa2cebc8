/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of the parameters in /etc/postern/postern.conf. */
#include "service/host_config.h"

#define CFG struct host_config
#define SOCKETS "/var/spool/postfix/postern/"

const struct param host_params[] = {
	/* the host */
	PARAM_STRING(CFG, host_name, "", NULL, PARAM_RESTART,
	    "Name of this host in events and in Redis keys.\n"
	    "Each host that shares a Redis must have its own, and must keep it:\n"
	    "the place reached in the mail log is kept under this name.\n"
	    "Empty: what\n"
	    ".Xr hostname 1\n"
	    "says."),
	PARAM_STRING(CFG, user, "postern", NULL, PARAM_RESTART,
	    "User that the daemons become once their sockets are open.\n"
	    "Empty: they stay what they were started as."),
	PARAM_STRING(CFG, socket_group, "postfix", NULL, PARAM_RESTART,
	    "Group whose members may connect to the daemons' Unix-domain\n"
	    "sockets; Postfix must be in it.\n"
	    "Empty: only the owner may."),
	PARAM_STRING(CFG, state_directory, LOCALSTATEDIR "/lib/postern", NULL,
	    PARAM_RESTART,
	    "Directory for the last good settings and for message facts that\n"
	    "wait for Redis.\n"
	    "Must be writable by\n"
	    ".Ic user ."),
	PARAM_STRING(CFG, master_key_file, SYSCONFDIR "/postern/master.key",
	    NULL, PARAM_RESTART,
	    "The key under which secrets lie in Redis, and from which the keys\n"
	    "of signed return paths come.\n"
	    "It must be the same on each host, and readable by its owner only."),
	PARAM_STRING(CFG, log_target, "syslog", NULL, 0,
	    "Where log lines go:\n"
	    ".Cm syslog\n"
	    "(facility mail),\n"
	    ".Cm stderr ,\n"
	    "or the path of a file, which must be writable by\n"
	    ".Ic user\n"
	    "for a new one to be opened after a rotation."),
	PARAM_STRING(CFG, log_level, "info", "debug|info|warning|error", 0,
	    "Least level that is logged.\n"
	    "At\n"
	    ".Cm warning\n"
	    "the line of each decision is lost, and\n"
	    ".Xr postern 1\n"
	    "trace has less to show."),
	PARAM_TIME(CFG, "drain_timeout", drain_timeout_ms, "10s", "0s", "10m",
	    0,
	    "How long a daemon that is to end waits for what it has begun.\n"
	    "Keep it below the time after which the service manager kills."),
	PARAM_BOOL(CFG, sandbox, "yes", PARAM_RESTART,
	    "Forbid the system calls that a daemon does not need.\n"
	    "Turn it off only to find out whether it is the cause of a fault,\n"
	    "and report that."),

	/* Redis */
	PARAM_STRING(CFG, redis, "unix:/run/redis/redis-server.sock", NULL,
	    PARAM_RESTART,
	    "Address of the Redis server:\n"
	    ".Cm unix : Ns Ar PATH ,\n"
	    ".Cm inet : Ns Ar HOST : Ns Ar PORT ,\n"
	    "or\n"
	    ".Cm sentinel : Ns Ar NAME Ns @ Ns Ar HOST : Ns Ar PORT , Ns Ar ...\n"
	    "to ask Sentinels for the present master of that name."),
	PARAM_STRING(CFG, redis_user, "", NULL, PARAM_RESTART,
	    "ACL user to log in to Redis as.\n"
	    "Empty: the default user."),
	PARAM_STRING(CFG, redis_password_file, "", NULL, PARAM_RESTART,
	    "File with the password for Redis in its first line.\n"
	    "It is read before the daemon gives up its privileges.\n"
	    "Empty: no password."),
	PARAM_UINT(CFG, redis_database, "0", "0", "1000000", PARAM_RESTART,
	    "Number of the database.\n"
	    "Redis Cluster has number 0 only."),
	PARAM_TIME(CFG, "redis_timeout", redis_timeout_ms, "200ms", "10ms",
	    "30s", PARAM_RESTART,
	    "How long a daemon waits for an answer of Redis before it goes on\n"
	    "without.\n"
	    "Much longer, and a Redis that hangs makes SMTP sessions hang;\n"
	    "much shorter, and a busy Redis counts as away."),

	/* sockets */
	PARAM_STRING(CFG, policyd_listen, "unix:" SOCKETS "policyd.sock", NULL,
	    PARAM_RESTART,
	    "Where\n"
	    ".Xr postern-policyd 8\n"
	    "answers Postfix: addresses of the form\n"
	    ".Cm unix : Ns Ar PATH\n"
	    "or\n"
	    ".Cm inet : Ns Ar ADDRESS : Ns Ar PORT ,\n"
	    "with blanks between.\n"
	    "Unix-domain sockets must lie below the queue directory when\n"
	    ".Xr smtpd 8\n"
	    "runs chrooted, as it does on Debian."),
	PARAM_STRING(CFG, policyd_map_listen, "unix:" SOCKETS "map.sock", NULL,
	    PARAM_RESTART,
	    "Where\n"
	    ".Xr postern-policyd 8\n"
	    "answers look-ups of Postfix's tables\n"
	    ".Pq Xr socketmap_table 5 :\n"
	    "transports, their pace, permitted networks.\n"
	    "Empty: there are none."),
	PARAM_STRING(CFG, policyd_auth_listen, "unix:" SOCKETS "auth.sock",
	    NULL, PARAM_RESTART,
	    "Where\n"
	    ".Xr postern-policyd 8\n"
	    "checks the logins of SMTP AUTH, by Dovecot's protocol.\n"
	    "Empty: it does not."),
	PARAM_STRING(CFG, milter_listen, "unix:" SOCKETS "milter.sock", NULL,
	    PARAM_RESTART,
	    "Where\n"
	    ".Xr postern-milter 8\n"
	    "answers Postfix: one address of either form."),
	PARAM_STRING(CFG, bounced_listen, "unix:" SOCKETS "bounced.sock", NULL,
	    PARAM_RESTART,
	    "Where\n"
	    ".Xr postern-bounced 8\n"
	    "takes bounces by LMTP."),
	PARAM_STRING(CFG, apid_listen, "inet:127.0.0.1:8025", NULL,
	    PARAM_RESTART,
	    "Where\n"
	    ".Xr postern-apid 8\n"
	    "serves the API.\n"
	    "Passwords cross this connection: beyond the loopback interface use\n"
	    "TLS, here or in a proxy in front."),

	/* policyd */
	PARAM_UINT(CFG, policyd_max_clients, "1000", "1", "100000", 0,
	    "Connections from Postfix served at once on\n"
	    ".Ic policyd_listen ,\n"
	    "and as many on\n"
	    ".Ic policyd_map_listen ;\n"
	    "others wait in the listen queue.\n"
	    "Each\n"
	    ".Xr smtpd 8\n"
	    "process holds one of the first kind, so at least its process\n"
	    "limit; each\n"
	    ".Xr trivial-rewrite 8\n"
	    "and\n"
	    ".Xr smtp 8\n"
	    "process one of the second."),
	PARAM_TIME(CFG, "policyd_timeout", policyd_timeout_ms, "1s", "20ms",
	    "60s", 0,
	    "Deadline of one policy request, with all its rules; what is not\n"
	    "known by then is answered as if Redis were away.\n"
	    "Must be longer than\n"
	    ".Ic redis_timeout\n"
	    "and shorter than\n"
	    ".Va smtpd_policy_service_timeout\n"
	    "of\n"
	    ".Xr postconf 5 ."),
	PARAM_TIME(CFG, "policyd_pace_wait", policyd_pace_wait_ms, "60s", "1s",
	    "85s", 0,
	    "How long a delivery is kept waiting for its slot, at most.\n"
	    "Postfix itself gives up at 100 s.\n"
	    "Each connection sends a message in this time, so a filter\n"
	    "becomes no slower than its connections divided by it;\n"
	    "shorter, and providers that want very little get more."),
	PARAM_TIME(CFG, "policyd_pace_recovery", policyd_pace_recovery_ms,
	    "60s", "1s", "1d", 0,
	    "How long a provider must not have complained before a tenth of\n"
	    "the pace comes back, and then the next.\n"
	    "A quarter of it is how long complaints count as one.\n"
	    "The same on all hosts.\n"
	    "Much shorter, and the pace is back before the provider has\n"
	    "forgotten."),

	PARAM_STRING(CFG, provider_file, SYSCONFDIR "/postern/providers.json",
	    NULL, 0,
	    "File with the shaping filters of known mailbox providers, which\n"
	    "stand behind those of the settings.\n"
	    "Must be the same on each host.\n"
	    "Empty: none."),
	PARAM_STRING(CFG, dns_servers, "", NULL, PARAM_RESTART,
	    "Name servers, with commas between; empty: those of\n"
	    ".Xr resolv.conf 5 .\n"
	    "A caching resolver of this host is best."),
	PARAM_TIME(CFG, "dns_timeout", dns_timeout_ms, "5s", "100ms", "60s", 0,
	    "How long a question to the DNS may take.\n"
	    "No mail waits for it: an unknown domain goes as without Postern,\n"
	    "and its answer is there for the next message."),
	PARAM_UINT(CFG, provider_cache_domains, "100000", "1000", "10000000",
	    PARAM_RESTART,
	    "Recipient domains whose MX hosts are remembered; each takes some\n"
	    "500 octets.\n"
	    "Those used longest ago are forgotten first."),
	PARAM_BOOL(CFG, queue_helper, "yes", PARAM_RESTART,
	    "Start\n"
	    ".Xr postern-queue-helper 8 ,\n"
	    "which runs Postfix's queue commands as root.\n"
	    "Without it nothing that was held is released, no exact retries\n"
	    "are made, and transports are not set up."),
	PARAM_STRING(CFG, queue_helper_program,
	    LIBEXECDIR "/postern-queue-helper", NULL, PARAM_RESTART,
	    "Where\n"
	    ".Xr postern-queue-helper 8\n"
	    "lies.\n"
	    "It is run as root: only root may be able to change it."),
	/* milter */
	PARAM_TIME(CFG, "milter_timeout", milter_timeout_ms, "10m", "10s", "2h",
	    PARAM_RESTART,
	    "Silence from Postfix after which a milter connection is closed.\n"
	    "Postfix is silent while an SMTP client is."),
	PARAM_UINT(CFG, milter_max_spool_kb, "65536", "0", "4194304", 0,
	    "Kilobytes of message facts kept on disk while Redis is away;\n"
	    "one message takes about one kilobyte.\n"
	    "When it is full, mail is put off until Redis is back."),
	PARAM_STRING(CFG, milter_reinject, "inet:127.0.0.1:10589", NULL,
	    PARAM_RESTART,
	    "Where copies of messages go in again: the internal\n"
	    ".Xr smtpd 8\n"
	    "that\n"
	    ".Ic postern postfix enable\n"
	    "sets up.\n"
	    ".Xr postern-bounced 8\n"
	    "sends its own mail there, too.\n"
	    "It must not be reachable from other hosts."),
	PARAM_UINT(CFG, milter_max_copies, "50", "1", "150", PARAM_RESTART,
	    "Copies of messages that may be under way to\n"
	    ".Ic milter_reinject\n"
	    "at once; each takes a session there.\n"
	    "A message with more is sent in rounds: the copies of one round\n"
	    "leave together or not at all.\n"
	    "Below the process limit of that service in\n"
	    ".Xr master 5 :\n"
	    ".Ql postern postfix enable\n"
	    "gives it 200."),
	PARAM_STRING(CFG, milter_scanner, "", NULL, PARAM_RESTART,
	    "The virus scanner:\n"
	    ".Cm unix : Ns Ar PATH\n"
	    "is\n"
	    ".Xr postern-scan 8 ,\n"
	    ".Cm clamd:unix : Ns Ar PATH\n"
	    "or\n"
	    ".Cm clamd:inet : Ns Ar HOST : Ns Ar PORT\n"
	    "a clamd that runs already.\n"
	    "Empty: mail is not scanned."),
	PARAM_TIME(CFG, "milter_scan_timeout", milter_scan_timeout_ms, "60s",
	    "1s", "5m", PARAM_RESTART,
	    "How long the scan of one message may take before the scanner\n"
	    "counts as away.\n"
	    "Must be shorter than\n"
	    ".Va milter_content_timeout\n"
	    "of\n"
	    ".Xr postconf 5 ."),
	PARAM_UINT(CFG, milter_quarantine_message_kb, "30720", "0", "262144", 0,
	    "Kilobytes of the largest message with a virus that is kept\n"
	    "(encrypted, in Redis); of a larger one only the facts are.\n"
	    "0: of all."),
	PARAM_UINT(CFG, milter_quarantine_kb, "262144", "0", "1073741824", 0,
	    "Kilobytes of all messages with a virus that are kept of one "
	    "tenant.\n"
	    "They take as much of the memory of Redis.\n"
	    "When it is full, only the facts of further ones are kept; each\n"
	    "tenant also has no more than 1000 messages and 10,000 records."),

	PARAM_UINT(CFG, smtp_line_length_limit, "998", "0", "1048576",
	    PARAM_RESTART,
	    "As Postfix's parameter of the same name: where its SMTP client\n"
	    "breaks longer lines, which a DKIM signature has to know.\n"
	    "0: it does not; so under Sendmail, too."),

	/* scan */
	PARAM_STRING(CFG, scan_listen, "unix:/run/postern/scan.sock", NULL,
	    PARAM_RESTART,
	    "Where\n"
	    ".Xr postern-scan 8\n"
	    "answers\n"
	    ".Xr postern-milter 8 :\n"
	    "one Unix-domain socket, which those in the primary group of\n"
	    ".Ic user\n"
	    "may connect to."),
	PARAM_STRING(CFG, scan_user, "postern-scan", NULL, PARAM_RESTART,
	    "User that\n"
	    ".Xr postern-scan 8\n"
	    "becomes once its socket is open: one that owns nothing else, as\n"
	    "its processes read mail that may want to harm them.\n"
	    "Empty: it stays what it was started as."),
	PARAM_UINT(CFG, scan_workers, "0", "0", "256", PARAM_RESTART,
	    "Messages scanned at once; others wait in line.\n"
	    "0: one more than the host has processors.\n"
	    "Scanning keeps a processor busy: more workers than that make each\n"
	    "scan slower, and none of them sooner done."),
	PARAM_TIME(CFG, "scan_timeout", scan_timeout_ms, "60s", "1s", "10m",
	    PARAM_RESTART,
	    "How long the scan of one message may take; then its worker is\n"
	    "killed, and the scanner has failed for that message.\n"
	    "A scan that takes three quarters of it ends by itself, with the\n"
	    "result that the message can not be scanned.\n"
	    "The time in line is not part of it: that is limited by who asks."),
	PARAM_STRING(CFG, scan_database_directory, "/var/lib/clamav", NULL,
	    PARAM_RESTART,
	    "Directory with the signatures, where\n"
	    ".Xr freshclam 1\n"
	    "puts them."),
	PARAM_STRING(CFG, scan_temporary_directory, "/dev/shm/postern-scan",
	    NULL, PARAM_RESTART,
	    "Directory for what a scan unpacks; made when it is missing, and\n"
	    "emptied at each start.\n"
	    "On a file system in memory a scan costs half as much as on a disk."),
	PARAM_TIME(CFG, "scan_database_max_age", scan_database_max_age_ms, "3d",
	    "0", "3650d", 0,
	    "Age of the signatures from which the log warns, once a day; 0:\n"
	    "never."),
	PARAM_TIME(CFG, "scan_reload_interval", scan_reload_interval_ms, "1m",
	    "0", "1d", 0,
	    "How often to look whether the signatures have changed; 0: only at\n"
	    ".Dv SIGHUP ."),
	PARAM_UINT(CFG, scan_max_size_kb, "102400", "64", "2097151", 0,
	    "Kilobytes of the largest message, or file in one, that is\n"
	    "scanned; one that is larger can not be scanned, and what happens\n"
	    "to the message is a setting.\n"
	    "This and the limits below hold for signatures loaded from then "
	    "on."),
	PARAM_UINT(CFG, scan_max_scan_kb, "409600", "64", "4194303", 0,
	    "Kilobytes scanned for one message, with all that is unpacked from\n"
	    "it."),
	PARAM_UINT(CFG, scan_max_files, "10000", "1", "1000000", 0,
	    "Files scanned in one message."),
	PARAM_UINT(CFG, scan_max_recursion, "17", "1", "100", 0,
	    "Archives in archives; a message with parts is one level itself."),
	PARAM_BOOL(CFG, scan_alert_encrypted, "no", 0,
	    "Take encrypted archives and documents for infected."),
	PARAM_BOOL(CFG, scan_alert_macros, "no", 0,
	    "Take Office documents with macros for infected."),
	PARAM_BOOL(CFG, scan_alert_phishing, "no", 0,
	    "Take mail for infected whose links lead to another place than\n"
	    "their text says.\n"
	    "Links of newsletters that count clicks look like that."),
	PARAM_BOOL(CFG, scan_alert_unwanted, "no", 0,
	    "Use the signatures of potentially unwanted applications, too."),

	/* bounced */
	PARAM_STRING(CFG, maillog, "/var/log/mail.log", NULL, PARAM_RESTART,
	    "Path of the log that Postfix writes, or\n"
	    ".Cm journal\n"
	    "to read the systemd journal.\n"
	    "With\n"
	    ".Va maillog_file\n"
	    "of\n"
	    ".Xr postconf 5\n"
	    "set, name that file."),
	PARAM_STRING(CFG, maillog_names, "postfix", NULL, PARAM_RESTART,
	    "Names of the Postfix instances whose lines are read: the values of\n"
	    "their\n"
	    ".Va syslog_name ,\n"
	    "with blanks between.\n"
	    "A name also stands for what follows it after a slash:\n"
	    ".Ql postfix\n"
	    "reads\n"
	    ".Ql postfix/smtp ."),
	PARAM_STRING(CFG, bounce_rules, SYSCONFDIR "/postern/bounce-rules.conf",
	    NULL, 0,
	    "File with rules of this site that say what replies and bounces\n"
	    "mean\n"
	    ".Pq Xr bounce-rules 5 ;\n"
	    "they are asked before those that come with Postern.\n"
	    "It need not be there.\n"
	    "Must be the same on each host, and readable by\n"
	    ".Ic user .\n"
	    "Empty: none."),
	PARAM_UINT(CFG, bounced_max_clients, "100", "1", "10000", 0,
	    "LMTP connections served at once; others wait in the listen queue."),
	PARAM_UINT(CFG, bounced_max_message_kb, "10240", "64", "1048576", 0,
	    "Kilobytes of the largest bounce taken; a larger one is refused."),

	/* mail for applications */
	PARAM_UINT(CFG, inbound_max_message_kb, "25600", "64", "262144",
	    PARAM_RESTART,
	    "Kilobytes of the largest mail that is taken for an application,\n"
	    "where its tenant does not say less.\n"
	    "Postfix's own\n"
	    ".Va message_size_limit\n"
	    "is looked at before."),
	PARAM_UINT(CFG, inbound_max_kb, "262144", "64", "1073741824", 0,
	    "Kilobytes of all mails for applications that this host keeps\n"
	    "while their webhooks have not taken them.\n"
	    "They take as much of the memory of Redis.\n"
	    "When it is full, further ones wait with Postfix."),

	/* apid */
	PARAM_UINT(CFG, apid_max_clients, "500", "1", "10000", PARAM_RESTART,
	    "HTTP connections served at once."),
	PARAM_UINT(CFG, apid_max_body_kb, "1024", "1", "1048576", 0,
	    "Kilobytes of the largest request body; a larger one gets 413."),
	PARAM_STRING(CFG, apid_tls_certificate, "", NULL, PARAM_RESTART,
	    "File with the certificate and its chain, PEM.\n"
	    "Empty: no TLS."),
	PARAM_STRING(CFG, apid_tls_key, "", NULL, PARAM_RESTART,
	    "File with the private key of the certificate, PEM."),
	PARAM_BOOL(CFG, webhook_private_addresses, "no", PARAM_RESTART,
	    "Let webhooks reach private, loopback and link-local addresses.\n"
	    "Whoever may edit settings can then make this host send requests\n"
	    "into its own network."),

	/* Postfix */
	PARAM_STRING(CFG, postfix_config_directory, "/etc/postfix", NULL, 0,
	    "Where the Postfix that Postern belongs to has its\n"
	    ".Pa main.cf ."),
	PARAM_END,
};
