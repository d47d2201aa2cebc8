/* SPDX-License-Identifier: BSD-2-Clause */
/* What a schema can not say of what becomes of a message. */
#include "proto/address.h"
#include "proto/filter.h"
#include "proto/settings_check.h"

/* path may be a temporary's; nothing to say of what is absent. */
static void
check_address(struct check *c, struct view v, const char *path)
{
	struct slice text = view_string(v), address;
	char room[ADDRESS_MAX];

	/* What the schema refused as well is told twice: no harm. */
	if (text.at != NULL && (address_canonical(text, room, &address) < 0 ||
				   address_domain(address).len == 0))
		check_wrong(c, path, "is no mail address");
}

void
check_condition(struct check *c, struct view v, const char *path)
{
	struct slice header = view_string(view_get(v, "header")),
		     pattern = view_string(view_get(v, "pattern"));
	struct filter *f = NULL;
	char error[200] = "can not be used";
	const char *why;

	if (header.at == NULL || pattern.at == NULL)
		return;
	why = filter_header_wrong(header);
	if (why != NULL)
		check_wrong(c, check_place("%s/header", path).text, "%s", why);
	else if (filter_compile(header, pattern, &f, error, sizeof(error)) < 0)
		check_wrong(c, check_place("%s/pattern", path).text,
		    "is no good expression: %s", error);
	filter_free(f);
}

static void
check_filters(struct check *c, struct view list, const char *path)
{
	check_unique(c, list, path, "name");
	for (size_t i = 0; i < view_count(list); i++)
		check_condition(c, view_at(list, i),
		    check_place("%s/%zu", path, i).text);
}

static void
check_envelope_sender(struct check *c, struct view v, const char *path)
{
	struct slice mode = view_string(view_get(v, "mode"));
	struct view address = view_get(v, "address"),
		    domain = view_get(v, "domain");

	check_address(c, address, check_place("%s/address", path).text);
	if (slice_eq(mode, SLICE("address")) && address.value == NULL)
		check_wrong(c, check_place("%s/address", path).text,
		    "is needed with mode address");
	if (slice_eq(mode, SLICE("domain")) && domain.value == NULL)
		check_wrong(c, check_place("%s/domain", path).text,
		    "is needed with mode domain");
}

void
check_forwards(struct check *c, struct view list, const char *path)
{
	check_filters(c, list, path);
	for (size_t i = 0; i < view_count(list); i++)
		check_address(c, view_get(view_at(list, i), "to"),
		    check_place("%s/%zu/to", path, i).text);
}

static void
check_unsubscribe(struct check *c, struct view v)
{
	struct view filters = view_get(v, "filters");

	if (view_count(filters) > 0 && view_get(v, "url").value == NULL)
		check_wrong(c, "/unsubscribe/url",
		    "is needed where there are filters");
	check_address(c, view_get(v, "mailto"), "/unsubscribe/mailto");
	check_filters(c, filters, "/unsubscribe/filters");
}

static void
check_scan(struct check *c, struct view v)
{
	struct view notify = view_get(v, "notify");

	for (size_t i = 0; i < view_count(notify); i++)
		check_address(c, view_at(notify, i),
		    check_place("/scan/notify/%zu", i).text);
	check_address(c, view_get(v, "notify_from"), "/scan/notify_from");
}

void
check_mail(struct check *c, struct view document)
{
	struct view domains = view_get(document, "domains"),
		    forwarding = view_get(document, "forwarding");

	check_envelope_sender(c, view_get(document, "envelope_sender"),
	    "/envelope_sender");
	for (size_t i = 0; i < view_count(domains); i++)
		check_envelope_sender(c,
		    view_get(view_at(domains, i), "envelope_sender"),
		    check_place("/domains/%zu/envelope_sender", i).text);
	check_forwards(c, forwarding, "/forwarding");
	/* spec: a copy of everything and forwarding exclude each other. */
	if (view_count(forwarding) > 0 &&
	    view_get(document, "bcc").value != NULL)
		check_wrong(c, "/bcc", "can not be used with forwarding");
	check_unsubscribe(c, view_get(document, "unsubscribe"));
	check_scan(c, view_get(document, "scan"));
}
