/* SPDX-License-Identifier: BSD-2-Clause */
/* The time zone of the person at the keyboard. */
#include "cli/local_zone.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/zone.h"
#include "util/arena.h"
#include "util/buf.h"
#include "util/read_all.h"
#include "util/zone_file.h"

#define LOCAL_FILE "/etc/localtime"
#define FILE_MAX (ZONE_FILE_MAX + READ_PIECE)
#define ARENA_MAX (1024 * 1024)

/* One zone, kept to the end. */
static const struct zone *
parsed(struct slice file)
{
	static struct arena *arena;
	const struct zone *z;

	if (arena == NULL)
		arena = arena_new(ARENA_MAX);
	if (arena == NULL || zone_parse(file, arena, &z) < 0)
		return NULL;
	return z;
}

const struct zone *
local_zone_named(const char *name)
{
	const struct zone *z = NULL;
	struct buf file;

	if (slice_eq(slice_of(name), SLICE("UTC")))
		return zone_utc;
	buf_init(&file, ZONE_FILE_MAX);
	if (zone_file_read(slice_of(name), &file) == 0)
		z = parsed(buf_slice(&file));
	buf_done(&file);
	return z;
}

static const struct zone *
of_the_host(void)
{
	const struct zone *z = NULL;
	struct buf file;
	int fd = open(LOCAL_FILE, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return zone_utc;
	buf_init(&file, FILE_MAX);
	if (read_all(fd, &file) == 0)
		z = parsed(buf_slice(&file));
	buf_done(&file);
	(void)close(fd);
	return z != NULL ? z : zone_utc;
}

const struct zone *
local_zone(void)
{
	const char *name = getenv("TZ");
	const struct zone *z;

	if (name == NULL)
		return of_the_host();
	z = local_zone_named(*name == ':' ? name + 1 : name);
	return z != NULL ? z : zone_utc;
}
