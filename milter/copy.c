/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies that Postern has sent in again: how they are known. */
#include "milter/copy.h"

/* Fields that decide where mail goes: nobody outside may write them. */
static const struct slice ours = SLICE("X-Postern-");

int
copy_enter(struct message *msg)
{
	for (size_t i = 0; i < msg->field_count; i++)
		if (slice_starts_nocase(msg->fields[i].field.name, ours))
			message_delete_field(msg, i);
	return 0;
}
