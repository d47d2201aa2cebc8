/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to the scanner and its answers, as octets. */
#include "milter/scan_protocol.h"

#include "util/err.h"

#define MAGIC_LEN 4

static const char request_magic[] = "PSQ1";
static const char answer_magic[] = "PSA1";

static void
put(uint8_t *at, size_t octets, uint64_t value)
{
	for (size_t i = octets; i-- > 0; value >>= 8)
		at[i] = (uint8_t)value;
}

static uint64_t
get(struct slice in, size_t offset, size_t octets)
{
	uint64_t value = 0;

	for (size_t i = 0; i < octets; i++)
		value = value << 8 | (uint8_t)in.at[offset + i];
	return value;
}

/* A wrong beginning is wrong at once, however little of it is there. */
static int
check_magic(struct slice in, const char *magic)
{
	size_t n = in.len < MAGIC_LEN ? in.len : MAGIC_LEN;

	return n == 0 || memcmp(in.at, magic, n) == 0 ? 0 : ERR_SYNTAX;
}

void
scan_request_format(const struct scan_request *r,
    uint8_t ret_octets[SCAN_REQUEST_LEN])
{
	memcpy(ret_octets, request_magic, MAGIC_LEN);
	put(ret_octets + 4, 4, r->id);
	put(ret_octets + 8, 8, r->size);
	put(ret_octets + 16, 4, r->timeout_ms);
}

int
scan_request_parse(struct slice in, struct scan_request *ret_request)
{
	if (check_magic(in, request_magic) < 0)
		return ERR_SYNTAX;
	if (in.len < SCAN_REQUEST_LEN)
		return 0;
	struct scan_request r = {
		.id = (uint32_t)get(in, 4, 4),
		.size = get(in, 8, 8),
		.timeout_ms = (uint32_t)get(in, 16, 4),
	};
	if (r.size > INT64_MAX || r.timeout_ms == 0 ||
	    r.timeout_ms > SCAN_REQUEST_MS_MAX)
		return ERR_SYNTAX;
	*ret_request = r;
	return SCAN_REQUEST_LEN;
}

static bool
is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

void
scan_name_set(char ret_name[SCAN_NAME_MAX], struct slice name)
{
	name = slice_trim(name);
	if (name.len >= SCAN_NAME_MAX)
		name.len = SCAN_NAME_MAX - 1;
	for (size_t i = 0; i < name.len; i++)
		ret_name[i] = is_printable(name.at[i]) ? name.at[i] : '?';
	while (name.len > 0 && ret_name[name.len - 1] == ' ')
		name.len--;
	ret_name[name.len] = '\0';
}

size_t
scan_answer_format(const struct scan_answer *a,
    uint8_t ret_octets[SCAN_ANSWER_MAX])
{
	char name[SCAN_NAME_MAX];

	scan_name_set(name,
	    (struct slice){ a->name, strnlen(a->name, SCAN_NAME_MAX) });
	size_t len = strlen(name);

	memcpy(ret_octets, answer_magic, MAGIC_LEN);
	put(ret_octets + 4, 4, a->id);
	put(ret_octets + 8, 1, (uint64_t)a->outcome);
	put(ret_octets + 9, 1, len);
	memcpy(ret_octets + SCAN_ANSWER_HEAD, name, len);
	return SCAN_ANSWER_HEAD + len;
}

int
scan_answer_parse(struct slice in, struct scan_answer *ret_answer)
{
	struct scan_answer a = { .name = "" };

	if (check_magic(in, answer_magic) < 0)
		return ERR_SYNTAX;
	if (in.len > 8 &&
	    (in.at[8] == '\0' || strchr("CIUF", in.at[8]) == NULL))
		return ERR_SYNTAX;
	if (in.len > 9 && (uint8_t)in.at[9] >= SCAN_NAME_MAX)
		return ERR_SYNTAX;
	if (in.len < SCAN_ANSWER_HEAD ||
	    in.len < SCAN_ANSWER_HEAD + (size_t)(uint8_t)in.at[9])
		return 0;
	struct slice name = { in.at + SCAN_ANSWER_HEAD, (uint8_t)in.at[9] };
	for (size_t i = 0; i < name.len; i++)
		if (!is_printable(name.at[i]))
			return ERR_SYNTAX;
	a.id = (uint32_t)get(in, 4, 4);
	a.outcome = (enum scan_outcome)in.at[8];
	scan_name_set(a.name, name);
	*ret_answer = a;
	return (int)(SCAN_ANSWER_HEAD + name.len);
}
