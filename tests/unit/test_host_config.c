/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading a host's configuration: defaults, all errors at once, printing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "service/host_config.h"
#include "util/err.h"

static char file[] = "/tmp/test_host_config.XXXXXX";
static char errors[4000];

static int
setup(void **state)
{
	int fd = mkstemp(file);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int
teardown(void **state)
{
	(void)state;
	return unlink(file);
}

static void
on_error(void *ctx, const char *text)
{
	size_t len = strlen(errors);

	(void)ctx;
	if (strncmp(text, file, sizeof(file) - 1) == 0)
		text += sizeof(file) - 1;
	(void)snprintf(errors + len, sizeof(errors) - len, "%s\n", text);
}

static int
load(const char *text, struct host_config **ret_config)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	errors[0] = '\0';
	return host_config_load(file, on_error, NULL, ret_config);
}

static void
test_defaults(void **state)
{
	struct host_config *config = NULL;
	char name[256];

	(void)state;
	assert_int_equal(load("", &config), 0);
	assert_string_equal(errors, "");
	assert_string_equal(config->user, "postern");
	assert_string_equal(config->policyd_listen,
	    "unix:/var/spool/postfix/postern/policyd.sock");
	assert_string_equal(config->redis, "unix:/run/redis/redis-server.sock");
	assert_int_equal(config->redis_timeout_ms, 200);
	assert_true(config->sandbox);
	assert_int_equal(gethostname(name, sizeof(name)), 0);
	assert_string_equal(config->host_name, name);
	host_config_free(config);
}

static void
test_all_errors(void **state)
{
	static const char *const want[] = {
		":1: log_level: \"loud\" is not one of debug|info",
		":2: redis_tmeout: no such parameter\n",
		":4: redis_database: \"x\" is not a number from 0 to",
		":5: \"name = value\" expected\n",
		":7: user: set in line 6 already\n",
		":8: policyd_listen: inet:localhost:1: not unix:",
		":9: apid_tls_key: \"key.pem\" is not a path\n",
		":10: redis: \"tcp:1\" is not unix:",
		":11: host_name: \"a b\" has other characters",
		": apid_tls_certificate: goes together with apid_tls_key\n",
	};
	struct host_config *config = NULL;

	(void)state;
	assert_int_equal(load("log_level = loud\n"
			      "redis_tmeout = 1s\n"
			      "# a comment\n"
			      "redis_database = x\n"
			      "nonsense\n"
			      "user = a\n"
			      "user = b\n"
			      "policyd_listen = inet:localhost:1\n"
			      "apid_tls_key = key.pem\n"
			      "redis = tcp:1\n"
			      "host_name = a b\n",
			     &config),
	    ERR_CONFIG);
	assert_null(config);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		if (strstr(errors, want[i]) == NULL)
			fail_msg("no \"%s\" in\n%s", want[i], errors);
}

static void
test_file_troubles(void **state)
{
	struct host_config *config = NULL;

	(void)state;
	errors[0] = '\0';
	assert_int_equal(host_config_load("/nonexistent/x", on_error, NULL,
			     &config),
	    ERR_NOTFOUND);
	assert_string_equal(errors,
	    "/nonexistent/x: No such file or directory\n");
	errors[0] = '\0';
	assert_int_equal(host_config_load("/", on_error, NULL, &config),
	    ERR_IO);
	assert_string_equal(errors, "/: Is a directory\n");
	assert_null(config);
}

static void
test_print(void **state)
{
	struct host_config *config = NULL, *again = NULL;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	assert_non_null(f);
	assert_int_equal(load("redis_timeout = 0200ms\n"
			      "drain_timeout = 60\n"
			      "user =\n"
			      "sandbox = no\n",
			     &config),
	    0);
	host_config_print(config, HOST_CONFIG_NON_DEFAULT, f);
	assert_int_equal(fflush(f), 0);
	assert_string_equal(text, "user = \n"
				  "drain_timeout = 1m\n"
				  "sandbox = no\n");

	/* The whole print is a file that says the same. */
	rewind(f);
	host_config_print(config, HOST_CONFIG_ALL, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(load(text, &again), 0);
	for (const struct param *p = host_params; p->name != NULL; p++)
		assert_true(param_equal(p, config, again));
	host_config_free(again);
	host_config_free(config);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all_errors),
		cmocka_unit_test(test_file_troubles),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
