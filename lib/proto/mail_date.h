/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_MAIL_DATE_H
#define PROTO_MAIL_DATE_H

#include <stddef.h>
#include <stdint.h>

/* A point in time as header fields have it: RFC 5322, 3.3; always UTC. */
#define MAIL_DATE_MAX 64
/* "Mon, 23 Nov 2026 11:00:00 +0000"; returns its length. */
size_t mail_date_format(int64_t wall_ms, char room[MAIL_DATE_MAX]);

#endif /* PROTO_MAIL_DATE_H */
