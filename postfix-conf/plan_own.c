/* SPDX-License-Identifier: BSD-2-Clause */
/* The domains that Postfix delivers on this host, as far as their names stand
 * in main.cf: no table of ours says where their mail goes. */
#include "postfix-conf/plan_edit.h"

#include "util/buf.h"
#include "util/err.h"

#define OWN_MAX ((size_t)16 * 1024)

static const char *const lists[] = { "mydestination", "virtual_alias_domains",
	"virtual_mailbox_domains", "relay_domains" };
/* Parameters that stand for one name. */
static const struct slice names[] = { SLICE("myhostname"), SLICE("mydomain"),
	SLICE("myorigin") };

/* "$name", "${name}" or "$(name)" at the head of *rest. */
static bool
take_reference(struct slice *rest)
{
	char open = rest->len > 1 ? rest->at[1] : '\0';
	struct slice text =
	    slice_skip(*rest, open == '{' || open == '(' ? 2 : 1);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct slice after = slice_skip(text, names[i].len);

		if (!slice_starts(text, names[i]))
			continue;
		if (open == '{' || open == '(') {
			if (after.len == 0 ||
			    after.at[0] != (open == '{' ? '}' : ')'))
				continue;
			after = slice_skip(after, 1);
		} else if (after.len > 0 && after.at[0] != '.') {
			continue;
		}
		*rest = after;
		return true;
	}
	return false;
}

/* A name, maybe with a reference in it; no table, file, or exclusion. */
static bool
is_name(struct slice item)
{
	while (item.len > 0) {
		unsigned char c = (unsigned char)item.at[0];

		if (c == '$') {
			if (!take_reference(&item))
				return false;
			continue;
		}
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '.' || c == '-' ||
			c == '_'))
			return false;
		item = slice_skip(item, 1);
	}
	return true;
}

static void
add_list(struct buf *out, struct slice list)
{
	struct slice item;

	while (postfix_list_next(&list, &item)) {
		if (!is_name(item))
			continue;
		(void)buf_add_slice(out, item);
		(void)buf_add_text(out, "=:, ");
	}
}

struct slice
postfix_own_domains(struct arena *arena, const struct postfix_now *now)
{
	struct slice done = { NULL, 0 };
	struct buf out;

	buf_init(&out, OWN_MAX);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct slice name = slice_of(lists[i]);
		struct slice value = postfix_values_get(&now->main, name);

		if (value.at == NULL)
			value = postfix_values_get(&now->defaults, name);
		add_list(&out, value);
	}
	/* A table must have something in it. */
	(void)buf_add_text(&out, "postern.invalid=:");
	if (out.rc == 0)
		done = arena_dup(arena, buf_slice(&out));
	buf_done(&out);
	return done;
}
