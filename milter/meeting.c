/* SPDX-License-Identifier: BSD-2-Clause */
/* A message and its copies meet: one lock for all meetings, little is held. */
#include "milter/meeting.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "util/arena.h"
#include "util/clock.h"
#include "util/crypto.h"
#include "util/err.h"

#define INVITATION_OCTETS 16
#define QUEUE_ID_MAX 64
#define TOKEN_MAX ((size_t)64 * 1024)

struct guest {
	struct meeting *meeting;
	char invitation[MEETING_INVITATION_MAX];
	struct copy_token token;
	char queue_id[QUEUE_ID_MAX];
	size_t queue_id_len;
	enum { INVITED, ENTERED, WAITING, GONE } state;
};

struct meeting {
	struct meeting *next; /* in the list of all */
	struct arena *arena;  /* the tokens' */
	int fd;
	enum { OPEN, GO, AGAINST } word;
	bool closed; /* the host has left */
	size_t seats, guest_count, arrived;
	size_t inside; /* guests that have not left yet */
	struct guest guests[];
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct meeting *all;
	size_t seats, taken;
	uint64_t next_ticket, served; /* who waits for seats, in their order */
} hall = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
	.seats = 1 };

void
meeting_set_seats(size_t seats)
{
	hall.seats = seats;
}

size_t
meeting_seats(void)
{
	return hall.seats;
}

/* Until something changes, or the deadline; with the lock. */
static int
wait_changed(int64_t deadline_us)
{
	int64_t left_us = deadline_us - clock_mono_us();
	struct timespec until;

	if (left_us <= 0)
		return ERR_TIMEOUT;
	/* Not longer than a second: a clock that is set must do no harm. */
	if (left_us > 1000000)
		left_us = 1000000;
	(void)clock_gettime(CLOCK_REALTIME, &until);
	int64_t ns = until.tv_nsec + left_us % 1000000 * 1000;
	until.tv_sec += (time_t)(left_us / 1000000 + ns / 1000000000);
	until.tv_nsec = (long)(ns % 1000000000);
	(void)pthread_cond_timedwait(&hall.changed, &hall.lock, &until);
	return 0;
}

/* With the lock. */
static int
take_seats(size_t count, int64_t deadline_us)
{
	uint64_t ticket = hall.next_ticket++;
	int rc = 0;

	while (rc == 0 &&
	       (ticket != hall.served || hall.taken + count > hall.seats))
		rc = wait_changed(deadline_us);
	/* Who gives up in the middle of the line is skipped: the line is
	 * served by number, so wait for the turn to pass it on. */
	while (ticket != hall.served)
		(void)pthread_cond_wait(&hall.changed, &hall.lock);
	hall.served++;
	if (rc == 0)
		hall.taken += count;
	(void)pthread_cond_broadcast(&hall.changed);
	return rc;
}

static struct meeting *
meeting_new(size_t guests)
{
	struct meeting *m =
	    calloc(1, sizeof(*m) + guests * sizeof(struct guest));

	if (m == NULL)
		return NULL;
	m->seats = guests;
	m->arena = arena_new(TOKEN_MAX);
	m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (m->arena != NULL && m->fd >= 0)
		return m;
	arena_free(m->arena);
	if (m->fd >= 0)
		(void)close(m->fd);
	free(m);
	return NULL;
}

int
meeting_open(size_t guests, int64_t deadline_us, struct meeting **ret_meeting)
{
	struct meeting *m;
	int rc;

	if (guests > hall.seats)
		return ERR_LIMIT;
	if ((m = meeting_new(guests)) == NULL)
		return ERR_NOMEM;
	(void)pthread_mutex_lock(&hall.lock);
	rc = take_seats(guests, deadline_us);
	if (rc == 0) {
		m->next = hall.all;
		hall.all = m;
	}
	(void)pthread_mutex_unlock(&hall.lock);
	if (rc == 0) {
		*ret_meeting = m;
		return 0;
	}
	arena_free(m->arena);
	(void)close(m->fd);
	free(m);
	return rc;
}

static bool
keep_token(struct arena *arena, const struct copy_token *from,
    struct copy_token *to)
{
	struct slice *const slices[] = { &to->tenant, &to->queue_id,
		&to->sender, &to->client, &to->client_name, &to->helo,
		&to->sasl_user, &to->next_hop, &to->preflight, &to->stream };

	*to = *from;
	for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
		if (slices[i]->at == NULL)
			continue;
		*slices[i] = arena_dup(arena, *slices[i]);
		if (slices[i]->at == NULL)
			return false;
	}
	return true;
}

int
meeting_invite(struct meeting *m, const struct copy_token *token,
    char ret_invitation[MEETING_INVITATION_MAX])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char octets[INVITATION_OCTETS];
	int rc = 0;

	crypto_random(octets, sizeof(octets));
	for (size_t i = 0; i < sizeof(octets); i++) {
		ret_invitation[2 * i] = digits[octets[i] >> 4];
		ret_invitation[2 * i + 1] = digits[octets[i] & 15];
	}
	ret_invitation[MEETING_INVITATION_MAX - 1] = '\0';
	(void)pthread_mutex_lock(&hall.lock);
	if (m->guest_count == m->seats) {
		rc = ERR_LIMIT;
	} else {
		struct guest *g = &m->guests[m->guest_count];

		g->meeting = m;
		memcpy(g->invitation, ret_invitation, sizeof(g->invitation));
		if (keep_token(m->arena, token, &g->token))
			m->guest_count++;
		else
			rc = ERR_NOMEM;
	}
	(void)pthread_mutex_unlock(&hall.lock);
	return rc;
}

int
meeting_fd(const struct meeting *m)
{
	return m->fd;
}

size_t
meeting_arrived(struct meeting *m)
{
	uint64_t ignored;
	size_t arrived;

	(void)!read(m->fd, &ignored, sizeof(ignored));
	(void)pthread_mutex_lock(&hall.lock);
	arrived = m->arrived;
	(void)pthread_mutex_unlock(&hall.lock);
	return arrived;
}

struct slice
meeting_queue_id(struct meeting *m, size_t i)
{
	const struct guest *g = &m->guests[i];
	struct slice id;

	(void)pthread_mutex_lock(&hall.lock);
	id = (struct slice){ g->queue_id, g->queue_id_len };
	(void)pthread_mutex_unlock(&hall.lock);
	return id;
}

void
meeting_decide(struct meeting *m, bool go)
{
	(void)pthread_mutex_lock(&hall.lock);
	if (m->word == OPEN)
		m->word = go ? GO : AGAINST;
	(void)pthread_cond_broadcast(&hall.changed);
	(void)pthread_mutex_unlock(&hall.lock);
}

/* The last one out; with the lock. */
static void
end_if_empty(struct meeting *m)
{
	struct meeting **at = &hall.all;

	if (!m->closed || m->inside > 0)
		return;
	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	hall.taken -= m->seats;
	(void)pthread_cond_broadcast(&hall.changed);
	arena_free(m->arena);
	(void)close(m->fd);
	free(m);
}

void
meeting_close(struct meeting *m)
{
	if (m == NULL)
		return;
	(void)pthread_mutex_lock(&hall.lock);
	if (m->word == OPEN)
		m->word = AGAINST;
	m->closed = true;
	(void)pthread_cond_broadcast(&hall.changed);
	end_if_empty(m);
	(void)pthread_mutex_unlock(&hall.lock);
}

/* ---- guests ---- */

/* With the lock. */
static struct guest *
find_guest(struct slice invitation)
{
	for (struct meeting *m = hall.all; m != NULL; m = m->next)
		for (size_t i = 0; i < m->guest_count; i++)
			if (!m->closed && m->guests[i].state == INVITED &&
			    crypto_equal(slice_of(m->guests[i].invitation),
				invitation))
				return &m->guests[i];
	return NULL;
}

int
meeting_enter(struct slice invitation, struct guest **ret_guest,
    const struct copy_token **ret_token)
{
	struct guest *g;
	int rc = 0;

	(void)pthread_mutex_lock(&hall.lock);
	g = find_guest(invitation);
	if (g == NULL) {
		rc = ERR_NOTFOUND;
	} else if (g->meeting->word == AGAINST) {
		rc = ERR_CANCELED;
	} else {
		g->state = ENTERED;
		g->meeting->inside++;
		*ret_guest = g;
		*ret_token = &g->token;
	}
	(void)pthread_mutex_unlock(&hall.lock);
	return rc;
}

static void
tell_host(const struct meeting *m)
{
	uint64_t one = 1;

	(void)!write(m->fd, &one, sizeof(one));
}

int
meeting_arrive(struct guest *g, struct slice queue_id, int64_t deadline_us)
{
	struct meeting *m = g->meeting;
	int rc = 0;

	if (queue_id.len > QUEUE_ID_MAX)
		return ERR_LIMIT;
	(void)pthread_mutex_lock(&hall.lock);
	memcpy(g->queue_id, queue_id.at, queue_id.len);
	g->queue_id_len = queue_id.len;
	if (g->state == ENTERED) {
		g->state = WAITING;
		m->arrived++;
		tell_host(m);
	}
	while (rc == 0 && m->word == OPEN)
		rc = wait_changed(deadline_us);
	if (m->word != OPEN)
		rc = m->word == GO ? 0 : ERR_CANCELED;
	(void)pthread_mutex_unlock(&hall.lock);
	return rc;
}

void
meeting_leave(struct guest *g)
{
	struct meeting *m;

	if (g == NULL)
		return;
	m = g->meeting;
	(void)pthread_mutex_lock(&hall.lock);
	/* Before the word, one that leaves will not be sent; its session's
	 * answer says so to the host. */
	if (m->word == OPEN)
		m->arrived -= g->state == WAITING;
	g->state = GONE;
	m->inside--;
	end_if_empty(m);
	(void)pthread_mutex_unlock(&hall.lock);
}
