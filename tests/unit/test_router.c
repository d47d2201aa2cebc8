/* SPDX-License-Identifier: BSD-2-Clause */
/* Request targets and routes of the API. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apid/problem.h"
#include "apid/router.h"
#include "apid/uri.h"
#include "util/err.h"

static const struct route one[] = {
	{ .method = "GET", .path = "/v1/blocks" },
	{ .method = "POST", .path = "/v1/blocks" },
	{ .method = "GET", .path = "/v1/blocks/{address}" },
	{ .method = "DELETE", .path = "/v1/blocks/{address}" },
	{ .method = NULL },
};
static const struct route two[] = {
	{ .method = "POST", .path = "/v1/webhooks/{name}/dead/replay" },
	{ .method = NULL },
};
static const struct route *const tables[] = { one, two, NULL };

static const struct {
	const char *method, *path;
	int rc;
	const struct route *route;
	const char *text; /* the argument, or Allow */
} routes[] = {
	{ "GET", "/v1/blocks", 0, &one[0], NULL },
	{ "HEAD", "/v1/blocks", 0, &one[0], NULL },
	{ "POST", "/v1/blocks", 0, &one[1], NULL },
	{ "GET", "/v1/blocks/a%40b.example", 0, &one[2], "a@b.example" },
	{ "GET", "/v1/blocks/a@b.example", 0, &one[2], "a@b.example" },
	{ "GET", "/v1/blocks/a%2Fb@c", 0, &one[2], "a/b@c" },
	{ "GET", "/v1/blocks/a+b@c", 0, &one[2], "a+b@c" },
	{ "GET", "/v1/blocks/%22a%20b%22@c", 0, &one[2], "\"a b\"@c" },
	{ "DELETE", "/v1/blocks/%E3%81%82@c", 0, &one[3], "\xe3\x81\x82@c" },
	{ "POST", "/v1/webhooks/app/dead/replay", 0, &two[0], "app" },
	{ "PUT", "/v1/blocks", ERR_DENIED, NULL, "GET, HEAD, POST" },
	{ "get", "/v1/blocks", ERR_DENIED, NULL, "GET, HEAD, POST" },
	{ "PATCH", "/v1/blocks/x", ERR_DENIED, NULL, "GET, HEAD, DELETE" },
	{ "GET", "/v1/webhooks/app/dead/replay", ERR_DENIED, NULL, "POST" },
	{ "GET", "/", ERR_NOTFOUND, NULL, "" },
	{ "GET", "", ERR_NOTFOUND, NULL, "" },
	{ "GET", "/v1/blocks/", ERR_NOTFOUND, NULL, "" },
	{ "GET", "/v1/blocks/a/b", ERR_NOTFOUND, NULL, "" },
	{ "GET", "//v1/blocks", ERR_NOTFOUND, NULL, "" },
	{ "GET", "/v1/BLOCKS", ERR_NOTFOUND, NULL, "" },
	{ "GET", "/v1/webhooks//dead/replay", ERR_NOTFOUND, NULL, "" },
	{ "GET", "/v1/blocks/a%4", ERR_SYNTAX, NULL, NULL },
	{ "GET", "/v1/blocks/a%zz", ERR_SYNTAX, NULL, NULL },
	{ "GET", "/v1/blocks/a%00b", ERR_SYNTAX, NULL, NULL },
	{ "GET", "/v1/blocks/%ff", ERR_SYNTAX, NULL, NULL },
	{ "GET", "/v1/blocks/%ed%a0%80", ERR_SYNTAX, NULL, NULL },
	{ "GET", "/v1/blocks/%c0%af", ERR_SYNTAX, NULL, NULL },
};

static void
test_routes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
		struct arena *a = arena_new(100000);
		size_t len = strlen(routes[i].path);
		char *exact = malloc(len + (len == 0));
		struct route_match m = { .route = NULL };
		int rc;

		memcpy(exact, routes[i].path, len);
		rc = route_find(tables, slice_of(routes[i].method),
		    (struct slice){ exact, len }, a, &m);
		if (rc != routes[i].rc)
			fail_msg("%s: %d", routes[i].path, rc);
		if (rc == 0 && m.route != routes[i].route)
			fail_msg("%s: another route", routes[i].path);
		if (rc == 0 && routes[i].text != NULL &&
		    !slice_eq(m.args[0], slice_of(routes[i].text)))
			fail_msg("%s: %.*s", routes[i].path,
			    SLICE_F(m.args[0]));
		if ((rc == ERR_DENIED || rc == ERR_NOTFOUND) &&
		    strcmp(m.allow, routes[i].text) != 0)
			fail_msg("%s: allow %s", routes[i].path, m.allow);
		free(exact);
		arena_free(a);
	}
}

static void
test_query(void **state)
{
	struct arena *a = arena_new(100000);
	struct query_param p[QUERY_MAX];
	char many[QUERY_MAX * 2 + 3];
	size_t n = 9;

	(void)state;
	assert_int_equal(query_parse(SLICE(""), a, p, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(query_parse((struct slice){ NULL, 0 }, a, p, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(query_parse(SLICE("a=b+c%2B&&d&e=&f=g=h"), a, p, &n),
	    0);
	assert_int_equal(n, 4);
	assert_true(slice_eq(p[0].name, SLICE("a")));
	assert_true(slice_eq(p[0].value, SLICE("b c+")));
	assert_true(slice_eq(p[1].name, SLICE("d")));
	assert_int_equal(p[1].value.len, 0);
	assert_non_null(p[1].value.at);
	assert_true(slice_eq(p[3].value, SLICE("g=h")));
	assert_int_equal(query_parse(SLICE("a=%0"), a, p, &n), ERR_SYNTAX);
	assert_int_equal(query_parse(SLICE("a=%00"), a, p, &n), ERR_SYNTAX);
	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = i % 2 ? '&' : 'x';
	assert_int_equal(query_parse((struct slice){ many, sizeof(many) }, a, p,
			     &n),
	    ERR_LIMIT);
	arena_free(a);
}

static void
test_encode_is_the_inverse(void **state)
{
	struct arena *a = arena_new(100000);
	struct buf out;
	char all[255];
	struct slice back;

	(void)state;
	for (size_t i = 0; i < 127; i++)
		all[i] = (char)(i + 1);
	buf_init(&out, 10000);
	assert_int_equal(uri_encode((struct slice){ all, 127 }, &out), 0);
	assert_null(memchr(out.at, '/', out.len));
	assert_null(memchr(out.at, '+', out.len));
	assert_int_equal(uri_decode(buf_slice(&out), URI_PLUS_IS_BLANK, a,
			     &back),
	    0);
	assert_true(slice_eq(back, (struct slice){ all, 127 }));
	buf_done(&out);
	arena_free(a);
}

static void
test_accept(void **state)
{
	static const struct {
		const char *accept;
		bool ok;
	} cases[] = {
		{ "", true },
		{ "*/*", true },
		{ "application/json", true },
		{ "Application/JSON", true },
		{ "text/html, application/*;q=0.1", true },
		{ "text/html", false },
		{ "application/json;q=0", false },
		{ "application/json;q=0.000, */*", false },
		{ "*/*;q=0, application/json", true },
		{ "application/json ; charset=utf-8 ; q=0.5", true },
		{ "application/problem+json", false },
		{ ",;,", false },
	};

	(void)state;
	assert_true(accept_json((struct slice){ NULL, 0 }));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (accept_json(slice_of(cases[i].accept)) != cases[i].ok)
			fail_msg("%s", cases[i].accept);
}

static void
test_content_type(void **state)
{
	(void)state;
	assert_true(content_type_json(SLICE("application/json")));
	assert_true(
	    content_type_json(SLICE("APPLICATION/json; charset=UTF-8")));
	assert_true(
	    content_type_json(SLICE("application/json;charset=\"utf-8\"")));
	assert_false(
	    content_type_json(SLICE("application/json; charset=latin1")));
	assert_false(content_type_json(SLICE("text/json")));
	assert_false(content_type_json(SLICE("application/jsonx")));
	assert_false(content_type_json(SLICE("")));
	assert_false(content_type_json((struct slice){ NULL, 0 }));
}

static void
test_problem(void **state)
{
	const struct problem_error errors[] = {
		{ "query", SLICE("x\"y"), SLICE("no such parameter") },
		{ "body", SLICE(""), SLICE("bad") },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(problem_print(400, SLICE("why"), errors, 2, &out), 0);
	assert_string_equal(buf_text(&out),
	    "{\"type\":\"urn:postern:problem:invalid-request\",\"title\":"
	    "\"Bad Request\",\"status\":400,\"detail\":\"why\",\"errors\":["
	    "{\"in\":\"query\",\"name\":\"x\\\"y\",\"detail\":"
	    "\"no such parameter\"},{\"in\":\"body\",\"detail\":\"bad\"}]}");
	buf_clear(&out);
	assert_int_equal(problem_print(404, SLICE(""), NULL, 0, &out), 0);
	assert_string_equal(buf_text(&out),
	    "{\"type\":\"urn:postern:problem:not-found\",\"title\":"
	    "\"Not Found\",\"status\":404}");
	buf_done(&out);
	assert_int_equal(problem_status(ERR_UNAVAIL), 503);
	assert_int_equal(problem_status(ERR_TIMEOUT), 503);
	assert_int_equal(problem_status(ERR_SYNTAX), 400);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_encode_is_the_inverse),
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_content_type),
		cmocka_unit_test(test_problem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
