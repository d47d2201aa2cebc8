/* SPDX-License-Identifier: BSD-2-Clause */
/* Rate limits as the API and the command line show them. */
#include "store/limit_json.h"

#include <inttypes.h>

#include "proto/json.h"
#include "proto/limit_value.h"
#include "proto/rfc3339.h"

static const char *const mode_words[] = { [MODE_ENFORCE] = "enforce",
	[MODE_OBSERVE] = "observe",
	[MODE_OFF] = "off" };

static void
add_rate(const struct rate *r, struct buf *out)
{
	(void)buf_addf(out,
	    "\"quantity\":%" PRIu64 ",\"period_s\":%" PRId64
	    ",\"burst\":%" PRIu64,
	    r->quantity, r->period_us / 1000000, r->burst);
}

/* Rounded up: after so many seconds it is true. */
static int64_t
seconds(int64_t us)
{
	return (us + 999999) / 1000000;
}

static void
add_name(const struct limit_rule *r, struct buf *out)
{
	(void)buf_add_text(out, "{\"rule\":");
	(void)json_print_string(r->name, out);
}

int
limit_rule_to_json(const struct limit_rule *r, struct buf *out)
{
	const char *comma = "";

	add_name(r, out);
	(void)buf_addf(out, ",\"mode\":\"%s\",\"key\":[", mode_words[r->mode]);
	for (unsigned bit = 1; bit <= LIMIT_BY_RECIPIENT_DOMAIN; bit <<= 1) {
		if ((r->keys & bit) == 0)
			continue;
		(void)buf_addf(out, "%s\"%s\"", comma,
		    limit_key_word((enum limit_key)bit));
		comma = ",";
	}
	(void)buf_addf(out, "],\"per_recipient\":%s,\"rates\":[",
	    r->per_recipient ? "true" : "false");
	for (size_t i = 0; i < r->rate_count; i++) {
		(void)buf_add_text(out, i > 0 ? ",{" : "{");
		add_rate(&r->rates[i], out);
		(void)buf_add_char(out, '}');
	}
	return buf_add_text(out, "]}");
}

static void
add_override(const struct limit_view *v, struct buf *out)
{
	char room[RFC3339_MAX];

	(void)buf_addf(out,
	    ",\"override\":{\"until\":\"%.*s\",\"unlimited\":%s",
	    (int)rfc3339_format(v->until_us, room), room,
	    v->unlimited ? "true" : "false");
	if (!v->unlimited) {
		(void)buf_add_char(out, ',');
		add_rate(&v->rate, out);
	}
	(void)buf_add_char(out, '}');
}

int
limit_view_to_json(const struct limit_rule *r, struct slice value,
    const struct limit_view *v, struct buf *out)
{
	struct buf shown;

	add_name(r, out);
	buf_init(&shown, 4096);
	limit_value_format(value, &shown);
	(void)buf_add_text(out, ",\"value\":");
	(void)json_print_string(buf_slice(&shown), out);
	buf_done(&shown);
	(void)buf_addf(out, ",\"wait_s\":%" PRId64 ",\"rates\":[",
	    seconds(v->wait_us));
	for (size_t i = 0; i < v->rate_count; i++) {
		(void)buf_add_text(out, i > 0 ? ",{" : "{");
		add_rate(v->overridden ? &v->rate : &r->rates[i], out);
		(void)buf_addf(out,
		    ",\"used\":%" PRIu64 ",\"wait_s\":%" PRId64 "}",
		    v->rates[i].used, seconds(v->rates[i].wait_us));
	}
	(void)buf_add_char(out, ']');
	if (v->overridden)
		add_override(v, out);
	return buf_add_char(out, '}');
}
