/* SPDX-License-Identifier: BSD-2-Clause */
/* What clamd answers, clamd(8). */
#include "milter/clamd.h"
#include "milter/scan_protocol.h"
#include "util/err.h"

/* Errors that say something about the message, not about clamd. */
static const struct slice limits[] = {
	SLICE("INSTREAM size limit exceeded."),
	SLICE("Exceeded time limit"),
	SLICE("Exceeded max recursion depth"),
	SLICE("Exceeded max scan size"),
	SLICE("Exceeded max scan files"),
};
static const struct slice limit_prefix = SLICE("Heuristics.Limits.Exceeded");

static bool
ends(struct slice *line, struct slice word)
{
	if (line->len < word.len ||
	    memcmp(line->at + line->len - word.len, word.at, word.len) != 0)
		return false;
	line->len -= word.len;
	return true;
}

static int
error_verdict(struct slice text, struct scan_verdict *v)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (!slice_starts(text, limits[i]))
			continue;
		v->result = SCAN_UNSCANNABLE;
		scan_name_set(v->name, limits[i]);
		return 0;
	}
	return ERR_UNAVAIL;
}

static int
line_verdict(struct slice line, struct scan_verdict *v)
{
	const char *colon = slice_find(line, SLICE(": "));
	struct slice text = line;

	if (colon != NULL)
		text = slice_skip(line, (size_t)(colon - line.at) + 2);
	if (ends(&text, SLICE(" ERROR")))
		return error_verdict(text, v);
	if (colon == NULL)
		return ERR_SYNTAX;
	if (slice_eq(text, SLICE("OK")))
		return 0;
	if (!ends(&text, SLICE(" FOUND")) || slice_trim(text).len == 0)
		return ERR_SYNTAX;
	v->result =
	    slice_starts(text, limit_prefix) ? SCAN_UNSCANNABLE : SCAN_INFECTED;
	scan_name_set(v->name, text);
	return 0;
}

int
clamd_reply_parse(struct slice in, struct scan_verdict *ret_verdict)
{
	struct scan_verdict v = { .result = SCAN_CLEAN };
	size_t len = 0;
	int rc;

	while (len < in.len && in.at[len] != '\0' && in.at[len] != '\n')
		len++;
	if (len >= CLAMD_REPLY_MAX)
		return ERR_SYNTAX;
	if (len == in.len)
		return 0;
	if ((rc = line_verdict((struct slice){ in.at, len }, &v)) < 0)
		return rc;
	*ret_verdict = v;
	return (int)len + 1;
}
