/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SCAN_CLAMAV_H
#define MILTER_SCAN_CLAMAV_H

#include <stddef.h>
#include <stdint.h>

#include "milter/scan_protocol.h"

/*
 * libclamav; for the processes of postern-scan that load signatures and scan.
 * Nothing else in the tree may be linked with scan_clamav.c: doc/LICENSING.md.
 */
struct host_config;
struct scan_clamav;

struct scan_database {
	unsigned signatures;
	int64_t time_s; /* of the official daily signatures; 0: unknown */
};

/*
 * Loads and compiles what lies in scan_database_directory; takes seconds.
 * ERR_CONFIG: the database is not usable; ERR_NOMEM, ERR_IO: try again later.
 * With a text for a person in error.
 */
int scan_clamav_load(const struct host_config *config,
    struct scan_clamav **ret_clamav, struct scan_database *ret_database,
    char *error, size_t error_size);

/* Where temporary files go from now on.  ERR_NOMEM, ERR_IO. */
int scan_clamav_directory(struct scan_clamav *c, const char *path);

/* ret_answer->id stays as it is. */
void scan_clamav_scan(struct scan_clamav *c, const void *octets, size_t size,
    struct scan_answer *ret_answer);

#endif /* MILTER_SCAN_CLAMAV_H */
