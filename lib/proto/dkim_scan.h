/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_DKIM_SCAN_H
#define PROTO_DKIM_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * How much of the head of the text is canonical as it stands, if what comes
 * before it is the inside of a line: most of most bodies.  It may stop early,
 * and ends behind an octet that is neither a line end nor, where blanks count
 * (relaxed form), a blank.
 */
size_t dkim_scan(const unsigned char *at, size_t len, bool blanks);

#endif /* PROTO_DKIM_SCAN_H */
