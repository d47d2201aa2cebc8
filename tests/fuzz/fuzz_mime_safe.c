/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any entity: what comes out is safe, and stays as it is when it goes through
 * again; a leaf holds what it held.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proto/mime.h"
#include "proto/mime_safe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS_MAX 20
#define OUT_MAX (1 << 22)

struct input {
	struct header_field fields[FIELDS_MAX];
	size_t count;
	struct slice body;
};

/* Header fields as a milter has them, and what is left. */
static void
divide(struct slice text, struct input *in)
{
	struct slice name, value;

	*in = (struct input){ .count = 0 };
	while (in->count < FIELDS_MAX && mime_field_next(&text, &name, &value))
		in->fields[in->count++] = (struct header_field){ name, value };
	in->body = text;
}

/* Without what a canonical form may change. */
static void
bare(struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->len; i++)
		if (b->at[i] != '\r')
			b->at[n++] = b->at[i];
	b->len = n;
}

static void
same_leaf(const struct mime_part *one, const struct mime_part *two)
{
	struct buf a, b;

	buf_init(&a, OUT_MAX);
	buf_init(&b, OUT_MAX);
	if (mime_decode(one, &a) == 0 && mime_decode(two, &b) == 0) {
		bare(&a);
		bare(&b);
		if (!slice_eq(buf_slice(&a), buf_slice(&b)))
			abort();
	}
	buf_done(&a);
	buf_done(&b);
}

static bool
is_leaf(const struct mime_part *p)
{
	/* Without a type it is a message in a multipart/digest. */
	return mime_field(p->header, "Content-Type").len > 0 &&
	       !slice_starts_nocase(p->type, SLICE("multipart/")) &&
	       !slice_starts_nocase(p->type, SLICE("message/")) &&
	       p->encoding != MIME_QUOTED_PRINTABLE;
}

static void
same_content(struct slice before, struct slice after)
{
	struct arena *arena = arena_new(1 << 20);
	struct mime a, b;

	if (arena == NULL)
		return;
	if (mime_parse(before, arena, &a) == 0 &&
	    mime_parse(after, arena, &b) == 0 && is_leaf(&a.parts[0]))
		same_leaf(&a.parts[0], &b.parts[0]);
	arena_free(arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct input in, safe;
	struct buf out, again;

	buf_init(&out, OUT_MAX);
	buf_init(&again, OUT_MAX);
	divide(text, &in);
	if (mime_safe(in.fields, in.count, in.body, &out) == 0) {
		if ((mime_unsafe(buf_slice(&out)) &
			~(unsigned)MIME_UNSAFE_BLANKS) != 0)
			abort();
		divide(buf_slice(&out), &safe);
		if (safe.count < FIELDS_MAX &&
		    (mime_safe(safe.fields, safe.count, safe.body, &again) <
			    0 ||
			!slice_eq(buf_slice(&again), buf_slice(&out))))
			abort();
		if (safe.count == in.count && in.count > 0 &&
		    in.count < FIELDS_MAX)
			same_content(text, buf_slice(&out));
	}
	buf_done(&out);
	buf_done(&again);
	return 0;
}
