/* SPDX-License-Identifier: BSD-2-Clause */
/* What a receiving server takes, and whose it is. */
#include "proto/inbound.h"

#include "proto/address.h"
#include "proto/filter.h"
#include "proto/mailbox.h"
#include "proto/settings.h"
#include "util/err.h"

bool
inbound_has_domain(const struct inbound_settings *in, struct slice domain)
{
	for (size_t i = 0; i < in->domain_count; i++)
		if (slice_eq_nocase(in->domains[i], domain))
			return true;
	return false;
}

/* ---- the two refusals ---- */

static bool
has_own_domain(const struct inbound_settings *in, const struct slice *from,
    size_t count)
{
	char room[ADDRESS_MAX];
	struct slice rest, address;

	for (size_t i = 0; i < count; i++) {
		rest = from[i];
		while (mailbox_next(&rest, room, &address))
			if (inbound_has_domain(in, address_domain(address)))
				return true;
	}
	return false;
}

/* The one address of these fields; false: there are others, or none. */
static bool
only_address(const struct slice *values, size_t count, char room[ADDRESS_MAX],
    struct slice *ret_address)
{
	char other_room[ADDRESS_MAX];
	struct slice rest, address;

	*ret_address = (struct slice){ room, 0 };
	for (size_t i = 0; i < count; i++) {
		rest = values[i];
		while (mailbox_next(&rest, other_room, &address)) {
			if (ret_address->len > 0 &&
			    !slice_eq(address, *ret_address))
				return false;
			memcpy(room, address.at, address.len);
			ret_address->len = address.len;
		}
	}
	return ret_address->len > 0;
}

enum inbound_refusal
inbound_judge(const struct inbound_settings *in, const struct slice *from,
    size_t from_count, const struct slice *to, size_t to_count)
{
	char from_room[ADDRESS_MAX], to_room[ADDRESS_MAX];
	struct slice sender, recipient;

	if (in->refuse_own_from && has_own_domain(in, from, from_count))
		return INBOUND_OWN_FROM;
	if (in->refuse_same_from &&
	    only_address(from, from_count, from_room, &sender) &&
	    only_address(to, to_count, to_room, &recipient) &&
	    slice_eq(sender, recipient))
		return INBOUND_SAME_FROM;
	return INBOUND_TAKES;
}

/* ---- filters ---- */

static int
matches(const struct inbound_filter *f, struct filter_values *values,
    struct slice recipient)
{
	for (size_t i = 0; i < f->condition_count; i++) {
		int rc = filter_match(f->conditions[i], values, recipient);

		if (rc <= 0)
			return rc;
	}
	return 1;
}

int
inbound_filter_of(const struct inbound_settings *in,
    struct filter_values *values, struct slice recipient,
    const struct inbound_filter **ret_filter)
{
	const struct inbound_filter *found = NULL;

	for (size_t i = 0; i < in->filter_count && found == NULL; i++) {
		int rc = matches(&in->filters[i], values, recipient);

		if (rc < 0)
			return rc;
		if (rc > 0)
			found = &in->filters[i];
	}
	*ret_filter = found;
	return 0;
}

bool
inbound_filter_for(const struct inbound_filter *filter, struct slice webhook)
{
	for (size_t i = 0; i < filter->webhook_count; i++)
		if (slice_eq(filter->webhooks[i], webhook))
			return true;
	return filter->webhook_count == 0;
}

/* ---- forwarding ---- */

static bool
goes_there(const struct inbound_forwarding *f, struct slice address)
{
	for (size_t i = 0; i < f->count; i++)
		if (slice_eq(f->to[i]->to, address))
			return true;
	return false;
}

int
inbound_forward(const struct inbound_settings *in, struct filter_values *values,
    struct slice recipient, struct inbound_forwarding *ret_forwarding)
{
	struct inbound_forwarding f = { .count = 0 };

	for (size_t i = 0; i < in->forward_count; i++) {
		const struct forward_rule *rule = &in->forwards[i];
		int rc = filter_match(rule->filter, values, recipient);

		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		/* A mail is redirected once, as in the milter. */
		if (rule->mode == FORWARD_REDIRECT) {
			if (f.redirected)
				continue;
			f.redirected = true;
		}
		if (f.count < INBOUND_FORWARDS_MAX && !goes_there(&f, rule->to))
			f.to[f.count++] = rule;
	}
	*ret_forwarding = f;
	return 0;
}
