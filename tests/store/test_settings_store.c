/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings in a real Redis: drafts, revisions, and the watcher. */
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/json.h"
#include "proto/settings.h"
#include "store/settings_store.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"
#include "util/err.h"

static struct json *
parse(const char *text)
{
	struct json *v = NULL;
	char error[200];

	assert_int_equal(json_parse(slice_of(text), 65536, &v, error,
			     sizeof(error)),
	    0);
	return v;
}

/* What one call answered. */
struct answer {
	bool done;
	int rc;
	int64_t revision;
	char text[500];
};

static void
done(int rc, int64_t revision, void *ctx)
{
	struct answer *a = ctx;

	assert_false(a->done);
	*a = (struct answer){ true, rc, revision, "" };
}

static void
got(int rc, int64_t revision, const struct json *doc, void *ctx)
{
	struct answer *a = ctx;
	struct buf text;

	*a = (struct answer){ true, rc, revision, "" };
	buf_init(&text, sizeof(a->text) - 1);
	if (doc != NULL)
		assert_int_equal(json_print(doc, JSON_COMPACT, &text), 0);
	(void)snprintf(a->text, sizeof(a->text), "%s", buf_text(&text));
	buf_done(&text);
}

static void
got_history(int rc, const struct settings_revision *list, size_t count,
    void *ctx)
{
	struct answer *a = ctx;
	struct buf text;

	*a = (struct answer){ true, rc, (int64_t)count, "" };
	buf_init(&text, 100000);
	for (size_t i = 0; i < count; i++) {
		assert_true(list[i].at_s > 1600000000);
		(void)buf_addf(&text, "%d:%.*s:%.*s|", (int)list[i].revision,
		    SLICE_F(list[i].author), SLICE_F(list[i].note));
	}
	(void)snprintf(a->text, sizeof(a->text), "%s", buf_text(&text));
	buf_done(&text);
}

static void
got_names(int rc, const struct slice *names, size_t count, void *ctx)
{
	struct answer *a = ctx;
	struct buf text;

	*a = (struct answer){ true, rc, (int64_t)count, "" };
	buf_init(&text, sizeof(a->text) - 1);
	for (size_t i = 0; i < count; i++)
		(void)buf_addf(&text, "%.*s|", SLICE_F(names[i]));
	(void)snprintf(a->text, sizeof(a->text), "%s", buf_text(&text));
	buf_done(&text);
}

#define SHOP SLICE("shop")

static int
put(struct store_fixture *f, struct slice name, int64_t base, const char *text)
{
	struct json *doc = parse(text);
	struct answer a = { .done = false };

	settings_put_draft(f->store, name, base, doc, store_deadline(f->store),
	    done, &a);
	store_fixture_run(f, &a.done);
	json_free(doc);
	return a.rc;
}

static struct answer
apply(struct store_fixture *f, struct slice name, const char *note)
{
	struct answer a = { .done = false };

	settings_apply(f->store, name, SLICE("me\there"), slice_of(note),
	    store_deadline(f->store), done, &a);
	store_fixture_run(f, &a.done);
	return a;
}

static struct answer
draft(struct store_fixture *f)
{
	struct answer a = { .done = false };

	settings_get_draft(f->store, SHOP, store_deadline(f->store), got, &a);
	store_fixture_run(f, &a.done);
	return a;
}

static struct answer
revision(struct store_fixture *f, int64_t n)
{
	struct answer a = { .done = false };

	settings_get_revision(f->store, SHOP, n, store_deadline(f->store), got,
	    &a);
	store_fixture_run(f, &a.done);
	return a;
}

static void
test_revisions(void **state)
{
	struct store_fixture f;
	struct answer a = { .done = false };

	(void)state;
	store_fixture_open(&f, 0);
	a = draft(&f);
	assert_int_equal(a.rc, 0);
	assert_int_equal(a.revision, 0);
	assert_string_equal(a.text, "");
	assert_int_equal(apply(&f, SHOP, "").rc, ERR_NOTFOUND);
	assert_int_equal(put(&f, SHOP, 0, "{\"title\":\"one\"}"), 0);
	a = draft(&f);
	assert_string_equal(a.text, "{\"title\":\"one\"}");
	assert_string_equal(revision(&f, 0).text, "");
	a = apply(&f, SHOP, "first\nnote");
	assert_int_equal(a.rc, 0);
	assert_int_equal(a.revision, 1);
	assert_string_equal(revision(&f, 0).text, "{\"title\":\"one\"}");
	assert_string_equal(draft(&f).text, "{\"title\":\"one\"}");
	/* A draft from revision 0 comes too late. */
	assert_int_equal(put(&f, SHOP, 0, "{\"title\":\"late\"}"), 0);
	assert_int_equal(apply(&f, SHOP, "").rc, ERR_CONFLICT);
	assert_string_equal(draft(&f).text, "{\"title\":\"late\"}");
	assert_int_equal(draft(&f).revision, 0);
	a.done = false;
	settings_drop_draft(f.store, SHOP, store_deadline(f.store), done, &a);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.rc, 0);
	a.done = false;
	settings_drop_draft(f.store, SHOP, store_deadline(f.store), done, &a);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.rc, ERR_NOTFOUND);
	assert_int_equal(put(&f, SHOP, 1, "{\"title\":\"two\"}"), 0);
	assert_int_equal(apply(&f, SHOP, "second").revision, 2);
	assert_string_equal(revision(&f, 1).text, "{\"title\":\"one\"}");
	assert_int_equal(revision(&f, 3).rc, ERR_NOTFOUND);
	a.done = false;
	settings_rollback(f.store, SHOP, 1, SLICE("me"),
	    store_deadline(f.store), done, &a);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.revision, 3);
	assert_string_equal(revision(&f, 0).text, "{\"title\":\"one\"}");
	a.done = false;
	settings_rollback(f.store, SHOP, 9, SLICE("me"),
	    store_deadline(f.store), done, &a);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.rc, ERR_NOTFOUND);
	a.done = false;
	settings_history(f.store, SHOP, store_deadline(f.store), got_history,
	    &a);
	store_fixture_run(&f, &a.done);
	assert_string_equal(a.text, "3:me:back to revision 1|"
				    "2:me here:second|"
				    "1:me here:first note|");
	assert_int_equal(put(&f, SLICE("a"), 0, "{}"), 0);
	a.done = false;
	settings_names(f.store, store_deadline(f.store), got_names, &a);
	store_fixture_run(&f, &a.done);
	assert_string_equal(a.text, "a|shop|");
	store_fixture_close(&f);
}

static void
test_keeps_100(void **state)
{
	struct store_fixture f;
	struct answer a = { .done = false };

	(void)state;
	store_fixture_open(&f, 0);
	for (int i = 0; i < 103; i++) {
		assert_int_equal(put(&f, SHOP, i, "{}"), 0);
		assert_int_equal(apply(&f, SHOP, "").revision, i + 1);
	}
	assert_int_equal(revision(&f, 3).rc, ERR_NOTFOUND);
	assert_int_equal(revision(&f, 4).rc, 0);
	settings_history(f.store, SHOP, store_deadline(f.store), got_history,
	    &a);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.revision, 100);
	store_fixture_close(&f);
}

/* Two make a draft from the same revision; one of them wins. */
static void
test_race(void **state)
{
	struct store_fixture f;
	struct answer a = { .done = false }, b = { .done = false };

	(void)state;
	store_fixture_open(&f, 0);
	assert_int_equal(put(&f, SHOP, 0, "{}"), 0);
	settings_apply(f.store, SHOP, SLICE("a"), SLICE(""),
	    store_deadline(f.store), done, &a);
	settings_apply(f.store, SHOP, SLICE("b"), SLICE(""),
	    store_deadline(f.store), done, &b);
	store_fixture_run(&f, &a.done);
	store_fixture_run(&f, &b.done);
	assert_int_equal(a.rc, 0);
	assert_int_equal(b.rc, ERR_NOTFOUND);
	store_fixture_close(&f);
}

/* ---- the watcher ---- */

struct told {
	bool ok, bad;
	char last[1000];
};

static void
told(int rc, const char *text, void *ctx)
{
	struct told *t = ctx;

	if (rc == 0)
		t->ok = true;
	else
		t->bad = true;
	(void)snprintf(t->last, sizeof(t->last), "%s", text);
}

static void
assert_title(struct settings_watch *w, const char *title)
{
	struct settings *s = settings_current(w);
	const struct tenant *t = settings_tenant(s, SHOP);

	assert_non_null(t);
	assert_true(slice_eq(t->title, slice_of(title)));
	settings_unref(s);
}

static void
make_dir(char room[64])
{
	(void)snprintf(room, 64, "/tmp/postern-settings.XXXXXX");
	assert_non_null(mkdtemp(room));
}

static void
remove_dir(const char *dir)
{
	char path[100];

	(void)snprintf(path, sizeof(path), "%s/settings.json", dir);
	(void)unlink(path);
	assert_int_equal(rmdir(dir), 0);
}

#define SLOWLY_MS 3600000 /* polls never come: publish must do */

static void
test_watch_publish(void **state)
{
	struct settings_watch *w = NULL;
	struct told t = { .ok = false };
	struct store_fixture f;
	char dir[64], path[100];
	struct stat st;

	(void)state;
	make_dir(dir);
	store_fixture_open(&f, 0);
	assert_int_equal(put(&f, SHOP, 0, "{\"title\":\"one\"}"), 0);
	assert_int_equal(apply(&f, SHOP, "").revision, 1);
	assert_int_equal(settings_watch_start(f.base, f.store, dir, NULL,
			     SLOWLY_MS, told, &t, &w),
	    0);
	struct settings *first = settings_current(w);

	assert_null(settings_tenant(first, SHOP));
	assert_non_null(settings_tenant(first, SLICE("default")));
	store_fixture_run(&f, &t.ok);
	assert_string_equal(t.last, "tenant shop: revision 1 in operation");
	assert_title(w, "one");
	/* Who still has the old snapshot may go on with it. */
	assert_null(settings_tenant(first, SHOP));
	settings_unref(first);
	/* The subscription may still be on its way: apply until heard. */
	t.ok = false;
	for (int64_t n = 1; !t.ok && n < 100; n++) {
		struct timeval tick = { 0, 50000 };

		assert_int_equal(put(&f, SHOP, n, "{\"title\":\"two\"}"), 0);
		assert_int_equal(apply(&f, SHOP, "").revision, n + 1);
		(void)event_base_loopexit(f.base, &tick);
		(void)event_base_dispatch(f.base);
	}
	assert_true(t.ok);
	assert_title(w, "two");
	(void)snprintf(path, sizeof(path), "%s/settings.json", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	settings_watch_stop(w);
	store_fixture_close(&f);
	remove_dir(dir);
}

static void
test_watch_poll_and_refuse(void **state)
{
	struct settings_watch *w = NULL;
	struct told t = { .ok = false };
	struct store_fixture f;
	char dir[64], out[100];

	(void)state;
	make_dir(dir);
	store_fixture_open(&f, 0);
	assert_int_equal(settings_watch_start(f.base, f.store, dir, NULL, 20,
			     told, &t, &w),
	    0);
	/* Nothing is published here: the poll must find it. */
	redis_server_cli(&f.server,
	    "hset pn:{s}:docs:shop 5 {\\\"title\\\":\\\"five\\\"}", out,
	    sizeof(out));
	redis_server_cli(&f.server, "hset pn:{s}:revs shop 5", out,
	    sizeof(out));
	store_fixture_run(&f, &t.ok);
	assert_string_equal(t.last, "tenant shop: revision 5 in operation");
	assert_title(w, "five");
	/* What a newer program wrote is refused, and the old one stays, but
	 * another tenant's good one is taken. */
	t = (struct told){ .ok = false };
	redis_server_cli(&f.server, "hset pn:{s}:docs:shop 6 {\\\"new\\\":1}",
	    out, sizeof(out));
	redis_server_cli(&f.server, "hset pn:{s}:docs:mall 1 {}", out,
	    sizeof(out));
	redis_server_cli(&f.server, "hset pn:{s}:revs shop 6 mall 1", out,
	    sizeof(out));
	store_fixture_run(&f, &t.bad);
	store_fixture_run(&f, &t.ok);
	assert_title(w, "five");
	struct settings *s = settings_current(w);

	assert_non_null(settings_tenant(s, SLICE("mall")));
	settings_unref(s);
	settings_watch_stop(w);
	store_fixture_close(&f);
	remove_dir(dir);
}

/* One document can not be had, and the last answer of the poll is a good one:
 * it is asked for again soon, and not after the whole period. */
static void
test_watch_fetch_again(void **state)
{
	struct settings_watch *w = NULL;
	struct told t = { .ok = false };
	struct store_fixture f;
	char dir[64], out[100];

	(void)state;
	make_dir(dir);
	store_fixture_open(&f, 0);
	/* In this order: a small hash is listed as it was filled. */
	redis_server_cli(&f.server, "hset pn:{s}:revs shop 1 zoo 1", out,
	    sizeof(out));
	redis_server_cli(&f.server, "set pn:{s}:docs:shop wrong-type", out,
	    sizeof(out));
	redis_server_cli(&f.server, "hset pn:{s}:docs:zoo 1 {}", out,
	    sizeof(out));
	assert_int_equal(settings_watch_start(f.base, f.store, dir, NULL,
			     SLOWLY_MS, told, &t, &w),
	    0);
	store_fixture_run(&f, &t.ok);
	assert_string_equal(t.last, "tenant zoo: revision 1 in operation");
	t = (struct told){ .ok = false };
	redis_server_cli(&f.server, "del pn:{s}:docs:shop", out, sizeof(out));
	redis_server_cli(&f.server,
	    "hset pn:{s}:docs:shop 1 {\\\"title\\\":\\\"late\\\"}", out,
	    sizeof(out));
	store_fixture_run(&f, &t.ok);
	assert_string_equal(t.last, "tenant shop: revision 1 in operation");
	assert_title(w, "late");
	settings_watch_stop(w);
	store_fixture_close(&f);
	remove_dir(dir);
}

/* Runs the loop until the store has seen that Redis is there, or is not. */
static void
wait_for(struct store_fixture *f, bool up)
{
	int64_t until_us = clock_deadline_ms(20000);

	while (store_is_up(f->store) != up) {
		struct timeval tick = { 0, 10000 };

		assert_true(clock_mono_us() < until_us);
		(void)event_base_loopexit(f->base, &tick);
		(void)event_base_dispatch(f->base);
	}
}

static void
test_watch_without_redis(void **state)
{
	struct settings_watch *w = NULL;
	struct told t = { .ok = false };
	struct store_fixture f;
	char dir[64], path[100];

	(void)state;
	make_dir(dir);
	store_fixture_open(&f, 0);
	assert_int_equal(put(&f, SHOP, 0, "{\"title\":\"kept\"}"), 0);
	assert_int_equal(apply(&f, SHOP, "").revision, 1);
	assert_int_equal(settings_watch_start(f.base, f.store, dir, NULL,
			     SLOWLY_MS, told, &t, &w),
	    0);
	store_fixture_run(&f, &t.ok);
	settings_watch_stop(w);
	redis_server_kill(&f.server);
	wait_for(&f, false);
	/* From the disk, at once. */
	t = (struct told){ .ok = false };
	assert_int_equal(settings_watch_start(f.base, f.store, dir, NULL, 50,
			     told, &t, &w),
	    0);
	assert_true(t.ok);
	assert_title(w, "kept");
	/* An empty Redis takes nothing away; then a revision comes. */
	redis_server_restart(&f.server);
	t = (struct told){ .ok = false };
	wait_for(&f, true);
	assert_title(w, "kept");
	assert_int_equal(put(&f, SHOP, 0, "{}"), 0);
	assert_int_equal(apply(&f, SHOP, "").revision, 1);
	assert_int_equal(put(&f, SHOP, 1, "{\"title\":\"new\"}"), 0);
	assert_int_equal(apply(&f, SHOP, "").revision, 2);
	store_fixture_run(&f, &t.ok);
	settings_watch_stop(w);
	/* A broken file is told, and is no obstacle. */
	(void)snprintf(path, sizeof(path), "%s/settings.json", dir);
	assert_int_equal(truncate(path, 5), 0);
	t = (struct told){ .ok = false };
	assert_int_equal(settings_watch_start(f.base, f.store, dir, NULL, 50,
			     told, &t, &w),
	    0);
	assert_true(t.bad);
	store_fixture_run(&f, &t.ok);
	assert_title(w, "new");
	settings_watch_stop(w);
	store_fixture_close(&f);
	remove_dir(dir);
}

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void
assert_filter(struct settings_watch *w, const char *name)
{
	struct settings *s = settings_current(w);
	const struct shaping *all = settings_shaping(s);

	assert_int_equal(all->filter_count, name != NULL ? 1 : 0);
	if (name != NULL)
		assert_non_null(shaping_filter_named(all, slice_of(name)));
	settings_unref(s);
}

#define FILTER_FILE(name) \
	"{\"filters\":[{\"name\":\"" name "\",\"patterns\":[\".*\"]}]}"

static void
test_watch_providers(void **state)
{
	struct settings_watch *w = NULL;
	struct told t = { .ok = false };
	struct store_fixture f;
	char dir[64], path[100];

	(void)state;
	make_dir(dir);
	store_fixture_open(&f, 0);
	(void)snprintf(path, sizeof(path), "%s/providers.json", dir);
	assert_int_equal(settings_watch_start(f.base, f.store, dir, NULL,
			     SLOWLY_MS, told, &t, &w),
	    0);
	assert_int_equal(settings_watch_providers(w, path), ERR_NOTFOUND);
	assert_true(t.bad);
	assert_filter(w, NULL);
	write_file(path, FILTER_FILE("one"));
	assert_int_equal(settings_watch_providers(w, path), 0);
	assert_filter(w, "one");
	/* A broken one is told, and the last good one stays. */
	write_file(path, "{\"filters\":[\n{\"name\":}]}");
	t = (struct told){ .ok = false };
	assert_int_equal(settings_watch_providers(w, path), ERR_SYNTAX);
	assert_true(t.bad);
	assert_non_null(strstr(t.last, "line 2"));
	assert_non_null(strstr(t.last, "; the last good one stays"));
	write_file(path, FILTER_FILE("ONE"));
	assert_int_equal(settings_watch_providers(w, path), ERR_CONFIG);
	assert_non_null(strstr(t.last, "/filters/0/name must match"));
	assert_filter(w, "one");
	settings_watch_stop(w);
	/* Also over a restart. */
	assert_int_equal(settings_watch_start(f.base, f.store, dir, NULL,
			     SLOWLY_MS, told, &t, &w),
	    0);
	assert_filter(w, "one");
	assert_int_equal(settings_watch_providers(w, path), ERR_CONFIG);
	assert_filter(w, "one");
	/* None are wanted any more. */
	assert_int_equal(settings_watch_providers(w, ""), 0);
	assert_filter(w, NULL);
	assert_int_equal(unlink(path), 0);
	settings_watch_stop(w);
	store_fixture_close(&f);
	remove_dir(dir);
}

/* Before anybody is served: what Redis says, or that it does not. */
static void
test_watch_wait(void **state)
{
	struct settings_watch *w = NULL;
	struct told t = { .ok = false };
	struct store_fixture f;
	char dir[64];

	(void)state;
	make_dir(dir);
	store_fixture_open(&f, 0);
	/* None are settings, too. */
	assert_int_equal(settings_watch_start(f.base, f.store, dir, NULL,
			     SLOWLY_MS, told, &t, &w),
	    0);
	assert_false(settings_watch_known(w));
	settings_watch_wait(w, 20000);
	assert_true(settings_watch_known(w));
	settings_watch_stop(w);
	redis_server_kill(&f.server);
	wait_for(&f, false);
	assert_int_equal(settings_watch_start(f.base, f.store, dir, NULL, 50,
			     told, &t, &w),
	    0);
	settings_watch_wait(w, 20000);
	assert_false(settings_watch_known(w));
	redis_server_restart(&f.server);
	wait_for(&f, true);
	assert_int_equal(put(&f, SHOP, 0, "{\"title\":\"first\"}"), 0);
	assert_int_equal(apply(&f, SHOP, "").revision, 1);
	store_fixture_run(&f, &t.ok);
	assert_true(settings_watch_known(w));
	settings_watch_stop(w);
	t = (struct told){ .ok = false };
	assert_int_equal(settings_watch_start(f.base, f.store, dir, NULL,
			     SLOWLY_MS, told, &t, &w),
	    0);
	assert_true(settings_watch_known(w)); /* by the file */
	settings_watch_wait(w, 20000);
	assert_title(w, "first");
	settings_watch_stop(w);
	store_fixture_close(&f);
	remove_dir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_revisions),
		cmocka_unit_test(test_keeps_100),
		cmocka_unit_test(test_race),
		cmocka_unit_test(test_watch_publish),
		cmocka_unit_test(test_watch_poll_and_refuse),
		cmocka_unit_test(test_watch_fetch_again),
		cmocka_unit_test(test_watch_without_redis),
		cmocka_unit_test(test_watch_wait),
		cmocka_unit_test(test_watch_providers),
	};

	if (!redis_server_available()) {
		printf("1..0 # SKIP redis-server is not installed\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
