/* SPDX-License-Identifier: BSD-2-Clause */
/* The streams of a tenant: judged, compiled, and which one a message is of. */
#include "proto/address.h"
#include "proto/settings_check.h"
#include "proto/settings_work.h"
#include "util/err.h"
#include "util/number.h"

static const struct slice *
compile_texts(struct work *w, struct view list,
    struct slice (*keep)(struct work *w, struct slice s), size_t *ret_count)
{
	size_t count = view_count(list);
	struct slice *texts = work_take(w, count, sizeof(*texts));

	for (size_t i = 0; w->rc == 0 && i < count; i++)
		texts[i] = keep(w, view_string(view_at(list, i)));
	*ret_count = w->rc == 0 ? count : 0;
	return texts;
}

static struct slice
keep_sender(struct work *w, struct slice s)
{
	return slice_starts(s, SLICE("@")) ? work_keep_lower(w, s)
					   : work_keep_address(w, s);
}

static const uint16_t *
compile_ports(struct work *w, struct view list, size_t *ret_count)
{
	size_t count = view_count(list);
	uint16_t *ports = work_take(w, count, sizeof(*ports));

	for (size_t i = 0; w->rc == 0 && i < count; i++)
		ports[i] = (uint16_t)view_integer(view_at(list, i));
	*ret_count = w->rc == 0 ? count : 0;
	return ports;
}

void
work_streams(struct work *w, struct view list)
{
	size_t count = view_count(list);
	struct stream *st = work_take(w, count, sizeof(*st));

	for (size_t i = 0; w->rc == 0 && i < count; i++) {
		struct view v = view_at(list, i), match = view_get(v, "match");

		st[i].name = work_keep(w, view_string(view_get(v, "name")));
		st[i].senders = compile_texts(w, view_get(match, "sender"),
		    keep_sender, &st[i].sender_count);
		st[i].users = compile_texts(w, view_get(match, "sasl_user"),
		    work_keep_lower, &st[i].user_count);
		st[i].ports = compile_ports(w, view_get(match, "port"),
		    &st[i].port_count);
	}
	w->t->streams = st;
	w->t->stream_count = w->rc == 0 ? count : 0;
}

static void
check_senders(struct check *c, struct view list, size_t stream)
{
	for (size_t i = 0; i < view_count(list); i++) {
		struct slice s = view_string(view_at(list, i)), address;
		char room[ADDRESS_MAX];
		bool ok;

		if (s.at == NULL)
			continue; /* the schema has told */
		if (slice_starts(s, SLICE("@")))
			ok = address_domain_ok(slice_skip(s, 1));
		else
			ok = address_canonical(s, room, &address) == 0 &&
			     address_domain(address).len > 0;
		if (!ok)
			check_wrong(c,
			    check_place("/streams/%zu/match/sender/%zu", stream,
				i)
				.text,
			    "must be an address, or \"@\" and a domain");
	}
}

void
check_streams(struct check *c, struct view list)
{
	check_unique(c, list, "/streams", "name");
	for (size_t i = 0; i < view_count(list); i++)
		check_senders(c,
		    view_get(view_get(view_at(list, i), "match"), "sender"), i);
}

/* ---- which one ---- */

static bool
sender_is(const struct stream *st, struct slice sender)
{
	struct slice domain = address_domain(sender);

	for (size_t i = 0; i < st->sender_count; i++) {
		struct slice want = st->senders[i];

		if (slice_starts(want, SLICE("@"))
			? slice_eq(slice_skip(want, 1), domain)
			: slice_eq(want, sender))
			return true;
	}
	return st->sender_count == 0;
}

static bool
user_is(const struct stream *st, struct slice user)
{
	for (size_t i = 0; i < st->user_count; i++)
		if (user.at != NULL && slice_eq(st->users[i], user))
			return true;
	return st->user_count == 0;
}

static bool
port_is(const struct stream *st, uint64_t port)
{
	for (size_t i = 0; i < st->port_count; i++)
		if (st->ports[i] == port)
			return true;
	return st->port_count == 0;
}

struct slice
settings_stream_for(const struct tenant *t, const struct tenant_match *match)
{
	char room[SETTINGS_LOWER_MAX];
	struct slice user = settings_lower(match->sasl_user, room);
	uint64_t port = 0;

	if (match->listener_port.at != NULL)
		(void)number_parse(match->listener_port, 1, 65535, &port);
	for (size_t i = 0; i < t->stream_count; i++) {
		const struct stream *st = &t->streams[i];

		if (port_is(st, port) && user_is(st, user) &&
		    sender_is(st, match->sender))
			return st->name;
	}
	return (struct slice){ NULL, 0 };
}
