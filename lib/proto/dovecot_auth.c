/* SPDX-License-Identifier: BSD-2-Clause */
/* Dovecot's authentication protocol, the server's side. */
#include "proto/dovecot_auth.h"

#include <string.h>

#include "proto/relay.h"
#include "util/err.h"
#include "util/number.h"

static int
parse_number(struct slice word, uint32_t *ret_number)
{
	uint64_t n;
	int rc = number_parse(word, 0, UINT32_MAX, &n);

	if (rc < 0)
		return ERR_SYNTAX;
	*ret_number = (uint32_t)n;
	return 0;
}

/* "rip=192.0.2.1", "secured", ...; what is not known is skipped. */
static void
parse_parameter(struct slice word, struct dovecot_line *line)
{
	const struct {
		struct slice prefix;
		struct slice *value;
	} names[] = {
		{ SLICE("service="), &line->service },
		{ SLICE("rip="), &line->client },
		{ SLICE("rport="), &line->client_port },
		{ SLICE("lip="), &line->server },
		{ SLICE("lport="), &line->server_port },
		{ SLICE("resp="), &line->response },
	};

	if (slice_eq(word, SLICE("secured")) ||
	    slice_starts(word, SLICE("secured=")))
		line->secured = true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_starts(word, names[i].prefix) &&
		    names[i].value->at == NULL)
			*names[i].value = slice_skip(word, names[i].prefix.len);
}

/* AUTH ID MECHANISM [PARAMETER]...; the response stands last. */
static int
parse_auth(struct slice rest, struct dovecot_line *line)
{
	struct slice word;

	if (!slice_split(&rest, '\t', &word) ||
	    parse_number(word, &line->id) < 0 ||
	    !slice_split(&rest, '\t', &line->mechanism) ||
	    line->mechanism.len == 0)
		return ERR_SYNTAX;
	while (slice_split(&rest, '\t', &word))
		parse_parameter(word, line);
	return 0;
}

static int
parse_words(struct slice rest, struct dovecot_line *line)
{
	struct slice command, word;

	(void)slice_split(&rest, '\t', &command);
	line->command = DOVECOT_OTHER;
	if (slice_eq(command, SLICE("AUTH"))) {
		line->command = DOVECOT_AUTH;
		return parse_auth(rest, line);
	}
	if (slice_eq(command, SLICE("CONT")))
		line->command = DOVECOT_CONT;
	else if (slice_eq(command, SLICE("CANCEL")))
		line->command = DOVECOT_CANCEL;
	else if (slice_eq(command, SLICE("CPID")))
		line->command = DOVECOT_CPID;
	else if (slice_eq(command, SLICE("VERSION")))
		line->command = DOVECOT_VERSION;
	else
		return 0;
	if (!slice_split(&rest, '\t', &word))
		return ERR_SYNTAX;
	if (line->command == DOVECOT_VERSION)
		return parse_number(word, &line->major) < 0 ||
			       !slice_split(&rest, '\t', &word)
			   ? ERR_SYNTAX
			   : parse_number(word, &line->minor);
	if (parse_number(word, &line->id) < 0)
		return ERR_SYNTAX;
	if (line->command == DOVECOT_CONT &&
	    !slice_split(&rest, '\t', &line->response))
		return ERR_SYNTAX;
	return 0;
}

ssize_t
dovecot_parse(const char *buf, size_t len, struct dovecot_line *ret_line)
{
	struct dovecot_line line = { .command = DOVECOT_OTHER };
	size_t most = len < DOVECOT_LINE_MAX ? len : DOVECOT_LINE_MAX;
	const char *end = most > 0 ? memchr(buf, '\n', most) : NULL;
	int rc;

	if (end == NULL)
		return len >= DOVECOT_LINE_MAX ? ERR_LIMIT : 0;
	if (memchr(buf, '\0', (size_t)(end - buf)) != NULL)
		return ERR_SYNTAX;
	rc = parse_words((struct slice){ buf, (size_t)(end - buf) }, &line);
	if (rc < 0)
		return rc;
	*ret_line = line;
	return end - buf + 1;
}

/* ---- replies ---- */

static bool
is_clean(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
			return false;
	return true;
}

static int
add_number(struct buf *out, uint32_t n)
{
	char room[NUMBER_TEXT_MAX];

	return buf_add(out, room, number_format(n, room));
}

static int
add_command(struct buf *out, const char *command, uint32_t id)
{
	(void)buf_add_text(out, command);
	(void)buf_add_char(out, '\t');
	return add_number(out, id);
}

static void
add_parameter(struct buf *out, const char *name, struct slice value)
{
	if (value.at == NULL)
		return;
	(void)buf_add_char(out, '\t');
	(void)buf_add_text(out, name);
	(void)buf_add_slice(out, value);
}

int
dovecot_greet(struct buf *out, unsigned mechanisms, uint32_t server_pid,
    uint32_t connection, const char *cookie)
{
	(void)buf_add_text(out, "VERSION\t1\t1\n");
	if ((mechanisms & RELAY_PLAIN) != 0)
		(void)buf_add_text(out, "MECH\tPLAIN\tplaintext\n");
	if ((mechanisms & RELAY_LOGIN) != 0)
		(void)buf_add_text(out, "MECH\tLOGIN\tplaintext\n");
	(void)add_command(out, "SPID", server_pid);
	(void)add_command(out, "\nCUID", connection);
	(void)buf_add_text(out, "\nCOOKIE\t");
	(void)buf_add_text(out, cookie);
	(void)buf_add_text(out, "\nDONE\n");
	return out->rc;
}

int
dovecot_continue(struct buf *out, uint32_t id, struct slice challenge64)
{
	if (!is_clean(challenge64))
		return ERR_SYNTAX;
	(void)add_command(out, "CONT", id);
	(void)buf_add_char(out, '\t');
	(void)buf_add_slice(out, challenge64);
	(void)buf_add_char(out, '\n');
	return out->rc;
}

int
dovecot_ok(struct buf *out, uint32_t id, struct slice user)
{
	if (user.len == 0 || !is_clean(user))
		return ERR_SYNTAX;
	(void)add_command(out, "OK", id);
	add_parameter(out, "user=", user);
	(void)buf_add_char(out, '\n');
	return out->rc;
}

int
dovecot_fail(struct buf *out, uint32_t id, struct slice user,
    struct slice reason)
{
	if (!is_clean(user) || !is_clean(reason))
		return ERR_SYNTAX;
	(void)add_command(out, "FAIL", id);
	add_parameter(out, "user=", user);
	add_parameter(out, "reason=", reason);
	(void)buf_add_char(out, '\n');
	return out->rc;
}
