/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_MIME_NAME_H
#define PROTO_MIME_NAME_H

#include "util/buf.h"
#include "util/slice.h"

/*
 * A parameter of a MIME field as text in UTF-8: continuations and character
 * sets of RFC 2231, encoded words (which do not belong there, and are there),
 * and raw octets as old mailers write them: UTF-8, else Japanese if they can
 * be read so, else U+FFFD.
 *
 * field  value of Content-Disposition or Content-Type
 * out    appended to, in one go or not at all; its maximum is a bound
 * ERR_NOTFOUND: there is no such parameter; ERR_LIMIT, ERR_NOMEM.
 */
int mime_parameter_text(struct slice field, const char *name, struct buf *out);

/*
 * The name of a file out of that of a path, such as no system takes amiss: what
 * stands before the last "/" or "\" goes, control characters and those that
 * turn the direction of writing become "?".  Empty: no name is left. ERR_NOMEM.
 */
int mime_file_name(struct slice text, struct buf *out);

#endif /* PROTO_MIME_NAME_H */
