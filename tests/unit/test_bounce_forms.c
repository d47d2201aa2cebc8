/* SPDX-License-Identifier: BSD-2-Clause */
/* Every form of mail that comes back, as tests/data/bounces has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/bounce_mail.h"
#include "proto/mime.h"
#include "util/buf.h"

#define MAIL_MAX (1 << 20)

static void
read_whole(const char *name, struct buf *out)
{
	const char *top = getenv("srcdir");
	char path[1000];
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/tests/data/bounces/%s",
	    top != NULL ? top : "..", name);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		fail_msg("%s is not there", path);
	do {
		assert_int_equal(buf_reserve(out, 4096), 0);
		n = fread(out->at + out->len, 1, 4096, f);
		out->len += n;
	} while (n > 0);
	(void)fclose(f);
}

/* "bounce a@b.example=2", with "=*" for any failure. */
static bool
is_as_wanted(const struct bounce_mail *m, struct slice want)
{
	struct slice piece;
	size_t i = 0;

	if (!slice_split(&want, ' ', &piece) ||
	    !slice_eq(piece, slice_of(bounce_kind_word(m->kind))))
		return false;
	for (; slice_split(&want, ' ', &piece); i++) {
		char got[400];

		if (i == m->count)
			return false;
		const struct bounce_report *r = &m->reports[i];
		bool any = piece.at[piece.len - 1] == '*' &&
			   r->verdict.status != STATUS_NONE;
		(void)snprintf(got, sizeof(got), "%.*s=%d",
		    SLICE_F(r->recipient), any ? 0 : r->verdict.status);
		got[strlen(got) - (any ? 1 : 0)] = '\0';
		if (any)
			piece.len--;
		if (!slice_eq(piece, slice_of(got)))
			return false;
	}
	return i == m->count;
}

static void
check(const char *name, struct slice mail, struct slice want)
{
	struct arena *arena = arena_new(1 << 24);
	char *exact = malloc(mail.len + !mail.len);
	struct bounce_mail m;

	assert_non_null(arena);
	assert_non_null(exact);
	memcpy(exact, mail.at, mail.len);
	struct slice in = { exact, mail.len };
	assert_int_equal(bounce_mail_read(in, NULL, arena, &m), 0);
	if (!is_as_wanted(&m, want))
		fail_msg("%s: %s, %zu, %.*s=%d (%s), not %.*s", name,
		    bounce_kind_word(m.kind), m.count,
		    SLICE_F(m.count > 0 ? m.reports[0].recipient : in),
		    m.count > 0 ? m.reports[0].verdict.status : 0,
		    m.count > 0 && m.reports[0].verdict.rule != NULL
			? m.reports[0].verdict.rule
			: "",
		    SLICE_F(want));
	/* Cut anywhere, it is still read. */
	for (size_t cut = 0; cut < mail.len; cut += 97) {
		arena_reset(arena);
		in.len = cut;
		assert_int_equal(bounce_mail_read(in, NULL, arena, &m), 0);
	}
	free(exact);
	arena_free(arena);
}

static void
test_forms(void **state)
{
	struct buf table, mail;
	struct slice rest, line;
	size_t count = 0;

	(void)state;
	buf_init(&table, MAIL_MAX);
	buf_init(&mail, MAIL_MAX);
	read_whole("expected", &table);
	rest = buf_slice(&table);
	while (mime_line(&rest, &line)) {
		struct slice name = { NULL, 0 }, want = line;
		char file[200];

		(void)slice_split(&want, '\t', &name);
		(void)snprintf(file, sizeof(file), "%.*s.eml", SLICE_F(name));
		buf_clear(&mail);
		read_whole(file, &mail);
		check(file, buf_slice(&mail), want);
		count++;
	}
	assert_true(count > 100);
	buf_done(&mail);
	buf_done(&table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
