/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzz: the Authorization header field. */
#include <stdint.h>
#include <stdlib.h>

#include "apid/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_inside(struct slice s, const char *room)
{
	if (s.len == 0 || s.at < room || s.at + s.len > room + AUTH_ROOM)
		abort(); /* a slice leaves its room */
	if (memchr(s.at, '\0', s.len) != NULL)
		abort(); /* a NUL could hide the rest of a name */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char room[AUTH_ROOM];
	struct credentials c;

	if (auth_parse((struct slice){ (const char *)data, size }, room, &c) <
	    0)
		return 0;
	check_inside(c.name, room);
	check_inside(c.key, room);
	return 0;
}
