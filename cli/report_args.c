/* SPDX-License-Identifier: BSD-2-Clause */
/* The options that the reports' commands share, made a query. */
#include "cli/report_args.h"

#include <getopt.h>
#include <sysexits.h>

#include "cli/command.h"
#include "cli/local_zone.h"
#include "proto/settings.h"
#include "proto/status.h"
#include "proto/zone.h"
#include "util/clock.h"
#include "util/number.h"

#define DAY_MS INT64_C(86400000)
#define DATE_LEN 10

static const char time_forms[] = "a time: 2026-01-31 [12[:30[:05]]], 12:30, "
				 "today, yesterday, 2h, 3d, ...";

enum option_code {
	OPT_TO,
	OPT_FROM,
	OPT_SUBJECT,
	OPT_API_DATA,
	OPT_MESSAGE_ID,
	OPT_QUEUE_ID,
	OPT_STATUS,
	OPT_CLASS,
	OPT_FAULT,
	OPT_DOMAIN,
	OPT_SINCE,
	OPT_UNTIL,
	OPT_DAY,
	OPT_HOUR,
	OPT_MINUTE,
	OPT_BY,
	OPT_LIMIT,
	OPT_TENANT,
	/* without a value */
	OPT_EXACT,
	OPT_PART,
	OPT_JSON,
	OPT_CSV,
	OPT_UTC,
	OPT_OLDEST,
	OPT_FOLLOW,
	OPT_COUNT
};
#define LONG_OPTION 256 /* added: not the letter of a short one */
#define WITH_VALUE(name, code) \
	{ \
		name, required_argument, NULL, LONG_OPTION + (code) \
	}
#define WITHOUT(name, code) \
	{ \
		name, no_argument, NULL, LONG_OPTION + (code) \
	}

static const struct option options[] = {
	WITH_VALUE("to", OPT_TO),
	WITH_VALUE("from", OPT_FROM),
	WITH_VALUE("subject", OPT_SUBJECT),
	WITH_VALUE("api-data", OPT_API_DATA),
	WITH_VALUE("message-id", OPT_MESSAGE_ID),
	WITH_VALUE("queue-id", OPT_QUEUE_ID),
	WITH_VALUE("status", OPT_STATUS),
	WITH_VALUE("class", OPT_CLASS),
	WITH_VALUE("fault", OPT_FAULT),
	WITH_VALUE("domain", OPT_DOMAIN),
	WITH_VALUE("since", OPT_SINCE),
	WITH_VALUE("until", OPT_UNTIL),
	WITH_VALUE("day", OPT_DAY),
	WITH_VALUE("hour", OPT_HOUR),
	WITH_VALUE("minute", OPT_MINUTE),
	WITH_VALUE("by", OPT_BY),
	WITH_VALUE("limit", OPT_LIMIT),
	WITH_VALUE("tenant", OPT_TENANT),
	WITHOUT("exact", OPT_EXACT),
	WITHOUT("part", OPT_PART),
	WITHOUT("json", OPT_JSON),
	WITHOUT("csv", OPT_CSV),
	WITHOUT("utc", OPT_UTC),
	WITHOUT("oldest", OPT_OLDEST),
	WITHOUT("follow", OPT_FOLLOW),
	{ NULL, 0, NULL, 0 },
};

/* What was given; absent: was not. */
struct given {
	struct slice of[OPT_COUNT];
};

static bool
has(const struct given *g, enum option_code code)
{
	return g->of[code].at != NULL;
}

struct slice
report_part(struct slice text)
{
	while (text.len > 0 && text.at[0] == '*')
		text = slice_skip(text, 1);
	while (text.len > 0 && text.at[text.len - 1] == '*')
		text.len--;
	return text;
}

bool
report_is_address(struct slice text, char room[ADDRESS_MAX],
    struct slice *ret_address)
{
	struct slice address, domain;

	if (text.len == 0 || text.at[0] == '*' || text.at[text.len - 1] == '*')
		return false;
	if (address_canonical(text, room, &address) < 0 || address.len == 0)
		return false;
	domain = address_domain(address);
	if (domain.len == 0 || memchr(domain.at, '.', domain.len) == NULL)
		return false;
	*ret_address = address;
	return true;
}

static int
bad(const char *name, struct slice text, const char *want)
{
	cli_error("--%s %.*s: must be %s", name, SLICE_F(text), want);
	return EX_USAGE;
}

/* "queued,failed" of deliveries, or an error's number. */
static int
take_status(struct report_args *a, struct slice text)
{
	struct slice rest = text, word;
	enum event_type type;
	uint64_t n;

	if (text.at == NULL)
		return 0;
	if (number_parse(text, 1, 99, &n) == 0 && status_known((int)n)) {
		a->query.status = (int)n;
		return 0;
	}
	a->query.types = 0;
	while (slice_split(&rest, ',', &word)) {
		if (event_type_parse(word, &type) < 0 ||
		    (report_types(a->kind) & 1U << type) == 0)
			return bad("status", text,
			    a->kind == REPORT_DELIVERIES
				? "of queued, succeeded, deferred, failed, or "
				  "an error's number"
				: "an error's number: 1 to 11, or 99; or of "
				  "failed, bounced");
		a->query.types |= 1U << type;
	}
	return 0;
}

static int
take_error(struct report_args *a, const struct given *g)
{
	struct slice class = g->of[OPT_CLASS], fault = g->of[OPT_FAULT];

	if (class.at != NULL) {
		a->match.class = bounce_class_parse(class);
		if (a->match.class == CLASS_NONE)
			return bad("class", class,
			    "a class of error, such as user-unknown");
	}
	if (fault.at == NULL)
		return 0;
	for (unsigned f = FAULT_RECIPIENT; f <= FAULT_NETWORK; f++)
		if (slice_eq(fault, slice_of(fault_word((enum fault)f))))
			a->match.fault = (enum fault)f;
	return a->match.fault != FAULT_NONE
		   ? 0
		   : bad("fault", fault,
			 "recipient, sender, receiver or network");
}

/* --day, --hour, --minute: of today where no day is given. */
static int
take_day(struct report_args *a, const struct given *g)
{
	char today[REPORT_TIME_MAX];
	struct slice day = g->of[OPT_DAY];
	struct report_span span;
	uint64_t hour = 0, minute = 0;
	bool parts = has(g, OPT_HOUR) || has(g, OPT_MINUTE);

	if (!parts && !has(g, OPT_DAY))
		return 0;
	if (has(g, OPT_HOUR) && number_parse(g->of[OPT_HOUR], 0, 23, &hour) < 0)
		return bad("hour", g->of[OPT_HOUR], "0 to 23");
	if (has(g, OPT_MINUTE) &&
	    number_parse(g->of[OPT_MINUTE], 0, 59, &minute) < 0)
		return bad("minute", g->of[OPT_MINUTE], "0 to 59");
	if (!has(g, OPT_DAY))
		day = (struct slice){ today,
			report_time_format(a->now_ms, a->zone, today) };
	if (report_time_parse(day, a->zone, a->now_ms, &span) < 0)
		return bad("day", day, time_forms);
	if (parts) {
		(void)report_time_format(span.from_ms, a->zone, today);
		if (report_time_of_day((struct slice){ today, DATE_LEN },
			has(g, OPT_HOUR) ? (int)hour : -1,
			has(g, OPT_MINUTE) ? (int)minute : -1, a->zone,
			&span) < 0)
			return bad("minute", g->of[OPT_MINUTE],
			    "given with --hour");
	}
	a->query.from_ms = span.from_ms;
	a->query.to_ms = span.to_ms;
	return 0;
}

static int
take_times(struct report_args *a, const struct given *g)
{
	struct slice since = g->of[OPT_SINCE], until = g->of[OPT_UNTIL];
	struct report_span span;
	int status = take_day(a, g);

	if (status != 0)
		return status;
	if (since.at != NULL) {
		if (report_time_parse(since, a->zone, a->now_ms, &span) < 0)
			return bad("since", since, time_forms);
		a->query.from_ms = span.from_ms;
	}
	if (until.at != NULL) {
		if (report_time_parse(until, a->zone, a->now_ms, &span) < 0)
			return bad("until", until, time_forms);
		a->query.to_ms = span.to_ms;
	}
	if (a->query.from_ms > a->query.to_ms)
		return bad("until", until, "behind --since");
	return 0;
}

static void
take_texts(struct report_args *a, const struct given *g)
{
	struct event_query *q = &a->query;
	struct slice to = g->of[OPT_TO], from = g->of[OPT_FROM], address;

	if (to.at != NULL &&
	    (a->part || !report_is_address(to, a->to_room, &q->recipient)))
		q->to_part = report_part(to);
	if (from.at != NULL) {
		q->from_part = report_part(from);
		if (a->exact || (!a->part && report_is_address(from,
						 a->from_room, &address)))
			a->match.from = from;
	}
	q->subject_part = report_part(g->of[OPT_SUBJECT]);
	q->api_data_part = report_part(g->of[OPT_API_DATA]);
	q->message_id = g->of[OPT_MESSAGE_ID];
	q->queue_id = g->of[OPT_QUEUE_ID];
	if (a->exact) {
		a->match.subject = g->of[OPT_SUBJECT];
		a->match.api_data = g->of[OPT_API_DATA];
	}
	if (has(g, OPT_DOMAIN)) {
		a->match.domain = g->of[OPT_DOMAIN];
		if (q->to_part.at == NULL && q->recipient.at == NULL)
			q->to_part = a->match.domain;
	}
	/* By the index there is no need to be brief. */
	if (q->from_ms == 0 && q->recipient.at == NULL &&
	    q->queue_id.at == NULL && q->message_id.at == NULL)
		q->from_ms = q->to_ms - DAY_MS;
}

static int
take_by(struct report_args *a, struct slice text)
{
	static const char *const words[] = { "class", "status", "fault",
		"domain", "provider", NULL };

	if (text.at == NULL)
		return 0;
	for (size_t i = 0; words[i] != NULL; i++)
		if (slice_eq(slice_of(words[i]), text))
			a->by = words[i];
	if (a->kind != REPORT_BOUNCES)
		return EX_USAGE;
	return a->by != NULL ? 0
			     : bad("by", text,
				   "class, status, fault, domain or provider");
}

/* What is not part of the search itself. */
static int
take_general(struct report_args *a, const struct given *g)
{
	a->exact = has(g, OPT_EXACT);
	a->part = has(g, OPT_PART);
	a->follow = has(g, OPT_FOLLOW);
	a->query.newest_first = !has(g, OPT_OLDEST) && !a->follow;
	a->zone = has(g, OPT_UTC) ? zone_utc : local_zone();
	if (has(g, OPT_CSV))
		a->format = REPORT_CSV;
	if (has(g, OPT_JSON))
		a->format = REPORT_JSON;
	if (has(g, OPT_TENANT))
		a->query.tenant = g->of[OPT_TENANT];
	if (!settings_name_ok(a->query.tenant))
		return bad("tenant", a->query.tenant, "a tenant's name");
	if (has(g, OPT_LIMIT) &&
	    number_parse(g->of[OPT_LIMIT], 1, UINT32_MAX, &a->limit) < 0)
		return bad("limit", g->of[OPT_LIMIT], "a number");
	return take_by(a, g->of[OPT_BY]);
}

int
report_args_parse(struct report_args *a, enum report_kind kind, int argc,
    char *argv[])
{
	struct given g = { .of = { { NULL, 0 } } };
	int c, status;

	*a = (struct report_args){ .kind = kind, .screen = screen_look() };
	a->now_ms = clock_wall_us() / 1000;
	a->query = (struct event_query){
		.tenant = SLICE(SETTINGS_DEFAULT_TENANT),
		.to_ms = a->now_ms,
		.types = report_types(kind),
	};
	while ((c = getopt_long(argc, argv, "t:n:", options, NULL)) != -1) {
		if (c == 't' || c == 'n')
			c = LONG_OPTION + (c == 't' ? OPT_TENANT : OPT_LIMIT);
		if (c < LONG_OPTION)
			return EX_USAGE;
		g.of[c - LONG_OPTION] = slice_of(optarg != NULL ? optarg : "");
	}
	if (optind < argc)
		return EX_USAGE;
	if ((status = take_general(a, &g)) != 0 ||
	    (status = take_status(a, g.of[OPT_STATUS])) != 0 ||
	    (status = take_times(a, &g)) != 0 ||
	    (status = take_error(a, &g)) != 0)
		return status;
	take_texts(a, &g);
	return 0;
}
