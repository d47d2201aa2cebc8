/* SPDX-License-Identifier: BSD-2-Clause */
/* Shapes of replies: a line for the recipient, then the text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reply_shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = { (const char *)data, size }, recipient;
	char room[REPLY_SHAPE_MAX], again[REPLY_SHAPE_MAX];

	if (!slice_split(&rest, '\n', &recipient))
		return 0;
	size_t len = reply_shape(rest, recipient, room);
	if (len > REPLY_SHAPE_MAX)
		abort();
	for (size_t i = 0; i < len; i++) {
		char c = room[i];

		/* Lower case, words, one blank between. */
		if ((c >= 'A' && c <= 'Z') || ((unsigned char)c < ' ') ||
		    (c == ' ' &&
			(i == 0 || i + 1 == len || room[i + 1] == ' ')))
			abort();
		/* Two marks in a row are one. */
		if (i + 2 < len && c == '#' && room[i + 1] == ' ' &&
		    room[i + 2] == '#' && (i == 0 || room[i - 1] == ' ') &&
		    (i + 3 == len || room[i + 3] == ' '))
			abort();
	}
	if (len != reply_shape(rest, recipient, again) ||
	    memcmp(room, again, len) != 0)
		abort();
	return 0;
}
