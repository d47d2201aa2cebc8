/* SPDX-License-Identifier: BSD-2-Clause */
/* Regular expressions that can not run away; the only user of PCRE2. */
#include "util/regex.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "util/err.h"

#define PATTERN_MAX 8192
#define MATCH_STEPS_MAX 250000 /* about 5 ms, whatever the pattern */
#define DEPTH_MAX 20000
#define HEAP_KIB_MAX 4096

struct regex {
	pcre2_code *code;
	pcre2_match_context *limits; /* only read while matching */
};

static void
say(char *ret_error, size_t size, const char *text, size_t offset)
{
	if (ret_error != NULL)
		(void)snprintf(ret_error, size, "%s at offset %zu", text,
		    offset);
}

static uint32_t
compile_options(unsigned flags)
{
	uint32_t options = PCRE2_NEVER_BACKSLASH_C;

	if (flags & REGEX_NOCASE)
		options |= PCRE2_CASELESS;
	if (flags & REGEX_FULL)
		options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
	/* "(*UTF)" in the pattern is for the caller to say, not for it. */
	if (flags & REGEX_UTF)
		options |= PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
	else
		options |= PCRE2_NEVER_UTF;
	return options;
}

int
regex_compile(struct slice pattern, unsigned flags, struct regex **ret_re,
    char *ret_error, size_t error_size)
{
	struct regex *re;
	PCRE2_UCHAR text[128] = "";
	PCRE2_SIZE offset = 0;
	int number;

	if (pattern.len > PATTERN_MAX) {
		say(ret_error, error_size, "pattern is too long", PATTERN_MAX);
		return ERR_LIMIT;
	}
	if ((re = calloc(1, sizeof(*re))) == NULL)
		return ERR_NOMEM;
	if ((re->limits = pcre2_match_context_create(NULL)) == NULL) {
		regex_free(re);
		return ERR_NOMEM;
	}
	(void)pcre2_set_match_limit(re->limits, MATCH_STEPS_MAX);
	(void)pcre2_set_depth_limit(re->limits, DEPTH_MAX);
	(void)pcre2_set_heap_limit(re->limits, HEAP_KIB_MAX);
	re->code =
	    pcre2_compile((PCRE2_SPTR)(pattern.at != NULL ? pattern.at : ""),
		pattern.len, compile_options(flags), &number, &offset, NULL);
	if (re->code == NULL) {
		regex_free(re);
		(void)pcre2_get_error_message(number, text, sizeof(text));
		say(ret_error, error_size, (const char *)text, offset);
		return number == PCRE2_ERROR_PATTERN_TOO_LARGE ? ERR_LIMIT
							       : ERR_SYNTAX;
	}
	/* Without JIT (architecture, SELinux) it is slower, not wrong. */
	(void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
	*ret_re = re;
	return 0;
}

void
regex_free(struct regex *re)
{
	if (re == NULL)
		return;
	pcre2_code_free(re->code);
	pcre2_match_context_free(re->limits);
	free(re);
}

static void
fill_groups(const pcre2_match_data *data, struct slice value, int count,
    struct slice *ret_groups)
{
	/* The library's getter does not write, but is not declared so. */
	const PCRE2_SIZE *at =
	    pcre2_get_ovector_pointer((pcre2_match_data *)(uintptr_t)data);

	if (count == 0) /* more groups than we asked for: ours are full */
		count = REGEX_GROUPS_MAX;
	for (int i = 0; i < REGEX_GROUPS_MAX; i++) {
		ret_groups[i] = (struct slice){ NULL, 0 };
		/* \K in a lookahead can make an end before its start. */
		if (i < count && at[2 * i] != PCRE2_UNSET &&
		    at[2 * i] <= at[2 * i + 1])
			ret_groups[i] = (struct slice){
				value.at + at[2 * i],
				at[2 * i + 1] - at[2 * i],
			};
	}
}

int
regex_match(const struct regex *re, struct slice value,
    struct slice *ret_groups)
{
	pcre2_match_data *data =
	    pcre2_match_data_create(REGEX_GROUPS_MAX, NULL);
	int rc;

	if (data == NULL)
		return ERR_NOMEM;
	if (value.at == NULL)
		value = SLICE("");
	rc = pcre2_match(re->code, (PCRE2_SPTR)value.at, value.len, 0, 0, data,
	    re->limits);
	/* JIT has 32 KiB of stack; the interpreter takes heap, up to a limit.
	 */
	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		rc = pcre2_match(re->code, (PCRE2_SPTR)value.at, value.len, 0,
		    PCRE2_NO_JIT, data, re->limits);
	if (rc >= 0 && ret_groups != NULL)
		fill_groups(data, value, rc, ret_groups);
	pcre2_match_data_free(data);
	if (rc >= 0)
		return 1;
	return rc == PCRE2_ERROR_NOMATCH ? 0 : ERR_LIMIT;
}
