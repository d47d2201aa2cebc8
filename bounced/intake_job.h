/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_INTAKE_JOB_H
#define BOUNCED_INTAKE_JOB_H

#include "bounced/correlate.h"
#include "bounced/intake.h"
#include "proto/bounce_mail.h"
#include "proto/settings.h"
#include "util/arena.h"

/* Between intake.c, which finds the message, and intake_record.c, which writes
 * what the mail tells of its recipients. */
#define COMMAND_MS 2000

struct intake {
	struct store *store;
	struct settings_watch *settings;
	struct bounce_rules *rules; /* NULL: those of the program */
	struct slice host;
	uint32_t host_tag;
	struct correlate_keys keys;
	void (*recorded)(void *ctx);
	struct returns *returns;
	struct intake_counters counters;
};

/* One mail under way. */
struct job {
	struct intake *in;
	struct bounce_rules *rules; /* its verdicts borrow from them */
	struct arena *arena;
	struct slice recipient; /* of the mail, canonical */
	struct bounce_mail mail;
	struct correlated found;
	struct slice host;
	struct settings *settings; /* where names are searched; or NULL */
	/* Whom the mail names, canonical, each once. */
	struct slice *named;
	size_t named_count;
	size_t pending, known;
	int rc;
	intake_done *done;
	void *ctx;
};

/* One recipient's error or complaint. */
struct item {
	struct job *job;
	const struct bounce_report *report; /* NULL: a complaint */
	struct slice original, final;       /* canonical, or absent */
	struct slice host, queue_id;
	int64_t sent_s;
	const char *by, *origin; /* origin: NULL, or why it is not counted */
};

/* "bounce" or "complaint": what a log line is about. */
const char *intake_subject(const struct job *job);
/*
 * One item for each recipient that failed, or complained, and who is named to
 * the job; of a complaint that names nobody, one.  ERR_NOMEM.
 */
int intake_items(struct job *job, struct item **ret_items, size_t *ret_count);
/* Writes it; then intake_item_done(). */
void intake_record(struct item *item);
/* One of job->pending is through; after the last one the mail is dealt with. */
void intake_item_done(struct job *job);

#endif /* BOUNCED_INTAKE_JOB_H */
