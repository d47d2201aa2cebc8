/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_REDIS_SCRIPT_H
#define STORE_REDIS_SCRIPT_H

#include "store/redis.h"

/* The text of a script, compiled in from lib/store/script/NAME.lua. */
const char *redis_script_text(enum script script);
/*
 * Does it only read? Such a script is called by EVALSHA_RO, which asks for no
 * more than the right to read its keys.
 */
bool redis_script_only_reads(enum script script);

#endif /* STORE_REDIS_SCRIPT_H */
