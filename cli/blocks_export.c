/* SPDX-License-Identifier: BSD-2-Clause */
/* postern blocks export: both lists, for people and for other services. */
#include "cli/blocks.h"

#include <stdio.h>

#include "proto/block_json.h"
#include "util/err.h"

#define LINE_MAX_OCTETS 16384

static void
put_line(struct buf *line)
{
	(void)fwrite(line->at, 1, line->len, stdout);
	buf_done(line);
}

static void
print_csv(const struct blocks_run *r, struct slice address,
    const struct block *b)
{
	struct buf line;
	struct csv_writer w = csv_writer(&line);

	(void)r;
	buf_init(&line, LINE_MAX_OCTETS);
	block_export_row(&w, address, b);
	put_line(&line);
}

static void
print_json(const struct blocks_run *r, struct slice address,
    const struct block *b)
{
	struct buf line;

	(void)r;
	buf_init(&line, LINE_MAX_OCTETS);
	(void)block_to_json(address, b, &line);
	(void)buf_add_char(&line, '\n');
	put_line(&line);
}

/* What Amazon SES imports: address and reason, no header, no streams. */
static void
print_ses(const struct blocks_run *r, struct slice address,
    const struct block *b)
{
	struct buf line;
	struct csv_writer w = csv_writer(&line);

	(void)r;
	if (b->stream.len > 0)
		return;
	buf_init(&line, LINE_MAX_OCTETS);
	csv_plain(&w, address);
	csv_plain(&w, slice_eq(b->origin, SLICE("complaint"))
			  ? SLICE("COMPLAINT")
			  : SLICE("BOUNCE"));
	(void)csv_end(&w);
	put_line(&line);
}

int
blocks_export(struct blocks_run *r)
{
	static blocks_print *const prints[] = {
		[EXPORT_CSV] = print_csv,
		[EXPORT_JSON] = print_json,
		[EXPORT_SES] = print_ses,
	};
	blocks_print *print = prints[r->json ? EXPORT_JSON : r->export];
	int rc;

	if (print == print_csv) {
		struct buf line;
		struct csv_writer w = csv_writer(&line);

		buf_init(&line, LINE_MAX_OCTETS);
		block_export_header(&w);
		put_line(&line);
	}
	r->exempt = false;
	rc = blocks_each(r, print);
	r->exempt = true;
	if (rc == 0 && print != print_ses)
		rc = blocks_each(r, print);
	if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout) != 0))
		rc = ERR_IO;
	return rc;
}
