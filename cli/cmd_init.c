/* SPDX-License-Identifier: BSD-2-Clause */
/* postern init: what a new host, and a new installation, need to begin. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/store_client.h"
#include "proto/json.h"
#include "proto/settings.h"
#include "service/host_config.h"
#include "store/server_info.h"
#include "store/store.h"
#include "util/err.h"

#define FIRST_USER "admin"
#define KEY_OCTETS 24 /* 32 characters */

/* The folder of a path, if it is missing; its parents are the packager's. */
static void
make_folder(const char *path, mode_t mode)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path ||
	    (size_t)(slash - path) >= sizeof(folder))
		return;
	memcpy(folder, path, (size_t)(slash - path));
	folder[slash - path] = '\0';
	/* Our umask is 077; what goes wrong shows in a moment. */
	if (mkdir(folder, mode) == 0)
		(void)chmod(folder, mode);
}

/* postern.conf with the one line that no default can know. */
static int
make_config(const char *path, const char *redis)
{
	int fd;
	FILE *f;

	make_folder(path, 0755);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EEXIST) {
		if (redis != NULL)
			(void)printf("%s: is there already; --redis is not "
				     "written to it\n",
			    path);
		return 0;
	}
	f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (f == NULL) {
		cli_error("%s: %s", path, strerror(errno));
		return ERR_IO;
	}
	/* Our umask is 077; this file holds no secret. */
	(void)fchmod(fd, 0644);
	(void)fprintf(f, "# What this host needs to know: postern.conf(5)\n");
	if (redis != NULL)
		(void)fprintf(f, "redis = %s\n", redis);
	if (fclose(f) != 0) {
		cli_error("%s: %s", path, strerror(errno));
		return ERR_IO;
	}
	(void)printf("%s: made\n", path);
	return 0;
}

static int
make_master_key(const struct host_config *config)
{
	const char *path = config->master_key_file;
	struct master_key key;
	int rc;

	make_folder(path, 0755);
	rc = crypto_master_create(path);
	if (rc == 0)
		(void)printf("%s: made; copy it to the other hosts of this "
			     "installation\n",
		    path);
	if (rc == ERR_CONFLICT) {
		rc = crypto_master_load(path, &key);
		crypto_wipe(&key, sizeof(key));
		if (rc == 0)
			(void)printf("%s: is there already\n", path);
	}
	if (rc < 0)
		cli_error("%s: %s", path, err_text(rc));
	return rc;
}

/* ---- Redis ---- */

struct redis_check {
	bool over;
	int rc;
};

static void
got_info(int rc, const struct server_info *info, void *ctx)
{
	struct redis_check *check = ctx;

	check->over = true;
	check->rc = rc;
	if (rc < 0)
		return;
	(void)printf("redis: version %.*s\n", SLICE_F(info->version));
	if (!info->appendonly)
		(void)printf("warning: redis: \"appendonly no\": what was "
			     "written since the last dump is lost when it "
			     "stops; set \"appendonly yes\"\n");
	if (!slice_eq(info->eviction, SLICE("noeviction")))
		(void)printf("warning: redis: \"maxmemory-policy %.*s\": "
			     "blocks may be thrown away; set "
			     "\"maxmemory-policy noeviction\"\n",
		    SLICE_F(info->eviction));
}

static int
check_redis(struct store_client *c, const struct host_config *config)
{
	struct redis_check check = { .over = false };

	server_info_get(c->store.store, store_deadline(c->store.store),
	    got_info, &check);
	cli_store_wait(&c->store, &check.over);
	if (!check.over)
		check.rc = ERR_UNAVAIL;
	if (check.rc < 0)
		cli_error("redis: %s: %s", config->redis, err_text(check.rc));
	return check.rc;
}

/* ---- the first documents ---- */

/* base64url of RFC 4648, 5, without padding. */
static int
add_base64url(const void *octets, size_t len, struct buf *out)
{
	size_t begin = out->len;
	int rc =
	    crypto_base64_encode((struct slice){ (const char *)octets, len },
		out);

	for (size_t i = begin; i < out->len; i++)
		if (out->at[i] == '+' || out->at[i] == '/')
			out->at[i] = out->at[i] == '+' ? '-' : '_';
	while (out->len > begin && out->at[out->len - 1] == '=')
		out->len--;
	return rc;
}

/*
 * "ptn_" base64url(NAME) "_" and 32 random characters: with Basic it is the
 * password of NAME, as a Bearer token it says NAME itself (apid/auth.h).
 */
static int
make_key(struct slice name, struct buf *out)
{
	unsigned char octets[KEY_OCTETS];
	size_t random;
	int rc;

	do {
		buf_clear(out);
		(void)buf_add_text(out, "ptn_");
		(void)add_base64url(name.at, name.len, out);
		(void)buf_add_text(out, "_");
		random = out->len;
		crypto_random(octets, sizeof(octets));
		rc = add_base64url(octets, sizeof(octets), out);
		/* A key has a letter and a digit: nearly always at once. */
	} while (rc == 0 && strcspn(buf_text(out) + random, "0123456789") ==
				out->len - random);
	crypto_wipe(octets, sizeof(octets));
	return out->rc < 0 ? out->rc : rc;
}

/* {"name": "admin", "key", ...}; the key is printed by the caller. */
static struct json *
first_user(struct slice key)
{
	static const char *const permissions[] = { "read", "write", "download",
		"admin" };
	struct json *user = json_new_object(), *list = json_new_array();
	int rc = user != NULL && list != NULL ? 0 : ERR_NOMEM;

	for (size_t i = 0; rc == 0 && i < 4; i++)
		rc = json_append(list,
		    json_new_string(slice_of(permissions[i])));
	if (rc == 0)
		rc = json_set_string(user, "name", SLICE(FIRST_USER));
	if (rc == 0)
		rc = json_set_string(user, "key", key);
	if (rc == 0) {
		rc = json_set(user, "permissions", list);
		list = NULL;
	}
	if (rc == 0)
		return user;
	json_free(user);
	json_free(list);
	return NULL;
}

static int
add_first_user(struct json *doc, struct slice key)
{
	struct json *users = json_new_array();

	if (users == NULL)
		return ERR_NOMEM;
	if (json_append(users, first_user(key)) < 0) {
		json_free(users);
		return ERR_NOMEM;
	}
	return json_set(doc, "api_users", users);
}

/* The first revision, unless there is one. */
static int
make_document(struct store_client *c, struct slice name)
{
	bool global = slice_eq(name, SLICE(SETTINGS_GLOBAL));
	struct json *doc = NULL;
	int64_t revision = 0;
	struct buf key;
	int rc = store_client_revision(c, name, 0, &revision, &doc);

	buf_init(&key, 200);
	if (rc < 0 || doc != NULL) {
		if (rc == 0)
			(void)printf("settings %.*s: are there already\n",
			    SLICE_F(name));
		goto done;
	}
	doc = settings_template(name);
	rc = doc != NULL ? 0 : ERR_NOMEM;
	if (rc == 0 && !global)
		rc = make_key(SLICE(FIRST_USER), &key);
	if (rc == 0 && !global)
		rc = add_first_user(doc, buf_slice(&key));
	if (rc == 0)
		rc = store_client_put(c, name, 0, doc, "first settings");
	if (rc == 0) {
		revision = store_client_apply(c, name, SLICE("postern init"));
		rc = revision < 0 ? (int)revision : 0;
	}
	if (rc == 0)
		(void)printf("settings %.*s: made\n", SLICE_F(name));
	if (rc == 0 && !global)
		(void)printf("API user %s, key %s\n(shown this once; only "
			     "its hash is kept)\n",
		    FIRST_USER, buf_text(&key));
done:
	if (key.at != NULL)
		crypto_wipe(key.at, key.cap);
	buf_done(&key);
	json_free(doc);
	return rc;
}

static int
init(struct cli *cli, const char *redis)
{
	const struct host_config *config;
	struct store_client client;
	int rc = make_config(cli->config_file, redis);

	if (rc < 0)
		return rc;
	config = cli_config(cli);
	if (config == NULL)
		return ERR_CONFIG;
	rc = make_master_key(config);
	if (rc < 0)
		return rc;
	rc = store_client_open(cli, &client);
	if (rc < 0)
		return rc;
	rc = check_redis(&client, config);
	if (rc == 0)
		rc = make_document(&client, SLICE(SETTINGS_GLOBAL));
	if (rc == 0)
		rc = make_document(&client, SLICE(SETTINGS_DEFAULT_TENANT));
	store_client_close(&client);
	return rc;
}

static int
init_run(struct cli *cli, int argc, char *argv[])
{
	const char *redis = NULL;

	for (int i = 1; i < argc; i += 2) {
		if (i + 1 >= argc)
			return EX_USAGE;
		if (strcmp(argv[i], "--redis") == 0)
			redis = argv[i + 1];
		else if (strcmp(argv[i], "--config") == 0)
			cli->config_file = argv[i + 1];
		else
			return EX_USAGE;
	}
	if (redis != NULL && strpbrk(redis, "\r\n") != NULL)
		return EX_USAGE;
	return cli_exit(init(cli, redis));
}

const struct command command_init = {
	.name = "init",
	.summary = "make configuration, master key and first settings",
	.usage = "[--redis ADDRESS] [--config FILE]",
	.run = init_run,
};
