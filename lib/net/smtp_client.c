/* SPDX-License-Identifier: BSD-2-Clause */
/* An SMTP client (RFC 5321) for the MTA beside us; its callers may wait. */
#include "net/smtp_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

#define OUT_MAX ((size_t)64 * 1024) /* written at once */
/* Answers to these fit into a socket's buffer, whoever reads late. */
#define RCPTS_AT_ONCE 100

struct smtp_session {
	int fd;
	bool idle; /* a message has ended, none has begun */
	bool eight_bit, utf8, pipelining, dsn;
	struct buf out;
	size_t in_len;
	char in[SMTP_ANSWER_MAX];
};

/* ---- the socket ---- */

static int
wait_for(int fd, short events, int64_t deadline_us)
{
	for (;;) {
		int64_t left_ms = (deadline_us - clock_mono_us()) / 1000;
		struct pollfd p = { fd, events, 0 };

		if (left_ms <= 0)
			return ERR_TIMEOUT;
		int n = poll(&p, 1, left_ms > 60000 ? 60000 : (int)left_ms);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return ERR_IO;
	}
}

static int
flush(struct smtp_session *s, int64_t deadline_us)
{
	size_t done = 0;
	int rc;

	if (s->out.rc < 0)
		return s->out.rc;
	while (done < s->out.len) {
		ssize_t n = send(s->fd, s->out.at + done, s->out.len - done,
		    MSG_NOSIGNAL);

		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
			return ERR_IO;
		if ((rc = wait_for(s->fd, POLLOUT, deadline_us)) < 0)
			return rc;
	}
	buf_clear(&s->out);
	return 0;
}

static int
read_more(struct smtp_session *s, int64_t deadline_us)
{
	for (;;) {
		ssize_t n = recv(s->fd, s->in + s->in_len,
		    sizeof(s->in) - s->in_len, 0);
		int rc;

		if (n > 0) {
			s->in_len += (size_t)n;
			return 0;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
			return ERR_IO;
		if ((rc = wait_for(s->fd, POLLIN, deadline_us)) < 0)
			return rc;
	}
}

/* The next answer: 0, whatever it says. */
static int
read_answer(struct smtp_session *s, int64_t deadline_us,
    struct smtp_answer *ret_answer)
{
	for (;;) {
		ssize_t used =
		    smtp_answer_parse((struct slice){ s->in, s->in_len },
			ret_answer);

		if (used < 0)
			return ERR_SYNTAX;
		if (used > 0) {
			s->in_len -= (size_t)used;
			memmove(s->in, s->in + used, s->in_len);
			return 0;
		}
		int rc = read_more(s, deadline_us);

		if (rc < 0)
			return rc;
	}
}

/* An answer of the class that is wished for. */
static int
expect(struct smtp_session *s, unsigned class, int64_t deadline_us,
    struct smtp_answer *ret_answer)
{
	int rc = read_answer(s, deadline_us, ret_answer);

	if (rc < 0)
		return rc;
	if (ret_answer->code / 100 == class)
		return 0;
	return ret_answer->code / 100 == 5 ? ERR_DENIED : ERR_UNAVAIL;
}

/* ---- opening ---- */

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

static int
parse_inet(struct slice text, union address *a, socklen_t *ret_len)
{
	const char *colon = memrchr(text.at, ':', text.len);
	char host[INET6_ADDRSTRLEN];
	struct slice name = { text.at,
		colon != NULL ? (size_t)(colon - text.at) : 0 };
	uint64_t port;

	if (colon == NULL ||
	    number_parse(slice_skip(text, name.len + 1), 1, 65535, &port) < 0)
		return ERR_SYNTAX;
	if (name.len > 2 && name.at[0] == '[' && name.at[name.len - 1] == ']')
		name = (struct slice){ name.at + 1, name.len - 2 };
	if (name.len == 0 || name.len >= sizeof(host))
		return ERR_SYNTAX;
	memcpy(host, name.at, name.len);
	host[name.len] = '\0';
	*a = (union address){ .in = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port) } };
	*ret_len = sizeof(a->in);
	if (inet_pton(AF_INET, host, &a->in.sin_addr) == 1)
		return 0;
	*a = (union address){ .in6 = { .sin6_family = AF_INET6,
				  .sin6_port = htons((uint16_t)port) } };
	*ret_len = sizeof(a->in6);
	return inet_pton(AF_INET6, host, &a->in6.sin6_addr) == 1 ? 0
								 : ERR_SYNTAX;
}

static int
parse_address(const char *text, union address *a, socklen_t *ret_len)
{
	struct slice s = slice_of(text);

	if (slice_starts(s, SLICE("inet:")))
		return parse_inet(slice_skip(s, 5), a, ret_len);
	if (!slice_starts(s, SLICE("unix:")))
		return ERR_SYNTAX;
	s = slice_skip(s, 5);
	if (s.len == 0 || s.len >= sizeof(a->un.sun_path))
		return ERR_SYNTAX;
	*a = (union address){ .un = { .sun_family = AF_UNIX } };
	memcpy(a->un.sun_path, s.at, s.len);
	*ret_len = sizeof(a->un);
	return 0;
}

static int
dial(const char *text, int64_t deadline_us, int *ret_fd)
{
	union address a;
	socklen_t len, error_len = sizeof(int);
	int fd, on = 1, error = 0, rc = parse_address(text, &a, &len);

	if (rc < 0)
		return rc;
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd < 0)
		return ERR_UNAVAIL;
	if (a.any.sa_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, &a.any, len) < 0) {
		rc = errno == EINPROGRESS ? wait_for(fd, POLLOUT, deadline_us)
					  : ERR_UNAVAIL;
		if (rc == 0 && (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error,
				    &error_len) < 0 ||
				   error != 0))
			rc = ERR_UNAVAIL;
	}
	if (rc < 0)
		(void)close(fd);
	else
		*ret_fd = fd;
	return rc;
}

static int
greet(struct smtp_session *s, const char *helo, int64_t deadline_us,
    struct smtp_answer *ret_answer)
{
	int rc = expect(s, 2, deadline_us, ret_answer);

	if (rc < 0)
		return rc;
	buf_add_text(&s->out, "EHLO ");
	buf_add_text(&s->out, helo);
	buf_add_text(&s->out, "\r\n");
	if ((rc = flush(s, deadline_us)) < 0 ||
	    (rc = expect(s, 2, deadline_us, ret_answer)) < 0)
		return rc;
	s->eight_bit = smtp_answer_offers(ret_answer, "8BITMIME");
	s->utf8 = smtp_answer_offers(ret_answer, "SMTPUTF8");
	s->pipelining = smtp_answer_offers(ret_answer, "PIPELINING");
	s->dsn = smtp_answer_offers(ret_answer, "DSN");
	return 0;
}

int
smtp_open(const char *address, const char *helo, int64_t deadline_us,
    struct smtp_session **ret_session, struct smtp_answer *ret_answer)
{
	struct smtp_session *s = calloc(1, sizeof(*s));
	int rc;

	*ret_answer = (struct smtp_answer){ .code = 0 };
	if (s == NULL)
		return ERR_NOMEM;
	buf_init(&s->out, 2 * OUT_MAX);
	if ((rc = dial(address, deadline_us, &s->fd)) < 0) {
		buf_done(&s->out);
		free(s);
		return rc;
	}
	rc = greet(s, helo, deadline_us, ret_answer);
	if (rc < 0) {
		smtp_close(s);
		return rc == ERR_DENIED || rc == ERR_IO ? ERR_UNAVAIL : rc;
	}
	*ret_session = s;
	return 0;
}

void
smtp_close(struct smtp_session *s)
{
	static const char quit[] = "QUIT\r\n";

	if (s == NULL)
		return;
	/* Its answer is not awaited; the server logs no lost connection. */
	if (s->idle)
		(void)!send(s->fd, quit, sizeof(quit) - 1, MSG_NOSIGNAL);
	(void)close(s->fd);
	buf_done(&s->out);
	free(s);
}

int
smtp_fd(const struct smtp_session *s)
{
	return s->fd;
}

/* ---- a message ---- */

/* Can it stand between angle brackets in a command? */
static bool
path_ok(struct slice address)
{
	for (size_t i = 0; i < address.len; i++) {
		unsigned char c = (unsigned char)address.at[i];

		if (c < ' ' || c == 127 || c == '<' || c == '>')
			return false;
	}
	return address.len < 1000;
}

static bool
is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] > 127)
			return false;
	return true;
}

static int
check_paths(const struct smtp_message *m, bool *ret_ascii)
{
	bool ascii = is_ascii(m->sender);

	if (!path_ok(m->sender) || m->recipient_count == 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < m->recipient_count; i++) {
		if (!path_ok(m->recipients[i]) || m->recipients[i].len == 0)
			return ERR_SYNTAX;
		ascii = ascii && is_ascii(m->recipients[i]);
	}
	*ret_ascii = ascii;
	return 0;
}

static void
add_path(struct smtp_session *s, const char *command, struct slice path,
    const char *parameters)
{
	buf_add_text(&s->out, command);
	buf_add_slice(&s->out, path);
	buf_add_text(&s->out, ">");
	buf_add_text(&s->out, parameters);
	buf_add_text(&s->out, "\r\n");
}

static int
send_envelope(struct smtp_session *s, const struct smtp_message *m, bool ascii,
    int64_t deadline_us, struct smtp_answer *ret_answer)
{
	size_t waiting = 1;
	int rc;

	add_path(s, "MAIL FROM:<", m->sender,
	    !ascii         ? " BODY=8BITMIME SMTPUTF8"
	    : s->eight_bit ? " BODY=8BITMIME"
			   : "");
	for (size_t i = 0; i <= m->recipient_count; i++) {
		bool last = i == m->recipient_count;

		/* All that was asked, before more is. */
		if (last || !s->pipelining || waiting == RCPTS_AT_ONCE) {
			if ((rc = flush(s, deadline_us)) < 0)
				return rc;
			for (; waiting > 0; waiting--)
				if ((rc = expect(s, 2, deadline_us,
					 ret_answer)) < 0)
					return rc;
		}
		if (!last) {
			add_path(s, "RCPT TO:<", m->recipients[i],
			    m->quiet && s->dsn ? " NOTIFY=NEVER" : "");
			waiting++;
		}
	}
	buf_add_text(&s->out, "DATA\r\n");
	if ((rc = flush(s, deadline_us)) < 0)
		return rc;
	return expect(s, 3, deadline_us, ret_answer);
}

/* Where the text stands: RFC 5321, 4.5.2. */
struct lines {
	bool at_start, cr; /* of a line; behind a CR */
};

static void
add_octets(struct smtp_session *s, struct lines *at, struct slice octets)
{
	while (octets.len > 0) {
		const char *lf = memchr(octets.at, '\n', octets.len);
		size_t n = lf != NULL ? (size_t)(lf - octets.at) : octets.len;

		if (at->at_start && octets.at[0] == '.')
			(void)buf_add_char(&s->out, '.');
		if (n > 0) {
			(void)buf_add(&s->out, octets.at, n);
			at->cr = octets.at[n - 1] == '\r';
			at->at_start = false;
		}
		octets = slice_skip(octets, n);
		if (lf == NULL)
			return;
		(void)buf_add_text(&s->out, at->cr ? "\n" : "\r\n");
		*at = (struct lines){ .at_start = true };
		octets = slice_skip(octets, 1);
	}
}

static int
send_content(struct smtp_session *s, const struct smtp_message *m,
    int64_t deadline_us)
{
	struct lines at = { .at_start = true };
	int rc;

	for (;;) {
		struct slice piece = m->source(m->ctx);

		if (piece.len == 0)
			break;
		while (piece.len > 0) {
			struct slice part = piece;

			/* Half of it may grow to all of it. */
			if (part.len > OUT_MAX / 2)
				part.len = OUT_MAX / 2;
			add_octets(s, &at, part);
			piece = slice_skip(piece, part.len);
			if (s->out.len >= OUT_MAX / 2 &&
			    (rc = flush(s, deadline_us)) < 0)
				return rc;
		}
	}
	if (!at.at_start)
		(void)buf_add_text(&s->out, at.cr ? "\n" : "\r\n");
	(void)buf_add_text(&s->out, ".\r\n");
	return flush(s, deadline_us);
}

int
smtp_begin(struct smtp_session *s, const struct smtp_message *m,
    int64_t deadline_us, struct smtp_answer *ret_answer)
{
	bool ascii;
	int rc = check_paths(m, &ascii);

	s->idle = false;
	*ret_answer = (struct smtp_answer){ .code = 0 };
	if (rc == 0 && !ascii && !s->utf8)
		rc = ERR_DENIED;
	if (rc == 0)
		rc = send_envelope(s, m, ascii, deadline_us, ret_answer);
	if (rc == 0)
		rc = send_content(s, m, deadline_us);
	return rc;
}

int
smtp_finish(struct smtp_session *s, int64_t deadline_us,
    struct smtp_answer *ret_answer)
{
	*ret_answer = (struct smtp_answer){ .code = 0 };
	int rc = expect(s, 2, deadline_us, ret_answer);

	s->idle = ret_answer->code != 0;
	return rc;
}
