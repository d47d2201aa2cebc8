/* SPDX-License-Identifier: BSD-2-Clause */
/* The process that looks into mail. */
#include "milter/scan_worker.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "milter/scan_channel.h"
#include "milter/scan_clamav.h"
#include "milter/scan_confine.h"
#include "milter/scan_protocol.h"
#include "service/host_config.h"
#include "service/sandbox.h"
#include "util/err.h"

#define SOCK 3 /* scan_confine_descriptors */
/* libclamav's own use beside what it unpacks. */
#define MEMORY_SPARE (1024ULL * 1024 * 1024)

int
scan_worker_path(const struct host_config *config, unsigned number,
    char ret_path[SCAN_WORKER_PATH])
{
	int n = snprintf(ret_path, SCAN_WORKER_PATH, "%s/%u",
	    config->scan_temporary_directory, number);

	return n > 0 && n < SCAN_WORKER_PATH ? 0 : ERR_LIMIT;
}

static int
send_answer(const struct scan_answer *a, int fd)
{
	uint8_t octets[SCAN_ANSWER_MAX];
	size_t len = scan_answer_format(a, octets);

	return scan_channel_send(SOCK, octets, len, fd);
}

/* ret_lacks: what this kernel does not enforce. */
static int
confine(struct scan_clamav *clamav, const struct host_config *config,
    unsigned number, const char **ret_lacks)
{
	uint64_t scan = config->scan_max_scan_kb * 1024ULL;
	char path[SCAN_WORKER_PATH];
	int rc;

	if ((rc = scan_worker_path(config, number, path)) < 0)
		return rc;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return ERR_IO;
	if ((rc = scan_clamav_directory(clamav, path)) < 0 ||
	    (rc = scan_confine_limits(scan, 2 * scan + MEMORY_SPARE)) < 0)
		return rc;
	*ret_lacks = "";
	if (!config->sandbox)
		return 0;
	if ((rc = scan_confine_files(path)) < 0) {
		if (rc != ERR_UNAVAIL)
			return rc;
		*ret_lacks = "Landlock";
	}
	return sandbox_enter(SANDBOX_SCAN_WORKER);
}

static int
greet(struct scan_clamav *clamav, const struct host_config *config,
    unsigned number)
{
	struct scan_answer hello = { .outcome = SCAN_OUT_CLEAN };
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	const char *lacks;
	int rc;

	if (self < 0)
		return ERR_IO;
	(void)prctl(PR_SET_NAME, "scan-worker");
	rc = confine(clamav, config, number, &lacks);
	if (rc == 0) {
		scan_name_set(hello.name, slice_of(lacks));
		rc = send_answer(&hello, self);
	}
	(void)close(self);
	return rc;
}

static void
scan(struct scan_clamav *clamav, int fd, size_t size, struct scan_answer *a)
{
	void *at;

	a->outcome = SCAN_OUT_CLEAN;
	if (size == 0)
		return;
	at = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (at == MAP_FAILED) {
		a->outcome = SCAN_OUT_FAILED;
		scan_name_set(a->name, SLICE("no memory"));
		return;
	}
	scan_clamav_scan(clamav, at, size, a);
	(void)munmap(at, size);
}

/* False: it is over. */
static bool
serve_one(struct scan_clamav *clamav)
{
	char room[SCAN_REQUEST_LEN];
	struct scan_request request;
	struct scan_answer answer = { .name = "" };
	int fd = -1;
	ssize_t n = scan_channel_receive(SOCK, room, sizeof(room), &fd);

	if (n <= 0 || fd < 0 ||
	    scan_request_parse((struct slice){ room, (size_t)n }, &request) <=
		0)
		return false;
	answer.id = request.id;
	scan(clamav, fd, request.size, &answer);
	(void)close(fd);
	return send_answer(&answer, -1) == 0;
}

_Noreturn void
scan_worker_run(struct scan_clamav *clamav, const struct host_config *config,
    int sock, unsigned number)
{
	int rc = scan_confine_descriptors(sock);

	if (rc == 0)
		rc = greet(clamav, config, number);
	while (rc == 0 && serve_one(clamav))
		;
	_exit(rc == 0 ? EX_OK : EX_OSERR);
}
