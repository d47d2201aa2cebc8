/* SPDX-License-Identifier: BSD-2-Clause */
/* Which message a mail is about, by signed names. */
#include "bounced/correlate.h"

#include "proto/address.h"
#include "proto/returned_names.h"
#include "util/err.h"

struct search {
	const struct correlate_keys *keys;
	int64_t now_s, max_age_s;
	struct correlated *found;
	int rc; /* the best of what was wrong; ERR_NOTFOUND: nothing */
};

static int
better(int old, int rc)
{
	if (rc == ERR_DENIED || old == ERR_DENIED)
		return ERR_DENIED;
	return ERR_CRYPTO;
}

static bool
try_verp(struct search *x, struct slice local, const char *by)
{
	struct correlated *f = x->found;
	int rc;

	if (!verp_looks(local))
		return false;
	rc = verp_parse(x->keys->verp, local, x->now_s, x->max_age_s, f->room,
	    &f->tag);
	if (rc < 0) {
		x->rc = better(x->rc, rc);
		return false;
	}
	f->by = by;
	return true;
}

static bool
try_trace(struct search *x, struct slice value)
{
	struct correlated *f = x->found;
	struct trace_tag tag;
	int rc = trace_parse(x->keys->trace, value, x->now_s, x->max_age_s,
	    f->room, &tag);

	if (rc < 0) {
		x->rc = better(x->rc, rc);
		return false;
	}
	f->tag = tag.message;
	f->single = tag.single;
	memcpy(f->recipient, tag.recipient, sizeof(f->recipient));
	f->by = "reference";
	return true;
}

/* What the reference tells beside the name that was found. */
static void
add_single(struct search *x, const struct returned_names *names)
{
	struct correlated *f = x->found;
	char room[VERP_QUEUE_ID_MAX];
	struct trace_tag tag;

	for (size_t i = 0; i < names->trace_count; i++)
		if (trace_parse(x->keys->trace, names->traces[i], x->now_s,
			x->max_age_s, room, &tag) == 0 &&
		    tag.single && tag.message.host == f->tag.host &&
		    slice_eq(tag.message.queue_id, f->tag.queue_id)) {
			f->single = true;
			memcpy(f->recipient, tag.recipient,
			    sizeof(f->recipient));
			return;
		}
}

static bool
look(struct search *x, struct slice local, const struct bounce_mail *mail)
{
	const struct returned_names *names;

	if (verp_looks(local) || mail == NULL)
		return try_verp(x, local, "return-path");
	names = mail->names;
	if (try_verp(x, mail->envelope_id, "envelope-id") ||
	    try_verp(x, names->envelope_id, "envelope-id"))
		return true;
	for (size_t i = 0; i < names->trace_count; i++)
		if (try_trace(x, names->traces[i]))
			return true;
	for (size_t i = 0; i < names->sender_count; i++)
		if (try_verp(x, address_local(names->senders[i]),
			"returned-path"))
			return true;
	return false;
}

int
correlate(const struct correlate_keys *keys, struct slice local,
    const struct bounce_mail *mail, int64_t now_s, int64_t max_age_s,
    struct correlated *ret_found)
{
	struct search x = { .keys = keys,
		.now_s = now_s,
		.max_age_s = max_age_s,
		.found = ret_found,
		.rc = ERR_NOTFOUND };

	*ret_found = (struct correlated){ .single = false };
	if (!look(&x, local, mail))
		return x.rc;
	if (!ret_found->single && mail != NULL)
		add_single(&x, mail->names);
	return 0;
}
