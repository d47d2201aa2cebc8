/* SPDX-License-Identifier: BSD-2-Clause */
/* mail_view_read: all texts are UTF-8, contents no longer than the mail, names
 * are names; mime_parameter_text. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/mail_view.h"
#include "proto/mime_name.h"
#include "util/err.h"
#include "util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check(const struct mail_view *v, size_t size)
{
	size_t octets = 0;

	must(utf8_ok(v->subject) && utf8_ok(v->text) && utf8_ok(v->html));
	for (size_t i = 0; i < v->field_count; i++)
		must(v->fields[i].name.len > 0 && utf8_ok(v->fields[i].value));
	must(v->file_count <= MAIL_VIEW_PARTS_MAX);
	for (size_t i = 0; i < v->file_count; i++) {
		const struct mail_file *f = &v->files[i];

		must(f->name.len > 0 && f->name.len <= 255 && utf8_ok(f->name));
		must(memchr(f->name.at, '/', f->name.len) == NULL);
		must(memchr(f->type.at, '/', f->type.len) != NULL);
		octets += f->content.len;
	}
	must(octets <= size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct arena *arena = arena_new(MAIL_VIEW_ROOM(size));
	struct mail_view v;
	struct buf out;
	int rc;

	if (arena == NULL)
		return 0;
	/* So much room is enough, whatever the mail is. */
	must(mail_view_read(in, arena, &v) == 0);
	check(&v, size);
	arena_free(arena);
	buf_init(&out, 1000);
	rc = mime_parameter_text(in, "filename", &out);
	must(rc == 0 || rc == ERR_NOTFOUND || rc == ERR_LIMIT);
	must(rc == 0 || out.len == 0);
	must(utf8_ok(buf_slice(&out)));
	buf_done(&out);
	return 0;
}
