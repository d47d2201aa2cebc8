/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of the Lua scripts. */
#include "store/redis_script.h"

#define X(name) extern const char script_##name##_lua[];
#include "store/script/list.h"
#undef X

static const char *const texts[SCRIPT_COUNT] = {
#define X(name) [SCRIPT_##name] = script_##name##_lua,
#include "store/script/list.h"
#undef X
};

const char *
redis_script_text(enum script script)
{
	return texts[script];
}

bool
redis_script_only_reads(enum script script)
{
	return script == SCRIPT_block_get || script == SCRIPT_block_page ||
	       script == SCRIPT_limit_get || script == SCRIPT_quarantine_page ||
	       script == SCRIPT_settings_get || script == SCRIPT_settings_names;
}
