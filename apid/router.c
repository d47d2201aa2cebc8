/* SPDX-License-Identifier: BSD-2-Clause */
/* From method and path to a row of a resource's route table. */
#include "apid/router.h"

#include "apid/uri.h"
#include "util/err.h"

/* Does path fit the template?  Its arguments, not decoded yet, go to args. */
static bool
path_fits(const char *template, struct slice path,
    struct slice args[ROUTE_ARGS_MAX], size_t *ret_count)
{
	struct slice want = slice_of(template), wanted, got;
	size_t count = 0;

	for (;;) {
		bool more = slice_split(&want, '/', &wanted);

		if (more != slice_split(&path, '/', &got))
			return false;
		if (!more)
			break;
		if (wanted.len == 0 || wanted.at[0] != '{') {
			if (!slice_eq(wanted, got))
				return false;
			continue;
		}
		if (got.len == 0 || count == ROUTE_ARGS_MAX)
			return false;
		args[count++] = got;
	}
	*ret_count = count;
	return true;
}

static void
allow_add(char *allow, size_t size, const char *method)
{
	size_t len = strlen(allow), mlen = strlen(method);

	if (len + mlen + 3 > size)
		return;
	if (len > 0) {
		memcpy(allow + len, ", ", 2);
		len += 2;
	}
	memcpy(allow + len, method, mlen + 1);
	if (strcmp(method, "GET") == 0)
		allow_add(allow, size, "HEAD");
}

int
route_find(const struct route *const *tables, struct slice method,
    struct slice path, struct arena *arena, struct route_match *ret_match)
{
	struct route_match m = { .allow = "" };
	struct slice raw[ROUTE_ARGS_MAX];
	int rc;

	if (slice_eq(method, SLICE("HEAD")))
		method = SLICE("GET");
	for (; *tables != NULL; tables++) {
		for (const struct route *r = *tables; r->method != NULL; r++) {
			if (!path_fits(r->path, path, raw, &m.arg_count))
				continue;
			allow_add(m.allow, sizeof(m.allow), r->method);
			if (slice_eq(method, slice_of(r->method)))
				m.route = r;
			if (m.route != NULL)
				goto found;
		}
	}
	*ret_match = m;
	return m.allow[0] != '\0' ? ERR_DENIED : ERR_NOTFOUND;

found:
	for (size_t i = 0; i < m.arg_count; i++) {
		rc = uri_decode(raw[i], URI_PLUS_IS_PLUS, arena, &m.args[i]);
		if (rc < 0)
			return rc;
	}
	*ret_match = m;
	return 0;
}

/* Is the weight among these parameters zero ("q=0", "q=0.000")? */
static bool
weight_is_zero(struct slice params)
{
	struct slice p;

	while (slice_split(&params, ';', &p)) {
		p = slice_trim(p);
		if (!slice_starts_nocase(p, SLICE("q=")))
			continue;
		p = slice_skip(p, 2);
		for (size_t i = 0; i < p.len; i++)
			if (p.at[i] != '0' && p.at[i] != '.')
				return false;
		return true;
	}
	return false;
}

bool
accept_type(struct slice accept, enum accept_type type)
{
	/* The most exact range that fits decides. */
	static const struct slice ranges[][3] = {
		[ACCEPT_JSON] = { { "*/*", 3 }, { "application/*", 13 },
		    { "application/json", 16 } },
		[ACCEPT_CSV] = { { "*/*", 3 }, { "text/*", 6 },
		    { "text/csv", 8 } },
		[ACCEPT_ZIP] = { { "*/*", 3 }, { "application/*", 13 },
		    { "application/zip", 15 } },
	};
	int best = -1;
	bool ok = false;
	struct slice piece, range;

	if (accept.at == NULL || slice_trim(accept).len == 0)
		return true;
	while (slice_split(&accept, ',', &piece)) {
		(void)slice_split(&piece, ';', &range);
		range = slice_trim(range);
		for (int i = 0; i < 3; i++) {
			if (i >= best &&
			    slice_eq_nocase(range, ranges[type][i])) {
				best = i;
				ok = !weight_is_zero(piece);
			}
		}
	}
	return ok;
}

bool
accept_json(struct slice accept)
{
	return accept_type(accept, ACCEPT_JSON);
}

bool
content_type_json(struct slice content_type)
{
	struct slice type = { NULL, 0 }, param;

	(void)slice_split(&content_type, ';', &type);
	if (!slice_eq_nocase(slice_trim(type), SLICE("application/json")))
		return false;
	while (slice_split(&content_type, ';', &param)) {
		param = slice_trim(param);
		if (slice_starts_nocase(param, SLICE("charset=")) &&
		    !slice_eq_nocase(param, SLICE("charset=utf-8")) &&
		    !slice_eq_nocase(param, SLICE("charset=\"utf-8\"")))
			return false;
	}
	return true;
}
