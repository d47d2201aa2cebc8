/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading what postsuper(1) and postcat(1) print. */
#include "policyd/queue_output.h"

#include <stdint.h>

#include "util/err.h"
#include "util/number.h"

/* Of text that goes into an answer and a log line. */
#define TROUBLE_LINES 3

/* "NAME: " taken off; as syslog's tag it is the same on each line. */
static struct slice
without_name(struct slice line)
{
	const char *colon = slice_find(line, SLICE(": "));

	return colon == NULL ? line
			     : slice_skip(line, (size_t)(colon - line.at) + 2);
}

static size_t
number_before_blank(struct slice text)
{
	struct slice number;
	uint64_t n;

	if (!slice_split(&text, ' ', &number) ||
	    number_parse(number, 0, UINT32_MAX, &n) < 0)
		return 0;
	return (size_t)n;
}

size_t
queue_output_changed(enum queue_verb verb, struct slice errors)
{
	static const char *const words[] = {
		[QUEUE_RELEASE] = "Released from hold: ",
		[QUEUE_HOLD] = "Placed on hold: ",
		[QUEUE_RETRY] = NULL,
		[QUEUE_EXPIRE] = "Force-expired: ",
		[QUEUE_DELETE] = "Deleted: ",
	};
	struct slice rest = errors, word = slice_of(words[verb]), line;
	size_t n = 0;

	while (word.at != NULL && slice_split(&rest, '\n', &line)) {
		line = without_name(line);
		if (slice_starts(line, word))
			n = number_before_blank(slice_skip(line, word.len));
	}
	return n;
}

static bool
is_trouble(struct slice line)
{
	static const char *const words[] = { "warning: ", "error: ", "fatal: ",
		"panic: " };

	line = without_name(line);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_starts(line, slice_of(words[i])))
			return true;
	return false;
}

static void
add_line(struct buf *out, struct slice line)
{
	if (out->len > 0)
		(void)buf_add_text(out, "; ");
	(void)buf_add_slice(out, line);
}

void
queue_output_trouble(struct slice errors, struct buf *out)
{
	struct slice rest = errors, line, last = { NULL, 0 };
	unsigned lines = 0;

	while (slice_split(&rest, '\n', &line)) {
		line = slice_trim(line);
		if (line.len == 0)
			continue;
		last = line;
		if (lines < TROUBLE_LINES && is_trouble(line)) {
			add_line(out, line);
			lines++;
		}
	}
	if (lines == 0 && last.at != NULL)
		add_line(out, last);
}

int
queue_output_envelope(struct slice printed, struct buf *out)
{
	static const struct slice sender = { "sender: ", 8 },
				  recipient = { "recipient: ", 11 };
	struct slice rest = printed, line;
	bool has_sender = false;

	while (slice_split(&rest, '\n', &line)) {
		if (slice_starts(line, sender) && !has_sender) {
			has_sender = true;
			(void)buf_add_text(out, "S ");
			(void)buf_add_slice(out, slice_skip(line, sender.len));
			(void)buf_add_char(out, '\n');
		} else if (slice_starts(line, recipient) && has_sender) {
			(void)buf_add_text(out, "R ");
			(void)buf_add_slice(out,
			    slice_skip(line, recipient.len));
			(void)buf_add_char(out, '\n');
		}
	}
	if (!has_sender)
		return ERR_SYNTAX;
	(void)buf_add_char(out, '\n');
	return out->rc;
}
