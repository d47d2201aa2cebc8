/* SPDX-License-Identifier: BSD-2-Clause */
/* The pace of shaping filters as JSON. */
#include "store/pace_json.h"

#include <inttypes.h>

#include "proto/json.h"
#include "proto/rfc3339.h"

int64_t
pace_interval_us(const struct shaping_filter *f, const struct pace_state *state)
{
	/* What complaints made of an interval that was set otherwise is
	 * over with the next delivery. */
	if (f->fixed || state->interval_us < f->interval_us)
		return f->interval_us;
	return state->interval_us;
}

const char *
pace_condition(const struct shaping_filter *f, const struct pace_state *state,
    int64_t now_us)
{
	if (state->suspended_until_us > now_us)
		return "suspended";
	return pace_interval_us(f, state) > f->interval_us ? "slow" : "normal";
}

static void
add_time(const char *name, int64_t us, struct buf *out)
{
	char text[RFC3339_MAX];

	(void)buf_addf(out, ",\"%s\":", name);
	if (us <= 0) {
		(void)buf_add_text(out, "null");
		return;
	}
	(void)json_print_string((struct slice){ text,
				    rfc3339_format(us, text) },
	    out);
}

static void
add_text(const char *name, struct slice text, struct buf *out)
{
	(void)buf_addf(out, ",\"%s\":", name);
	(void)json_print_string(text, out);
}

int
pace_to_json(const struct shaping_filter *f, const struct pace_state *state,
    int64_t now_us, struct buf *out)
{
	int64_t until = state->suspended_until_us;

	(void)buf_add_text(out, "{\"name\":");
	(void)json_print_string(f->name, out);
	(void)buf_addf(out,
	    ",\"connections\":%u,\"interval_ms\":%" PRId64
	    ",\"interval_now_ms\":%" PRId64 ",\"fixed\":%s",
	    f->connections, f->interval_us / 1000,
	    (pace_interval_us(f, state) + 500) / 1000,
	    f->fixed ? "true" : "false");
	add_text("condition", slice_of(pace_condition(f, state, now_us)), out);
	add_time("suspended_until", until > now_us ? until : 0, out);
	add_text("change", state->change, out);
	add_time("changed", state->changed_us, out);
	add_text("reply", state->reply, out);
	return buf_addf(out,
	    ",\"sent\":%" PRIu64 ",\"sent_per_minute\":%" PRIu64 "}",
	    state->sent, state->last_minute);
}
