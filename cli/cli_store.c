/* SPDX-License-Identifier: BSD-2-Clause */
/* A command's connection to Redis. */
#include "cli/cli_store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "net/loop.h"
#include "service/host_config.h"
#include "store/store.h"
#include "util/crypto.h"
#include "util/err.h"

#define PASSWORD_MAX 512

/* The first line of the file; "" without one. */
static int
read_password(const char *path, char ret_password[PASSWORD_MAX])
{
	ssize_t n = 0;
	int fd;

	ret_password[0] = '\0';
	if (*path == '\0')
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, ret_password, PASSWORD_MAX - 1);
		(void)close(fd);
	}
	if (fd < 0 || n < 0) {
		cli_error("%s: %s", path, strerror(errno));
		return ERR_IO;
	}
	ret_password[n] = '\0';
	ret_password[strcspn(ret_password, "\r\n")] = '\0';
	return 0;
}

int
cli_store_open(const struct host_config *config, struct cli_store *ret_store)
{
	struct cli_store s = { .base = NULL };
	char password[PASSWORD_MAX], error[256] = "";
	int rc = read_password(config->redis_password_file, password);
	const struct store_options options = {
		.address = config->redis,
		.user = config->redis_user,
		.password = password,
		.database = config->redis_database,
		.timeout_ms = config->redis_timeout_ms,
	};

	if (rc < 0)
		return rc;
	s.base = loop_new();
	rc = s.base != NULL
		 ? store_open(s.base, &options, &s.store, error, sizeof(error))
		 : ERR_NOMEM;
	crypto_wipe(password, sizeof(password));
	if (rc < 0) {
		cli_error("redis: %s", *error != '\0' ? error : err_text(rc));
		loop_free(s.base);
		return rc == ERR_SYNTAX ? ERR_CONFIG : rc;
	}
	*ret_store = s;
	return 0;
}

void
cli_store_close(struct cli_store *s)
{
	store_close(s->store);
	loop_free(s->base);
	*s = (struct cli_store){ .base = NULL };
}

void
cli_store_wait(struct cli_store *s, const bool *over)
{
	loop_run_until(s->base, over);
}
