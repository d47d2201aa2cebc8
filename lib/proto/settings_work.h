/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SETTINGS_WORK_H
#define PROTO_SETTINGS_WORK_H

#include "proto/settings.h"
#include "proto/settings_snapshot.h"
#include "proto/settings_view.h"

/*
 * Compiling one settings document: what the files that do it share.  The
 * first error stays in rc; after it nothing more needs to be made, and what
 * is handed out may be absent or NULL.
 */
struct work {
	struct settings *s;
	struct tenant *t; /* NULL: the global document */
	struct slice name;
	const struct master_key *master; /* NULL: secrets stay closed */
	int rc;
};

/* enum settings_mode */
extern const char *const work_mode_words[];

/* Zeroed room for count entries, also for none; belongs to the snapshot. */
void *work_take(struct work *w, size_t count, size_t size);
/* A copy that lives as long as the snapshot; absent stays absent. */
struct slice work_keep(struct work *w, struct slice s);
struct slice work_keep_lower(struct work *w, struct slice s);
/* The canonical form of a mail address. */
struct slice work_keep_address(struct work *w, struct slice s);
/* An entry of what the snapshot frees at its end; NULL: no memory. */
struct owned *work_own(struct work *w);
/*
 * A secret as plain text; absent without the master key.  where: its place,
 * as in settings_view.h.
 */
struct slice work_open_secret(struct work *w, struct view v, const char *where);

/* The filter of an entry with "header" and "pattern". */
const struct filter *work_filter(struct work *w, struct view v);
/* The DKIM keys of a domain's list to *d. */
void work_selectors(struct work *w, struct view list, const char *where,
    struct settings_domain *d);
/* The rules of a list of forwardings. */
void work_forwards(struct work *w, struct view list,
    const struct forward_rule **ret_rules, size_t *ret_count);
/* An envelope_sender; not given where v has no value. */
void work_envelope_sender(struct work *w, struct view v,
    struct envelope_sender *e);
/* The parts of a tenant's document that say what becomes of a message. */
void work_mail(struct work *w, struct view document);
/*
 * A retry curve.  Given: it has a member at all; what it lacks is as the schema
 * says.
 */
struct retry_curve view_retry(struct view v);
/* The zone of that name, one for all of a snapshot that have it. */
const struct zone *work_zone(struct work *w, struct slice name);
/* Its section smime. */
void work_smime(struct work *w, struct view v);
/* When messages may leave: prohibitions, priorities, day caps, calendar. */
void work_schedule(struct work *w, struct view document);
/* Its streams. */
void work_streams(struct work *w, struct view list);
/* Its section outbreak. */
void work_outbreak(struct work *w, struct view v);
/* Its section complaints. */
void work_complaints(struct work *w, struct view v);
/* Its section inbound. */
void work_inbound(struct work *w, struct view v);
/* Its section relay. */
void work_relay(struct work *w, struct view v);

#endif /* PROTO_SETTINGS_WORK_H */
