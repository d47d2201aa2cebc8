/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages kept whole: in a buffer, in a memfd, and sealed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "milter/body.h"
#include "util/err.h"

#define HEADER "Subject: a\r\n b\r\n\tc\r\nTo:d\r\n\r\n"

static void
begin(struct message *msg)
{
	assert_int_equal(message_init(msg), 0);
	assert_int_equal(message_add_field(msg, SLICE("Subject"),
			     SLICE("a\n b\r\n\tc")),
	    0);
	assert_int_equal(message_add_field(msg, SLICE("X-Postern-Copy"),
			     SLICE("x")),
	    0);
	assert_int_equal(message_add_field(msg, SLICE("To"), SLICE("d")), 0);
	msg->fields[2].tight = true;
	message_delete_field(msg, 1);
	msg->body = body_new(msg);
	assert_non_null(msg->body);
}

static void
check_fd(struct message *msg, struct slice body)
{
	size_t size = 0, header = sizeof(HEADER) - 1;
	int fd = -1;

	assert_int_equal(message_kept_fd(msg, &fd, &size), 0);
	assert_int_equal(size, header + body.len);
	char *all = malloc(size);
	assert_non_null(all);
	assert_int_equal(pread(fd, all, size, 0), size);
	assert_memory_equal(all, HEADER, header);
	assert_memory_equal(all + header, body.at, body.len);
	free(all);
	/* Sealed: whoever gets it can not change it. */
	assert_int_equal(fcntl(fd, F_GET_SEALS),
	    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 0), -1);
}

/* Both ways to see it, each first. */
static void
check(struct slice body, size_t piece)
{
	for (int order = 0; order < 2; order++) {
		struct message msg;
		struct slice got, rest = body;

		begin(&msg);
		while (rest.len > 0) {
			size_t n = rest.len < piece ? rest.len : piece;

			body_add(msg.body, (struct slice){ rest.at, n });
			rest = slice_skip(rest, n);
		}
		if (order == 0)
			check_fd(&msg, body);
		assert_int_equal(message_kept_body(&msg, &got), 0);
		assert_int_equal(got.len, body.len);
		assert_memory_equal(got.at, body.at, body.len);
		check_fd(&msg, body);
		assert_memory_equal(got.at, body.at, body.len);
		message_done(&msg);
	}
}

static void
test_kept(void **state)
{
	const size_t most = 2000000;
	char *large = malloc(most);

	(void)state;
	assert_non_null(large);
	for (size_t i = 0; i < most; i++)
		large[i] = (char)(i * 31 % 251);
	check(SLICE(""), 1);
	check(SLICE("abc\r\ndef"), 1);
	check(SLICE("\0\0"), 2);
	check((struct slice){ large, 65535 }, 65535);
	check((struct slice){ large, 256 * 1024 }, 65535);
	check((struct slice){ large, most }, 65535);
	check((struct slice){ large, most }, most);
	free(large);
}

static void
test_not_kept(void **state)
{
	struct message msg;
	struct slice body;
	size_t size;
	int fd;

	(void)state;
	assert_int_equal(message_init(&msg), 0);
	assert_int_equal(message_kept_fd(&msg, &fd, &size), ERR_UNAVAIL);
	assert_int_equal(message_kept_body(&msg, &body), ERR_UNAVAIL);
	message_done(&msg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
