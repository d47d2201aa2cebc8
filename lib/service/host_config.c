/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading and printing /etc/postern/postern.conf. */
#include "service/host_config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/listener.h"
#include "service/config_file.h"
#include "util/buf.h"
#include "util/err.h"

struct loader {
	const char *path;
	struct host_config *config;
	unsigned *lines; /* where each row of host_params was set; 0: not */
	host_config_error *error;
	void *ctx;
	int rc;
};

static void __attribute__((format(printf, 3, 4)))
report(struct loader *l, unsigned line, const char *format, ...)
{
	char text[600], head[300];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (line > 0)
		(void)snprintf(head, sizeof(head), "%.250s:%u: ", l->path,
		    line);
	else
		(void)snprintf(head, sizeof(head), "%.250s: ", l->path);
	struct buf whole;
	buf_init(&whole, sizeof(text) + sizeof(head));
	(void)buf_add_text(&whole, head);
	(void)buf_add_text(&whole, text);
	l->error(l->ctx, buf_text(&whole));
	buf_done(&whole);
	l->rc = ERR_CONFIG;
}

static void
on_error(void *ctx, unsigned line, const char *text)
{
	report(ctx, line, "%s", text);
}

static void
set_value(struct loader *l, unsigned line, const struct param *p,
    const char *value)
{
	char want[200];
	int rc = param_set(host_params, l->config, p->name, value);

	if (rc == 0)
		return;
	param_describe(p, want, sizeof(want));
	if (rc == ERR_NOMEM)
		report(l, line, "%s: %s", p->name, err_text(rc));
	else
		report(l, line, "%s: \"%.200s\" is not %s", p->name, value,
		    want);
}

static void
on_entry(void *ctx, unsigned line, struct slice name, struct slice value)
{
	struct loader *l = ctx;
	char *word = strndup(name.at, name.len);
	char *text = value.len > 0 ? strndup(value.at, value.len) : strdup("");
	const struct param *p =
	    word != NULL ? param_find(host_params, word) : NULL;

	if (word == NULL || text == NULL) {
		report(l, line, "%s", err_text(ERR_NOMEM));
	} else if (p == NULL) {
		report(l, line, "%.100s: no such parameter", word);
	} else if (l->lines[p - host_params] != 0) {
		report(l, line, "%s: set in line %u already", p->name,
		    l->lines[p - host_params]);
	} else {
		l->lines[p - host_params] = line;
		set_value(l, line, p, text);
	}
	free(word);
	free(text);
}

static unsigned
line_of(const struct loader *l, const char *name)
{
	return l->lines[param_find(host_params, name) - host_params];
}

static void
check_path(struct loader *l, const char *name, const char *value,
    const char *other)
{
	if (value[0] == '/' || (other != NULL && strcmp(value, other) == 0))
		return;
	report(l, line_of(l, name), "%s: \"%.200s\" is not a path%s%s", name,
	    value, other != NULL && other[0] != '\0' ? " or " : "",
	    other != NULL ? other : "");
}

static void
check_listen(struct loader *l, const char *name, const char *value)
{
	char text[400];

	if (listener_check(value, text, sizeof(text)) < 0)
		report(l, line_of(l, name), "%s: %s", name, text);
}

/* A host's name is part of keys and events. */
static void
check_host_name(struct loader *l)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_";
	const char *name = l->config->host_name;

	if (name[0] == '\0' || strlen(name) > 200 ||
	    name[strspn(name, allowed)] != '\0')
		report(l, line_of(l, "host_name"),
		    "host_name: \"%.200s\" has other characters than letters, "
		    "digits, \".\", \"-\" and \"_\"",
		    name);
}

static void
check_redis(struct loader *l)
{
	const char *redis = l->config->redis;

	if (strncmp(redis, "unix:/", 6) != 0 &&
	    strncmp(redis, "inet:", 5) != 0 &&
	    strncmp(redis, "sentinel:", 9) != 0)
		report(l, line_of(l, "redis"),
		    "redis: \"%.200s\" is not unix:/PATH, inet:HOST:PORT or "
		    "sentinel:NAME@HOST:PORT,...",
		    redis);
	if (l->config->redis_timeout_ms >= l->config->policyd_timeout_ms)
		report(l, line_of(l, "redis_timeout"),
		    "redis_timeout: must be shorter than policyd_timeout");
}

static void
check_scan(struct loader *l)
{
	const struct host_config *c = l->config;

	check_listen(l, "scan_listen", c->scan_listen);
	/* Descriptors are passed. */
	if (strncmp(c->scan_listen, "unix:", 5) != 0 ||
	    strchr(c->scan_listen, ' ') != NULL)
		report(l, line_of(l, "scan_listen"),
		    "scan_listen: one Unix-domain socket only");
	check_path(l, "scan_database_directory", c->scan_database_directory,
	    NULL);
	check_path(l, "scan_temporary_directory", c->scan_temporary_directory,
	    NULL);
}

static void
check_across(struct loader *l)
{
	const struct host_config *c = l->config;

	check_host_name(l);
	check_redis(l);
	check_path(l, "state_directory", c->state_directory, NULL);
	check_path(l, "master_key_file", c->master_key_file, NULL);
	check_path(l, "redis_password_file", c->redis_password_file, "");
	check_path(l, "maillog", c->maillog, "journal");
	check_path(l, "apid_tls_certificate", c->apid_tls_certificate, "");
	check_path(l, "apid_tls_key", c->apid_tls_key, "");
	check_path(l, "postfix_config_directory", c->postfix_config_directory,
	    NULL);
	if (strcmp(c->log_target, "syslog") != 0)
		check_path(l, "log_target", c->log_target, "stderr");
	check_listen(l, "policyd_listen", c->policyd_listen);
	if (c->policyd_map_listen[0] != '\0')
		check_listen(l, "policyd_map_listen", c->policyd_map_listen);
	check_listen(l, "milter_listen", c->milter_listen);
	check_listen(l, "bounced_listen", c->bounced_listen);
	check_listen(l, "apid_listen", c->apid_listen);
	check_scan(l);
	if ((c->apid_tls_key[0] == '\0') !=
	    (c->apid_tls_certificate[0] == '\0'))
		report(l, line_of(l, "apid_tls_certificate"),
		    "apid_tls_certificate: goes together with apid_tls_key");
}

static int
find_host_name(struct host_config *config)
{
	char name[256] = "";

	if (config->host_name[0] != '\0')
		return 0;
	config->host_name_found = true;
	if (gethostname(name, sizeof(name) - 1) < 0)
		return ERR_IO;
	return param_set(host_params, config, "host_name", name);
}

/* 0, ERR_NOTFOUND, ERR_LIMIT, ERR_NOMEM, ERR_IO. */
static int
read_file(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc = 0;
	ssize_t n = 1;

	if (fd < 0)
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	while (rc == 0 && n > 0) {
		char room[4096];

		n = read(fd, room, sizeof(room));
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			rc = ERR_IO;
		else
			rc = buf_add(b, room, (size_t)n);
	}
	(void)close(fd);
	return rc;
}

static void
load_file(struct loader *l, bool may_be_missing)
{
	struct buf text;
	int rc;

	buf_init(&text, CONFIG_FILE_MAX);
	rc = read_file(l->path, &text);
	if (rc == 0)
		rc = config_file_parse(buf_slice(&text), on_entry, on_error, l);
	if (rc == ERR_NOTFOUND && may_be_missing)
		rc = 0;
	if (rc < 0 && rc != ERR_SYNTAX) {
		report(l, 0, "%s",
		    rc == ERR_IO || rc == ERR_NOTFOUND ? strerror(errno)
						       : err_text(rc));
		l->rc = rc;
	}
	buf_done(&text);
}

int
host_config_load(const char *path, host_config_error *error, void *ctx,
    struct host_config **ret_config)
{
	struct loader l = {
		.path = path != NULL ? path : HOST_CONFIG_FILE,
		.error = error,
		.ctx = ctx,
	};
	size_t rows = 0;

	while (host_params[rows].name != NULL)
		rows++;
	l.lines = calloc(rows, sizeof(*l.lines));
	l.config = calloc(1, sizeof(*l.config));
	if (l.lines == NULL || l.config == NULL) {
		report(&l, 0, "%s", err_text(ERR_NOMEM));
		l.rc = ERR_NOMEM;
		goto out;
	}
	l.rc = param_defaults(host_params, l.config);
	if (l.rc == 0)
		load_file(&l, strcmp(l.path, HOST_CONFIG_FILE) == 0);
	if (l.rc == 0 || l.rc == ERR_CONFIG) {
		if (find_host_name(l.config) < 0)
			report(&l, 0, "the machine has no host name");
		check_across(&l);
	}
out:
	free(l.lines);
	if (l.rc == 0)
		*ret_config = l.config;
	else
		host_config_free(l.config);
	return l.rc;
}

void
host_config_free(struct host_config *config)
{
	if (config == NULL)
		return;
	param_free(host_params, config);
	free(config);
}

void
host_config_print(const struct host_config *config,
    enum host_config_which which, FILE *out)
{
	struct host_config defaults = { 0 };

	if (param_defaults(host_params, &defaults) == 0) {
		for (const struct param *p = host_params; p->name != NULL;
		     p++) {
			bool same = param_equal(p, config, &defaults) ||
				    (config->host_name_found &&
					strcmp(p->name, "host_name") == 0);

			if (which == HOST_CONFIG_NON_DEFAULT && same)
				continue;
			fprintf(out, "%s = ", p->name);
			param_print_value(p, config, out);
			fprintf(out, "\n");
		}
	}
	param_free(host_params, &defaults);
}
