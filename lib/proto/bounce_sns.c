/* SPDX-License-Identifier: BSD-2-Clause */
/* What Amazon SES tells by SNS: JSON in a mail, as an RFC 3464 report. */
#include "proto/bounce_parts.h"
#include "proto/json.h"
#include "util/err.h"

/* The object at the head of text, whatever stands behind; absent: none. */
static struct slice
object_of(struct slice text)
{
	struct slice none = { NULL, 0 };
	bool string = false;
	int depth = 0;

	if (text.len == 0 || text.at[0] != '{')
		return none;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (string && c == '\\')
			i++;
		else if (c == '"')
			string = !string;
		else if (!string && c == '{')
			depth++;
		else if (!string && c == '}' && --depth == 0)
			return (struct slice){ text.at, i + 1 };
	}
	return none;
}

static struct json *
parse(struct slice text)
{
	struct json *root = NULL;
	char error[100];

	if (json_parse(text, BOUNCE_TEXT_MAX, &root, error, sizeof(error)) < 0)
		return NULL;
	return root;
}

/* A diagnostic for what SES has a word for and the other side no text. */
static struct slice
words_of(struct slice subtype)
{
	static const struct {
		struct slice subtype, words;
	} t[] = { { SLICE("NoEmail"), SLICE("user unknown") },
		{ SLICE("MailboxFull"), SLICE("mailbox full") },
		{ SLICE("MessageTooLarge"), SLICE("message too large") },
		{ SLICE("ContentRejected"), SLICE("content rejected") },
		{ SLICE("AttachmentRejected"),
		    SLICE("attachment not allowed") },
		{ SLICE("Suppressed"), SLICE("on the suppression list") },
		{ SLICE("OnAccountSuppressionList"),
		    SLICE("on the suppression list") } };

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++)
		if (slice_eq(subtype, t[i].subtype))
			return t[i].words;
	return (struct slice){ NULL, 0 };
}

/* The kinds of notice: the member about it, and the list in that. */
static const struct notice {
	const char *type, *about, *list;
	enum dsn_action action;
} notices[] = {
	{ "Bounce", "bounce", "bouncedRecipients", DSN_FAILED },
	{ "DeliveryDelay", "deliveryDelay", "delayedRecipients", DSN_DELAYED },
	{ "Delivery", "delivery", "recipients", DSN_DELIVERED },
};

static struct slice
copy_of(const struct json *v, const char *name, struct arena *arena)
{
	struct slice s = json_string(json_get(v, name));

	return s.at != NULL ? arena_dup(arena, s) : s;
}

static void
read_recipient(const struct json *v, struct slice words, struct arena *arena,
    struct dsn_recipient *r)
{
	struct slice text;

	if (json_type(v) == JSON_STRING) {
		r->final = arena_dup(arena, json_string(v));
		return;
	}
	r->final = copy_of(v, "emailAddress", arena);
	r->status = copy_of(v, "status", arena);
	text = copy_of(v, "diagnosticCode", arena);
	if (slice_starts_nocase(text, SLICE("smtp;")))
		text = slice_trim(slice_skip(text, 5));
	r->diagnostic = text.len > 0 ? text : words;
}

static int
read_notice(const struct json *root, const struct notice *n,
    struct arena *arena, struct dsn *ret)
{
	const struct json *about = json_get(root, n->about);
	const struct json *list = json_get(about, n->list);
	size_t count = json_type(list) == JSON_ARRAY ? json_count(list) : 0;
	struct slice words =
	    words_of(json_string(json_get(about, "bounceSubType")));

	if (count > DSN_RECIPIENTS_MAX)
		count = DSN_RECIPIENTS_MAX;
	ret->recipients =
	    arena_calloc(arena, count + 1, sizeof(*ret->recipients));
	if (ret->recipients == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		ret->recipients[i].action = n->action;
		read_recipient(json_at(list, i), words, arena,
		    &ret->recipients[i]);
	}
	ret->count = count;
	return 0;
}

static int
read_root(const struct json *root, struct arena *arena, struct dsn *ret)
{
	struct slice type = json_string(json_get(root, "notificationType"));

	if (type.at == NULL)
		type = json_string(json_get(root, "eventType"));
	for (size_t i = 0; i < sizeof(notices) / sizeof(*notices); i++)
		if (slice_eq(type, slice_of(notices[i].type)))
			return read_notice(root, &notices[i], arena, ret);
	return 0;
}

int
bounce_sns_read(const struct bounce_parts *m, struct dsn *ret_dsn)
{
	struct slice text = object_of(slice_trim(m->text));
	struct json *root, *inner;
	int rc;

	if (slice_find(text, SLICE("otificationType")) == NULL &&
	    slice_find(text, SLICE("eventType")) == NULL)
		return 0;
	if ((root = parse(text)) == NULL)
		return 0;
	/* Not "raw": the notice is a text inside an envelope. */
	inner = parse(json_string(json_get(root, "Message")));
	rc = read_root(inner != NULL ? inner : root, m->arena, ret_dsn);
	json_free(inner);
	json_free(root);
	return rc;
}
