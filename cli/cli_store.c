/* SPDX-License-Identifier: BSD-2-Clause */
/* A command's connection to Redis. */
#include "cli/cli_store.h"

#include "cli/command.h"
#include "net/loop.h"
#include "service/host_config.h"
#include "store/store.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/secret_file.h"

/* No mail waits for a command: better late than "unavailable" on a busy
 * host. */
#define PATIENCE_MS 5000

int
cli_store_open(const struct host_config *config, struct cli_store *ret_store)
{
	struct cli_store s = { .base = NULL };
	char password[SECRET_FILE_MAX], error[256] = "";
	int rc = secret_file_read(config->redis_password_file, password);
	const struct store_options options = {
		.address = config->redis,
		.user = config->redis_user,
		.password = password,
		.database = config->redis_database,
		.timeout_ms = config->redis_timeout_ms > PATIENCE_MS
				  ? config->redis_timeout_ms
				  : PATIENCE_MS,
	};

	if (rc < 0) {
		cli_error("%s: %s", config->redis_password_file,
		    secret_file_error(rc));
		return rc;
	}
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
	s.provider_file = config->provider_file;
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
