/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_FIELDS_H
#define BOUNCED_FIELDS_H

#include "proto/header.h"
#include "util/arena.h"

/* The header of a whole message as a list, in order, for filters. */
#define FIELDS_MAX 20000 /* more: the rest is not looked at */

struct fields {
	struct header_field *at; /* slices point into the message */
	size_t count;
};
/* 0, ERR_NOMEM. */
int fields_read(struct slice message, struct arena *arena,
    struct fields *ret_fields);

#endif /* BOUNCED_FIELDS_H */
