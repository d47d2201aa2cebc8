/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_MEETING_H
#define MILTER_MEETING_H

#include <stdbool.h>
#include <stdint.h>

#include "milter/copy.h"

/*
 * Where a message and its copies meet, inside this process.  The thread of the
 * message (the host) sends the copies in and waits until each of them has
 * arrived at the end of its own pass; then it says for all of them at once
 * whether the MTA may have them.  So all are sent or none, but for a crash in
 * the very moment.
 *
 * Guests are known by an invitation: 128 random bits, good for one use while
 * the meeting lasts.
 */
struct meeting;
struct guest;

/* At most so many guests at once in all meetings; before the first thread. */
void meeting_set_seats(size_t seats);
size_t meeting_seats(void);

/*
 * The host's side.  Waits, first come first served, until there are seats for
 * all guests.  ERR_TIMEOUT, ERR_LIMIT (more than there are), ERR_NOMEM.
 */
int meeting_open(size_t guests, int64_t deadline_us,
    struct meeting **ret_meeting);
#define MEETING_INVITATION_MAX 33 /* with its NUL */
/* token is copied.  ERR_NOMEM; ERR_LIMIT: all seats are given away. */
int meeting_invite(struct meeting *m, const struct copy_token *token,
    char ret_invitation[MEETING_INVITATION_MAX]);
/* Readable when guests have arrived since the last look. */
int meeting_fd(const struct meeting *m);
/* How many wait for the word. */
size_t meeting_arrived(struct meeting *m);
/* What the MTA calls the copy of the i-th invitation, once it has arrived. */
struct slice meeting_queue_id(struct meeting *m, size_t i);
/* The word: go on, or be put off.  Also holds for those who come later. */
void meeting_decide(struct meeting *m, bool go);
/* Decides against, if nothing was decided; takes NULL. */
void meeting_close(struct meeting *m);

/*
 * The guest's side.  ERR_NOTFOUND: no such invitation, or used before;
 * ERR_CANCELED: decided against.  The token lives as long as the guest.
 */
int meeting_enter(struct slice invitation, struct guest **ret_guest,
    const struct copy_token **ret_token);
/* Waits for the word: 0, ERR_CANCELED, ERR_TIMEOUT; ERR_LIMIT: no such id. */
int meeting_arrive(struct guest *g, struct slice queue_id, int64_t deadline_us);
/* On every way out; takes NULL. */
void meeting_leave(struct guest *g);

#endif /* MILTER_MEETING_H */
