/* SPDX-License-Identifier: BSD-2-Clause */
/* Postfix access policy delegation, reply side (SMTPD_POLICY_README). */
#include "proto/policy_reply.h"

#include "util/err.h"
#include "util/number.h"

static int
check_text(struct slice text)
{
	if (text.len > POLICY_TEXT_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < ' ' || text.at[i] > '~')
			return ERR_SYNTAX;
	return 0;
}

/* RFC 2034, 4: "the class sub-code MUST match the first digit". */
static int
check_codes(const struct policy_reply *reply)
{
	const struct enhanced_code *e = &reply->enhanced;
	unsigned class = reply->code / 100;

	if (e->subject > 999 || e->detail > 999)
		return ERR_SYNTAX;
	if (reply->action == POLICY_DEFER_IF_PERMIT)
		return e->class == 0 || e->class == 4 ? 0 : ERR_SYNTAX;
	if (class != 4 && class != 5)
		return ERR_SYNTAX;
	return e->class == 0 || e->class == class ? 0 : ERR_SYNTAX;
}

static void
add_number(struct buf *out, unsigned n)
{
	char room[NUMBER_TEXT_MAX];

	(void)buf_add(out, room, number_format(n, room));
}

int
policy_reply_format(const struct policy_reply *reply, struct buf *out)
{
	size_t before = out->len;
	int rc;

	if (reply->action == POLICY_DUNNO)
		return buf_add_slice(out, SLICE("action=DUNNO\n\n"));
	if ((rc = check_text(reply->text)) < 0 || (rc = check_codes(reply)) < 0)
		return rc;
	(void)buf_add_text(out, "action=");
	if (reply->action == POLICY_DEFER_IF_PERMIT)
		(void)buf_add_text(out, "DEFER_IF_PERMIT");
	else
		add_number(out, reply->code);
	if (reply->enhanced.class != 0) {
		(void)buf_add_char(out, ' ');
		add_number(out, reply->enhanced.class);
		(void)buf_add_char(out, '.');
		add_number(out, reply->enhanced.subject);
		(void)buf_add_char(out, '.');
		add_number(out, reply->enhanced.detail);
	}
	if (reply->text.len > 0)
		(void)buf_add_char(out, ' ');
	(void)buf_add_slice(out, reply->text);
	(void)buf_add_text(out, "\n\n");
	if (out->rc < 0)
		out->len = before;
	return out->rc;
}
