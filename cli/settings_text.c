/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings documents as text. */
#include "cli/settings_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "proto/json.h"
#include "proto/settings.h"
#include "util/crypto.h"
#include "util/err.h"

int
settings_text_read(const char *path, struct buf *out)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0 && buf_reserve(out, 65536) == 0) {
		do
			n = read(fd, out->at + out->len, 65536);
		while (n < 0 && errno == EINTR);
		out->len += n > 0 ? (size_t)n : 0;
	}
	if (n < 0)
		cli_error("%s: %s", path, strerror(errno));
	else if (out->rc < 0)
		cli_error("%s: %s", path, err_text(out->rc));
	if (fd >= 0 && !standard)
		(void)close(fd);
	return n < 0 ? ERR_IO : out->rc;
}

int
settings_text_load(const char *path, struct json **ret_doc)
{
	char error[200];
	struct buf text;
	int rc;

	buf_init(&text, SETTINGS_TEXT_MAX + 65536);
	rc = settings_text_read(path, &text);
	if (rc == 0) {
		rc = json_parse(buf_slice(&text), SETTINGS_TEXT_MAX, ret_doc,
		    error, sizeof(error));
		if (rc < 0)
			cli_error("%s: %s", path, error);
	}
	if (text.at != NULL)
		crypto_wipe(text.at, text.cap);
	buf_done(&text);
	return rc;
}

int
settings_text_print(const struct json *doc)
{
	struct buf text;
	int rc;

	buf_init(&text, 16 * SETTINGS_TEXT_MAX);
	rc = json_print(doc, JSON_PRETTY, &text);
	if (rc == 0)
		(void)printf("%s\n", buf_text(&text));
	buf_done(&text);
	return rc;
}

/* ---- diff ---- */

struct diff {
	char path[1024];
	size_t len;
	unsigned count;
};

static void diff_values(struct diff *d, struct json *a, struct json *b);

/* A sealed secret is long and says nothing; that it changed is seen. */
static void
print_unsealed(struct slice text)
{
	const struct slice sealed = SLICE("\"enc:v1:");
	const char *at;

	while ((at = slice_find(text, sealed)) != NULL) {
		size_t before = (size_t)(at - text.at);

		(void)printf("%.*s\"(sealed)\"", (int)before, text.at);
		text = slice_skip(text, before + sealed.len);
		while (text.len > 0 && *text.at != '"')
			text = slice_skip(text, 1);
		text = slice_skip(text, 1);
	}
	(void)printf("%.*s\n", SLICE_F(text));
}

static void
print_side(struct diff *d, char sign, const struct json *v)
{
	struct buf text;

	if (v == NULL)
		return;
	buf_init(&text, SETTINGS_TEXT_MAX);
	(void)json_print(v, JSON_COMPACT, &text);
	(void)printf("%c %s: ", sign, d->len > 0 ? d->path : "/");
	print_unsealed(buf_slice(&text));
	buf_done(&text);
	d->count++;
}

static size_t
enter(struct diff *d, struct slice name)
{
	size_t before = d->len;
	int n = snprintf(d->path + d->len, sizeof(d->path) - d->len, "/%.*s",
	    SLICE_F(name));

	if (n > 0 && (size_t)n < sizeof(d->path) - d->len)
		d->len += (size_t)n;
	d->path[d->len] = '\0';
	return before;
}

static void
leave(struct diff *d, size_t before)
{
	d->len = before;
	d->path[before] = '\0';
}

static void
diff_objects(struct diff *d, struct json *a, struct json *b)
{
	const void *pos = NULL;
	struct json *value;
	struct slice name;
	size_t before;

	while (json_next(a, &pos, &name, &value)) {
		before = enter(d, name);
		diff_values(d, value, json_get(b, name.at));
		leave(d, before);
	}
	for (pos = NULL; json_next(b, &pos, &name, &value);) {
		if (json_get(a, name.at) != NULL)
			continue;
		before = enter(d, name);
		diff_values(d, NULL, value);
		leave(d, before);
	}
}

static void
diff_arrays(struct diff *d, struct json *a, struct json *b)
{
	size_t count =
	    json_count(a) > json_count(b) ? json_count(a) : json_count(b);

	for (size_t i = 0; i < count; i++) {
		char room[24];
		int n = snprintf(room, sizeof(room), "%zu", i);
		size_t before = enter(d, (struct slice){ room, (size_t)n });

		diff_values(d, json_at(a, i), json_at(b, i));
		leave(d, before);
	}
}

static void
diff_values(struct diff *d, struct json *a, struct json *b)
{
	if (a != NULL && b != NULL && json_equal(a, b))
		return;
	if (json_type(a) == JSON_OBJECT && json_type(b) == JSON_OBJECT) {
		diff_objects(d, a, b);
	} else if (json_type(a) == JSON_ARRAY && json_type(b) == JSON_ARRAY) {
		diff_arrays(d, a, b);
	} else {
		print_side(d, '-', a);
		print_side(d, '+', b);
	}
}

unsigned
settings_text_diff(struct json *before, struct json *after)
{
	struct diff d = { .len = 0 };

	diff_values(&d, before, after);
	return d.count;
}

/* ---- edit ---- */

static int
run_editor(const char *path)
{
	const char *editor = getenv("VISUAL");
	int status;
	pid_t pid;

	if (editor == NULL || *editor == '\0')
		editor = getenv("EDITOR");
	if (editor == NULL || *editor == '\0')
		editor = "vi";
	pid = fork();
	if (pid == 0) {
		/* $EDITOR may hold options: the shell splits them. */
		(void)setenv("POSTERN_EDITOR", editor, 1);
		execl("/bin/sh", "sh", "-c",
		    "eval \"$POSTERN_EDITOR\" '\"$1\"'", "sh", path,
		    (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return ERR_IO;
	if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		cli_error("%s: failed", editor);
		return ERR_IO;
	}
	return 0;
}

static int
write_text(int fd, const struct json *doc)
{
	struct buf text;
	int rc;

	buf_init(&text, 16 * SETTINGS_TEXT_MAX);
	rc = json_print(doc, JSON_PRETTY, &text);
	(void)buf_add_char(&text, '\n');
	if (rc == 0 &&
	    write(fd, buf_slice(&text).at, text.len) != (ssize_t)text.len)
		rc = ERR_IO;
	buf_done(&text);
	return rc;
}

int
settings_text_edit(const struct json *doc,
    char ret_path[SETTINGS_TEXT_PATH_MAX], struct json **ret_doc)
{
	char path[SETTINGS_TEXT_PATH_MAX] = "/tmp/postern-settings.XXXXXX";
	struct json *after = NULL;
	int fd = mkostemp(path, O_CLOEXEC); /* mode 0600 */
	int rc;

	ret_path[0] = '\0';
	if (fd < 0) {
		cli_error("%s: %s", path, strerror(errno));
		return ERR_IO;
	}
	rc = write_text(fd, doc);
	(void)close(fd);
	if (rc == 0)
		rc = run_editor(path);
	if (rc < 0) { /* an editor that fails was told to forget it */
		(void)unlink(path);
		return rc;
	}
	memcpy(ret_path, path, sizeof(path));
	rc = settings_text_load(path, &after);
	if (rc < 0)
		return rc;
	*ret_doc = after;
	return !json_equal(doc, after);
}

void
settings_text_edited(const char *path, struct slice tenant, int rc)
{
	if (path[0] == '\0')
		return;
	if (rc >= 0) {
		(void)unlink(path);
		return;
	}
	cli_error("your text is kept in %s; when it is mended: postern "
		  "settings -t %.*s import %s, and remove the file",
	    path, SLICE_F(tenant), path);
}
