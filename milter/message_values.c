/* SPDX-License-Identifier: BSD-2-Clause */
/* What filters look at: the header as it came, for all modules once. */
#include "milter/message.h"
#include "proto/filter.h"

/* Values that a module has changed by now are those that it left. */
struct filter_values *
message_values(struct message *msg)
{
	struct header_field *fields;
	size_t count = 0;

	if (msg->values != NULL)
		return msg->values;
	fields =
	    arena_calloc(msg->arena, msg->field_count + 1, sizeof(*fields));
	if (fields == NULL)
		return NULL;
	for (size_t i = 0; i < msg->field_count; i++)
		if (msg->fields[i].state != FIELD_DELETED)
			fields[count++] = msg->fields[i].field;
	msg->values = filter_values_new(msg->arena, fields, count);
	return msg->values;
}
