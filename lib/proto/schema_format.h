/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SCHEMA_FORMAT_H
#define PROTO_SCHEMA_FORMAT_H

#include <stdbool.h>

#include "util/slice.h"

/* The formats of "format", beyond what a pattern can say. */
bool schema_format_known(struct slice format);
/* NULL: value is of this format; else what is wrong, for a person. */
const char *schema_format_check(struct slice format, struct slice value);

#endif /* PROTO_SCHEMA_FORMAT_H */
