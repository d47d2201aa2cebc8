/* SPDX-License-Identifier: BSD-2-Clause */
/* What rate limits count by. */
#include "policyd/limit_value.h"

#include "proto/settings.h"
#include "util/arena.h"

/* One part; absent: this request has none. */
static struct slice
part_of(const struct request *r, enum limit_key key,
    char room[LIMIT_CLIENT_MAX])
{
	const struct slice absent = { NULL, 0 };
	struct slice s = absent;

	switch (key) {
	case LIMIT_BY_TENANT:
		s = r->tenant->name;
		break;
	case LIMIT_BY_SASL_USER:
		s = r->attrs->attr[POLICY_SASL_USER];
		break;
	case LIMIT_BY_CLIENT:
		s = limit_client(r->attrs->attr[POLICY_CLIENT], room);
		break;
	case LIMIT_BY_SENDER:
		/* The null reverse-path is a sender like others. */
		return r->sender.at != NULL && r->sender.len == 0 ? SLICE("<>")
								  : r->sender;
	case LIMIT_BY_SENDER_DOMAIN:
		if (r->sender.at != NULL && r->sender.len == 0)
			return SLICE("<>");
		s = address_domain(r->sender);
		break;
	case LIMIT_BY_RECIPIENT:
		s = r->recipient;
		break;
	case LIMIT_BY_RECIPIENT_DOMAIN:
		s = address_domain(r->recipient);
		break;
	}
	return s.len > 0 ? s : absent;
}

struct slice
limit_value(struct request *r, unsigned keys)
{
	const struct slice absent = { NULL, 0 };
	struct slice parts[8];
	char room[LIMIT_CLIENT_MAX];
	size_t count = 0, len = 0;

	for (unsigned bit = 1; bit <= LIMIT_BY_RECIPIENT_DOMAIN; bit <<= 1) {
		if ((keys & bit) == 0)
			continue;
		parts[count] = part_of(r, (enum limit_key)bit, room);
		if (parts[count].at == NULL)
			return absent;
		len += parts[count].len + 1;
		count++;
	}
	if (count == 0)
		return absent;
	char *text = arena_alloc(r->arena, len);
	if (text == NULL)
		return absent;
	size_t pos = 0;
	for (size_t i = 0; i < count; i++) {
		memcpy(text + pos, parts[i].at, parts[i].len);
		pos += parts[i].len;
		text[pos++] = '\t';
	}
	return (struct slice){ text, len - 1 };
}
