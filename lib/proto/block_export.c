/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks and exemptions as CSV, which block_import.c reads back. */
#include "proto/block_import.h"
#include "proto/rfc3339.h"
#include "proto/status.h"

static const char *const export_columns[] = { "address", "stream", "state",
	"status", "status_word", "count", "since", "first_error", "last_error",
	"expires", "origin", "reason", "note" };

void
block_export_header(struct csv_writer *w)
{
	for (size_t i = 0;
	     i < sizeof(export_columns) / sizeof(export_columns[0]); i++)
		csv_plain(w, slice_of(export_columns[i]));
	(void)csv_end(w);
}

static void
put_time(struct csv_writer *w, int64_t seconds)
{
	char room[RFC3339_MAX];

	csv_plain(w, seconds > 0 ? (struct slice){ room,
				       rfc3339_format(seconds * 1000000, room) }
				 : SLICE(""));
}

void
block_export_row(struct csv_writer *w, struct slice address,
    const struct block *b)
{
	csv_text(w, address);
	csv_text(w, b->stream);
	csv_plain(w,
	    b->state == BLOCK_EXEMPT ? SLICE("exempt") : SLICE("blocked"));
	csv_number(w, b->status);
	csv_plain(w, slice_of(status_word(b->status)));
	csv_number(w, b->count > INT64_MAX ? INT64_MAX : (int64_t)b->count);
	put_time(w, b->since_s);
	put_time(w, b->first_s);
	put_time(w, b->last_s);
	put_time(w, b->expires_s);
	csv_plain(w, b->origin);
	csv_text(w, b->reason);
	csv_text(w, b->note);
	(void)csv_end(w);
}
