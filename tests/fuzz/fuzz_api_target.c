/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzz: method, path and query of an API request. */
#include <stdint.h>
#include <stdlib.h>

#include "apid/router.h"
#include "apid/uri.h"
#include "util/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct route routes[] = {
	{ .method = "GET", .path = "/v1/blocks" },
	{ .method = "DELETE", .path = "/v1/blocks/{address}" },
	{ .method = "POST", .path = "/v1/webhooks/{name}/dead/{id}" },
	{ .method = NULL },
};
static const struct route *const tables[] = { routes, NULL };

static void
check_text(struct slice s, struct arena *a)
{
	struct buf out;
	struct slice back;

	if (memchr(s.at, '\0', s.len) != NULL || !uri_text_ok(s))
		abort(); /* decoded text is UTF-8 without NUL */
	buf_init(&out, s.len * 3 + 1);
	if (uri_encode(s, &out) == 0 &&
	    uri_decode(buf_slice(&out), URI_PLUS_IS_BLANK, a, &back) == 0 &&
	    !slice_eq(back, s))
		abort(); /* encoding and decoding are inverse */
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = { (const char *)data, size }, method, path;
	struct query_param params[QUERY_MAX];
	struct arena *a = arena_new(1 << 20);
	struct route_match m;
	size_t count = 0;

	if (a == NULL)
		return 0;
	if (slice_split(&rest, ' ', &method) &&
	    slice_split(&rest, '?', &path)) {
		if (route_find(tables, method, path, a, &m) == 0) {
			if (m.arg_count > ROUTE_ARGS_MAX)
				abort();
			for (size_t i = 0; i < m.arg_count; i++)
				check_text(m.args[i], a);
		}
		if (query_parse(rest, a, params, &count) == 0) {
			if (count > QUERY_MAX)
				abort();
			for (size_t i = 0; i < count; i++) {
				check_text(params[i].name, a);
				check_text(params[i].value, a);
			}
		}
		(void)accept_json(rest);
		(void)content_type_json(rest);
	}
	arena_free(a);
	return 0;
}
