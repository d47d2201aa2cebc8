/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SCAN_CONFINE_H
#define MILTER_SCAN_CONFINE_H

#include <stdint.h>

/* What a scanning process may use, for good; Landlock, setrlimit(2). */

/*
 * Of the file system: this directory, and what libc loads on demand
 * (character sets) for reading.  ERR_UNAVAIL: this kernel does not do it.
 */
int scan_confine_files(const char *directory);

/*
 * file_octets: of one file written; memory_octets: beyond what is in use
 * already.  ERR_IO.
 */
int scan_confine_limits(uint64_t file_octets, uint64_t memory_octets);

/* Only the descriptors 0 to 2, which lead nowhere, and fd, which becomes 3. */
int scan_confine_descriptors(int fd);

#endif /* MILTER_SCAN_CONFINE_H */
