/* SPDX-License-Identifier: BSD-2-Clause */
/* Passwords of forwarding servers as files that only root may read. */
#include "policyd/queue_passwords.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policyd/queue_saved.h"
#include "proto/settings.h"
#include "proto/settings_view.h"
#include "util/crypto.h"
#include "util/err.h"

#define LINE_MAX_OCTETS 4096
/* settings_secret_context(), which this program has no other use for. */
#define WHERE SETTINGS_GLOBAL ":" SETTINGS_WHERE_FORWARD_PASSWORD

struct passwords {
	const char *folder;
	struct master_key master;
};

static void
wipe(struct buf *b)
{
	if (b->at != NULL)
		crypto_wipe(b->at, b->cap);
	buf_done(b);
}

static int
open_line(const struct passwords *p, const struct postfix_transport *t,
    struct buf *line)
{
	struct buf plain;
	int rc;

	buf_init(&plain, LINE_MAX_OCTETS);
	rc = crypto_open(&p->master, SLICE(WHERE), t->password, &plain);
	if (rc == 0)
		rc = postfix_transport_password(t, buf_slice(&plain), line);
	wipe(&plain);
	return rc;
}

/* 1: changed; 0: it is there. */
static int
write_one(const struct passwords *p, const struct postfix_transport *t)
{
	struct queue_saved now;
	char name[SHAPING_TRANSPORT_MAX + sizeof(POSTFIX_PASSWORD_SUFFIX)];
	struct buf line;
	int rc;

	(void)snprintf(name, sizeof(name), "%.*s%s", SLICE_F(t->name),
	    POSTFIX_PASSWORD_SUFFIX);
	buf_init(&line, LINE_MAX_OCTETS);
	rc = open_line(p, t, &line);
	if (rc < 0) {
		wipe(&line);
		return rc;
	}
	rc = queue_saved_read(&now, p->folder, name);
	if (rc == 0 && now.mode == 0600 &&
	    slice_eq(buf_slice(&now.text), buf_slice(&line)))
		rc = 0;
	else if (rc == 0 || rc == ERR_NOTFOUND)
		rc = queue_file_write(now.path, buf_slice(&line), 0600,
			 geteuid(), getegid()) == 0
			 ? 1
			 : ERR_IO;
	wipe(&now.text);
	wipe(&line);
	return rc;
}

int
queue_passwords_write(const char *folder, const char *key_file,
    const struct postfix_transports *wanted, struct buf *why,
    size_t *ret_changed)
{
	struct passwords p = { .folder = folder };
	bool loaded = false;
	size_t changed = 0;
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < wanted->count; i++) {
		const struct postfix_transport *t = &wanted->at[i];

		if (t->user.at == NULL)
			continue;
		if (!loaded &&
		    (rc = crypto_master_load(key_file, &p.master)) < 0) {
			(void)buf_addf(why, "%s: %s", key_file, err_text(rc));
			break;
		}
		loaded = true;
		rc = write_one(&p, t);
		if (rc < 0)
			(void)buf_addf(why, "password of %.*s: %s",
			    SLICE_F(t->name), err_text(rc));
		else
			changed += (size_t)rc;
	}
	crypto_wipe(&p.master, sizeof(p.master));
	if (rc < 0)
		return rc;
	*ret_changed = changed;
	return 0;
}

/* ---- what is left over ---- */

static bool
is_wanted(const struct postfix_transports *wanted, struct slice name)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->at[i].user.at != NULL &&
		    slice_eq(wanted->at[i].name, name))
			return true;
	return false;
}

void
queue_passwords_clean(const char *folder,
    const struct postfix_transports *wanted)
{
	const struct slice suffix = SLICE(POSTFIX_PASSWORD_SUFFIX);
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		struct slice name = slice_of(entry->d_name);

		if (name.len <= suffix.len ||
		    !slice_eq(slice_skip(name, name.len - suffix.len), suffix))
			continue;
		name.len -= suffix.len;
		if (postfix_transport_name_ok(name) && !is_wanted(wanted, name))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	(void)closedir(dir);
}
