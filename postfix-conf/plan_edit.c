/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the plan share: edits, and texts with marks in them. */
#include "postfix-conf/plan_edit.h"

#include "util/buf.h"
#include "util/err.h"

#define EDITS_MAX 256
#define VALUE_MAX ((size_t)64 * 1024)

static const struct slice absent = { NULL, 0 };

int
postfix_edit_add(struct postfix_edits *edits, struct postfix_edit edit)
{
	if (edits->count == EDITS_MAX)
		return ERR_LIMIT;
	edits->at[edits->count++] = edit;
	return 0;
}

int
postfix_edits_new(struct arena *arena, struct postfix_edits *edits)
{
	edits->count = 0;
	edits->at = arena_calloc(arena, EDITS_MAX, sizeof(*edits->at));
	return edits->at != NULL ? 0 : ERR_NOMEM;
}

/* "a=transport, b=transport" for the inline tables. */
static void
add_domains(struct buf *out, const struct postfix_wanted *w, const char *before,
    bool transport)
{
	for (size_t i = 0; i < w->return_domain_count; i++) {
		buf_add_text(out, i > 0 ? ", " : "");
		buf_add_text(out, before);
		buf_add_slice(out, w->return_domains[i]);
		buf_add_text(out, transport ? "=lmtp:" : "=postern");
		if (transport)
			buf_add_slice(out, w->bounced);
	}
}

static bool
add_marked(struct buf *out, struct slice *rest, const struct postfix_wanted *w)
{
	const struct {
		const char *mark;
		struct slice value;
	} values[] = {
		{ "@policyd@", w->policyd },
		{ "@auth@", w->auth },
		{ "@milter@", w->milter },
		{ "@map@", w->map },
		{ "@own@", w->own },
		{ "@reinject@", w->reinject },
		{ "@minimal@", w->minimal_backoff },
		{ "@maximal@", w->maximal_backoff },
		{ "@lifetime@", w->queue_lifetime },
		{ "@run-delay@", w->queue_run_delay },
	};
	static const struct {
		const char *mark, *before;
		bool transports;
	} lists[] = {
		{ "@transports@", "", true },
		{ "@domains@", "", false },
		{ "@recipients@", "@", false },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct slice mark = slice_of(values[i].mark);

		if (!slice_starts(*rest, mark))
			continue;
		buf_add_slice(out, values[i].value);
		*rest = slice_skip(*rest, mark.len);
		return true;
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct slice mark = slice_of(lists[i].mark);

		if (!slice_starts(*rest, mark))
			continue;
		add_domains(out, w, lists[i].before, lists[i].transports);
		*rest = slice_skip(*rest, mark.len);
		return true;
	}
	return false;
}

struct slice
postfix_expand(struct arena *arena, const char *text,
    const struct postfix_wanted *wanted)
{
	struct slice rest = slice_of(text), done = absent;
	struct buf out;

	buf_init(&out, VALUE_MAX);
	while (rest.len > 0) {
		if (add_marked(&out, &rest, wanted))
			continue;
		buf_add_char(&out, rest.at[0]);
		rest = slice_skip(rest, 1);
	}
	if (out.rc == 0)
		done = arena_dup(arena, buf_slice(&out));
	buf_done(&out);
	return done;
}

bool
postfix_service_parameter(struct slice full, const char *parameter,
    struct slice *ret_service)
{
	struct slice name = slice_of(parameter);

	if (full.len <= name.len + 1 ||
	    full.at[full.len - name.len - 1] != '/' ||
	    !slice_eq(slice_skip(full, full.len - name.len), name))
		return false;
	*ret_service = (struct slice){ full.at, full.len - name.len - 1 };
	return true;
}
