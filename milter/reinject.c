/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail sent in again through the internal listener, by SMTP. */
#include "milter/reinject.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "milter/meeting.h"
#include "milter/message.h"
#include "milter/milter.h"
#include "net/smtp_client.h"
#include "service/metrics.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define PIECE ((size_t)32 * 1024)
#define HELO "postern.invalid"

struct reinjection {
	const struct milter *host;
	struct slice queue_id; /* for the log; the host message's memory */
	struct meeting *meeting;
	struct smtp_session **sessions;
	struct pollfd *polls; /* the sessions', and the meeting's */
	size_t count;         /* sessions that are open */
};

/* What one session sends: our field, then the text. */
struct source {
	char field[sizeof(COPY_FIELD) + 2 + MEETING_INVITATION_MAX + 2];
	bool field_sent;
	struct slice text; /* or, where that is absent: */
	int fd;
	off_t at;
	bool failed;
	char piece[PIECE];
};

static struct slice
next_piece(void *ctx)
{
	struct source *s = ctx;
	struct slice text = s->text;

	if (!s->field_sent) {
		s->field_sent = true;
		return slice_of(s->field);
	}
	if (text.at != NULL) {
		s->text = slice_skip(text, text.len);
		return text;
	}
	ssize_t n = pread(s->fd, s->piece, sizeof(s->piece), s->at);

	if (n <= 0) {
		s->failed = n < 0;
		return (struct slice){ NULL, 0 };
	}
	s->at += n;
	return (struct slice){ s->piece, (size_t)n };
}

static int
told(const struct reinjection *r, int rc, const char *what,
    const struct smtp_answer *answer)
{
	static struct log_limit limit;
	unsigned long missed;

	if (rc < 0 && log_limit_ok(&limit, 10, &missed))
		log_error("%.*s: internal listener %s: %s: %s%s%s "
			  "(%lu more times)",
		    SLICE_F(r->queue_id), r->host->reinject, what, err_text(rc),
		    answer->code != 0 ? ", it says: " : "",
		    answer->code != 0 ? answer->text : "", missed);
	return rc;
}

static int
send_in(struct reinjection *r, const struct reinject_copy *copy,
    struct source *source, int64_t deadline_us)
{
	struct smtp_message m = { .sender = copy->sender,
		.recipients = copy->recipients,
		.recipient_count = copy->recipient_count,
		/* An archive that fails is not the sender's affair. */
		.quiet = copy->token->kind == COPY_BCC,
		.source = next_piece,
		.ctx = source };
	char invitation[MEETING_INVITATION_MAX];
	struct smtp_answer answer = { .code = 0 };
	struct smtp_session *session;
	struct buf field;
	int rc = meeting_invite(r->meeting, copy->token, invitation);

	if (rc < 0)
		return rc;
	buf_init(&field, sizeof(source->field));
	(void)buf_addf(&field, COPY_FIELD ": %s\r\n", invitation);
	memcpy(source->field, buf_text(&field), field.len + 1);
	buf_done(&field);
	rc = smtp_open(r->host->reinject, HELO, deadline_us, &session, &answer);
	if (rc < 0)
		return told(r, rc, "can not be reached", &answer);
	r->polls[r->count] = (struct pollfd){ smtp_fd(session), POLLIN, 0 };
	r->sessions[r->count++] = session;
	rc = smtp_begin(session, &m, deadline_us, &answer);
	if (rc == 0 && source->failed)
		rc = ERR_IO;
	return told(r, rc, "does not take a copy", &answer);
}

static int
reinjection_new(const struct milter *host, struct slice queue_id, size_t count,
    int64_t deadline_us, struct reinjection **ret_reinjection)
{
	struct smtp_answer none = { .code = 0 };
	struct reinjection *r = calloc(1, sizeof(*r));
	int rc = ERR_NOMEM;

	if (r == NULL)
		return rc;
	*r = (struct reinjection){ .host = host, .queue_id = queue_id };
	r->sessions = calloc(count, sizeof(struct smtp_session *));
	r->polls = calloc(count + 1, sizeof(*r->polls));
	if (r->sessions != NULL && r->polls != NULL)
		rc = meeting_open(count, deadline_us, &r->meeting);
	if (rc < 0) {
		reinject_end(r);
		return told(&(struct reinjection){ .host = host,
				.queue_id = queue_id },
		    rc, "no place for copies", &none);
	}
	*ret_reinjection = r;
	return 0;
}

int
reinject_begin(struct message *msg, const struct reinject_copy *copies,
    size_t count, int64_t deadline_us, struct reinjection **ret_reinjection)
{
	struct source *source = calloc(1, sizeof(*source));
	struct reinjection *r = NULL;
	size_t size;
	int fd = -1, rc = source != NULL ? 0 : ERR_NOMEM;

	if (rc == 0)
		rc = message_kept_fd(msg, &fd, &size);
	if (rc == 0)
		rc = reinjection_new(msg->host, msg->queue_id, count,
		    deadline_us, &r);
	for (size_t i = 0; i < count && rc == 0; i++) {
		*source = (struct source){ .fd = fd };
		rc = send_in(r, &copies[i], source, deadline_us);
	}
	free(source);
	if (rc == 0)
		*ret_reinjection = r;
	else
		reinject_end(r);
	return rc;
}

/* An answer before the word is a refusal. */
static int
early_answer(struct reinjection *r, int64_t deadline_us)
{
	struct smtp_answer answer = { .code = 0 };

	for (size_t i = 0; i < r->count; i++) {
		if (r->polls[i].revents == 0)
			continue;
		int rc = smtp_finish(r->sessions[i], deadline_us, &answer);

		return told(r, rc < 0 ? rc : ERR_UNAVAIL,
		    rc < 0 ? "refuses a copy"
			   : "takes a copy that no milter has seen",
		    &answer);
	}
	return 0;
}

int
reinject_ready(struct reinjection *r, int64_t deadline_us)
{
	struct smtp_answer none = { .code = 0 };
	int rc;

	r->polls[r->count] =
	    (struct pollfd){ meeting_fd(r->meeting), POLLIN, 0 };
	while (meeting_arrived(r->meeting) < r->count) {
		int64_t left_ms = (deadline_us - clock_mono_us()) / 1000;

		if (left_ms <= 0)
			return told(r, ERR_TIMEOUT, "copies do not arrive",
			    &none);
		if (poll(r->polls, (nfds_t)r->count + 1, (int)left_ms) < 0 &&
		    errno != EINTR)
			return ERR_IO;
		if ((rc = early_answer(r, deadline_us)) < 0)
			return rc;
	}
	return 0;
}

struct slice
reinject_queue_id(const struct reinjection *r, size_t i)
{
	return meeting_queue_id(r->meeting, i);
}

int
reinject_commit(struct reinjection *r, int64_t deadline_us, int *ret_rcs)
{
	struct smtp_answer answer;
	int rc = 0;

	meeting_decide(r->meeting, true);
	for (size_t i = 0; i < r->count; i++) {
		int one = smtp_finish(r->sessions[i], deadline_us, &answer);

		ret_rcs[i] = one;
		if (one < 0)
			rc = told(r, one, "has not taken a copy", &answer);
	}
	return rc;
}

void
reinject_end(struct reinjection *r)
{
	if (r == NULL)
		return;
	/* First the word: nobody is to go because his session has ended. */
	meeting_close(r->meeting);
	for (size_t i = 0; i < r->count; i++)
		smtp_close(r->sessions[i]);
	free(r->sessions);
	free(r->polls);
	free(r);
}

int
reinject_text(const struct milter *host, struct slice queue_id,
    const struct reinject_copy *copy, struct slice text, int64_t deadline_us)
{
	struct source *source = calloc(1, sizeof(*source));
	struct reinjection *r = NULL;
	int taken;
	int rc = source != NULL ? 0 : ERR_NOMEM;

	if (rc == 0)
		rc = reinjection_new(host, queue_id, 1, deadline_us, &r);
	if (rc == 0) {
		*source = (struct source){ .text = text };
		rc = send_in(r, copy, source, deadline_us);
	}
	if (rc == 0)
		rc = reinject_commit(r, deadline_us, &taken);
	if (rc == 0 && copy->token->kind == COPY_NOTICE)
		metrics_add(METRIC_MILTER_COPIES_NOTICE, 1);
	free(source);
	reinject_end(r);
	return rc;
}
