/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_MAIL_VIEW_H
#define PROTO_MAIL_VIEW_H

#include <stdbool.h>

#include "util/arena.h"
#include "util/slice.h"

/*
 * A mail as a program wants it: its header, what a person reads, and its
 * files, decoded (RFC 2045 to 2047, 2183, 2231).  All texts are UTF-8, whatever
 * came: what can not be read becomes U+FFFD.  Nothing recurses, and time and
 * memory are those of the mail's length.
 */
#define MAIL_VIEW_FIELDS_MAX 20000
#define MAIL_VIEW_PARTS_MAX 1000
/* Room that a view of so long a mail needs, at most. */
#define MAIL_VIEW_ROOM(length) (8 * (length) + (8U << 20))

struct mail_field {
	struct slice name;  /* lower case */
	struct slice value; /* unfolded; encoded words as they stand */
};
struct mail_file {
	struct slice name;       /* of a file, without folders; never empty */
	struct slice type;       /* "image/png", lower case */
	struct slice content_id; /* without <>; or absent */
	bool is_inline;          /* shown where the text says */
	struct slice content;    /* decoded octets */
};
struct mail_view {
	const struct mail_field *fields;
	size_t field_count;
	struct slice subject;    /* decoded; empty: none */
	struct slice text, html; /* absent: there is none */
	const struct mail_file *files;
	size_t file_count;
	bool cut; /* there are more parts than are looked at */
};
/* Slices point into mail or the arena.  0, ERR_NOMEM (or the arena's cap). */
int mail_view_read(struct slice mail, struct arena *arena,
    struct mail_view *ret_view);

#endif /* PROTO_MAIL_VIEW_H */
