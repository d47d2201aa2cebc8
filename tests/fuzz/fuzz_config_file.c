/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration file: names and values are clean, lines grow, and what was
 * read is read again from its plain form.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "service/config_file.h"
#include "util/buf.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct buf plain;
	unsigned line, entries;
	bool error;
};

static void
on_entry(void *ctx, unsigned line, struct slice name, struct slice value)
{
	struct seen *s = ctx;

	if (line <= s->line || name.len == 0)
		abort();
	if (memchr(name.at, '=', name.len) != NULL ||
	    (value.len > 0 && memchr(value.at, '\n', value.len) != NULL) ||
	    slice_trim(value).len != value.len)
		abort();
	s->line = line;
	s->entries++;
	(void)buf_add_slice(&s->plain, name);
	(void)buf_add_char(&s->plain, '=');
	(void)buf_add_slice(&s->plain, value);
	(void)buf_add_char(&s->plain, '\n');
}

static void
on_error(void *ctx, unsigned line, const char *text)
{
	struct seen *s = ctx;

	if (line == 0 || text[0] == '\0')
		abort();
	s->error = true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen first = { .line = 0 }, second = { .line = 0 };
	int rc;

	buf_init(&first.plain, 4 * CONFIG_FILE_MAX);
	buf_init(&second.plain, 4 * CONFIG_FILE_MAX);
	rc = config_file_parse((struct slice){ (const char *)data, size },
	    on_entry, on_error, &first);
	if (rc != ERR_LIMIT && (rc == ERR_SYNTAX) != first.error)
		abort();
	if (config_file_parse(buf_slice(&first.plain), on_entry, on_error,
		&second) == 0 &&
	    (second.entries != first.entries ||
		!slice_eq(buf_slice(&first.plain), buf_slice(&second.plain))))
		abort();
	if (second.error)
		abort();
	buf_done(&first.plain);
	buf_done(&second.plain);
	return 0;
}
