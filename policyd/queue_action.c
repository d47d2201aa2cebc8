/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue helper's requests, done by Postfix's own commands. */
#include "policyd/queue_action.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "policyd/queue_apply.h"
#include "policyd/queue_command.h"
#include "policyd/queue_output.h"
#include "policyd/queue_walk.h"
#include "util/clock.h"
#include "util/err.h"

/* How long a command may take; postsuper(1) moves 1000 messages in 0.1 s. */
#define COMMAND_MS 30000
#define KICK_MS 5000
#define CONFIG_MS 10000
/* Of a command's standard error, and of an answer's text. */
#define ERRORS_MAX 16384
#define TEXT_MAX 2000
#define HEADER_MAX ((size_t)1024 * 1024)
#define ENVELOPE_MAX ((size_t)4 * 1024 * 1024)

static struct action {
	char config_directory[QUEUE_PATH_MAX];
	char state_directory[QUEUE_PATH_MAX];
	char key_file[QUEUE_PATH_MAX];
	char queue_directory[QUEUE_PATH_MAX];
	struct stat main_cf; /* when queue_directory was looked up */
	struct queue_walk list;
} action;

static void
copy_path(char to[QUEUE_PATH_MAX], struct slice path)
{
	(void)snprintf(to, QUEUE_PATH_MAX, "%.*s", SLICE_F(path));
}

int
queue_action_init(const struct queue_request *start)
{
	copy_path(action.config_directory, start->config_directory);
	copy_path(action.state_directory, start->state_directory);
	copy_path(action.key_file, start->key_file);
	return queue_command_init(action.config_directory);
}

/* ---- commands on queue ids ---- */

static struct slice
id_lines(struct slice packed, char room[QUEUE_IDS_MAX * (QUEUE_ID_MAX + 1)])
{
	struct slice id;
	size_t len = 0;

	while (queue_id_next(&packed, &id)) {
		memcpy(room + len, id.at, id.len);
		len += id.len;
		room[len++] = '\n';
	}
	return (struct slice){ room, len };
}

static int
status_error(int status)
{
	return status > 0 ? ERR_IO : status;
}

/* Runs it; what it complains of goes into why, also when it did its work. */
static int
run(struct queue_command *c, struct buf *why, size_t *ret_done)
{
	struct buf errors;
	int rc;

	buf_init(&errors, ERRORS_MAX);
	c->errors = &errors;
	rc = queue_command_run(c, ret_done);
	if (rc != 0)
		queue_output_trouble(buf_slice(&errors), why);
	if (rc != 0 && why->len == 0)
		(void)buf_addf(why, "%s: %s", c->argv[0],
		    rc < 0 ? err_text(rc) : "failed");
	buf_done(&errors);
	return status_error(rc);
}

static int
postsuper(enum queue_verb verb, const char *option, struct slice packed_ids,
    struct buf *why, size_t *ret_done)
{
	static char room[QUEUE_IDS_MAX * (QUEUE_ID_MAX + 1)];
	const char *const argv[] = { "postsuper", "-c", action.config_directory,
		option, "-", NULL };
	struct buf errors;
	struct queue_command c = { .argv = argv,
		.input = id_lines(packed_ids, room),
		.deadline_us = clock_deadline_ms(COMMAND_MS),
		.errors = &errors };
	int rc;

	buf_init(&errors, ERRORS_MAX);
	rc = queue_command_run(&c, NULL);
	*ret_done = queue_output_changed(verb, buf_slice(&errors));
	if (rc > 0)
		queue_output_trouble(buf_slice(&errors), why);
	else if (rc < 0)
		(void)buf_addf(why, "postsuper: %s", err_text(rc));
	buf_done(&errors);
	return status_error(rc);
}

/*
 * What was released lies in the deferred queue, where the queue manager would
 * find it at its next scan, up to queue_run_delay later: qmgr(8)'s request D.
 * It reads the queue and takes what is due; one scan for all of them.  When
 * the mail system is down there is nobody to tell, and no harm in that.
 *
 * postkick(1) writes the request and then a zero octet; the queue manager may
 * have closed the connection in between, so it must not die of SIGPIPE.
 */
static void
scan_deferred(struct buf *why)
{
	const char *const argv[] = { "postkick", "-c", action.config_directory,
		"public", "qmgr", "D", NULL };
	struct queue_command c = { .argv = argv,
		.ignores_sigpipe = true,
		.deadline_us = clock_deadline_ms(KICK_MS) };

	(void)run(&c, why, NULL);
}

/*
 * flush(8) sets the time of the file to now, lets the destination's dead time
 * go, and has the queue manager look at the file.
 */
static int
deliver_now(struct slice packed_ids, struct buf *why, size_t *ret_done)
{
	const char *const argv[] = { "postqueue", "-c", action.config_directory,
		"-i", NULL };
	struct queue_command c = { .argv = argv,
		.packed_ids = packed_ids,
		.deadline_us = clock_deadline_ms(COMMAND_MS) };

	return run(&c, why, ret_done);
}

static int
expire(struct slice packed_ids, struct buf *why, size_t *ret_done)
{
	size_t woken;
	int rc;

	/* -f: held mail is expired, too. */
	rc = postsuper(QUEUE_EXPIRE, "-f", packed_ids, why, ret_done);
	/* Deferred mail has a time in the future. */
	if (rc == 0 && *ret_done > 0) {
		(void)deliver_now(packed_ids, why, &woken);
		scan_deferred(why);
	}
	return rc;
}

static int
change(const struct queue_request *r, struct buf *why, size_t *ret_done)
{
	struct slice ids = r->packed_ids;
	int rc;

	switch (r->kind) {
	case QUEUE_ASK_RELEASE:
		rc = postsuper(QUEUE_RELEASE, "-H", ids, why, ret_done);
		if (*ret_done > 0)
			scan_deferred(why);
		return rc;
	case QUEUE_ASK_HOLD:
		return postsuper(QUEUE_HOLD, "-h", ids, why, ret_done);
	case QUEUE_ASK_RETRY:
		return deliver_now(ids, why, ret_done);
	case QUEUE_ASK_EXPIRE:
		return expire(ids, why, ret_done);
	case QUEUE_ASK_DELETE:
		return postsuper(QUEUE_DELETE, "-d", ids, why, ret_done);
	case QUEUE_ASK_APPLY:
		return queue_apply_transports(action.config_directory,
		    action.state_directory, action.key_file, r->digest, why,
		    ret_done);
	case QUEUE_ASK_START:
	case QUEUE_ASK_COUNT:
	case QUEUE_ASK_LIST:
	case QUEUE_ASK_MORE:
	case QUEUE_ASK_READ:
		break;
	}
	return ERR_SYNTAX;
}

/* ---- looking at the queue ---- */

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Postfix's parameter of that name; looked up again when main.cf changes. */
static int
find_queue(struct buf *why)
{
	const char *const argv[] = { "postconf", "-c", action.config_directory,
		"-h", "queue_directory", NULL };
	struct buf out;
	struct queue_command c = { .argv = argv,
		.deadline_us = clock_deadline_ms(CONFIG_MS),
		.out = &out };
	char path[QUEUE_PATH_MAX + sizeof("/main.cf")];
	struct slice found;
	struct stat st;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/main.cf",
	    action.config_directory);
	if (stat(path, &st) < 0)
		memset(&st, 0, sizeof(st));
	if (action.queue_directory[0] != '\0' &&
	    same_file(&st, &action.main_cf))
		return 0;
	buf_init(&out, QUEUE_PATH_MAX);
	rc = run(&c, why, NULL);
	found = slice_trim(buf_slice(&out));
	if (rc == 0 && (found.len == 0 || found.at[0] != '/' ||
			   found.len >= QUEUE_PATH_MAX))
		rc = ERR_CONFIG;
	if (rc == 0) {
		copy_path(action.queue_directory, found);
		action.main_cf = st;
	}
	buf_done(&out);
	return rc;
}

static int
open_queue(struct queue_walk *walk, const char *name, struct buf *why)
{
	int rc = queue_walk_open(walk, action.queue_directory, name);

	if (rc < 0)
		(void)buf_addf(why, "%s/%s: %s", action.queue_directory, name,
		    err_text(rc));
	return rc;
}

static int
count_files(const char *name, struct buf *why, uint64_t *ret_count)
{
	struct queue_walk walk;
	const char *file;
	uint64_t n = 0;
	int dir, rc;

	if ((rc = open_queue(&walk, name, why)) < 0)
		return rc;
	while (queue_walk_next(&walk, &file, &dir) == 1)
		n++;
	*ret_count = n;
	return 0;
}

static int
count(struct buf *why, struct queue_answer *a)
{
	int rc = find_queue(why);

	if (rc == 0)
		rc = count_files("incoming", why, &a->done);
	if (rc == 0)
		rc = count_files("active", why, &a->active);
	return rc;
}

/* Since when: a rename, as into the hold queue, sets the file's ctime. */
static int
add_row(int dir, const char *name, struct buf *rows)
{
	struct queue_held row = { .queue_id = slice_of(name) };
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return 0; /* gone meanwhile */
	row.since_ms =
	    (int64_t)st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000;
	return queue_row_format(&row, rows) == 0 ? 1 : 0;
}

static int
list(bool from_start, struct buf *rows, struct buf *why, struct queue_answer *a)
{
	const char *name;
	int dir, rc;

	if (from_start) {
		queue_walk_close(&action.list);
		if ((rc = find_queue(why)) < 0 ||
		    (rc = open_queue(&action.list, "hold", why)) < 0)
			return rc;
	}
	while (a->done < QUEUE_ROWS_MAX &&
	       queue_walk_next(&action.list, &name, &dir) == 1)
		a->done += (uint64_t)add_row(dir, name, rows);
	a->more = a->done == QUEUE_ROWS_MAX;
	return rows->rc;
}

static int
postcat(const char *option, struct slice packed_id, struct buf *out,
    struct buf *why)
{
	const char *const argv[] = { "postcat", "-c", action.config_directory,
		"-q", option, NULL };
	struct queue_command c = { .argv = argv,
		.packed_ids = packed_id,
		.deadline_us = clock_deadline_ms(COMMAND_MS),
		.out = out };
	int rc = run(&c, why, NULL);

	if (rc == ERR_IO &&
	    slice_find(buf_slice(why), SLICE("No such file")) != NULL)
		return ERR_NOTFOUND;
	return rc;
}

static int
read_message(const struct queue_request *r, struct buf *text, struct buf *why)
{
	struct buf out;
	int rc;

	buf_init(&out, ENVELOPE_MAX);
	rc = postcat("-e", r->packed_ids, &out, why);
	if (rc == 0 && out.len == out.max)
		rc = ERR_LIMIT;
	if (rc == 0)
		rc = queue_output_envelope(buf_slice(&out), text);
	buf_done(&out);
	if (rc < 0)
		return rc;
	buf_init(&out, HEADER_MAX);
	rc = postcat("-h", r->packed_ids, &out, why);
	if (rc == 0)
		rc = buf_add_slice(text, buf_slice(&out));
	buf_done(&out);
	return rc;
}

/* Of any length, so in pieces. */
static void
say_message(const struct queue_request *r, struct queue_answer *a,
    struct buf *why, queue_action_say *say)
{
	struct buf text;
	struct slice rest;

	buf_init(&text, ENVELOPE_MAX + HEADER_MAX);
	a->rc = read_message(r, &text, why);
	rest = a->rc == 0 ? buf_slice(&text) : buf_slice(why);
	do {
		a->text = rest;
		if (a->text.len > QUEUE_ANSWER_TEXT_MAX)
			a->text.len = QUEUE_ANSWER_TEXT_MAX;
		rest = slice_skip(rest, a->text.len);
		a->more = rest.len > 0;
		say(a);
	} while (a->more);
	buf_done(&text);
}

void
queue_action_do(const struct queue_request *r, queue_action_say *say)
{
	struct queue_answer a = { .number = r->number };
	size_t done = 0;
	struct buf why, rows;

	buf_init(&why, TEXT_MAX);
	buf_init(&rows, QUEUE_ANSWER_TEXT_MAX);
	switch (r->kind) {
	case QUEUE_ASK_COUNT:
		a.rc = count(&why, &a);
		break;
	case QUEUE_ASK_LIST:
	case QUEUE_ASK_MORE:
		a.rc = list(r->kind == QUEUE_ASK_LIST, &rows, &why, &a);
		break;
	case QUEUE_ASK_READ:
		say_message(r, &a, &why, say);
		goto out;
	case QUEUE_ASK_RELEASE:
	case QUEUE_ASK_HOLD:
	case QUEUE_ASK_RETRY:
	case QUEUE_ASK_EXPIRE:
	case QUEUE_ASK_DELETE:
	case QUEUE_ASK_APPLY:
	case QUEUE_ASK_START:
		a.rc = change(r, &why, &done);
		a.done = done;
		break;
	}
	a.text = a.rc == 0 && rows.len > 0 ? buf_slice(&rows) : buf_slice(&why);
	say(&a);
out:
	buf_done(&rows);
	buf_done(&why);
}
