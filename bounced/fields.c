/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of a whole message as a list. */
#include "bounced/fields.h"

#include "proto/mime.h"
#include "util/err.h"

int
fields_read(struct slice message, struct arena *arena,
    struct fields *ret_fields)
{
	struct fields f = { .at = NULL };
	struct slice rest = message;
	struct header_field one;
	size_t cap = 0;

	while (f.count < FIELDS_MAX &&
	       mime_field_next(&rest, &one.name, &one.value)) {
		if (f.count == cap) {
			size_t more = cap > 0 ? 2 * cap : 64;
			struct header_field *at =
			    arena_calloc(arena, more, sizeof(*at));

			if (at == NULL)
				return ERR_NOMEM;
			if (cap > 0)
				memcpy(at, f.at, cap * sizeof(*at));
			f.at = at;
			cap = more;
		}
		f.at[f.count++] = one;
	}
	*ret_fields = f;
	return 0;
}
