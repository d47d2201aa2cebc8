/* SPDX-License-Identifier: BSD-2-Clause */
/* Services of our own in Postfix's master.cf. */
#include "postfix-conf/plan_entries.h"

#include "postfix-conf/plan_edit.h"
#include "util/err.h"

#define CLEANUP "postern-cleanup"

static const struct slice absent = { NULL, 0 };

/*
 * The listener by which the milter sends copies in again, for itself only, and
 * its cleanup(8).  A copy has passed the site's checks and other milters as
 * the message that it is one of; what is done later, such as address mapping
 * or a content_filter of main.cf, is done to copies, too.  What Postfix adds
 * to each message (always_bcc) was added to the original.
 */
struct service {
	const char *name, *entry; /* "NAME/TYPE" */
	const char *why;
};

static const struct service own_services[] = {
	{ CLEANUP "/unix",
	    CLEANUP " unix n - n - 0 cleanup"
		    " -o syslog_name=postfix/reinject"
		    " -o milter_header_checks=$postern_next_hop"
		    /* As many as there were, and our fields. */
		    " -o message_size_limit=0"
		    " -o always_bcc= -o sender_bcc_maps="
		    " -o in_flow_delay=0",
	    .why = "copies that postern-milter sends in again are queued" },
	/* More processes than milter_max_copies can be. */
	{ "@reinject@/inet",
	    "@reinject@ inet n - n - 200 smtpd"
	    " -o syslog_name=postfix/reinject"
	    " -o cleanup_service_name=" CLEANUP
	    " -o smtpd_milters=$postern_milter"
	    " -o mynetworks=127.0.0.0/8,[::1]/128"
	    " -o smtpd_client_restrictions=permit_mynetworks,reject"
	    " -o smtpd_helo_restrictions= -o smtpd_sender_restrictions="
	    " -o smtpd_relay_restrictions=permit_mynetworks,reject"
	    " -o smtpd_recipient_restrictions=permit_mynetworks,reject"
	    " -o smtpd_data_restrictions="
	    " -o smtpd_end_of_data_restrictions="
	    " -o smtpd_etrn_restrictions=reject"
	    " -o smtpd_proxy_filter="
	    " -o smtpd_helo_required=no"
	    " -o smtpd_tls_security_level=none -o smtpd_tls_wrappermode=no"
	    " -o smtpd_sasl_auth_enable=no"
	    " -o smtpd_upstream_proxy_protocol="
	    " -o smtpd_authorized_xclient_hosts="
	    " -o smtpd_authorized_xforward_hosts="
	    " -o smtpd_command_filter="
	    " -o smtpd_discard_ehlo_keywords="
	    " -o smtpd_discard_ehlo_keyword_address_maps="
	    " -o smtpd_client_event_limit_exceptions=127.0.0.0/8,[::1]/128"
	    " -o smtpd_recipient_limit=100000"
	    " -o smtpd_reject_unlisted_sender=no"
	    " -o receive_override_options=no_unknown_recipient_checks"
	    " -o smtpd_peername_lookup=no"
	    " -o smtpd_error_sleep_time=0"
	    " -o smtpd_soft_error_limit=1001 -o smtpd_hard_error_limit=1000"
	    /* No shorter one when it is busy. */
	    " -o smtpd_timeout=300s"
	    " -o message_size_limit=0"
	    " -o in_flow_delay=0",
	    .why = "where postern-milter sends copies in again" },
};
#define SERVICE_COUNT (sizeof(own_services) / sizeof(own_services[0]))

bool
postfix_entry_is_own(const struct postfix_values *services,
    struct slice service)
{
	for (size_t i = 0; i < services->count; i++) {
		const struct postfix_value *v = &services->at[i];
		struct slice of;

		if (postfix_service_parameter(v->name, "cleanup_service_name",
			&of) &&
		    slice_eq(of, service) && slice_eq(v->value, SLICE(CLEANUP)))
			return true;
	}
	return slice_eq(service, SLICE(CLEANUP "/unix"));
}

/* The entries that are wanted: added, or put right. */
static int
enable_entries(struct arena *arena, const struct postfix_now *now,
    const struct postfix_wanted *wanted, struct postfix_edits *edits)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < SERVICE_COUNT; i++) {
		const struct service *s = &own_services[i];
		struct slice name = postfix_expand(arena, s->name, wanted);
		struct slice entry = postfix_expand(arena, s->entry, wanted);
		struct slice old;

		if (name.at == NULL || entry.at == NULL)
			return ERR_NOMEM;
		old = postfix_values_get(&now->entries, name);
		if (old.at == NULL || !slice_eq(old, entry))
			rc = postfix_edit_add(edits,
			    (struct postfix_edit){ POSTFIX_MASTER_ENTRY, name,
				old, entry, s->why });
	}
	return rc;
}

int
postfix_entries_remove(const struct postfix_now *now, struct slice but,
    struct postfix_edits *edits)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < now->entries.count; i++) {
		const struct postfix_value *v = &now->entries.at[i];
		bool cleanup = slice_eq(v->name, SLICE(CLEANUP "/unix"));

		if (!postfix_entry_is_own(&now->services, v->name) ||
		    (but.at != NULL && (cleanup || slice_eq(v->name, but))))
			continue;
		rc = postfix_edit_add(edits,
		    (struct postfix_edit){ POSTFIX_MASTER_ENTRY, v->name,
			v->value, absent,
			cleanup ? own_services[0].why : own_services[1].why });
	}
	return rc;
}

int
postfix_entries_enable(struct arena *arena, const struct postfix_now *now,
    const struct postfix_wanted *wanted, struct postfix_edits *edits)
{
	struct slice listener;
	int rc;

	if (wanted->reinject.len == 0)
		return postfix_entries_remove(now, absent, edits);
	listener = postfix_expand(arena, own_services[1].name, wanted);
	if (listener.at == NULL)
		return ERR_NOMEM;
	rc = postfix_entries_remove(now, listener, edits);
	return rc == 0 ? enable_entries(arena, now, wanted, edits) : rc;
}
