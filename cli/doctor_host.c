/* SPDX-License-Identifier: BSD-2-Clause */
/* postern doctor: the master key, Postfix's log and its configuration. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/postfix_config.h"
#include "cli/subprocess.h"
#include "service/host_config.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/number.h"

#define GROUPS_MAX 256
#define STATUS_TIMEOUT_MS 30000

void
doctor_master_key(struct doctor *d)
{
	const char *path = d->config->master_key_file;
	struct master_key key;
	int rc = crypto_master_load(path, &key);

	crypto_wipe(&key, sizeof(key));
	if (rc == 0)
		doctor_report(d, HEALTH_OK, NULL, "master key: %s", path);
	else if (rc == ERR_NOTFOUND)
		doctor_report(d, HEALTH_FAIL,
		    "make it once by \"postern init\", and copy it to each"
		    " host",
		    "master key: %s is not there", path);
	else if (rc == ERR_DENIED)
		doctor_report(d, HEALTH_FAIL,
		    "give it to root, mode 0600; if others could read it,"
		    " make new secrets",
		    "master key: %s is open to others", path);
	else
		doctor_report(d, HEALTH_FAIL,
		    "it has 64 hexadecimal digits; restore it from a copy",
		    "master key: %s: %s", path, err_text(rc));
}

/* Would this user be let in, by the mode bits alone? */
static bool
user_may_read(const char *user, const struct stat *st)
{
	const struct passwd *pw = getpwnam(user);
	gid_t groups[GROUPS_MAX];
	int count = GROUPS_MAX;

	if (pw == NULL)
		return false;
	if (pw->pw_uid == 0)
		return true;
	if (pw->pw_uid == st->st_uid)
		return (st->st_mode & S_IRUSR) != 0;
	if (getgrouplist(user, pw->pw_gid, groups, &count) < 0)
		count = GROUPS_MAX;
	for (int i = 0; i < count; i++)
		if (groups[i] == st->st_gid)
			return (st->st_mode & S_IRGRP) != 0;
	return (st->st_mode & S_IROTH) != 0;
}

void
doctor_maillog(struct doctor *d)
{
	const char *path = d->config->maillog, *user = d->config->user;
	struct stat st;

	if (strcmp(path, "journal") == 0) {
		doctor_report(d, HEALTH_OK, NULL, "Postfix's log: journal");
		return;
	}
	if (stat(path, &st) < 0)
		doctor_report(d, HEALTH_FAIL,
		    "set maillog in postern.conf to the file that syslog or"
		    " maillog_file writes, or to journal",
		    "Postfix's log: %s: %s", path, strerror(errno));
	else if (*user != '\0' && !user_may_read(user, &st))
		doctor_report(d, HEALTH_FAIL,
		    "put the user into the log's group (Debian: adm), and"
		    " restart postern-bounced",
		    "Postfix's log: %s is closed to user %s", path, user);
	else
		doctor_report(d, HEALTH_OK, NULL, "Postfix's log: %s", path);
}

/* It is run as root. */
void
doctor_queue_helper(struct doctor *d)
{
	const char *path = d->config->queue_helper_program;
	struct stat st;

	if (!d->config->queue_helper)
		doctor_report(d, HEALTH_WARN,
		    "set queue_helper to yes, or use no windows, priorities"
		    " and transports",
		    "queue helper: none: held mail is not released");
	else if (stat(path, &st) < 0)
		doctor_report(d, HEALTH_FAIL,
		    "set queue_helper_program in postern.conf to where it was"
		    " installed",
		    "queue helper: %s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode) || (st.st_mode & S_IXUSR) == 0)
		doctor_report(d, HEALTH_FAIL,
		    "set queue_helper_program in postern.conf to the program",
		    "queue helper: %s is no program", path);
	else if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		doctor_report(d, HEALTH_FAIL,
		    "give it to root, mode 0755, in a directory of root's",
		    "queue helper: others than root may change %s", path);
	else
		doctor_report(d, HEALTH_OK, NULL, "queue helper: %s", path);
}

static void
report_hooks(struct doctor *d, const struct postfix_edits *edits)
{
	for (size_t i = 0; i < edits->count; i++)
		doctor_report(d, HEALTH_FAIL, "run \"postern postfix enable\"",
		    "Postfix: %.*s is not as it should be: %s",
		    SLICE_F(edits->at[i].name), edits->at[i].why);
	if (edits->count == 0)
		doctor_report(d, HEALTH_OK, NULL, "Postfix: hooks in %s",
		    d->config->postfix_config_directory);
}

/* Signatures are made over lines as the SMTP client breaks them. */
static void
report_line_length(struct doctor *d, const char *folder)
{
	unsigned ours = d->config->smtp_line_length_limit;
	struct slice value;
	uint64_t theirs;

	if (postfix_config_value(d->arena, folder, "smtp_line_length_limit",
		&value) < 0 ||
	    number_parse(slice_trim(value), 0, UINT64_MAX, &theirs) < 0 ||
	    theirs == ours)
		return;
	doctor_report(d, HEALTH_FAIL,
	    "give both the same value: DKIM signatures of mail with long lines"
	    " do not verify",
	    "Postfix: smtp_line_length_limit is %.*s, in postern.conf %u",
	    SLICE_F(slice_trim(value)), ours);
}

/* What the settings want of SMTP AUTH, and Postfix does not give. */
static void
report_relay(struct doctor *d, const struct postfix_now *now,
    const struct postfix_wanted *wanted)
{
	struct slice foreign = postfix_sasl_foreign(now, wanted), tls;

	if ((wanted->relay & POSTFIX_RELAY_AUTH) == 0)
		return;
	if (foreign.at != NULL) {
		doctor_report(d, HEALTH_WARN,
		    "set smtpd_sasl_type = dovecot and smtpd_sasl_path to the "
		    "socket of policyd_auth_listen",
		    "Postfix: %.*s is the site's own: API users can not log in",
		    SLICE_F(foreign));
		return;
	}
	tls = postfix_values_get(&now->main, SLICE("smtpd_tls_security_level"));
	if ((wanted->relay & POSTFIX_RELAY_TLS) != 0 &&
	    (tls.len == 0 || slice_eq(tls, SLICE("none"))))
		doctor_report(d, HEALTH_WARN,
		    "set smtpd_tls_security_level = may and a certificate",
		    "Postfix: API users log in by TLS only, and main.cf has "
		    "none");
}

void
doctor_postfix(struct doctor *d)
{
	const char *folder = d->config->postfix_config_directory;
	const char *const status[] = { "postfix", "-c", folder, "status",
		NULL };
	struct slice domains[POSTFIX_RETURN_DOMAINS_MAX];
	struct postfix_wanted wanted;
	struct postfix_edits edits;
	struct postfix_now now;
	int rc = postfix_config_wanted(d->arena, d->config, folder, &wanted);

	if (rc == 0)
		rc = postfix_config_settings(d->arena, d->config, domains, 0,
		    &wanted);
	if (rc == 0)
		rc = postfix_config_read(d->arena, folder, &now);
	if (rc == 0)
		rc = postfix_plan_enable(d->arena, &now, &wanted, &edits);
	if (rc < 0) {
		doctor_report(d, HEALTH_FAIL,
		    "see that \"postconf -n\" works, and that"
		    " postfix_config_directory is right",
		    "Postfix: %s: %s", folder, err_text(rc));
		return;
	}
	report_hooks(d, &edits);
	report_line_length(d, folder);
	report_relay(d, &now, &wanted);
	if (subprocess_run(status, STATUS_TIMEOUT_MS, SUBPROCESS_HIDE, NULL) ==
	    0)
		doctor_report(d, HEALTH_OK, NULL, "Postfix: runs");
	else
		doctor_report(d, HEALTH_WARN, "\"postfix start\"",
		    "Postfix: does not run");
}
