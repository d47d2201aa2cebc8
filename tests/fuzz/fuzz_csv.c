/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CSV: what is read and written again is read as the same; where the text is
 * cut does not matter; after an error reading goes on.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proto/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
copy_of(const void *at, size_t len)
{
	char *copy = malloc(len + !len);

	if (copy == NULL)
		exit(1);
	if (len > 0)
		memcpy(copy, at, len);
	return copy;
}

/* A prefix that is not the last: more, an error, or the same record. */
static void
check_cuts(const uint8_t *data, size_t size, char separator,
    const struct csv_record *r, int used)
{
	static struct csv_record part;

	for (size_t n = 1; n < size && n < 200; n++) {
		char *text = copy_of(data, n);
		int rc = csv_read(text, n, separator, false, &part);

		if (rc > 0 && (rc != used || part.count != r->count ||
				  !slice_eq(part.field[0], r->field[0])))
			abort();
		free(text);
	}
}

static void
check_again(const struct csv_record *r, struct buf *out, char separator)
{
	static struct csv_record again;
	struct csv_writer w = { .out = out, .separator = separator };

	buf_clear(out);
	for (size_t i = 0; i < r->count; i++)
		csv_text(&w, r->field[i]);
	if (csv_end(&w) < 0)
		abort();
	char *text = copy_of(out->at, out->len);
	int rc = csv_read(text, out->len, separator, false, &again);
	if (out->len > CSV_RECORD_MAX) {
		free(text);
		return;
	}
	if (rc < 0 || (size_t)rc != out->len || again.count != r->count)
		abort();
	for (size_t i = 0; i < r->count; i++)
		if (!slice_eq(csv_unguarded(again.field[i]), r->field[i]))
			abort();
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct csv_record r;
	const struct slice all = { (const char *)data, size };
	char separator = csv_separator(all), *text = copy_of(data, size);
	size_t at = 0;
	struct buf out;

	buf_init(&out, 4 << 20);
	while (at < size) {
		int rc = csv_read(text + at, size - at, separator, true, &r);

		if (rc == 0)
			abort(); /* it was the last */
		if (rc < 0) {
			at += csv_skip_line((struct slice){ text + at,
						size - at },
			    true);
			continue;
		}
		if (at == 0)
			check_cuts(data, size, separator, &r, rc);
		check_again(&r, &out, separator);
		at += (size_t)rc;
	}
	buf_done(&out);
	free(text);
	return 0;
}
