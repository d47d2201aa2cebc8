/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SETTINGS_TENANT_H
#define PROTO_SETTINGS_TENANT_H

#include "proto/settings.h"

/* Between settings_compile.c and settings_tenant.c; nobody else's. */
struct map;

/*
 * One tenant's document (NULL: all defaults) to *t; what is made belongs to s.
 * ERR_NOMEM, ERR_CRYPTO, ERR_SYNTAX.
 */
int settings_tenant_compile(struct settings *s, struct tenant *t,
    const struct settings_input *input, const struct master_key *master);

/* A map that is freed with s; NULL: no memory. */
struct map *settings_own_map(struct settings *s, size_t max);

#endif /* PROTO_SETTINGS_TENANT_H */
