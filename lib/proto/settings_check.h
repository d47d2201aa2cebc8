/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SETTINGS_CHECK_H
#define PROTO_SETTINGS_CHECK_H

#include "proto/settings.h"
#include "proto/settings_view.h"

/* Judging one settings document: what the files that do it share. */
struct check {
	struct slice name;
	const struct master_key *master;
	settings_error *error;
	void *ctx;
	unsigned count;
};

__attribute__((format(printf, 3, 4))) void check_wrong(struct check *c,
    const char *path, const char *format, ...);

/* A JSON Pointer in a room of its own. */
struct place {
	char text[200];
};
__attribute__((format(printf, 1, 2))) struct place check_place(const char
								   *format,
    ...);

/* Members of that name in the list's entries: each value only once. */
void check_unique(struct check *c, struct view list, const char *path,
    const char *member);

/* The filter of an entry with "header" and "pattern". */
void check_condition(struct check *c, struct view v, const char *path);
/* The parts of a tenant's document that settings_mail.c compiles. */
void check_mail(struct check *c, struct view document);
/* A retry curve. */
void check_retry(struct check *c, struct view v, const char *path);
/* The section smime. */
void check_smime(struct check *c, struct view v);
/* The global document's section shaping. */
void check_shaping(struct check *c, struct view v);
/* The name of a time zone that this host has. */
void check_zone(struct check *c, struct view v, const char *path);
/* The provider file. */
void check_providers(struct check *c, struct view v);
/* Prohibitions, priorities, day caps, calendar. */
void check_schedule(struct check *c, struct view document);
/* The streams. */
void check_streams(struct check *c, struct view list);
/* The section outbreak. */
void check_outbreak(struct check *c, struct view v);
/* The section complaints. */
void check_complaints(struct check *c, struct view v);
/* A list of forwardings; path: where it stands. */
void check_forwards(struct check *c, struct view list, const char *path);
/* The section inbound, of a tenant's document. */
void check_inbound(struct check *c, struct view document);
/* The section relay. */
void check_relay(struct check *c, struct view v);

#endif /* PROTO_SETTINGS_CHECK_H */
