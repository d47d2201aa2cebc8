/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading what policyd rendered, by its digest, and putting it in force. */
#include "policyd/queue_apply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policyd/queue_transports.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/read_all.h"

#define ARENA_MAX ((size_t)64 * 1024 * 1024)

_Static_assert(QUEUE_DIGEST_LEN == CRYPTO_SHA256_LEN, "SHA-256");

/* The directory is policyd's: nothing in it is trusted to be what it was. */
static int
read_file(const char *state_directory, struct buf *out)
{
	struct stat st;
	int dir, fd, rc;

	dir = open(state_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	fd = openat(dir, QUEUE_APPLY_FILE,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	rc = errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	(void)close(dir);
	if (fd < 0)
		return rc;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		rc = ERR_SYNTAX;
	else
		rc = read_all(fd, out);
	(void)close(fd);
	return rc;
}

static int
apply_text(const char *config_directory, const char *key_file,
    struct slice text, struct buf *why, size_t *ret_done)
{
	struct arena *arena = arena_new(ARENA_MAX);
	struct postfix_transports wanted;
	size_t line = 0;
	int rc = ERR_NOMEM;

	if (arena != NULL)
		rc = postfix_transports_parse(arena, text, &wanted, &line);
	if (rc < 0)
		(void)buf_addf(why, QUEUE_APPLY_FILE ": line %zu: %s", line,
		    err_text(rc));
	else
		rc = queue_transports_apply(arena, config_directory, key_file,
		    &wanted, why, ret_done);
	arena_free(arena);
	return rc;
}

int
queue_apply_transports(const char *config_directory,
    const char *state_directory, const char *key_file,
    const uint8_t digest[QUEUE_DIGEST_LEN], struct buf *why, size_t *ret_done)
{
	uint8_t is[QUEUE_DIGEST_LEN];
	struct buf text;
	int rc;

	buf_init(&text, QUEUE_APPLY_MAX + READ_PIECE);
	rc = read_file(state_directory, &text);
	if (rc == 0)
		rc = crypto_sha256(buf_slice(&text), is);
	if (rc == 0 && memcmp(is, digest, sizeof(is)) != 0)
		rc = ERR_CONFLICT;
	if (rc < 0)
		(void)buf_addf(why, "%s/" QUEUE_APPLY_FILE ": %s",
		    state_directory, err_text(rc));
	else
		rc = apply_text(config_directory, key_file, buf_slice(&text),
		    why, ret_done);
	buf_done(&text);
	return rc;
}
