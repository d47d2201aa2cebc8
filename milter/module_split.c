/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recipients of one message that need different mail: those of the first kind
 * stay in it, the others get copies, and so does the archive host.  The copies
 * go in through the internal listener and wait at the end of their passes
 * while the message goes through the rest of its own; behind the last module
 * (module_commit) all of them are let go, or none.
 *
 * What the MTA has when the client is told to come back after all is
 * remembered, so that the next try does not send it again.
 */
#include <stdlib.h>

#include "milter/copies_memory.h"
#include "milter/hold.h"
#include "milter/meeting.h"
#include "milter/milter.h"
#include "milter/module.h"
#include "milter/pass.h"
#include "milter/reinject.h"
#include "service/metrics.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/map.h"
#include "util/number.h"

/* Postfix waits for 300 s (milter_content_timeout). */
#define SPLIT_MS 120000
#define WORD_MS 150000 /* a copy waits longer than its message works */
/* In the place of recipients: no address has it. */
static const struct slice archive_name = SLICE("archive");

struct group {
	struct slice *recipients; /* as the MTA wants them */
	struct slice *names;      /* and as they are remembered */
	size_t count, name_count;
};

struct split {
	struct message *msg;
	int64_t deadline_us;
	struct group *groups; /* that go as copies; the archive's last */
	size_t group_count;
	struct group for_archive;
	bool archive; /* it is to get one */
	struct copy_token token, archive_token;
	struct copies_memory memory;
	bool remembered; /* there may be something to forget */
	bool *done;      /* each group: the MTA has its copy */
	size_t *running; /* groups of the copies in r */
	size_t running_count;
	struct reinjection *r;
};

static enum body_want
split_begin(struct message *msg, void *state)
{
	const struct tenant *t = msg->tenant;
	bool may_split = t->unsubscribe.filter_count > 0 ||
			 t->smime.exclude_domain_count > 0 ||
			 hold_by_recipient(msg);

	(void)state;
	if (t->bcc_host.len > 0)
		return BODY_BUFFER;
	return may_split && (msg->rcpt_count > 1 || t->forward_count > 0)
		   ? BODY_BUFFER
		   : BODY_NOT;
}

/* Without its angle brackets. */
static struct slice
bare(struct slice s)
{
	s = slice_trim(s);
	if (s.len >= 2 && s.at[0] == '<' && s.at[s.len - 1] == '>')
		s = (struct slice){ s.at + 1, s.len - 2 };
	return s;
}

static struct slice
path_of(const struct message_rcpt *rcpt)
{
	return bare(
	    rcpt->raw.at != NULL && !rcpt->added ? rcpt->raw : rcpt->address);
}

/* Which group this recipient is of; a new one: count, which grows. */
static int
find_group(struct message *msg, struct map *seen, size_t rcpt, size_t *indices,
    size_t *count, size_t *ret_group)
{
	uint64_t answers[MILTER_MODULES_MAX];
	struct slice key = { (const char *)answers, sizeof(answers) };
	const size_t *known;

	pass_treatments(msg, &msg->rcpts[rcpt], answers);
	known = map_get(seen, key);
	if (known == NULL) {
		indices[*count] = *count;
		known = &indices[*count];
		int rc = map_set(seen, key, &indices[*count], NULL);

		if (rc < 0)
			return rc;
		(*count)++;
	}
	*ret_group = *known;
	return 0;
}

/* group_of: for each recipient that goes, the number of its group. */
static int
find_groups(struct message *msg, size_t *group_of, size_t *ret_count)
{
	struct map *seen = map_new(msg->rcpt_count + 1);
	size_t *indices =
	    arena_calloc(msg->arena, msg->rcpt_count + 1, sizeof(*indices));
	int rc = seen != NULL && indices != NULL ? 0 : ERR_NOMEM;

	*ret_count = 0;
	for (size_t i = 0; i < msg->rcpt_count && rc == 0; i++)
		if (msg->rcpts[i].fate == RCPT_GOES)
			rc = find_group(msg, seen, i, indices, ret_count,
			    &group_of[i]);
	if (seen != NULL)
		map_free(seen, NULL);
	return rc;
}

/* The archive gets what the sender wrote, for those who may have it. */
static int
fill_archive(struct split *s, struct group *g)
{
	struct message *msg = s->msg;

	g->recipients = arena_calloc(msg->arena, msg->rcpt_count + 1,
	    sizeof(*g->recipients));
	g->names = arena_calloc(msg->arena, 1, sizeof(*g->names));
	if (g->recipients == NULL || g->names == NULL)
		return ERR_NOMEM;
	g->names[0] = archive_name;
	g->name_count = 1;
	for (size_t i = 0; i < msg->rcpt_count; i++)
		if (msg->rcpts[i].fate == RCPT_GOES && !msg->rcpts[i].added)
			g->recipients[g->count++] = path_of(&msg->rcpts[i]);
	return 0;
}

/* Groups but the first leave the message. */
static int
move_out(struct split *s, const size_t *group_of)
{
	struct message *msg = s->msg;
	struct slice *all =
	    arena_calloc(msg->arena, 2 * msg->rcpt_count + 1, sizeof(*all));
	struct slice *names = all + msg->rcpt_count;
	size_t used = 0;

	if (all == NULL)
		return ERR_NOMEM;
	for (size_t g = 0; g < s->group_count - s->archive; g++) {
		s->groups[g].recipients = all + used;
		s->groups[g].names = names + used;
		for (size_t i = 0; i < msg->rcpt_count; i++) {
			const struct message_rcpt *r = &msg->rcpts[i];

			if (r->fate != RCPT_GOES || group_of[i] != g + 1)
				continue;
			all[used] = path_of(r);
			names[used++] = r->address;
			s->groups[g].count++;
			s->groups[g].name_count++;
			message_remove_rcpt(msg, i, RCPT_COPIED,
			    (struct slice){ NULL, 0 });
		}
	}
	return 0;
}

static struct slice
next_hop(struct message *msg)
{
	const struct tenant *t = msg->tenant;
	struct slice kept;
	struct buf out;

	buf_init(&out, 400);
	(void)buf_addf(&out, "[%.*s]:%u", SLICE_F(t->bcc_host), t->bcc_port);
	kept = message_keep(msg, buf_slice(&out));
	buf_done(&out);
	return kept;
}

static int
make_tokens(struct split *s)
{
	struct message *msg = s->msg;

	s->token = (struct copy_token){ .kind = COPY_SPLIT,
		.tenant = msg->tenant->name,
		.queue_id = msg->queue_id,
		.sender = msg->sender,
		.client = msg->client,
		.client_name = msg->client_name,
		.helo = msg->helo,
		.sasl_user = msg->sasl_user,
		.preflight = msg->preflight,
		.stream = msg->stream,
		.unscanned = msg->unscanned,
		.held = msg->hold_reason.at != NULL };
	if (!s->archive)
		return 0;
	s->archive_token = s->token;
	s->archive_token.kind = COPY_BCC;
	s->archive_token.next_hop = next_hop(msg);
	return s->archive_token.next_hop.at != NULL ? 0 : ERR_NOMEM;
}

/* Sendmail has nothing that could send one recipient's copy elsewhere. */
static int
no_archive(struct message *msg)
{
	static struct log_limit limit;
	unsigned long missed;

	if (log_limit_ok(&limit, 60, &missed))
		log_error("%.*s: copies for the archive of tenant %.*s need "
			  "Postfix: mail is put off (%lu more messages)",
		    SLICE_F(msg->queue_id), SLICE_F(msg->tenant->name), missed);
	message_reply(msg, "4.3.5", "Copies for the archive need Postfix");
	return ERR_UNAVAIL;
}

/*
 * What an earlier try of this message has left: who has a copy is not sent
 * another one.  *ret_archive becomes false where the archive has it.
 */
static int
recall(struct split *s, bool *ret_archive)
{
	struct message *msg = s->msg;
	struct map *has;
	int rc = copies_memory_init(&s->memory, msg);

	if (rc < 0 || (rc = copies_memory_get(&s->memory, &has)) < 0)
		return rc;
	s->remembered = map_count(has) > 0;
	for (size_t i = 0; s->remembered && i < msg->rcpt_count; i++)
		if (msg->rcpts[i].fate == RCPT_GOES &&
		    map_get(has, msg->rcpts[i].address) != NULL)
			message_remove_rcpt(msg, i, RCPT_COPIED,
			    (struct slice){ NULL, 0 });
	if (map_get(has, archive_name) != NULL)
		*ret_archive = false;
	map_free(has, NULL);
	return 0;
}

static int
make_groups(struct split *s, const size_t *group_of, size_t count)
{
	struct message *msg = s->msg;
	int rc;

	/* Nobody is left in the message: all of its recipients have theirs. */
	s->group_count = (count > 0 ? count - 1 : 0) + s->archive;
	if (s->group_count == 0)
		return 0;
	s->groups =
	    arena_calloc(msg->arena, s->group_count, sizeof(*s->groups));
	s->done = arena_calloc(msg->arena, s->group_count, sizeof(*s->done));
	s->running =
	    arena_calloc(msg->arena, s->group_count, sizeof(*s->running));
	if (s->groups == NULL || s->done == NULL || s->running == NULL)
		return ERR_NOMEM;
	if (s->archive)
		s->groups[s->group_count - 1] = s->for_archive;
	if ((rc = move_out(s, group_of)) < 0)
		return rc;
	return make_tokens(s);
}

/* 0: nothing to do with group_count == 0. */
static int
plan(struct split *s)
{
	struct message *msg = s->msg;
	size_t *group_of =
	    arena_calloc(msg->arena, msg->rcpt_count + 1, sizeof(*group_of));
	size_t count = 0;
	int rc =
	    group_of != NULL ? find_groups(msg, group_of, &count) : ERR_NOMEM;

	s->archive = msg->tenant->bcc_host.len > 0;
	if (rc < 0 || count == 0 || (count == 1 && !s->archive))
		return rc;
	if (s->archive && msg->sendmail)
		return no_archive(msg);
	if (s->archive && (rc = fill_archive(s, &s->for_archive)) < 0)
		return rc;
	if ((rc = recall(s, &s->archive)) < 0)
		return rc;
	if (s->remembered && (rc = find_groups(msg, group_of, &count)) < 0)
		return rc;
	return make_groups(s, group_of, count);
}

/* As many copies as there are seats, of those that the MTA does not have. */
static int
send_some(struct split *s)
{
	size_t most = meeting_seats();
	struct reinject_copy *copies = calloc(s->group_count, sizeof(*copies));
	struct slice sender;
	int rc = copies != NULL ? 0 : ERR_NOMEM;

	/* As it was written: its case is the sender's affair. */
	sender = s->msg->sender_path.at != NULL ? bare(s->msg->sender_path)
						: s->msg->sender;
	s->running_count = 0;
	for (size_t i = 0;
	     i < s->group_count && s->running_count < most && rc == 0; i++) {
		bool archive = s->archive && i == s->group_count - 1;

		if (s->done[i])
			continue;
		copies[s->running_count] =
		    (struct reinject_copy){ .token = archive ? &s->archive_token
							     : &s->token,
			    .sender = sender,
			    .recipients = s->groups[i].recipients,
			    .recipient_count = s->groups[i].count };
		s->running[s->running_count++] = i;
	}
	if (rc == 0 && s->running_count > 0)
		rc = reinject_begin(s->msg, copies, s->running_count,
		    s->deadline_us, &s->r);
	free(copies);
	return rc;
}

static void
count_copies(const struct split *s, size_t group)
{
	bool archive = s->archive && group == s->group_count - 1;

	metrics_add(archive ? METRIC_MILTER_COPIES_BCC
			    : METRIC_MILTER_COPIES_SPLIT,
	    1);
}

/* For the recipients of the copies that are under way. */
static int
remember(struct split *s, const int *rcs)
{
	struct copies_mark *marks;
	size_t count = 0;
	int rc;

	for (size_t i = 0; i < s->running_count; i++)
		count += s->groups[s->running[i]].name_count;
	if ((marks = calloc(count + 1, sizeof(*marks))) == NULL)
		return ERR_NOMEM;
	count = 0;
	for (size_t i = 0; i < s->running_count; i++) {
		const struct group *g = &s->groups[s->running[i]];
		struct copies_mark mark = { .state = COPIES_LET_GO,
			.queue_id = reinject_queue_id(s->r, i) };

		if (rcs != NULL && rcs[i] == 0)
			mark.state = COPIES_TAKEN;
		else if (rcs != NULL &&
			 (rcs[i] == ERR_UNAVAIL || rcs[i] == ERR_DENIED))
			mark.state = COPIES_NOT;
		for (size_t n = 0; n < g->name_count; n++) {
			mark.recipient = g->names[n];
			marks[count++] = mark;
		}
	}
	rc = copies_memory_put(&s->memory, marks, count);
	free(marks);
	return rc;
}

static int
commit(struct split *s, int *rcs)
{
	int set, rc = remember(s, NULL);

	/* Without this a crash could send them twice. */
	if (rc < 0)
		return rc;
	s->remembered = true;
	rc = reinject_commit(s->r, s->deadline_us, rcs);
	for (size_t i = 0; i < s->running_count; i++)
		if (rcs[i] == 0) {
			s->done[s->running[i]] = true;
			count_copies(s, s->running[i]);
		}
	set = remember(s, rcs);
	if (set < 0)
		log_warning("%.*s: copies that were sent can not be "
			    "remembered: %s",
		    SLICE_F(s->msg->queue_id), err_text(set));
	return rc;
}

/* Those that are on their way: all are let go. */
static int
let_go(struct split *s)
{
	int *rcs = calloc(s->running_count + 1, sizeof(*rcs));
	int rc = rcs != NULL ? 0 : ERR_NOMEM;

	if (rc == 0 && s->r != NULL) {
		rc = reinject_ready(s->r, s->deadline_us);
		if (rc == 0)
			rc = commit(s, rcs);
		reinject_end(s->r);
		s->r = NULL;
	}
	free(rcs);
	return rc;
}

static size_t
to_be_sent(const struct split *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->group_count; i++)
		n += !s->done[i];
	return n;
}

static int
start(struct split *s)
{
	int rc = plan(s);

	if (rc < 0 || s->group_count == 0)
		return rc;
	/* More than there are seats: all but the last round go now. */
	while (rc == 0 && to_be_sent(s) > meeting_seats())
		if ((rc = send_some(s)) == 0)
			rc = let_go(s);
	return rc == 0 ? send_some(s) : rc;
}

static enum verdict
put_off(struct message *msg, int rc)
{
	log_warning("%.*s: copies not sent: %s", SLICE_F(msg->queue_id),
	    err_text(rc));
	metrics_add(METRIC_MILTER_COPIES_FAILED, 1);
	if (msg->reply_text == NULL)
		message_reply(msg, "4.3.0",
		    "Copies can not be sent, try later");
	return VERDICT_TEMPFAIL;
}

static enum verdict
split_eom(struct message *msg, void *state)
{
	struct split *s = state;
	size_t left = message_rcpts_left(msg);
	int rc;

	/* Most messages: nothing to compare. */
	if (left == 0 || (left == 1 && msg->tenant->bcc_host.len == 0))
		return VERDICT_NEXT;
	s->msg = msg;
	s->deadline_us = clock_deadline_ms(SPLIT_MS);
	msg->split = s;
	rc = start(s);
	return rc < 0 ? put_off(msg, rc) : VERDICT_NEXT;
}

static void
split_release(void *state)
{
	struct split *s = state;

	reinject_end(s->r);
	/* Not before the MTA was told that it may have the message itself. */
	if (s->remembered && s->msg->accepted)
		copies_memory_forget(&s->memory);
}

const struct module module_split = {
	.name = "split",
	.kinds = KIND_FIRST,
	.state_size = sizeof(struct split),
	.begin = split_begin,
	.eom = split_eom,
	.release = split_release,
};

/* ---- behind all other modules ---- */

static enum verdict
arrive(struct message *msg)
{
	struct slice next_hop = msg->copy->next_hop;
	int rc;

	/* Behind the signature: Postfix takes it off again. */
	if (next_hop.len > 0 &&
	    message_add_top(msg, COPY_NEXT_HOP_FIELD, next_hop) < 0)
		return VERDICT_TEMPFAIL;
	rc = meeting_arrive(msg->guest, msg->queue_id,
	    clock_deadline_ms(WORD_MS));
	if (rc == 0)
		return VERDICT_NEXT;
	message_reply(msg, "4.3.0",
	    "The message that this is a copy of was not sent");
	return VERDICT_TEMPFAIL;
}

static void
note_copies(struct message *msg, size_t count)
{
	char room[NUMBER_TEXT_MAX];

	message_note(msg, "copies",
	    (struct slice){ room, number_format(count, room) });
}

static enum verdict
commit_eom(struct message *msg, void *state)
{
	int rc;

	(void)state;
	if (msg->guest != NULL)
		return arrive(msg);
	if (msg->split == NULL || msg->split->group_count == 0)
		return VERDICT_NEXT;
	rc = let_go(msg->split);
	if (rc < 0)
		return put_off(msg, rc);
	note_copies(msg, msg->split->group_count);
	return VERDICT_NEXT;
}

const struct module module_commit = {
	.name = "commit",
	.kinds = KIND_ALL,
	.eom = commit_eom,
};
