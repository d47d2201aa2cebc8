/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_CHANGE_H
#define APID_CHANGE_H

#include "apid/request.h"
#include "proto/block.h"

/*
 * Changes of the suppression list made through the API: the change, its event
 * in this host's stream, its entry in the audit log and in the daemon's log,
 * and then the answer.
 */
enum change_kind {
	CHANGE_BLOCK,    /* 201, 200 if blocked before, 409 if exempt */
	CHANGE_EDIT,     /* 200: note and expiry of a block */
	CHANGE_UNBLOCK,  /* 204: counting starts anew */
	CHANGE_EXEMPT,   /* 201, 200 if exempt before */
	CHANGE_UNEXEMPT, /* 204 */
};
/* Texts lie in the arena. */
struct change_order {
	enum change_kind kind;
	struct slice address;
	struct slice stream; /* absent: for all mail */
	struct slice note;   /* absent: none, or as it was */
	int64_t expires_s;   /* as in block_put */
};
void change_start(struct request *req, const struct change_order *order);

/* Optional members of a body: "note". */
struct slice change_note(struct request *req);
/* Every member of the body must be one of these (NULL-ended). */
void change_members(struct request *req, const char *const *names);

/* One line and one audit entry for a write; target is what was changed. */
void change_audit(struct request *req, const char *action, struct slice target,
    struct slice detail);

#endif /* APID_CHANGE_H */
