/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SETTINGS_TENANT_H
#define PROTO_SETTINGS_TENANT_H

#include "proto/settings.h"
#include "proto/settings_view.h"

/* Between settings_compile.c and the compilers of one document. */
struct map;

/*
 * One tenant's document (NULL: all defaults) to *t; what is made belongs to s.
 * ERR_NOMEM, ERR_CRYPTO, ERR_SYNTAX.
 */
int settings_tenant_compile(struct settings *s, struct tenant *t,
    const struct settings_input *input, const struct master_key *master);

/* The same for the signature that the global document may ask for. */
int settings_operator_compile(struct settings *s, struct view global,
    const struct master_key *master);

/* The section shaping, with the provider file's document behind it. */
int settings_shaping_compile(struct settings *s, struct view global,
    struct view providers, const struct master_key *master);

/* The domains and feedback addresses of all tenants, once they are there. */
int settings_returns_compile(struct settings *s);

/* The global document's section scheduler. */
struct scheduler_settings settings_scheduler_of(struct view global);
struct retention_settings settings_retention_of(struct view global);

/* Bits of enum settings_need for all that is compiled. */
unsigned settings_needs_of(const struct settings *s);

/* A map that is freed with s; NULL: no memory. */
struct map *settings_own_map(struct settings *s, size_t max);

#endif /* PROTO_SETTINGS_TENANT_H */
