/* SPDX-License-Identifier: BSD-2-Clause */
/* Telling the service manager how we are: sd_notify(3), and its watchdog. */
#include "service/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "util/number.h"

static int notify_fd = -1;

void
notify_open(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path != NULL ? strlen(path) : 0;

	if (len < 2 || len >= sizeof(un.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(un.sun_path, path, len);
	if (un.sun_path[0] == '@') /* an abstract name */
		un.sun_path[0] = '\0';
	notify_fd =
	    socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify_fd >= 0 &&
	    connect(notify_fd, (struct sockaddr *)&un,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		notify_close();
}

void
notify_send(const char *text)
{
	if (notify_fd >= 0)
		(void)send(notify_fd, text, strlen(text), MSG_NOSIGNAL);
}

void
notify_reloading(void)
{
	char text[80];
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(text, sizeof(text),
	    "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
	    (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	notify_send(text);
}

int64_t
notify_watchdog_us(void)
{
	const char *pid = getenv("WATCHDOG_PID"),
		   *usec = getenv("WATCHDOG_USEC");
	uint64_t n;

	if (usec == NULL ||
	    number_parse(slice_of(usec), 1, INT64_MAX / 2, &n) < 0)
		return 0;
	int64_t every_us = (int64_t)n;
	if (pid != NULL && (number_parse(slice_of(pid), 1, INT32_MAX, &n) < 0 ||
			       n != (uint64_t)getpid()))
		return 0;
	return every_us;
}

void
notify_close(void)
{
	if (notify_fd >= 0)
		(void)close(notify_fd);
	notify_fd = -1;
}
