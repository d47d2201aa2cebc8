/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_INBOUND_H
#define PROTO_INBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * The receiving server of a tenant: mail for its own domains, which its
 * application gets.  Pure.
 */
struct filter;
struct filter_values;
struct forward_rule;

struct inbound_filter {
	struct slice name;
	const struct filter *const *conditions; /* all must match; none: all
						   mail does */
	size_t condition_count;
	const struct slice *webhooks; /* names of those that get it; none: all
					 that have the event */
	size_t webhook_count;
};

struct inbound_settings {
	const struct slice *domains; /* lower case: whose mail is taken */
	size_t domain_count;
	unsigned max_sessions; /* mails at once; 0: no limit */
	int64_t interval_ms;   /* between two mails; 0: none */
	uint64_t max_size;     /* octets; 0: as the host says */
	bool refuse_own_from, refuse_same_from;
	const struct inbound_filter *filters;
	size_t filter_count;
	const struct forward_rule *forwards; /* of inbound mail and bounces */
	size_t forward_count;
	unsigned keep_days;
};

bool inbound_has_domain(const struct inbound_settings *in, struct slice domain);

/* What a receiving server does not take. */
enum inbound_refusal {
	INBOUND_TAKES,
	INBOUND_OWN_FROM, /* From has an accepted domain: it is forged */
	INBOUND_SAME_FROM /* From and To are the same address */
};
/*
 * from, to: values of all such fields, in the order of the header.  Several
 * mailboxes: one with an accepted domain is enough for the first rule; the
 * second holds where From has one address and To no other.
 */
enum inbound_refusal inbound_judge(const struct inbound_settings *in,
    const struct slice *from, size_t from_count, const struct slice *to,
    size_t to_count);

/*
 * The first filter that matches.  values: of the header.  0: *ret_filter, NULL
 * where none does; ERR_LIMIT: an expression gave up; ERR_NOMEM.
 */
int inbound_filter_of(const struct inbound_settings *in,
    struct filter_values *values, struct slice recipient,
    const struct inbound_filter **ret_filter);
/* Whether the webhook of that name gets what this filter names. */
bool inbound_filter_for(const struct inbound_filter *filter,
    struct slice webhook);

/*
 * Where mail goes besides, or instead: the receiving side of forwarding.  Each
 * rule looks at the mail as it came; an address gets it once.
 */
#define INBOUND_FORWARDS_MAX 100
struct inbound_forwarding {
	const struct forward_rule *to[INBOUND_FORWARDS_MAX];
	size_t count;
	bool redirected; /* only there: it goes to no application, and is not
			    read as a bounce */
};
/* As inbound_filter_of. */
int inbound_forward(const struct inbound_settings *in,
    struct filter_values *values, struct slice recipient,
    struct inbound_forwarding *ret_forwarding);

#endif /* PROTO_INBOUND_H */
