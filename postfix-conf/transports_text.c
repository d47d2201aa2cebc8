/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of transports as a text: what policyd writes and root reads. */
#include <arpa/inet.h>
#include <ctype.h>

#include "postfix-conf/transports.h"
#include "util/err.h"
#include "util/map.h"
#include "util/number.h"

#define HEAD "postern-transports 1\n"
#define TABLES_MAX 200
#define HELO_MAX 253
#define FORWARD_MAX 270
#define USER_MAX 255
#define PASSWORD_MAX 1500
#define CONNECTIONS_MAX 100
#define IDLE_MAX 600
#define MESSAGES_MAX 100000

static const char *const tls_words[] = { "site", "encrypt", "verify" };
#define TLS_WORDS (sizeof(tls_words) / sizeof(tls_words[0]))

/* ---- one value each ---- */

static bool
made_of(struct slice s, size_t max, const char *others)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (!isascii(c) ||
		    (!isalnum(c) && (c == '\0' || strchr(others, c) == NULL)))
			return false;
	}
	return s.len > 0 && s.len <= max;
}

bool
postfix_transport_name_ok(struct slice name)
{
	const struct slice prefix = SLICE(SHAPING_TRANSPORT_PREFIX);
	struct slice rest = slice_skip(name, prefix.len);

	if (!slice_starts(name, prefix) ||
	    !made_of(rest, SHAPING_TRANSPORT_MAX - prefix.len, "-_"))
		return false;
	for (size_t i = 0; i < rest.len; i++)
		if (isupper((unsigned char)rest.at[i]))
			return false;
	return true;
}

static bool
is_address(struct slice s, int family)
{
	char room[INET6_ADDRSTRLEN];
	unsigned char octets[16];

	if (s.len >= sizeof(room) || !made_of(s, sizeof(room), ".:"))
		return false;
	memcpy(room, s.at, s.len);
	room[s.len] = '\0';
	return inet_pton(family, room, octets) == 1;
}

/* "[HOST]:PORT" */
static bool
is_next_hop(struct slice s)
{
	const char *end = s.len > 0 ? memrchr(s.at, ']', s.len) : NULL;
	struct slice host, port;
	uint64_t number;

	if (end == NULL || s.at[0] != '[')
		return false;
	host = (struct slice){ s.at + 1, (size_t)(end - s.at) - 1 };
	port = slice_skip(s, (size_t)(end - s.at) + 1);
	if (!slice_starts(port, SLICE(":")) ||
	    number_parse(slice_skip(port, 1), 1, 65535, &number) < 0)
		return false;
	return made_of(host, FORWARD_MAX, "._-") || is_address(host, AF_INET6);
}

static bool
is_user(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c <= ' ' || c == 0x7f || c == ':')
			return false;
	}
	return s.len > 0 && s.len <= USER_MAX;
}

static bool
is_sealed(struct slice s)
{
	const struct slice prefix = SLICE("enc:v1:");

	return slice_starts(s, prefix) &&
	       made_of(slice_skip(s, prefix.len), PASSWORD_MAX, "+/=_-");
}

/* Whether it may stand in the text; the same for writer and reader. */
static bool
is_good(const struct postfix_transport *t)
{
	if (!postfix_transport_name_ok(t->name) || t->connections < 1 ||
	    t->connections > CONNECTIONS_MAX || t->idle_s > IDLE_MAX ||
	    t->messages > MESSAGES_MAX)
		return false;
	if ((t->ipv4.at != NULL && !is_address(t->ipv4, AF_INET)) ||
	    (t->ipv6.at != NULL && !is_address(t->ipv6, AF_INET6)) ||
	    (t->helo.at != NULL && !made_of(t->helo, HELO_MAX, ".-")))
		return false;
	if (t->forward.at == NULL)
		return t->user.at == NULL && t->password.at == NULL &&
		       t->tls == POSTFIX_TLS_SITE;
	if (!is_next_hop(t->forward) ||
	    (t->user.at == NULL) != (t->password.at == NULL))
		return false;
	return t->user.at == NULL ||
	       (is_user(t->user) && is_sealed(t->password));
}

static bool
tables_ok(struct slice s)
{
	return (slice_starts(s, SLICE("unix:")) ||
		   slice_starts(s, SLICE("inet:"))) &&
	       made_of(s, TABLES_MAX, ":/._-[]");
}

/* ---- writing ---- */

static void
put(struct buf *out, const char *key, struct slice value)
{
	if (value.at == NULL)
		return;
	(void)buf_add_text(out, key);
	(void)buf_add_slice(out, value);
}

static void
put_transport(const struct postfix_transport *t, struct buf *out)
{
	(void)buf_addf(out, "transport %.*s connections=%u idle=%u messages=%u",
	    SLICE_F(t->name), t->connections, t->idle_s, t->messages);
	put(out, " ipv4=", t->ipv4);
	put(out, " ipv6=", t->ipv6);
	put(out, " helo=", t->helo);
	put(out, " forward=", t->forward);
	if (t->forward.at != NULL)
		put(out, " tls=", slice_of(tls_words[t->tls]));
	put(out, " user=", t->user);
	put(out, " password=", t->password);
	(void)buf_add_text(out, "\n");
}

int
postfix_transports_format(const struct postfix_transports *t, struct buf *out)
{
	if (!tables_ok(t->tables) || t->count > POSTFIX_TRANSPORTS_COUNT_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < t->count; i++)
		if (!is_good(&t->at[i]))
			return ERR_LIMIT;
	(void)buf_add_text(out, HEAD "tables ");
	(void)buf_add_slice(out, t->tables);
	(void)buf_add_text(out, "\n");
	for (size_t i = 0; i < t->count; i++)
		put_transport(&t->at[i], out);
	return out->rc;
}

/* ---- reading ---- */

static bool
take_number(struct slice word, struct slice key, unsigned max,
    unsigned *ret_number)
{
	uint64_t n;

	if (!slice_starts(word, key) ||
	    number_parse(slice_skip(word, key.len), 0, max, &n) < 0)
		return false;
	*ret_number = (unsigned)n;
	return true;
}

static bool
take_tls(struct slice word, enum postfix_tls *ret_tls)
{
	for (size_t i = 0; i < TLS_WORDS; i++)
		if (slice_eq(word, slice_of(tls_words[i]))) {
			*ret_tls = (enum postfix_tls)i;
			return true;
		}
	return false;
}

/* The members behind the numbers: each at most once, in their order. */
static bool
take_others(struct slice line, struct postfix_transport *t)
{
	const struct {
		struct slice key;
		struct slice *to;
	} members[] = {
		{ SLICE("ipv4="), &t->ipv4 },
		{ SLICE("ipv6="), &t->ipv6 },
		{ SLICE("helo="), &t->helo },
		{ SLICE("forward="), &t->forward },
		{ SLICE("tls="), NULL },
		{ SLICE("user="), &t->user },
		{ SLICE("password="), &t->password },
	};
	size_t next = 0, count = sizeof(members) / sizeof(members[0]);
	struct slice word, value;

	while (slice_split(&line, ' ', &word)) {
		while (next < count && !slice_starts(word, members[next].key))
			next++;
		if (next == count)
			return false;
		value = slice_skip(word, members[next].key.len);
		if (members[next].to != NULL)
			*members[next].to = value;
		else if (t->forward.at == NULL || !take_tls(value, &t->tls))
			return false;
		next++;
	}
	return true;
}

static bool
parse_line(struct slice line, struct postfix_transport *t)
{
	struct slice word;

	return slice_split(&line, ' ', &word) &&
	       slice_eq(word, SLICE("transport")) &&
	       slice_split(&line, ' ', &t->name) &&
	       slice_split(&line, ' ', &word) &&
	       take_number(word, SLICE("connections="), CONNECTIONS_MAX,
		   &t->connections) &&
	       slice_split(&line, ' ', &word) &&
	       take_number(word, SLICE("idle="), IDLE_MAX, &t->idle_s) &&
	       slice_split(&line, ' ', &word) &&
	       take_number(word, SLICE("messages="), MESSAGES_MAX,
		   &t->messages) &&
	       take_others(line, t) && is_good(t);
}

/* At most: not one for each line of whatever it is. */
static size_t
count_lines(struct slice text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len && n < POSTFIX_TRANSPORTS_COUNT_MAX;
	     i++)
		n += text.at[i] == '\n';
	return n;
}

/* Behind the head: the address of the tables, then the transports. */
static int
parse_lines(struct slice text, struct map *names, size_t *line_number,
    struct postfix_transport *list, struct postfix_transports *t)
{
	const struct slice tables = SLICE("tables ");
	struct slice line;

	while (text.len > 0 && slice_split(&text, '\n', &line)) {
		(*line_number)++;
		if (t->tables.at == NULL) {
			t->tables = slice_skip(line, tables.len);
			if (!slice_starts(line, tables) ||
			    !tables_ok(t->tables))
				return ERR_SYNTAX;
			continue;
		}
		if (t->count == POSTFIX_TRANSPORTS_COUNT_MAX)
			return ERR_LIMIT;
		if (!parse_line(line, &list[t->count]) ||
		    map_get(names, list[t->count].name) != NULL)
			return ERR_SYNTAX;
		if (map_set(names, list[t->count].name, list, NULL) < 0)
			return ERR_NOMEM;
		t->count++;
	}
	return t->tables.at != NULL ? 0 : ERR_SYNTAX;
}

/* Numbers with zeros before them, for instance, have two texts. */
static int
is_the_text(const struct postfix_transports *t, struct slice text)
{
	struct buf again;
	int rc;

	buf_init(&again, text.len + 1);
	rc = postfix_transports_format(t, &again);
	if (rc == 0 && !slice_eq(buf_slice(&again), text))
		rc = ERR_SYNTAX;
	buf_done(&again);
	return rc == ERR_LIMIT ? ERR_SYNTAX : rc;
}

int
postfix_transports_parse(struct arena *arena, struct slice text,
    struct postfix_transports *ret_transports, size_t *ret_line)
{
	const struct slice head = SLICE(HEAD);
	struct postfix_transports t = { .count = 0 };
	struct postfix_transport *list;
	struct map *names;
	size_t line = 1;
	int rc;

	if (ret_line != NULL)
		*ret_line = line;
	if (text.len > POSTFIX_TRANSPORTS_MAX)
		return ERR_LIMIT;
	if (!slice_starts(text, head) || text.at[text.len - 1] != '\n')
		return ERR_SYNTAX;
	list = arena_calloc(arena, count_lines(text), sizeof(*list));
	names = map_new(POSTFIX_TRANSPORTS_COUNT_MAX);
	rc = list != NULL && names != NULL
		 ? parse_lines(slice_skip(text, head.len), names, &line, list,
		       &t)
		 : ERR_NOMEM;
	map_free(names, NULL);
	t.at = list;
	if (rc == 0)
		rc = is_the_text(&t, text);
	if (ret_line != NULL)
		*ret_line = line;
	if (rc == 0)
		*ret_transports = t;
	return rc;
}
